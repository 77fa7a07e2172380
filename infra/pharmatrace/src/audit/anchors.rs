//! The anchors of sealed days: outside of the table, and saying the same.

use store::audit::{Audit, Invariant};
use store::{Objects, StoreError};

/// Compares every seal of the table with its anchor.
pub(super) async fn check(objects: &Objects, audit: &mut Audit) -> Result<(), StoreError> {
    for seal in audit.seals.clone() {
        let key = seal.anchor_key();
        let detail = match objects.get_small(&objects.buckets.documents, &key).await? {
            None => "is missing",
            Some(found) if found != seal.anchor() => "says something else than the seal of its day",
            Some(_) => continue,
        };
        audit.breach(Invariant::Evident, key, detail);
    }
    Ok(())
}
