//! The documents of a hub next to its kept bytes and its table.
//!
//! - I6: every received document is kept under the SHA-256 of its bytes and inflates to its name.
//! - I5: a posting is what its document says about a block, no more and no less; what a document says of
//!   numbers reserved for its sender is posted, or a finding says why not; its report tells the same.
//!
//! A document that is still at work may lack postings, and what looks broken is read again, as in the audit
//! of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::AllocationId;
use domain::ledger::{Draft, Posting};
use serde_json::Value;
use store::audit::{Audit, Invariant, LOOKS, Unchecked};
use store::block::Place;
use store::document::{Document, DocumentStatus};
use store::number_change;
use store::{Objects, Store, StoreError};
use tokio::runtime::Handle;

use super::compare::{Names, differences, excused};
use super::kept::{self, Reading};
use super::owners::Owners;
use super::reread::Reread;

/// Goes through the documents of a table and its buckets.
#[derive(Debug, Clone)]
pub struct Documents {
    /// The table.
    pub store: Store,
    /// The buckets.
    pub objects: Objects,
    /// The names under which received bytes are kept, as the table knows them.
    pub raws: Arc<BTreeSet<String>>,
}

/// Posted blocks of a document, by allocation and block.
pub(super) type Places = BTreeSet<(AllocationId, u32)>;

impl Documents {
    /// Audits a document with everything that is kept of it.
    ///
    /// # Errors
    /// When table or buckets cannot be read; broken items are breaches, not errors.
    pub async fn check(&self, sha: &str) -> Result<Audit, StoreError> {
        let (mut audit, mut wrong) = (Audit::default(), Vec::new());
        for _ in 0..LOOKS {
            wrong.clear();
            let fetched = self.store.document_fetch(sha).await;
            let Some(Some(document)) = audit.readable(fetched)? else { break };
            match self.look(&document, &mut audit, &mut wrong).await {
                Ok(()) if wrong.is_empty() => break,
                Ok(()) => {}
                Err(error) if error.is_of_the_key_service() => {
                    let (subject, why) = (format!("DOC#{sha}"), error.to_string());
                    audit.unchecked.push(Unchecked { subject, why });
                    break;
                }
                // What it names cannot be looked up, for something there cannot be read.
                Err(error) => {
                    audit.readable::<()>(Err(error))?;
                    break;
                }
            }
        }
        for (invariant, subject, detail) in wrong {
            audit.breach(invariant, subject, detail);
        }
        Ok(audit)
    }

    /// Audits the bytes of another transmission of a document, such as its compressed copy.
    ///
    /// # Errors
    /// As [`Documents::check`].
    pub async fn check_raw(&self, raw: &str) -> Result<Audit, StoreError> {
        let (mut audit, mut wrong) = (Audit::default(), Vec::new());
        // The name of the bytes is written before their document: a delivery that died in between is
        // still in its queue, and no breach.
        let found = audit.readable(self.store.document_find(raw).await)?.flatten();
        // Its first bytes are read together with the document.
        let other = found.filter(|document| document.raw_sha256.as_deref() != Some(raw));
        if let Some(document) = other {
            let content = &document.content_sha256;
            self.bytes(raw, content, None, (&mut audit, &mut wrong)).await?;
        }
        for (invariant, subject, detail) in wrong {
            audit.breach(invariant, subject, detail);
        }
        Ok(audit)
    }

