//! Fills a new, empty stack from the table and the buckets of another one; see infra/restore.md.
//!
//! - Items are put where there are none and never over others; those that make the new hub work come last.
//! - Kept documents, reports, imported numbers and exports are copied under their keys.
//! - I1: numbers that the lost stack handed out after the point of the copy are in no item of it. So every
//!   pool comes with its cursor moved, and nothing of it is offered again (`store::restore`).
//! - I6: deliveries that the copied table does not know are delivered again, last of all.
//!
//! Run again after a break it goes on: what is there already, the same, is left as it is.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use indicatif::ProgressBar;
use serde::Serialize;
use store::item::Item;
use store::notice_sweep::Position;
use store::restore::{Passed, Restoring, is_own, wakes};
use store::time::rfc3339_ms;
use store::{Objects, Store, StoreError};
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

use crate::error::CommandError;
use crate::hub::Hub;
use crate::wiring::actor;

/// Items that are put at the same time.
const PUTS_AT_ONCE: usize = 32;

/// What is copied.
#[derive(Debug, Clone)]
pub struct Source {
    /// The table, or one that was restored from it.
    pub store: Store,
    /// The buckets.
    pub objects: Objects,
}

impl Source {
    /// The table (or the given one instead) and the buckets of a hub.
    ///
    /// # Errors
    /// As [`Hub::settings`].
    pub async fn of(hub: &Hub, table: Option<&str>) -> Result<Self, CommandError> {
        let mut store = hub.store().await?;
        if let Some(table) = table {
            store = store.over_copy(table);
        }
        Ok(Self { store, objects: hub.objects().await? })
    }
}

/// A restore.
#[derive(Debug, Clone)]
pub struct Copy {
    /// Where from.
    pub source: Source,
    /// Where to.
    pub to: (Store, Objects),
    /// A folder with room for the largest object.
    pub scratch: PathBuf,
}

/// What a restore did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Items of the source.
    pub items: u64,
    /// Objects copied, and their bytes.
    pub objects: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Pools.
    pub pools: u64,
    /// Numbers that were skipped in them.
    pub skipped: u64,
    /// Pools that offered numbers again, and do not any more.
    pub reoffers_no_more: u64,
    /// Runs of numbers that were to be offered again, and are not.
    pub withdrawn: u64,
    /// The webhook was set in the copy, and is to be set anew.
    pub webhook_is_off: bool,
    /// Deliveries that were delivered again.
    pub redelivered: u64,
}

impl Done {
    fn add(&mut self, passed: Passed) {
        if let Some(skipped) = passed.skipped {
            self.pools = self.pools.saturating_add(1);
            self.skipped = self.skipped.saturating_add(skipped);
        }
        self.reoffers_no_more =
            self.reoffers_no_more.saturating_add(passed.reoffers_no_more.into());
        self.withdrawn = self.withdrawn.saturating_add(passed.is_withdrawn.into());
        self.webhook_is_off |= passed.is_switched_off;
    }

    /// What somebody has to do, and know, before the new stack goes to work.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.reoffers_no_more > 0 {
            remarks.push(format!(
                "{} pools offered numbers again: they do not any more, {} runs are withdrawn",
                self.reoffers_no_more, self.withdrawn
            ));
        }
        if self.webhook_is_off {
            remarks.push("the webhook is off: set it anew, its receiver gets a new secret".into());
        }
        remarks
    }
}

impl Copy {
    /// Copies everything and skips `skip` numbers in each pool.
    ///
    /// # Errors
    /// If a store fails, or the target is in use.
    pub async fn run(&self, skip: u64, now: OffsetDateTime) -> Result<Done, CommandError> {
        let (bar, mut done) = (ProgressBar::new_spinner(), Done::default());
        // First of all, so that a target in use is told before anything of it changes.
        bar.set_message("copying the table");
        self.table((false, skip, now), &mut done, &bar).await?;
        bar.set_message("copying the documents");
        let (from, to) = (&self.source.objects.buckets, &self.to.1.buckets);
        for (from, to, prefix) in [
            (&from.documents, &to.documents, "documents/"),
            (&from.documents, &to.documents, "reports/"),
            (&from.documents, &to.documents, "batches/"),
            (&from.documents, &to.documents, "lists/"),
            (&from.documents, &to.documents, "reservations/"),
            (&from.outbound, &to.outbound, "outbound/"),
        ] {
            self.bucket((from, to, prefix), &mut done, &bar).await?;
        }
        self.table((true, skip, now), &mut done, &bar).await?;
        self.anchors(&mut done).await?;
        bar.set_message("delivering again");
        self.redeliver(&mut done, &bar).await?;
        bar.finish_and_clear();
        Ok(done)
    }

