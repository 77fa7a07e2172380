//! What a judgement of a document makes of the findings that are kept.
//!
//! Judging again finds most findings again. What people did about them stays, whatever is found: a
//! finding keeps its status, assignee and history for as long as it exists, and one that anybody did
//! something about is never deleted. See decision 8 for what counts as a recurrence.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::{Delete, Put, ReturnConsumedCapacity, TransactWriteItem};
use domain::finding::{Code, Finding, FindingStatus};
use domain::ids::SystemId;

use super::item::{from_item, home_item, subject_from, subject_item, to_item};
use super::{FindingCase, FindingRecord};
use crate::Store;
use crate::audit_record::{AuditRecord, HUB};
use crate::error::{StoreError, sdk_error};
use crate::item::{Reader, key, number, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::pause::pause;
use crate::pool::{built, is_cancelled};

/// How often the findings of a document are compared again when another worker wrote some.
const REPLACE_TRIES: u32 = 20;
/// The step of the pauses between these tries, milliseconds.
const REPLACE_PAUSE_MS: u64 = 5;
/// Findings handled in one transaction: one takes up to eight writes, three of them of up to 70 KB, and a
/// transaction may have 100 writes and 4 MB.
const GROUPS_MAX: usize = 12;

/// The latest finding of a subject, and what is known of it.
struct Head {
    /// As the subject's item names it: document and id.
    seen: (String, String),
    /// `None` when it was deleted since.
    case: Option<FindingCase>,
}

/// One run over a document for one system.
struct Run<'a> {
    store: &'a Store,
    content_sha256: &'a str,
    system: &'a SystemId,
    now: &'a str,
    stored: &'a [FindingCase],
    found: &'a [Finding],
    heads: HashMap<String, Head>,
}