    async fn look(
        &self,
        document: &Document,
        audit: &mut Audit,
        wrong: &mut Wrong,
    ) -> Result<(), StoreError> {
        let sha = document.content_sha256.as_str();
        let Some(runs) = audit.readable(self.store.plan_list(sha).await)? else { return Ok(()) };
        let mut planned = Places::new();
        for run in runs {
            planned.extend((run.first..=run.last).map(|block| (run.allocation.clone(), block)));
        }
        let Some(raw) = &document.raw_sha256 else {
            if is_applied(document) || !planned.is_empty() {
                let detail = "is said to be applied, but none of its bytes were received";
                wrong.push((Invariant::Kept, format!("DOC#{sha}"), detail.to_owned()));
            }
            return Ok(());
        };
        // What is named by its bytes as they came needs no other way to it.
        if raw != sha && !self.raws.contains(raw) {
            let detail = format!("the name of its bytes, {raw}, does not lead to it");
            wrong.push((Invariant::Kept, format!("DOC#{sha}"), detail));
        }
        if document.kind == number_change::KIND {
            self.bytes(raw, sha, None, (audit, wrong)).await?;
            let tallies = self.change(document, planned, (audit, wrong)).await?;
            if let Some(tallies) = tallies.filter(|_| is_settled(document)) {
                self.report(document, &tallies, wrong).await?;
            }
            return Ok(());
        }
        // What was refused names nothing that counts, and may be beyond every limit.
        let counts = is_applied(document) || !planned.is_empty();
        let reread = counts.then(|| {
            Reread::new(Owners::new((self.store.clone(), self.objects.clone()), Handle::current()))
        });
        let read = self.bytes(raw, sha, reread, (audit, wrong)).await?;
        let tallies = match read.and_then(|reading| reading.said) {
            Some(Ok(reread)) => self.postings(document, planned, &reread, (audit, wrong)).await?,
            Some(Err(detail)) if is_applied(document) => {
                let detail = format!("was applied, but cannot be read: {detail}");
                wrong.push((Invariant::Posted, format!("DOC#{sha}"), detail));
                return Ok(());
            }
            Some(Err(_)) | None => return Ok(()),
        };
        if is_settled(document) {
            self.report(document, &tallies, wrong).await?;
        }
        Ok(())
    }

    /// The kept bytes under a name; whatever is wrong with them is told.
    async fn bytes(
        &self,
        raw: &str,
        content: &str,
        reread: Option<Reread>,
        to: (&mut Audit, &mut Wrong),
    ) -> Result<Option<Reading>, StoreError> {
        let (audit, wrong) = to;
        let subject = format!("documents/{raw}");
        let Some(reading) = kept::read(&self.objects, raw, reread).await? else {
            wrong.push((Invariant::Kept, subject, format!("of {content} is missing")));
            return Ok(None);
        };
        audit.objects = audit.objects.saturating_add(1);
        audit.object_bytes = audit.object_bytes.saturating_add(reading.bytes);
        if reading.raw_sha256 != raw {
            let detail = format!("was changed: its bytes have the hash {}", reading.raw_sha256);
            wrong.push((Invariant::Kept, subject, detail));
        } else if reading.content_sha256 != content && content != raw {
            // What was never read is named by its bytes as they came.
            let detail = format!("inflates to {}, not to {content}", reading.content_sha256);
            wrong.push((Invariant::Kept, subject, detail));
        }
        Ok(Some(reading))
    }

    /// Every posting of a document next to what the document says; what its postings add up to.
    async fn postings(
        &self,
        document: &Document,
        planned: Places,
        reread: &Reread,
        to: (&mut Audit, &mut Wrong),
    ) -> Result<Tallies, StoreError> {
        let (audit, wrong) = to;
        let sha = document.content_sha256.as_str();
        let mut said: BTreeMap<(AllocationId, u32), (usize, &Draft)> = BTreeMap::new();
        for ((number, block), draft) in reread.blocks.iter().filter(|(_, draft)| !draft.is_empty())
        {
            let allocation = reread.owners.allocation(*number);
            let sent = allocation.is_some_and(|a| document.judgement(&a.system_id).is_some());
            if let Some(allocation) = allocation.filter(|_| sent) {
                said.insert((allocation.id.clone(), *block), (*number, draft));
            }
        }
        let mut names = None;
        let mut tallies = Tallies::default();
        let places: Places = planned.into_iter().chain(said.keys().cloned()).collect();
        for (id, block) in places {
            let place = Place { allocation: &id, block, content_sha256: sha };
            let fetched = self.store.posting_fetch(place).await;
            let Some(posting) = audit.readable(fetched)? else { continue };
            if let Some(posting) = &posting {
                tallies.add(&id, posting);
            }
            let expected = said.get(&(id.clone(), block));
            let detail = match (&posting, expected) {
                (Some(posting), Some((_, draft))) => differences(posting, draft),
                (Some(posting), None) => differences(posting, &Draft::default()),
                (None, None) => None,
                (None, Some((number, draft))) => {
                    let allocation = reread.owners.allocation(*number);
                    let judged = allocation
                        .and_then(|allocation| {
                            Some((allocation, document.judgement(&allocation.system_id)?))
                        })
                        .filter(|(_, judgement)| is_done(judgement.status));
                    let Some((allocation, judgement)) = judged else { continue };
                    if names.is_none() {
                        let findings = self.store.document_findings(sha).await;
                        let findings = audit.readable(findings)?.unwrap_or_default();
                        names = Some(Names::of(findings.iter().map(|record| &record.finding)));
                    }
                    let told = names.as_ref().is_some_and(|names| {
                        excused(names, allocation, (block, *draft), &judgement.first_at)
                    });
                    (!told).then(|| "what the document says of it was never posted".to_owned())
                }
            };
            if let Some(detail) = detail {
                let subject = format!("BLOCK#{id}#{block:08}/DOC#{sha}");
                wrong.push((Invariant::Posted, subject, detail));
            }
        }
        Ok(tallies)
    }

