//! The anchors of sealed days: outside of the table, and saying the same.

use std::collections::BTreeSet;

use store::audit::{Audit, Invariant};
use store::{Objects, StoreError};

/// Compares every seal of the table with its anchor, and looks for anchors whose seal is gone.
pub(super) async fn check(objects: &Objects, audit: &mut Audit) -> Result<(), StoreError> {
    let bucket = &*objects.buckets.documents;
    let mut known = BTreeSet::new();
    for seal in audit.seals.clone() {
        let key = seal.anchor_key();
        let detail = match objects.get_small(bucket, &key).await? {
            None => Some("is missing"),
            Some(found) if found != seal.anchor() => {
                Some("says something else than the seal of its day")
            }
            Some(_) => None,
        };
        if let Some(detail) = detail {
            audit.breach(Invariant::Evident, key.as_str(), detail);
        }
        known.insert(key);
    }
    for key in objects.anchor_keys().await? {
        if !known.contains(&key) {
            audit.breach(Invariant::Evident, key, "has no seal in the table");
        }
    }
    Ok(())
}
