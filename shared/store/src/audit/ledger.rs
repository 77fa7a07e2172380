//! I4 and I5: states are what their postings add up to, balances add up to what was reserved, and postings
//! are those that documents planned.

use std::collections::{BTreeMap, BTreeSet};

use domain::allocation::Reuse;
use domain::fact::Fact;
use domain::ids::AllocationId;
use domain::ledger::{BlockState, Posting};

use super::{Audit, Census, Invariant, LOOKS};
use crate::Store;
use crate::allocation::{Counted, Gain};
use crate::block::Place;
use crate::document::{Document, DocumentStatus};
use crate::error::StoreError;

impl Store {
    pub(super) async fn audit_blocks(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        let mut allocations = BTreeSet::new();
        for ((id, block), documents) in &census.blocks {
            audit.blocks = audit.blocks.saturating_add(1);
            allocations.insert(id);
            self.audit_block(id, *block, audit).await?;
            for sha in documents {
                audit.postings = audit.postings.saturating_add(1);
                self.audit_posting(id, *block, sha, audit).await?;
            }
        }
        for id in allocations {
            self.audit_balance(id, audit).await?;
        }
        Ok(())
    }

    /// A block's state is what its postings add up to, one version per posting.
    async fn audit_block(
        &self,
        id: &AllocationId,
        block: u32,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        let mut wrong = Vec::new();
        for _ in 0..LOOKS {
            let Some(state) = audit.readable(self.block_fetch(id, block).await)? else {
                return Ok(());
            };
            let Some(postings) = audit.readable(self.block_postings(id, block).await)? else {
                return Ok(());
            };
            let postings: Vec<Posting> = postings.into_iter().map(|(_, posting)| posting).collect();
            wrong = differences(&state, &postings);
            if wrong.is_empty() {
                break;
            }
        }
        for detail in wrong {
            audit.breach(Invariant::Posted, format!("BLOCK#{id}#{block:08}"), detail);
        }
        Ok(())
    }

    /// A posting is of a document that planned its block.
    async fn audit_posting(
        &self,
        id: &AllocationId,
        block: u32,
        sha: &str,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        let subject = format!("BLOCK#{id}#{block:08}/DOC#{sha}");
        let Some(document) = audit.readable(self.document_fetch(sha).await)? else { return Ok(()) };
        if document.is_none() {
            audit.breach(Invariant::Posted, subject, "its document does not exist");
            return Ok(());
        }
        let Some(runs) = audit.readable(self.plan_list(sha).await)? else { return Ok(()) };
        let planned =
            runs.iter().any(|run| run.allocation == *id && (run.first..=run.last).contains(&block));
        if !planned {
            audit.breach(Invariant::Posted, subject, "its document never planned it");
        }
        Ok(())
    }

    /// I4: the buckets of an allocation add up to what was reserved.
    async fn audit_balance(&self, id: &AllocationId, audit: &mut Audit) -> Result<(), StoreError> {
        let subject = format!("ALLOC#{id}");
        let Some(found) = audit.readable(self.allocation_fetch(id).await)? else { return Ok(()) };
        let Some(allocation) = found else {
            audit.breach(Invariant::Posted, subject, "has postings but does not exist");
            return Ok(());
        };
        let status = allocation.status;
        if !status.may_be_used() {
            let detail = format!("has postings but is {}", status.as_str());
            audit.breach(Invariant::Posted, &subject, detail);
        }
        let Some(balance) = audit.readable(self.allocation_balance(&allocation).await)? else {
            return Ok(());
        };
        if !balance.holds() {
            let sum = balance.buckets.sum();
            let detail = format!("{} reserved, {sum} in buckets", balance.reserved);
            audit.breach(Invariant::Balanced, subject, detail);
        }
        self.audit_fill(id, audit).await
    }

    /// I4: the sums beside an allocation are those of the documents that were counted.
    async fn audit_fill(&self, id: &AllocationId, audit: &mut Audit) -> Result<(), StoreError> {
        let mut wrong = None;
        for _ in 0..LOOKS {
            let Some(links) = audit.readable(self.allocation_links(id).await)? else {
                return Ok(());
            };
            let Some(fill) = audit.readable(self.allocation_fill(id).await)? else { return Ok(()) };
            let mut sum = Gain::default();
            for (_, counted) in &links {
                sum.add(counted.gain);
            }
            if fill.sums == sum {
                return Ok(());
            }
            wrong = Some(format!(
                "the fill has {} used and {} commissioned, its documents {} and {}",
                fill.sums.used, fill.sums.commissioned, sum.used, sum.commissioned
            ));
        }
        if let Some(detail) = wrong {
            audit.breach(Invariant::Balanced, format!("ALLOC#{id}/FILL"), detail);
        }
        Ok(())
    }