impl Store {
    /// Makes `found` the findings of a document for a system: new ones are put, known ones updated (what
    /// was done about them stays), resolved ones that recur are opened again. One that is found no more is
    /// resolved by the hub, or deleted if it is provisional and nobody did anything about it. Findings
    /// about transmission are left alone. Done twice it changes nothing.
    ///
    /// # Errors
    /// `Conflict` when other workers kept changing them.
    pub async fn findings_replace(
        &self,
        of: (&str, &SystemId, &str),
        found: &[Finding],
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let (content_sha256, system, now) = of;
        for attempt in 0..REPLACE_TRIES {
            let mut stored = self.document_cases(content_sha256).await?;
            stored.retain(|case| case.record.system_id == *system);
            let heads = self.heads(system, &stored, found).await?;
            let (store, stored) = (self, stored.as_slice());
            let run = Run { store, content_sha256, system, now, stored, found, heads };
            let groups = run.writes().await?;
            let mut beaten = false;
            for chunk in groups.chunks(GROUPS_MAX) {
                beaten |= !self.write_together(chunk.concat(), meter).await?;
            }
            if !beaten {
                return Ok(());
            }
            tracing::debug!(document.sha256 = content_sha256, at = now, "findings raced");
            pause(attempt, REPLACE_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the findings" })
    }

    /// One transaction; `false` when a condition failed or another transaction was in the way.
    pub(crate) async fn write_together(
        &self,
        writes: Vec<TransactWriteItem>,
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        let outcome = self
            .dynamo
            .transact_write_items()
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match outcome {
            Ok(output) => {
                meter.add(output.consumed_capacity());
                Ok(true)
            }
            Err(error) if is_cancelled(&error) => Ok(false),
            Err(error) => Err(sdk_error("TransactWriteItems findings", &error)),
        }
    }

    /// The latest findings about what new findings are about, by recurrence key. Consistent.
    async fn heads(
        &self,
        system: &SystemId,
        stored: &[FindingCase],
        found: &[Finding],
    ) -> Result<HashMap<String, Head>, StoreError> {
        let fresh = found.iter().filter(|new| stored.iter().all(|c| c.record.finding.id != new.id));
        let subjects: HashSet<String> =
            fresh.filter_map(|new| new.subject().recurrence_key(system.as_str())).collect();
        let keys = subjects.into_iter().map(|subject| key(&Pk::Subject(subject), &Sk::Subject));
        let mut heads = HashMap::new();
        for item in self.batch_get("BatchGetItem subjects", keys.collect()).await? {
            let Ok(Pk::Subject(subject)) = Reader::raw(&item).text("pk")?.parse::<Pk>() else {
                return Err(Reader::raw(&item).corrupt("pk", "is no subject").into());
            };
            heads.insert(subject, Head { seen: subject_from(&item)?, case: None });
        }
        let keys = heads
            .values()
            .map(|head| key(&Pk::Document(head.seen.0.clone()), &Sk::Finding(head.seen.1.clone())));
        let items = self.batch_get("BatchGetItem findings", keys.collect()).await?;
        for item in items {
            let case = from_item(&item)?;
            let id = &case.record.finding.id;
            if let Some(head) = heads.values_mut().find(|head| head.seen.1 == *id) {
                head.case = Some(case);
            }
        }
        Ok(heads)
    }

    /// Writes a finding that is there, if nobody wrote it since it was read.
    pub(super) fn case_write(&self, next: &FindingCase) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&*self.table).set_item(Some(to_item(next)));
        let seen = next.version.saturating_sub(1);
        // I11: no change of a finding is lost: it was decided on what is stored.
        let put = if seen == 0 {
            put.condition_expression("attribute_exists(pk) AND attribute_not_exists(version)")
        } else {
            put.condition_expression("version = :seen")
                .expression_attribute_values(":seen", number(seen))
        };
        let put = put.build().map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl Run<'_> {
    /// The writes that are needed, those that belong together in one group.
    async fn writes(&self) -> Result<Vec<Vec<TransactWriteItem>>, StoreError> {
        let mut groups = Vec::new();
        for finding in self.found {
            let known = self.stored.iter().find(|case| case.record.finding.id == finding.id);
            groups.push(match known {
                Some(case) => self.known(case, finding).await?,
                None if self.is_outdated(finding) => Vec::new(),
                None => self.fresh(finding).await?,
            });
        }
        for case in self.stored {
            let found = self.found.iter().any(|finding| finding.id == case.record.finding.id);
            if !found && self.successor(case).is_none() {
                groups.push(self.gone(case).await?);
            }
        }
        groups.retain(|group| !group.is_empty());
        Ok(groups)
    }

    /// Found again: its numbers are those of this run.
    async fn known(
        &self,
        case: &FindingCase,
        found: &Finding,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut next = case.clone();
        next.record.finding = Finding { status: case.record.finding.status, ..found.clone() };
        next.version = case.version.saturating_add(1);
        let resolved = case.record.finding.status == FindingStatus::Resolved;
        if resolved && case.handling.settled.is_some_and(|settled| settled.recurs(found)) {
            let reason = "found again when its document was judged again";
            return self.reopen(next, reason).await;
        }
        if next.record == case.record {
            return Ok(Vec::new());
        }
        Ok(vec![self.store.case_write(&next)?])
    }

    /// Found for the first time in this document.
    async fn fresh(&self, finding: &Finding) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut writes = Vec::new();
        let record = FindingRecord {
            content_sha256: self.content_sha256.to_owned(),
            system_id: self.system.clone(),
            at: self.now.to_owned(),
            finding: finding.clone(),
        };
        let mut case = FindingCase::new(record);
        if let Some(before) = self.predecessor(finding) {
            writes.extend(self.carry_over(before, &mut case).await?);
        }
        if let Some(subject) = finding.subject().recurrence_key(self.system.as_str()) {
            let head = self.heads.get(&subject);
            writes.push(self.subject_write(&subject, &finding.id, head)?);
            let earlier = head.and_then(|head| head.case.as_ref());
            if let Some(earlier) = earlier.filter(|earlier| earlier.was_resolved_by_people()) {
                case.recurrence_of = Some(earlier.record.finding.id.clone());
                let mut next = earlier.clone();
                next.version = earlier.version.saturating_add(1);
                let reason = format!("found again in document {}", self.content_sha256);
                writes.extend(self.reopen(next, &reason).await?);
            }
        }
        // I5: the same finding is put once, however many deliveries find it.
        writes.push(self.store.put_new(to_item(&case))?);
        writes.push(self.home_write(&case.record)?);
        Ok(writes)
    }

    /// A final finding takes over what was done about the provisional one that it was.
    async fn carry_over(
        &self,
        before: &FindingCase,
        case: &mut FindingCase,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut writes = Vec::new();
        let (old, id) = (&before.record.finding, case.record.finding.id.clone());
        case.handling = before.handling.clone();
        case.record.finding.status = old.status;
        case.continues = Some(old.id.clone());
        case.changed_at = Some(self.now.to_owned());
        let settled = before.handling.settled.filter(|_| old.status == FindingStatus::Resolved);
        let reason = format!("the provisional finding {} became final", old.id);
        if settled.is_some_and(|settled| settled.recurs(&case.record.finding)) {
            case.handling = case.handling.reopened(&reason);
            case.record.finding.status = FindingStatus::Open;
        }
        let (from, to) = (old.status.as_str(), case.record.finding.status.as_str());
        let audit = AuditRecord::new(self.now, HUB, "continue", case.version);
        let audit = audit.because(Some(&reason)).changing(Some(from), Some(to));
        writes.push(self.store.audit_next(&Pk::Finding(id.clone()), audit).await?);
        if old.status != FindingStatus::Resolved {
            writes.extend(self.vanish(before, &format!("became final as {id}")).await?);
        }
        Ok(writes)
    }

