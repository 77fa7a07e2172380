//! The end of a batch, and what people say about it (decision 25).

use super::pools::Said;
use super::{Finding, Reference, Status};

/// What was decided about the end of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// What the line said that it made, with each end; one may say nothing.
    reported: Vec<Option<u64>>,
    /// The review since: accepted or not, and by whom.
    review: Option<(bool, &'static str)>,
}

/// The credential that ends runs.
const CLOSER: &str = "c";

impl Reference {
    /// A run ends; what it is answered, and by how many packs the line and the ledger differ.
    pub fn close(&mut self, id: &str, reported: Option<u64>) -> (Said, Option<u64>) {
        let made = self.balance(id).get("commissioned").copied().unwrap_or(0);
        let Some(one) = self.allocations.get_mut(id) else { return ((404, "not-found"), None) };
        match one.status {
            Status::Reserved | Status::Exported | Status::Active => {
                one.ending.reported.push(reported);
                one.ending.review = None;
                let off = reported.map(|said| said.abs_diff(made)).filter(|off| *off > 0);
                one.status = if off.is_some() { Status::Review } else { Status::Closed };
                ((200, ""), off)
            }
            // The same again.
            Status::Review | Status::Closed if one.ending.reported.last() == Some(&reported) => {
                ((200, ""), None)
            }
            Status::Review
            | Status::Closed
            | Status::Pending
            | Status::Voided
            | Status::Expired => ((409, "allocation-state"), None),
        }
    }

    /// The finding of an end that does not fit, under its document.
    pub fn doubt(&mut self, id: &str, sha: &str, off: u64) {
        let one = &self.allocations[id];
        let finding = Finding {
            sha: sha.to_owned(),
            system: one.system.to_owned(),
            code: MISMATCH.to_owned(),
            allocation: Some(id.to_owned()),
            gtin: Some(one.wish.gtin.to_owned()),
            provisional: false,
        };
        self.find(finding, off);
    }

    /// Somebody finds an end in order, or has the run go on.
    pub fn review(&mut self, id: &str, accept: bool, by: &'static str) -> Said {
        let Some(one) = self.allocations.get_mut(id) else { return (404, "not-found") };
        if one.ending.review == Some((accept, by)) {
            return (200, "");
        }
        if one.status != Status::Review {
            return (409, "allocation-state");
        }
        if by == CLOSER {
            return (403, "forbidden");
        }
        one.ending.review = Some((accept, by));
        one.status = if accept { Status::Closed } else { Status::Active };
        let own = self.findings.iter_mut().filter(|(finding, _)| {
            finding.code == MISMATCH && finding.allocation.as_deref() == Some(id)
        });
        own.for_each(|(_, (_, open))| *open = false);
        (200, "")
    }
}

const MISMATCH: &str = "EOB_COUNT_MISMATCH";