    /// The report tells what the document's item and its postings say.
    async fn report(
        &self,
        document: &Document,
        tallies: &Tallies,
        wrong: &mut Wrong,
    ) -> Result<(), StoreError> {
        let sha = document.content_sha256.as_str();
        let subject = format!("reports/{sha}.json");
        let Some(report) = self.objects.report_fetch(sha).await? else {
            wrong.push((Invariant::Posted, subject, "is missing or is no report".to_owned()));
            return Ok(());
        };
        let serials = document.serials();
        let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64);
        let text = |name: &str| report.get(name).and_then(Value::as_str);
        let mut say = |what: String| wrong.push((Invariant::Posted, subject.clone(), what));
        if text("content_sha256") != Some(sha)
            || text("raw_sha256") != document.raw_sha256.as_deref()
        {
            say("is about other bytes".to_owned());
        }
        for (name, told) in [
            ("/events", document.events),
            ("/serials/named", serials.named),
            ("/serials/matched", serials.matched),
            ("/serials/newly_commissioned", serials.newly_commissioned),
            ("/serials/repeated", serials.repeated),
            ("/serials/provisional", serials.provisional),
        ] {
            if number(name) != Some(told) {
                let found = number(name).map_or_else(|| "nothing".to_owned(), |n| n.to_string());
                say(format!("{name} says {found}, the document {told}"));
            }
        }
        if serials.matched != tallies.matched {
            let (told, posted) = (serials.matched, tallies.matched);
            say(format!("/serials/matched says {told}, the postings {posted}"));
        }
        let told = Tallies::of(&report);
        if told.is_none_or(|told| told != tallies.allocations) {
            say("/allocations is not what the postings add up to".to_owned());
        }
        Ok(())
    }
}

/// What is wrong: the promise, the subject, the detail.
pub(super) type Wrong = Vec<(Invariant, String, String)>;

/// What the postings of a document add up to.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    matched: u64,
    /// Newly commissioned and repeated, by allocation.
    allocations: BTreeMap<String, (u64, u64)>,
}

impl Tallies {
    pub(super) fn add(&mut self, id: &AllocationId, posting: &Posting) {
        let commissioned = posting.stated(domain::fact::Fact::Commissioned).len();
        self.matched = self.matched.saturating_add(commissioned.into());
        let (newly, repeated) = self.allocations.entry(id.to_string()).or_default();
        *newly = newly.saturating_add(posting.verdict.newly_commissioned.into());
        *repeated = repeated.saturating_add(posting.verdict.repeated.into());
    }

    /// The same as a report tells it.
    fn of(report: &Value) -> Option<BTreeMap<String, (u64, u64)>> {
        let entries = report.get("allocations")?.as_array()?;
        let entry = |entry: &Value| {
            let number = |name| entry.get(name).and_then(Value::as_u64);
            let id = entry.get("allocation_id")?.as_str()?.to_owned();
            Some((id, (number("newly_commissioned")?, number("repeated")?)))
        };
        entries.iter().map(entry).collect()
    }
}

const fn is_done(status: DocumentStatus) -> bool {
    matches!(status, DocumentStatus::Reconciled | DocumentStatus::Parked)
}

/// Whether the document was applied for one of its senders.
fn is_applied(document: &Document) -> bool {
    document.judgements.iter().any(|judgement| is_done(judgement.status))
}

/// Whether nothing is at work on the document.
pub(super) fn is_settled(document: &Document) -> bool {
    is_done(document.status())
}