    /// A document that is done has a posting in every block that it planned, and only there.
    pub(super) async fn audit_documents(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        for sha in &census.documents {
            audit.documents = audit.documents.saturating_add(1);
            let mut wrong = Vec::new();
            for _ in 0..LOOKS {
                let fetched = self.document_fetch(sha).await;
                let Some(Some(document)) = audit.readable(fetched)? else { break };
                let done = [DocumentStatus::Reconciled, DocumentStatus::Parked];
                // One whose delivery died for one of its systems may have been applied in part.
                if document.is_refused_for_any() || !done.contains(&document.status()) {
                    wrong.clear();
                    break;
                }
                wrong = self.document_differences(&document, census, audit).await?;
                if wrong.is_empty() {
                    break;
                }
            }
            for detail in wrong {
                audit.breach(Invariant::Posted, format!("DOC#{sha}"), detail);
            }
        }
        Ok(())
    }

    async fn document_differences(
        &self,
        document: &Document,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<Vec<String>, StoreError> {
        let sha = document.content_sha256.as_str();
        let mut wrong = Vec::new();
        let (mut newly, mut repeated) = (0_u64, 0_u64);
        let mut counted: BTreeMap<AllocationId, Counted> = BTreeMap::new();
        let Some(runs) = audit.readable(self.plan_list(sha).await)? else { return Ok(wrong) };
        for run in runs {
            let id = &run.allocation;
            if !census.links.contains(&(id.clone(), sha.to_owned())) {
                wrong.push(format!("allocation {id} is not linked to it"));
            }
            for block in run.first..=run.last {
                let place = Place { allocation: id, block, content_sha256: sha };
                match audit.readable(self.posted_fetch(place).await)? {
                    None => {}
                    Some(None) => {
                        // A document that was read again, because numbers had gone to another allocation
                        // meanwhile, may have planned a block that it does not name any more.
                        let fetched = audit.readable(self.allocation_fetch(id).await)?.flatten();
                        if fetched.is_none_or(|allocation| allocation.reuse != Reuse::Gave) {
                            wrong.push(format!("its posting in {id}#{block:08} is missing"));
                        }
                    }
                    Some(Some((posting, gain))) => {
                        let sum = counted.entry(id.clone()).or_default();
                        sum.postings = sum.postings.saturating_add(1);
                        sum.gain.add(gain);
                        let verdict = &posting.verdict;
                        newly = newly.saturating_add(verdict.newly_commissioned.into());
                        repeated = repeated.saturating_add(verdict.repeated.into());
                    }
                }
            }
        }
        for (id, should) in counted {
            let fetched = self.allocation_fill_fetch((&id, sha)).await;
            let Some((_, has)) = audit.readable(fetched)? else { continue };
            if has != should {
                wrong
                    .push(format!("allocation {id} counts it as {has:?}, its postings {should:?}"));
            }
        }
        let told = document.serials();
        if (told.newly_commissioned, told.repeated) != (newly, repeated) && wrong.is_empty() {
            wrong.push(format!(
                "it says {} newly commissioned and {} repeated, its postings {newly} and {repeated}",
                told.newly_commissioned, told.repeated
            ));
        }
        Ok(wrong)
    }
}

/// Where a state is not what the postings add up to.
fn differences(state: &BlockState, postings: &[Posting]) -> Vec<String> {
    let expected = BlockState::from_postings(postings);
    let mut wrong: Vec<String> = Fact::BY_PRECEDENCE
        .into_iter()
        .filter(|fact| state.of(*fact) != expected.of(*fact))
        .map(|fact| {
            let (has, should) = (state.of(fact).len(), expected.of(fact).len());
            let name = fact.as_str();
            format!("{name}: the state has {has} numbers, its postings {should}, or others")
        })
        .collect();
    let count = u64::try_from(postings.len()).unwrap_or(u64::MAX);
    if state.version != count {
        wrong.push(format!("version {} with {count} postings", state.version));
    }
    if state.retracted != expected.retracted {
        wrong.push("its mark of retractions is wrong".to_owned());
    }
    let told =
        |fact: &Fact| state.told(*fact).is_some_and(|told| expected.told(*fact) != Some(told));
    if Fact::BY_PRECEDENCE.iter().any(told) {
        wrong.push("its event times are not those of its postings".to_owned());
    }
    let newly = postings
        .iter()
        .fold(0_u64, |sum, posting| sum.saturating_add(posting.verdict.newly_commissioned.into()));
    let commissioned = u64::from(state.of(Fact::Commissioned).len());
    if !expected.retracted && newly != commissioned {
        wrong.push(format!("verdicts say {newly} newly commissioned, the state {commissioned}"));
    }
    wrong
}
