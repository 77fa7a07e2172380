//! `pharmatrace audit`: proves I1, I2, I4, I6, I11 and the postings from the table and the documents alone.
//!
//! It reads only, and may run while the hub is at work. `store::audit` goes through the table; then every
//! kept document is hashed and read again, and what it says is compared with its postings and its report.
//! With `--json` it prints one object, else a line per breach and a summary; progress goes to stderr.

mod anchors;
mod batches;
mod changes;
mod compare;
mod documents;
mod kept;
mod owners;
mod reread;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use store::audit::{Audit, Breach, Unchecked};
use store::{Objects, Store, StoreError};
use tokio::task::JoinSet;

use crate::error::CommandError;
use crate::hub::Hub;
use crate::wiring::print_line;
use documents::Documents;

/// Documents that are read at the same time; each may need as much memory as reconciling it did.
const AT_ONCE: usize = 4;

/// What the audit says to machines.
#[derive(Debug, Serialize)]
struct Shown {
    holds: bool,
    /// Only the table was looked at.
    table_only: bool,
    pools: u64,
    ranges: u64,
    /// Indexes and their counts are strings, as everywhere.
    numbers: String,
    void: String,
    open_entries: u64,
    allocations: u64,
    blocks: u64,
    postings: u64,
    documents: u64,
    audit_records: u64,
    /// Spaces of random numbers, and how many of their keys were opened.
    spaces: u64,
    space_keys_opened: u64,
    /// What was not looked at for want of a key: nothing is proved of these.
    not_checked: Vec<ShownKey>,
    /// Days of audit records that are sealed.
    sealed_days: usize,
    /// Kept objects that were read again, and their bytes.
    objects: u64,
    object_bytes: u64,
    breaches: Vec<ShownBreach>,
}

#[derive(Debug, Serialize)]
struct ShownKey {
    subject: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct ShownBreach {
    invariant: &'static str,
    subject: String,
    detail: String,
}

/// Proves the invariants, with `table_only` from the table alone; `true` if none is broken.
///
/// # Errors
/// If the hub cannot be read.
pub async fn run(hub: &Hub, table_only: bool, json: bool) -> Result<bool, CommandError> {
    let (store, bar) = (hub.store().await?, ProgressBar::new_spinner());
    let audit = if table_only {
        bar.set_message("reading the table");
        bar.enable_steady_tick(TICK);
        store.audit().await?
    } else {
        whole(&store, &hub.objects().await?, &bar).await?
    };
    bar.finish_and_clear();
    let holds = audit.breaches.is_empty();
    if json {
        let line = serde_json::to_string(&shown(audit, table_only));
        print_line(&line.map_err(|error| CommandError::Failed(error.to_string()))?)?;
    } else {
        for line in report(&audit) {
            print_line(&line)?;
        }
    }
    Ok(holds)
}

const TICK: Duration = Duration::from_millis(120);

/// Audits a hub whole, without showing how far it has come.
///
/// # Errors
/// If the hub cannot be read.
pub async fn quiet(hub: &Hub) -> Result<Audit, CommandError> {
    let (store, objects) = (hub.store().await?, hub.objects().await?);
    Ok(books(&store, &objects).await?)
}

/// The same of a table and buckets wherever they are.
///
/// # Errors
/// If they cannot be read.
pub async fn books(store: &Store, objects: &Objects) -> Result<Audit, StoreError> {
    whole(store, objects, &ProgressBar::hidden()).await
}

/// Audits the table, then every document next to what is kept of it.
///
/// # Errors
/// If table or buckets cannot be read.
async fn whole(store: &Store, objects: &Objects, bar: &ProgressBar) -> Result<Audit, StoreError> {
    bar.set_message("reading the table");
    bar.enable_steady_tick(TICK);
    let mut audit = store.audit().await?;
    let raws: Arc<BTreeSet<String>> = Arc::new(std::mem::take(&mut audit.raws_seen));
    let seen = std::mem::take(&mut audit.documents_seen);
    let total = seen.len().saturating_add(raws.len());
    bar.set_length(u64::try_from(total).unwrap_or(u64::MAX));
    bar.set_message("reading the documents");
    if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} {wide_bar} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let documents = Documents { store: store.clone(), objects: objects.clone(), raws };
    let mut tasks: JoinSet<Result<Audit, StoreError>> = JoinSet::new();
    for sha in &seen {
        room(&mut tasks, AT_ONCE, (&mut audit, bar)).await?;
        let (documents, sha) = (documents.clone(), sha.clone());
        tasks.spawn(async move { documents.check(&sha).await });
    }
    for raw in &*documents.raws {
        room(&mut tasks, AT_ONCE, (&mut audit, bar)).await?;
        let (documents, raw) = (documents.clone(), raw.clone());
        tasks.spawn(async move { documents.check_raw(&raw).await });
    }
    room(&mut tasks, 1, (&mut audit, bar)).await?;
    anchors::check(objects, &mut audit).await?;
    batches::check(objects, &mut audit).await?;
    audit.sort();
    Ok(audit)
}

