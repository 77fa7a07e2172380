//! What is read and said for a decision about the end of a run.

use domain::allocation::{Allocation, AllocationStatus};
use domain::closing::{Decision, Tolerance};
use domain::ledger::Balance;
use store::StoreError;
use store::allocation::Gain;
use store::closing::Closing;
use store::finding::FindingRecord;

use crate::Hub;
use crate::reconciliation::finding_records;

/// The books of an allocation at one moment.
pub(crate) struct Books {
    /// Counted anew from the ledger's blocks.
    pub(crate) balance: Balance,
    /// What the product allows.
    pub(crate) tolerance: Tolerance,
    /// The fill before the blocks were read: what is posted later differs from it.
    pub(crate) fill: Gain,
    /// The files that named one of its numbers, and what each changed.
    pub(crate) files: Vec<(String, Gain)>,
    /// The findings about it in the first of those.
    pub(crate) findings: Vec<FindingRecord>,
}

impl Books {
    pub(crate) async fn read(hub: &Hub, allocation: &Allocation) -> Result<Self, StoreError> {
        let store = &hub.store;
        // Read first: a file that is counted while the blocks are read shows up as a change since.
        let fill = store.allocation_fill(&allocation.id).await?.sums;
        let balance = store.allocation_balance(allocation).await?;
        let tolerance = match allocation.key.gtin() {
            Some(gtin) => store.product_fetch(&gtin).await?.tolerance,
            None => Tolerance::ANY,
        };
        let files = store.allocation_files(&allocation.id).await?;
        let shas: Vec<String> = files.iter().map(|(sha, _)| sha.clone()).collect();
        let findings = finding_records(hub, allocation.id.as_str(), &shas).await?;
        Ok(Self { balance, tolerance, fill, files, findings })
    }
}

/// What is decided, by whom, and what was decided before.
pub(crate) struct Account<'a> {
    pub(crate) number: u32,
    pub(crate) decision: Decision,
    /// What the allocation becomes.
    pub(crate) status: AllocationStatus,
    /// Actor, time, reason.
    pub(crate) by: (&'a str, &'a str, Option<&'a str>),
    pub(crate) before: Option<&'a Closing>,
}
