//! What a file says, number by number, and what there is to say about it.

use std::collections::{BTreeMap, BTreeSet};

use super::order::{NEVER, OVER, violation};
use super::{BLOCK, Claim, Finding, Pool, Posting, Range, Reference, Said, facts};
use crate::op::{Event, File, Kind};

/// Numbers of commissioning events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub matched: u64,
    pub unmatched: u64,
    pub newly: u64,
    pub repeated: u64,
    pub provisional: u64,
}

/// Why a number is not posted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Miss {
    code: &'static str,
    gtin: &'static str,
    space: Option<usize>,
    allocation: Option<String>,
    provisional: bool,
}

/// Numbers that are not posted.
#[derive(Debug, Default)]
struct Missed {
    /// With their spaces.
    numbers: BTreeSet<(Option<usize>, u64)>,
    mentions: u64,
}

/// A file that was read: what it says of each number of each allocation, and what is missed.
#[derive(Debug, Default)]
struct Reading {
    said: BTreeMap<String, BTreeMap<u64, Said>>,
    missed: BTreeMap<Miss, Missed>,
}

impl Missed {
    /// Those of GTINs nobody knows are counted by mention: they are texts, and only some are kept.
    fn count(&self, code: &str) -> u64 {
        if code == "UNKNOWN_GTIN" { self.mentions } else { count(&self.numbers) }
    }

    fn is_cut(&self, code: &str) -> bool {
        self.count(code) > count(&self.numbers).min(SAMPLES_MAX) && code == "UNKNOWN_GTIN"
    }
}

/// Texts that a finding keeps.
const SAMPLES_MAX: u64 = 20;

fn count<T>(set: &BTreeSet<T>) -> u64 {
    u64::try_from(set.len()).unwrap()
}