/// Waits until fewer than `max` tasks are left, and takes what the others found.
async fn room(
    tasks: &mut JoinSet<Result<Audit, StoreError>>,
    max: usize,
    to: (&mut Audit, &ProgressBar),
) -> Result<(), StoreError> {
    let (audit, bar) = to;
    while tasks.len() >= max {
        let Some(outcome) = tasks.join_next().await else { break };
        let part = outcome.map_err(|error| StoreError::Unavailable {
            operation: "reading a document",
            detail: error.to_string(),
        })?;
        audit.merge(part?);
        bar.inc(1);
    }
    Ok(())
}

fn shown(audit: Audit, table_only: bool) -> Shown {
    let breach = |breach: Breach| ShownBreach {
        invariant: breach.invariant.id(),
        subject: breach.subject,
        detail: breach.detail,
    };
    let key = |key: Unchecked| ShownKey { subject: key.subject, why: key.why };
    Shown {
        holds: audit.breaches.is_empty(),
        table_only,
        pools: audit.pools,
        ranges: audit.ranges,
        numbers: audit.numbers.to_string(),
        void: audit.void.to_string(),
        open_entries: audit.open,
        allocations: audit.allocations,
        blocks: audit.blocks,
        postings: audit.postings,
        documents: audit.documents,
        audit_records: audit.records,
        spaces: audit.spaces,
        space_keys_opened: audit.keys_opened,
        not_checked: audit.unchecked.into_iter().map(key).collect(),
        sealed_days: audit.seals.len(),
        objects: audit.objects,
        object_bytes: audit.object_bytes,
        breaches: audit.breaches.into_iter().map(breach).collect(),
    }
}

/// The audit in lines for people: every breach, then what was looked at.
#[must_use]
pub fn report(audit: &Audit) -> Vec<String> {
    let mut lines: Vec<String> = audit
        .breaches
        .iter()
        .map(|breach| format!("{}  {}  {}", breach.invariant.id(), breach.subject, breach.detail))
        .collect();
    lines.push(format!(
        "{} pools, {} ranges, {} numbers below the cursors of which {} void, {} open entries",
        audit.pools, audit.ranges, audit.numbers, audit.void, audit.open
    ));
    lines.push(format!(
        "{} allocations, {} ledger blocks, {} postings, {} documents",
        audit.allocations, audit.blocks, audit.postings, audit.documents
    ));
    lines.push(format!("{} audit records, {} sealed days", audit.records, audit.seals.len()));
    if audit.objects > 0 {
        let (objects, bytes) = (audit.objects, audit.object_bytes);
        lines.push(format!("{objects} kept objects read again, {bytes} bytes"));
    }
    if audit.spaces > 0 {
        let (opened, all) = (audit.keys_opened, audit.spaces);
        lines.push(format!("{opened} of the keys of {all} spaces opened"));
    }
    let unchecked = &audit.unchecked;
    lines.extend(unchecked.iter().map(|one| format!("NOT CHECKED  {}  {}", one.subject, one.why)));
    let but = match unchecked.len() {
        0 => String::new(),
        count => format!(" wherever it was looked; {count} NOT CHECKED"),
    };
    lines.push(match audit.breaches.len() {
        0 if audit.objects > 0 => format!("I1, I2, I4, I6, I11 and the postings hold{but}"),
        0 => format!("I1, I2, I4, I11 and the postings hold{but}"),
        count => format!("{count} breaches"),
    });
    lines
}

#[cfg(test)]
mod tests {
    use store::audit::Invariant;

    use super::*;

    fn broken() -> Audit {
        let mut audit = Audit::default();
        audit.breaches.push(Breach {
            invariant: Invariant::Accounted,
            subject: "POOL#P".into(),
            detail: "numbers 3 to 4 are in no record".into(),
        });
        audit
    }

    #[test]
    fn breaches_come_first_and_are_counted() {
        let lines = report(&broken());
        assert_eq!(lines[0], "I2  POOL#P  numbers 3 to 4 are in no record");
        assert_eq!(lines.last().unwrap(), "1 breaches");
        let lines = report(&Audit::default());
        assert_eq!(lines.last().unwrap(), "I1, I2, I4, I11 and the postings hold");
    }

    #[test]
    fn a_key_that_nobody_could_open_is_said_to_be_unchecked() {
        let why = "KMS Decrypt failed: AccessDeniedException".to_owned();
        let key = Unchecked { subject: "GTIN#1/SPACE#2".into(), why };
        let mut audit = Audit::default();
        audit.unchecked.push(key);
        (audit.spaces, audit.keys_opened) = (2, 1);
        let lines = report(&audit).join("\n");
        assert!(lines.contains("1 of the keys of 2 spaces opened"), "{lines}");
        assert!(lines.contains("NOT CHECKED  GTIN#1/SPACE#2  KMS Decrypt"), "{lines}");
        let value = serde_json::to_value(shown(audit, false)).unwrap();
        assert!(lines.ends_with("hold wherever it was looked; 1 NOT CHECKED"), "{lines}");
        assert_eq!(value["not_checked"][0]["subject"], "GTIN#1/SPACE#2");
    }

    #[test]
    fn machines_are_told_whether_everything_holds() {
        let value = serde_json::to_value(shown(broken(), false)).unwrap();
        assert_eq!(value["holds"], false);
        assert_eq!(value["breaches"][0]["invariant"], "I2");
        assert_eq!(serde_json::to_value(shown(Audit::default(), true)).unwrap()["holds"], true);
    }
}
