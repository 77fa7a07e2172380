//! Unused numbers that are given up over the API (decision 24).

use std::collections::{BTreeMap, BTreeSet};

use super::judge::judged;
use super::pools::Said;
use super::{BLOCK, Claim, Reference, Reuse, Said as Words, Status};
use crate::op::{GiveBack, Kind};

/// A change that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub asked: GiveBack,
    pub system: &'static str,
}

impl Reference {
    /// What a request to give numbers up is answered, and which numbers meet the fate.
    pub fn gives_back(&self, asked: &GiveBack) -> (Said, BTreeSet<u64>) {
        let none = BTreeSet::new();
        if self.changes.values().any(|change| change.asked == *asked) {
            return ((200, ""), none);
        }
        let allocation = &self.allocations[&asked.allocation];
        if !matches!(allocation.status, Status::Reserved | Status::Exported | Status::Active) {
            return ((409, "allocation-state"), none);
        }
        let facts = self.facts(&asked.allocation);
        // A label may still be destroyed; of everything else nothing may be known.
        let is_open = |number: &u64| {
            facts.get(number).is_none_or(|kinds| {
                asked.fate == Kind::Destroy && kinds.iter().all(|kind| *kind == Kind::Encode)
            })
        };
        let (first, last) = asked.run.unwrap_or((0, allocation.size - 1));
        let open: BTreeSet<u64> = (first..=last).filter(is_open).collect();
        if asked.run.is_some() && open.len() < (first..=last).count() {
            return ((422, "validation"), none);
        }
        ((200, ""), open)
    }

    /// Numbers that met their fate, as the document `sha` of the hub's own.
    pub fn give_back(&mut self, asked: &GiveBack, sha: &str, open: &BTreeSet<u64>) {
        let (id, now) = (asked.allocation.clone(), self.now);
        let system = self.allocations[&id].system;
        self.activate(&id);
        self.changes.insert(sha.to_owned(), Change { asked: asked.clone(), system });
        let claim = Claim { lot: None, expiry: None, time: now, bare: true };
        let claims = BTreeMap::from([(asked.fate, claim)]);
        let words = Words { claims, ..Words::default() };
        // A number is offered a second time, not a third.
        let own = &self.allocations[&id];
        let offers =
            asked.fate == Kind::Return && own.reuse != Reuse::Took && self.pools[&own.pool].reoffer;
        if let Some(own) = self.allocations.get_mut(&id).filter(|_| offers) {
            own.reuse = Reuse::Gave;
        }
        let blocks: BTreeSet<u64> = open.iter().map(|number| number / BLOCK).collect();
        for block in blocks {
            let postings = self.ledger.entry((id.clone(), block)).or_default();
            let own = open.range(block * BLOCK..(block + 1) * BLOCK);
            let said = own.map(|number| (*number, words.clone())).collect();
            let posting = judged(said, postings, (None, false));
            postings.insert(sha.to_owned(), posting);
            let mut said = postings.values().flat_map(|posting| posting.said.values());
            let taken_back = said.any(|one| !one.back.is_empty());
            if offers && !taken_back {
                self.offer(&id, block, open);
            }
        }
    }
}