impl Reference {
    /// Reads and posts a file for a system; gives the numbers and what is found. When it `is_last`, nothing
    /// is provisional any more.
    pub(super) fn reconcile(
        &mut self,
        of: (&str, &'static str),
        file: &File,
        is_last: bool,
    ) -> (Tally, BTreeMap<Finding, u64>) {
        let mut reading = Reading::default();
        for event in &file.events {
            self.read(event, of.1, &mut reading);
        }
        reading.said.retain(|_, said| {
            said.retain(|_, one| !one.claims.is_empty() || !one.back.is_empty());
            !said.is_empty()
        });
        let mut found = BTreeMap::new();
        let mut tally = self.misses(of, &reading, is_last, &mut found);
        for (id, said) in &reading.said {
            self.activate(id);
            self.post(of, id, said);
            self.told(of, id, (&mut tally, &mut found));
        }
        found.retain(|_, count| *count > 0);
        (tally, found)
    }

    fn read(&self, event: &Event, system: &'static str, reading: &mut Reading) {
        if event.kind == Kind::Ship {
            return;
        }
        let mut named = BTreeSet::new();
        for number in event.numbers() {
            // What is declared wrong is declared so once, however often it is named.
            if !named.insert(number) && event.error {
                continue;
            }
            let (id, place) = match self.whose((event.gtin, event.space, number), system) {
                Ok(own) => own,
                Err(miss) => {
                    let foreign = miss.code == "NOT_PROVISIONED_FOR_LOCATION";
                    if !event.error && (event.kind == Kind::Commission || foreign) {
                        let missed = reading.missed.entry(miss.clone()).or_default();
                        missed.mentions += 1;
                        missed.numbers.insert((event.space, number));
                    }
                    continue;
                }
            };
            let lot = self.allocations[&id].wish.lot;
            let one = reading.said.entry(id).or_default().entry(place).or_default();
            if event.error { one.take_back(event.kind) } else { one.say(event, lot) }
        }
    }

    /// The allocation of the system that a number belongs to, and its place there.
    fn whose(
        &self,
        (gtin, space, number): (&'static str, Option<usize>, u64),
        system: &'static str,
    ) -> Result<(String, u64), Miss> {
        let miss =
            |code, allocation, provisional| Miss { code, gtin, space, allocation, provisional };
        let mut of_gtin = self.pools.values().filter(|pool| pool.gtin == gtin).peekable();
        if of_gtin.peek().is_none() {
            return Err(miss("UNKNOWN_GTIN", None, true));
        }
        let has = |pool: &&Pool| pool.space == space && (pool.from..=pool.to).contains(&number);
        let Some(pool) = of_gtin.find(has) else {
            return Err(miss("NOT_RESERVED", None, false));
        };
        let open = pool.open.values();
        let mut open = open.map(|entry| entry.start..entry.start + entry.size);
        if number >= pool.cursor || open.any(|entry| entry.contains(&number)) {
            return Err(miss("NOT_RESERVED", None, true));
        }
        let holds = |(start, range): &(&u64, &Range)| number < *start + range.size;
        let first = pool.ranges.range(..=number).next_back().filter(holds);
        // What was taken again is somebody else's since.
        let again = pool.again.range(..=number).next_back().filter(holds);
        let (start, range) = again.or(first).unwrap();
        let id = range.allocation.clone();
        let Some(allocation) = self.allocations.get(&id) else {
            return Err(miss("WRONG_ALLOCATION_STATE", None, false));
        };
        if range.void.is_some() || allocation.status.is_given_up() {
            return Err(miss("WRONG_ALLOCATION_STATE", Some(id), false));
        }
        if allocation.system != system {
            return Err(miss("NOT_PROVISIONED_FOR_LOCATION", Some(id), false));
        }
        Ok((id, number - start))
    }

    fn misses(
        &self,
        (sha, system): (&str, &str),
        reading: &Reading,
        is_last: bool,
        found: &mut BTreeMap<Finding, u64>,
    ) -> Tally {
        let mut tally = Tally::default();
        let mut merged: BTreeMap<Finding, Missed> = BTreeMap::new();
        for (miss, missed) in &reading.missed {
            let provisional = miss.provisional && !is_last;
            let number = missed.count(miss.code);
            tally.unmatched += number;
            tally.provisional += if provisional { number } else { 0 };
            let finding = |code: &str, allocation: Option<String>| Finding {
                sha: sha.to_owned(),
                system: system.to_owned(),
                code: code.to_owned(),
                allocation,
                gtin: Some(miss.gtin.to_owned()),
                provisional,
            };
            let all = merged.entry(finding(miss.code, miss.allocation.clone())).or_default();
            all.numbers.extend(&missed.numbers);
            all.mentions += missed.mentions;
            // A line prints no random number next to another.
            if miss.code != "NOT_RESERVED" || miss.space.is_some() {
                continue;
            }
            for (id, more) in self.over_runs(miss.gtin, &missed.numbers, reading) {
                *found.entry(finding("OVER_RUN", Some(id))).or_default() += more;
            }
        }
        for (finding, all) in merged {
            if all.is_cut(&finding.code) {
                let code = "FINDINGS_TRUNCATED".to_owned();
                let cut = Finding { code, gtin: None, provisional: false, ..finding.clone() };
                found.insert(cut, 1);
            }
            *found.entry(finding.clone()).or_default() += all.count(&finding.code);
        }
        tally
    }

    /// Runs that begin right behind an allocation which the file commissions from.
    fn over_runs(
        &self,
        gtin: &str,
        numbers: &BTreeSet<(Option<usize>, u64)>,
        reading: &Reading,
    ) -> Vec<(String, u64)> {
        let mut runs = Vec::new();
        for (id, said) in &reading.said {
            let allocation = &self.allocations[id];
            let behind = allocation.start + allocation.size;
            let commissions = said.values().any(|one| one.claims.contains_key(&Kind::Commission));
            let named = |number: u64| numbers.contains(&(None, number));
            let begins = named(behind) && !named(behind - 1);
            let is_own = allocation.wish.gtin == gtin && self.space_of(allocation).is_none();
            if is_own && commissions && begins {
                let run = (behind..).take_while(|number| named(*number));
                runs.push((id.clone(), u64::try_from(run.count()).unwrap()));
            }
        }
        runs
    }

    /// Posts what a document says of an allocation, block by block, each once for ever; what was found then is
    /// looked at anew. Documents of which other findings hold by now are to be judged again.
    fn post(&mut self, (sha, _): (&str, &str), id: &str, said: &BTreeMap<u64, Said>) {
        let blocks: BTreeSet<u64> = said.keys().map(|number| number / BLOCK).collect();
        let allocation = &self.allocations[id];
        let (lot, over, system) = (
            allocation.wish.lot,
            allocation.status.is_over() || allocation.is_unconfirmed(),
            allocation.system,
        );
        let mut recalled = BTreeSet::new();
        for block in blocks {
            let key = (id.to_owned(), block);
            if !self.ledger.get(&key).is_some_and(|postings| postings.contains_key(sha)) {
                let named = said.range(block * BLOCK..(block + 1) * BLOCK);
                self.withdraw(id, &named.map(|(number, _)| *number).collect());
            }
            let postings = self.ledger.entry(key).or_default();
            if !postings.contains_key(sha) {
                let mine = said.range(block * BLOCK..(block + 1) * BLOCK);
                let mine = mine.map(|(number, one)| (*number, one.clone())).collect();
                let posting = judged(mine, postings, (lot, over));
                postings.insert(sha.to_owned(), posting);
            }
            let state = facts(postings.values());
            let backs = |posting: &Posting| posting.said.values().any(|one| !one.back.is_empty());
            let taken_back = postings.values().any(backs);
            let holds = |number: u64, kind: Kind| {
                state.get(&number).is_some_and(|kinds| kinds.contains(&kind))
            };
            for (other, posting) in postings.iter_mut() {
                let next = posting.review(holds, taken_back);
                if other == sha {
                    *posting = next;
                } else if next != *posting {
                    recalled.insert(other.clone());
                }
            }
        }
        for sha in recalled {
            self.recall(&sha, system);
        }
    }

    /// What is to be told of a document and an allocation, once everything is posted.
    fn told(
        &self,
        (sha, system): (&str, &str),
        id: &str,
        (tally, found): (&mut Tally, &mut BTreeMap<Finding, u64>),
    ) {
        let first = (id.to_owned(), 0);
        let own = self.ledger.range(first..).take_while(|((of, _), _)| of == id);
        let mut commissioned = BTreeSet::new();
        let finding = |code: &str| Finding {
            sha: sha.to_owned(),
            system: system.to_owned(),
            code: code.to_owned(),
            allocation: Some(id.to_owned()),
            gtin: Some(self.allocations[id].wish.gtin.to_owned()),
            provisional: false,
        };
        for posting in own.filter_map(|(_, postings)| postings.get(sha)) {
            let said = posting.said.iter();
            let said = said.filter(|(_, one)| one.claims.contains_key(&Kind::Commission));
            commissioned.extend(said.map(|(number, _)| *number));
            tally.newly += count(&posting.newly);
            tally.repeated += count(&posting.repeated);
            for (code, numbers) in &posting.found {
                *found.entry(finding(code)).or_default() += count(numbers);
            }
        }
        tally.matched += count(&commissioned);
        if let (Some(first), Some(last)) = (commissioned.first(), commissioned.last())
            && self.space_of(&self.allocations[id]).is_none()
        {
            *found.entry(finding("INTERNAL_GAP")).or_default() += self.gap(id, (*first, *last));
        }
    }

    /// Numbers without a fate between the commissioned ones next to a span.
    fn gap(&self, id: &str, (first, last): (u64, u64)) -> u64 {
        let known = self.facts(id);
        let packed = |kinds: &BTreeSet<Kind>| kinds.contains(&Kind::Commission);
        let before = known.range(..first).rev().find(|(_, kinds)| packed(kinds));
        let behind = known.range(last + 1..).find(|(_, kinds)| packed(kinds));
        let first = before.map_or(first, |(number, _)| *number);
        let last = behind.map_or(last, |(number, _)| *number);
        let fates = u64::try_from(known.range(first..=last).count()).unwrap();
        last - first + 1 - fates
    }
}

/// The expiry that all numbers are asked for with.
pub const EXPIRY: &str = "2028-10-31";

/// A posting next to the others of its block; `over` when the allocation was closed, or never confirmed.
pub(super) fn judged(
    said: BTreeMap<u64, Said>,
    others: &BTreeMap<String, Posting>,
    (lot, over): (Option<&'static str>, bool),
) -> Posting {
    let backs = said
        .iter()
        .map(|(number, one)| (*number, Said { back: one.back.clone(), ..Said::default() }));
    let backs = Posting { said: backs.collect(), ..Posting::default() };
    let mut posting = Posting { said, ..Posting::default() };
    let before = facts(others.values().chain([&backs]));
    let after = facts(others.values().chain([&posting]));
    let holds = |state: &BTreeMap<u64, BTreeSet<Kind>>, number: u64, kind: Kind| {
        state.get(&number).is_some_and(|kinds| kinds.contains(&kind))
    };
    let goods = |claim: &Claim| (claim.lot.or(lot), claim.expiry.or(Some(EXPIRY)));
    for (number, one) in posting.said.clone() {
        let of_others = || others.values().filter_map(|other| other.said.get(&number));
        let mut found = one.marks.clone();
        for (kind, mine) in &one.claims {
            let theirs = of_others().flat_map(|other| &other.claims);
            let theirs = theirs.filter(|(their, _)| {
                *their != kind && holds(&before, number, **their) && holds(&after, number, *kind)
            });
            found.extend(theirs.filter_map(|(their, it)| violation((*kind, mine), (*their, it))));
        }
        let again = found.contains(OVER);
        if one.supposes_a_pack(|kind| holds(&after, number, kind)) {
            found.insert(NEVER);
        }
        if let Some(mine) = one.claims.get(&Kind::Commission) {
            let overlaps = holds(&before, number, Kind::Commission);
            let newly = !overlaps && holds(&after, number, Kind::Commission);
            let theirs = of_others().filter_map(|other| other.claims.get(&Kind::Commission));
            let conflicts = overlaps && !again && theirs.clone().any(|it| goods(it) != goods(mine));
            if newly {
                posting.newly.insert(number);
            }
            if newly && over {
                found.insert("WRONG_ALLOCATION_STATE");
            }
            if conflicts {
                found.insert("ALREADY_COMMISSIONED");
            } else if overlaps && !again {
                posting.repeated.insert(number);
            }
        }
        for code in found {
            posting.found.entry(code).or_default().insert(number);
        }
    }
    posting
}
