//! The numbers of a new allocation as a file under the line system's own prefix.

use domain::allocation::{Allocation, AllocationStatus, Reuse};
use linefiles::{Export, FileKind, Format, Profile};
use store::StoreError;
use store::system::System;
use store::time::rfc3339_ms;
use time::OffsetDateTime;

use crate::Hub;

/// The largest file written while the caller waits, bytes: about 20,000 numbers. A larger one is written in
/// the background.
const DROP_BYTES_MAX: u64 = 4_000_000;
/// What is dropped.
const KIND: FileKind = FileKind { profile: Profile::Full, format: Format::Csv, gzip: false };

/// Puts the file once, or asks for it. A failure does not undo the reservation: it is logged, the same
/// request sent again drops the file again, and so does the export route.
pub(crate) async fn drop_file(hub: &Hub, system: &System, allocation: &Allocation) {
    let held = allocation.status == AllocationStatus::PendingConfirmation;
    // I1: what was given back may belong to others.
    if held || allocation.status.is_given_up() || allocation.reuse == Reuse::Gave {
        return;
    }
    if let Err(error) = dropped(hub, allocation, hub.clock.now()).await {
        tracing::warn!(allocation.id = %allocation.id, system = %system.id, %error, "no file dropped");
    }
}

async fn dropped(
    hub: &Hub,
    allocation: &Allocation,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let (numbering, _) = hub.store.numbering_outline(&hub.objects, allocation).await?;
    let export = Export::of(allocation, &numbering, KIND);
    let key = export.key();
    if export.byte_count() <= DROP_BYTES_MAX {
        let manifest = |published: &store::publish::Published| {
            export.manifest(&published.sha256, &rfc3339_ms(now))
        };
        let kind = export.content_type();
        let whole = hub.store.numbering_whole(&hub.objects, allocation).await?;
        let export = export.over(&whole);
        return hub.objects.publish_once(&key, kind, || export.to_bytes(), manifest).await;
    }
    if !hub.objects.is_published(&key).await? {
        let file = KIND.to_string();
        hub.jobs.export_ask(&hub.store, (&allocation.id, &file), now).await?;
    }
    Ok(())
}
