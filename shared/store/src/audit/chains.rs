//! I11: the chains of audit records are whole, and end in what the entities are now.

use std::collections::HashSet;

use super::{Audit, Census, Invariant, LOOKS};
use crate::Store;
use crate::audit_record::ChainedRecord;
use crate::error::StoreError;
use crate::keys::Pk;
use crate::seal::Seal;

/// Records of a chain read at a time; a chain is a few records long, that of a pool or a finding some dozens.
const RECORDS_MAX: i32 = 1_000_000;

impl Store {
    /// Every chain from its first record to its last.
    pub(super) async fn audit_chains(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        for (entity, records) in &census.chains {
            audit.records = audit.records.saturating_add(*records);
            let read = self.audit_records(entity, RECORDS_MAX).await;
            let Some(chain) = audit.readable(read)? else { continue };
            let mut before: Option<&ChainedRecord> = None;
            for record in &chain {
                if let Err(detail) = record.check(before) {
                    audit.breach(Invariant::Evident, entity.to_string(), detail);
                    break;
                }
                before = Some(record);
            }
        }
        let chained: HashSet<String> = census.chains.keys().map(ToString::to_string).collect();
        for entity in census.evident.iter().filter(|entity| !chained.contains(*entity)) {
            audit.breach(Invariant::Evident, entity, "has no audit record");
        }
        self.audit_allocation_evidence(census, audit).await?;
        self.audit_pool_evidence(census, audit).await?;
        self.audit_seals(audit).await
    }

    /// Every seal follows from the one before and from the records of its day.
    async fn audit_seals(&self, audit: &mut Audit) -> Result<(), StoreError> {
        let mut before: Option<Seal> = None;
        let mut after = None;
        loop {
            let Some(page) = audit.readable(self.seal_list(after.as_deref()).await)? else {
                return Ok(());
            };
            for seal in page.items {
                let Some(found) = audit.readable(self.day_root(&seal.day).await)? else { continue };
                if let Some(detail) = broken(&seal, before.as_ref(), &found) {
                    audit.breach(Invariant::Evident, format!("SEALS/DAY#{}", seal.day), detail);
                }
                audit.seals.push(seal.clone());
                before = Some(seal);
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// What an allocation's last record says it became is what it is.
    async fn audit_allocation_evidence(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        for id in &census.allocations {
            let mut wrong = None;
            for _ in 0..LOOKS {
                let fetched = self.allocation_fetch(id).await;
                let Some(Some(allocation)) = audit.readable(fetched)? else {
                    wrong = None;
                    break;
                };
                let read = self.audit_records(&Pk::Allocation(id.clone()), 1).await;
                let Some(last) = audit.readable(read)? else { break };
                let told = last.last().and_then(|last| last.after.as_deref()).unwrap_or_default();
                let word = told.split(' ').next().unwrap_or_default();
                let status = allocation.status.as_str();
                wrong = (word != status)
                    .then(|| format!("is {status}, but its last record says \"{word}\""));
                if wrong.is_none() {
                    break;
                }
            }
            if let Some(detail) = wrong {
                audit.breach(Invariant::Evident, format!("ALLOC#{id}"), detail);
            }
        }
        Ok(())
    }

    /// What a pool's last record says it became is what it is; the record may still wait in its item.
    async fn audit_pool_evidence(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        for id in &census.pools {
            let mut wrong = None;
            for _ in 0..LOOKS {
                let fetched = self.pool_fetch(id).await;
                let Some(Some(state)) = audit.readable(fetched)? else {
                    wrong = None;
                    break;
                };
                let read = self.audit_records(&Pk::Pool(id.clone()), 1).await;
                let Some(chain) = audit.readable(read)? else { break };
                let last = state.record.as_ref().or(chain.last());
                let told = last.and_then(|last| last.after.as_deref()).unwrap_or_default();
                let is = crate::pool::told(&state.pool);
                wrong = (told != is)
                    .then(|| format!("is \"{is}\", but its last record says \"{told}\""));
                if wrong.is_none() {
                    break;
                }
            }
            if let Some(detail) = wrong {
                audit.breach(Invariant::Evident, format!("POOL#{id}"), detail);
            }
        }
        Ok(())
    }
}

/// What is wrong with a seal, next to the one before and to the records of its day.
fn broken(seal: &Seal, before: Option<&Seal>, found: &(u64, String)) -> Option<String> {
    if seal.hash != seal.computed_hash() {
        return Some("does not have the hash of what it says".to_owned());
    }
    if before.map_or(!seal.previous.is_empty(), |before| !seal.follows(before)) {
        return Some("does not follow from the seal before".to_owned());
    }
    let (records, root) = found;
    if seal.records != *records {
        return Some(format!("sealed {} records, the day has {records}", seal.records));
    }
    (seal.root != *root).then(|| "other records were sealed than the day has".to_owned())
}
