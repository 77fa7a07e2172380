//! I11: the decisions about the end of a run next to the records that were left of them.

use domain::ids::AllocationId;

use super::{Audit, Census, Invariant, LOOKS};
use crate::Store;
use crate::audit_record::ChainedRecord;
use crate::closing::{Closing, TOLD_MARK};
use crate::error::StoreError;
use crate::keys::Pk;

/// Records of an allocation; its chain is a few long, and has one for each decision.
const RECORDS_MAX: i32 = 1_000_000;

impl Store {
    /// Every decision has its record, which names its document, and every such record its decision.
    pub(super) async fn audit_closings(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        // One whose decisions were all removed shows in its records, those in its chain.
        let chained = census
            .chains
            .keys()
            .filter_map(|entity| if let Pk::Allocation(id) = entity { Some(id) } else { None });
        let mut ids: Vec<&AllocationId> = chained.chain(&census.closings).collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            let (mut wrong, mut seen) = (Vec::new(), Vec::new());
            for _ in 0..LOOKS {
                let Some(closings) = audit.readable(self.closing_list(id).await)? else { break };
                let read = self.audit_records(&Pk::Allocation(id.clone()), RECORDS_MAX).await;
                let Some(records) = audit.readable(read)? else { break };
                wrong = differences(&closings, &records);
                seen = closings;
                if wrong.is_empty() {
                    break;
                }
            }
            for detail in wrong {
                audit.breach(Invariant::Evident, format!("ALLOC#{id}"), detail);
            }
            audit.closings_seen.extend(seen);
        }
        Ok(())
    }
}

fn differences(closings: &[Closing], records: &[ChainedRecord]) -> Vec<String> {
    let is_told = |record: &&ChainedRecord| {
        record.after.as_deref().is_some_and(|after| after.contains(TOLD_MARK))
    };
    let records: Vec<&ChainedRecord> = records.iter().filter(is_told).collect();
    let mut wrong = Vec::new();
    for closing in closings {
        // Who decided, when and why stands in both.
        let is_same = |record: &&ChainedRecord| {
            record.after.as_deref() == Some(closing.told().as_str())
                && record.actor == closing.actor
                && record.at == closing.at
                && record.reason == closing.reason
        };
        if !records.iter().any(is_same) {
            wrong.push(format!("decision {} is not what its record says", closing.number));
        }
    }
    for told in records.iter().filter_map(|record| record.after.as_deref()) {
        if !closings.iter().any(|closing| closing.told() == told) {
            wrong.push(format!("the decision of the record \"{told}\" is missing"));
        }
    }
    wrong
}
