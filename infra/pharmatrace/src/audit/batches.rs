//! The documents of batches: outside of the table, and what its decisions name.

use store::audit::{Audit, Invariant};
use store::closing::content_sha256;
use store::{Objects, StoreError};

/// Reads every document of every decision again, as JSON and as a page.
pub(super) async fn check(objects: &Objects, audit: &mut Audit) -> Result<(), StoreError> {
    for closing in std::mem::take(&mut audit.closings_seen) {
        for (html, sha) in [(false, &closing.document.json), (true, &closing.document.html)] {
            let detail = match objects.batch_fetch(&closing, html).await? {
                None => "is missing",
                Some(bytes) => {
                    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    audit.objects = audit.objects.saturating_add(1);
                    audit.object_bytes = audit.object_bytes.saturating_add(length);
                    if content_sha256(&bytes) == *sha {
                        continue;
                    }
                    "was changed: its bytes have another hash than its decision says"
                }
            };
            audit.breach(Invariant::Evident, closing.object_key(html), detail);
        }
    }
    Ok(())
}