    async fn table(
        &self,
        (waking, skip, now): (bool, u64, OffsetDateTime),
        done: &mut Done,
        bar: &ProgressBar,
    ) -> Result<(), StoreError> {
        let (from, actor, now) = (self.source.store.clone(), actor(), rfc3339_ms(now));
        let restoring = Arc::new(Restoring { from, skip, actor, now });
        let mut tasks: JoinSet<Result<Passed, StoreError>> = JoinSet::new();
        let mut start = None;
        loop {
            let (items, next) = self.source.store.everything(start).await?;
            let wanted = |item: &Item| !is_own(item) && wakes(item) == waking;
            for item in items.into_iter().filter(wanted) {
                if tasks.len() >= PUTS_AT_ONCE {
                    done.add(put(&mut tasks).await?);
                }
                let (to, restoring) = (self.to.0.clone(), Arc::clone(&restoring));
                tasks.spawn(async move { to.restore_item_of(item, &restoring).await });
                done.items = done.items.saturating_add(1);
                bar.inc(1);
            }
            start = next;
            if start.is_none() {
                break;
            }
        }
        while !tasks.is_empty() {
            done.add(put(&mut tasks).await?);
        }
        Ok(())
    }

    /// The anchors of the days that are sealed in the copy; later ones would contradict its own seals.
    async fn anchors(&self, done: &mut Done) -> Result<(), CommandError> {
        let (from, to) = (&self.source.objects.buckets.documents, &self.to.1.buckets.documents);
        let mut after = None;
        loop {
            let page = self.to.0.seal_list(after.as_deref()).await?;
            for seal in page.items {
                let bytes = self.object((from, &seal.anchor_key(), None), to).await?;
                done.objects = done.objects.saturating_add(1);
                done.bytes = done.bytes.saturating_add(bytes);
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn bucket(
        &self,
        of: (&str, &str, &str),
        done: &mut Done,
        bar: &ProgressBar,
    ) -> Result<(), CommandError> {
        let (from, to, prefix) = of;
        let s3 = &self.source.objects.s3;
        let mut pages = s3.list_objects_v2().bucket(from).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("ListObjectsV2", &error))?;
            for key in page.contents().iter().filter_map(|object| object.key()) {
                let bytes = self.object((from, key, None), to).await?;
                done.objects = done.objects.saturating_add(1);
                done.bytes = done.bytes.saturating_add(bytes);
                bar.inc(1);
            }
        }
        Ok(())
    }

    /// Copies an object through a file, which S3 can be given again when it asks; its size.
    async fn object(
        &self,
        from: (&str, &str, Option<&str>),
        to: &str,
    ) -> Result<u64, CommandError> {
        let (bucket, key, version) = from;
        let get = self.source.objects.s3.get_object().bucket(bucket).key(key);
        let get = get.set_version_id(version.map(str::to_owned)).send().await;
        let mut object = get.map_err(|error| failed("GetObject", &error))?;
        let part = Part::new(&self.scratch);
        let io = || CommandError::io(part.0.display().to_string());
        let mut file = tokio::fs::File::create(&part.0).await.map_err(io())?;
        let mut bytes = 0_u64;
        let mut body = pin!(std::mem::take(&mut object.body));
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| CommandError::Failed(format!("{key}: {error}")))?;
            bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            file.write_all(&chunk).await.map_err(io())?;
        }
        file.flush().await.map_err(io())?;
        let body = ByteStream::from_path(&part.0).await;
        let body = body.map_err(|error| CommandError::Failed(format!("{key}: {error}")))?;
        let put = self.to.1.s3.put_object().bucket(to).key(key).body(body);
        let put = put
            .set_content_type(object.content_type)
            .set_content_encoding(object.content_encoding)
            .set_content_disposition(object.content_disposition)
            .set_metadata(object.metadata);
        put.send().await.map_err(|error| failed("PutObject", &error))?;
        Ok(bytes)
    }

    /// Delivers what the copied table does not know of.
    async fn redeliver(&self, done: &mut Done, bar: &ProgressBar) -> Result<(), CommandError> {
        let mut from = Position::default();
        loop {
            let (listed, next) = self.source.objects.inbound_versions(&from).await?;
            for object in listed {
                let notice = object.notice;
                let Some(system) = notice.system() else { continue };
                let arrival = notice.arrival(&system, "").hash();
                if self.to.0.arrival_document(&arrival).await?.is_none() {
                    let version = Some(&*notice.version_id).filter(|version| !version.is_empty());
                    let source = (&*notice.bucket, &*notice.key, version);
                    self.object(source, &self.to.1.buckets.inbound).await?;
                    done.redelivered = done.redelivered.saturating_add(1);
                    bar.inc(1);
                }
            }
            let Some(next) = next else { return Ok(()) };
            from = next;
        }
    }
}

/// A file that goes when it is not needed any more.
struct Part(PathBuf);

impl Part {
    fn new(folder: &Path) -> Self {
        Self(folder.join(format!("pharmatrace-restore-{}.part", std::process::id())))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!("{}: {error}", self.0.display());
        }
    }
}

async fn put(tasks: &mut JoinSet<Result<Passed, StoreError>>) -> Result<Passed, StoreError> {
    match tasks.join_next().await {
        None => Ok(Passed::default()),
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(StoreError::Unavailable {
            operation: "restoring an item",
            detail: error.to_string(),
        }),
    }
}

fn failed<E: ProvideErrorMetadata + std::error::Error>(call: &str, error: &E) -> CommandError {
    let code = error
        .code()
        .map_or_else(|| aws_sdk_s3::error::DisplayErrorContext(error).to_string(), str::to_owned);
    CommandError::Failed(format!("{call}: {code}"))
}