    /// Not found any more.
    async fn gone(&self, case: &FindingCase) -> Result<Vec<TransactWriteItem>, StoreError> {
        let finding = &case.record.finding;
        // A run that began earlier says nothing about what a later one found or did.
        let later = |at: &str| at > self.now;
        if matches!(finding.code, Code::DuplicateTransmission | Code::Gone)
            || finding.status == FindingStatus::Resolved
            || later(&case.record.at)
            || case.changed_at.as_deref().is_some_and(later)
        {
            return Ok(Vec::new());
        }
        if !finding.provisional || !case.handling.is_untouched(finding.status) {
            return self
                .vanish(case, "not found any more when its document was judged again")
                .await;
        }
        let pk = Pk::Document(self.content_sha256.to_owned());
        let item = Delete::builder()
            .table_name(&*self.store.table)
            .set_key(Some(key(&pk, &Sk::Finding(finding.id.clone()))));
        // I11: nobody did anything about it since it was read.
        let item = if case.version == 0 {
            item.condition_expression("attribute_not_exists(version)")
        } else {
            item.condition_expression("version = :seen")
                .expression_attribute_values(":seen", number(case.version))
        };
        // It leads to what the same transaction deletes, and to nothing else ever.
        let home = Delete::builder()
            .table_name(&*self.store.table)
            .set_key(Some(key(&Pk::Finding(finding.id.clone()), &Sk::FindingHome)))
            .condition_expression("attribute_not_exists(pk) OR content_sha256 = :sha")
            .expression_attribute_values(":sha", text(self.content_sha256));
        [item, home]
            .into_iter()
            .map(|delete| {
                let delete = delete.build().map_err(|error| built(&error))?;
                Ok(TransactWriteItem::builder().delete(delete).build())
            })
            .collect()
    }

    async fn vanish(
        &self,
        case: &FindingCase,
        reason: &str,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut next = case.clone();
        next.version = case.version.saturating_add(1);
        next.handling = case.handling.vanished(&case.record.finding, reason);
        self.turn(next, FindingStatus::Resolved, "vanish").await
    }

    async fn reopen(
        &self,
        mut next: FindingCase,
        reason: &str,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        next.handling = next.handling.reopened(reason);
        self.turn(next, FindingStatus::Open, "reopen").await
    }

    /// The write of a finding whose status the hub changes, with its audit record.
    async fn turn(
        &self,
        mut next: FindingCase,
        status: FindingStatus,
        action: &str,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let before = std::mem::replace(&mut next.record.finding.status, status);
        next.changed_at = Some(self.now.to_owned());
        let audit = AuditRecord::new(self.now, HUB, action, next.version)
            .because(next.handling.reason.as_deref())
            .changing(Some(before.as_str()), Some(status.as_str()));
        let entity = Pk::Finding(next.record.finding.id.clone());
        Ok(vec![self.store.case_write(&next)?, self.store.audit_next(&entity, audit).await?])
    }

    /// Puts the way to a finding; what may be left there of the same finding leads to the same place.
    fn home_write(&self, record: &FindingRecord) -> Result<TransactWriteItem, StoreError> {
        self.store.put_new(home_item(record))
    }

    fn subject_write(
        &self,
        subject: &str,
        id: &str,
        head: Option<&Head>,
    ) -> Result<TransactWriteItem, StoreError> {
        let item = subject_item(subject, self.content_sha256, id);
        let Some(head) = head else { return self.store.put_new(item) };
        // Which finding is the latest was judged on this one; else a recurrence could be missed.
        let put = Put::builder()
            .table_name(&*self.store.table)
            .set_item(Some(item))
            .condition_expression("content_sha256 = :sha AND finding_id = :id")
            .expression_attribute_values(":sha", text(head.seen.0.as_str()))
            .expression_attribute_values(":id", text(head.seen.1.as_str()))
            .build()
            .map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The provisional finding, handled by somebody, that this run finds as a final one.
    fn predecessor(&self, finding: &Finding) -> Option<&FindingCase> {
        self.stored.iter().find(|case| {
            let old = &case.record.finding;
            !case.handling.is_untouched(old.status)
                && self.successor(case).is_some_and(|next| next.id == finding.id)
        })
    }

    /// The final finding that a provisional one, found no more, has become.
    fn successor(&self, case: &FindingCase) -> Option<&Finding> {
        let old = &case.record.finding;
        let is_found = self.found.iter().any(|finding| finding.id == old.id);
        let is_stored = |id: &str| self.stored.iter().any(|case| case.record.finding.id == id);
        let untouched = case.handling.is_untouched(old.status);
        if !old.provisional || is_found || untouched {
            return None;
        }
        self.found.iter().find(|new| is_final_of(old, new) && !is_stored(&new.id))
    }

    /// A provisional finding whose final form a later run found already.
    fn is_outdated(&self, finding: &Finding) -> bool {
        self.stored.iter().any(|case| {
            let newer = &case.record.finding;
            is_final_of(finding, newer) && case.record.at.as_str() > self.now
        })
    }
}

fn is_final_of(old: &Finding, new: &Finding) -> bool {
    let same =
        (old.code, &old.allocation_id, &old.gtin) == (new.code, &new.allocation_id, &new.gtin);
    old.provisional && !new.provisional && same
}
