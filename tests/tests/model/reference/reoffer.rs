//! Numbers that were returned and are offered again (decision 24).

use std::collections::BTreeSet;

use super::pools::{Asked, Said};
use super::{BLOCK, Range, Reference, Reuse, Run};
use crate::op::Kind;

/// Runs that one change offers of a block: the longest.
const RUNS_MAX: usize = 64;
/// How long a process remembers whether a pool offers numbers again, seconds.
const KNOWN_FOR: i64 = 60;

impl Reference {
    /// Serves a request from returned numbers of the first pool that has enough of them; what it is answered.
    pub(super) fn reserve_again(&mut self, pools: &[String], asked: Asked) -> Option<Said> {
        pools.iter().find_map(|pool| {
            if self.offers(pool, asked.afresh) { self.take_again(pool, asked) } else { None }
        })
    }

    /// Whether the process that serves the request takes a pool for one that offers numbers again.
    fn offers(&mut self, pool: &str, afresh: bool) -> bool {
        let (offers, now) = (self.pools.get(pool).is_some_and(|pool| pool.reoffer), self.now);
        if afresh {
            return offers;
        }
        let known = self.offering.get(pool).filter(|(_, at)| now < at + KNOWN_FOR);
        if let Some((known, _)) = known {
            return *known;
        }
        self.offering.insert(pool.to_owned(), (offers, now));
        offers
    }

    fn take_again(&mut self, pool_id: &str, asked: Asked) -> Option<Said> {
        let (id, quantity) = (asked.allocation_id(), asked.wish.quantity);
        let chosen = self.chosen(pool_id, quantity)?;
        if let Some(said) = self.replay(asked) {
            return Some(said);
        }
        let pool = self.pools.get_mut(pool_id)?;
        let serves = pool.reoffer
            && pool.gtin == asked.wish.gtin
            && asked.wish.mode.fits(pool.space.is_some())
            && pool.active
            && quantity <= pool.max_request;
        if !serves {
            return None;
        }
        let start = pool.runs[&chosen[0]].next;
        let end = start + quantity;
        for first in chosen {
            let run = pool.runs.get_mut(&first)?;
            run.next = end.min(first + run.size);
        }
        let range = Range { size: quantity, allocation: id, void: None };
        pool.again.insert(start, range);
        let taken = (start, quantity, self.now);
        self.allocate(pool_id, asked, taken, Reuse::Took);
        Some((201, ""))
    }

    /// The smallest run that is large enough, else the first ones that follow each other and are.
    fn chosen(&self, pool: &str, quantity: u64) -> Option<Vec<u64>> {
        let runs = &self.pools.get(pool)?.runs;
        let free = |first: u64, run: &Run| {
            if run.withdrawn { 0 } else { first + run.size - run.next }
        };
        let fit = runs.iter().filter(|(first, run)| free(**first, run) >= quantity);
        if let Some((first, _)) = fit.min_by_key(|(first, run)| (free(**first, run), **first)) {
            return Some(vec![*first]);
        }
        for (first, run) in runs {
            let (mut chosen, mut end, mut sum) =
                (vec![*first], first + run.size, free(*first, run));
            while sum > 0 && sum < quantity {
                let next = runs.get(&end).filter(|next| next.next == end && !next.withdrawn);
                let Some(next) = next else { break };
                chosen.push(end);
                sum += next.size;
                end += next.size;
            }
            if sum >= quantity {
                return Some(chosen);
            }
        }
        None
    }

    /// What becomes of returned numbers of a block that nobody ever took anything back of: they are offered.
    pub(super) fn offer(&mut self, allocation: &str, block: u64, returned: &BTreeSet<u64>) {
        let own = &self.allocations[allocation];
        let (pool, base) = (own.pool.clone(), own.start);
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for number in returned.range(block * BLOCK..(block + 1) * BLOCK) {
            match runs.last_mut() {
                Some((first, size)) if *first + *size == *number => *size += 1,
                _ => runs.push((*number, 1)),
            }
        }
        runs.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        runs.truncate(RUNS_MAX);
        let Some(pool) = self.pools.get_mut(&pool) else { return };
        for (first, size) in runs {
            let start = base + first;
            let run = Run { size, next: start, of: allocation.to_owned(), withdrawn: false };
            pool.runs.insert(start, run);
        }
    }

    /// A document is going to name numbers of an allocation, some of which were returned: of their runs nothing
    /// more is offered.
    pub(super) fn withdraw(&mut self, allocation: &str, named: &BTreeSet<u64>) {
        let own = &self.allocations[allocation];
        if own.reuse != Reuse::Gave {
            return;
        }
        let (pool, start) = (own.pool.clone(), own.start);
        let facts = self.facts(allocation);
        let is_returned =
            |number: &u64| facts.get(number).is_some_and(|kinds| kinds.contains(&Kind::Return));
        let named: Vec<u64> = named.iter().copied().filter(is_returned).collect();
        let Some(pool) = self.pools.get_mut(&pool) else { return };
        for number in named.into_iter().map(|number| start + number) {
            let own = pool.runs.range_mut(..=number).next_back();
            if let Some((first, run)) = own
                && number < first + run.size
            {
                assert!(number >= run.next, "the reference promises {number} to two");
                run.withdrawn = true;
            }
        }
    }

    /// Whether some pool may serve a request with returned numbers.
    pub fn may_serve_again(&self, gtin: &str) -> bool {
        self.pools.values().any(|pool| pool.gtin == gtin && (pool.reoffer || !pool.runs.is_empty()))
    }
}
