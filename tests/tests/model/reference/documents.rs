//! Files: how they arrive, wait and are done.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::Tally;
use super::{Finding, Reference};
use crate::op::File;
use crate::plant::SYSTEMS;

/// What is provisional is tried again after so long …
const TRY_EVERY: i64 = 15 * 60;
/// … for so long.
const TRY_FOR: i64 = 4 * 3_600;
/// An object of this age without arrival has lost its notice.
const LOST_AGE: i64 = 15 * 60;
/// From the end of one search to the next.
const SEARCH_EVERY: i64 = 15 * 60;

/// An object that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub sender: &'static str,
    pub key: String,
    pub version: String,
    pub file: File,
    pub sha: String,
    pub put_at: i64,
    /// It was read.
    pub arrived: bool,
}

/// What is known of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub file: File,
    /// Its bytes are no document.
    pub refused: bool,
    /// How often each system sent it.
    pub arrivals: BTreeMap<&'static str, u64>,
    /// By system, in the order in which they sent it.
    pub judgements: Vec<(&'static str, Judgement)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub first_at: i64,
    pub state: State,
    pub tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    /// Judged again from this time on.
    Parked(i64),
    Done,
    Refused,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "received",
            Self::Parked(_) => "parked",
            Self::Done => "reconciled",
            Self::Refused => "quarantined",
        }
    }
}

impl Document {
    fn judgement(&mut self, system: &'static str, now: i64) -> &mut Judgement {
        let at = self.judgements.iter().position(|(of, _)| *of == system);
        let at = at.unwrap_or_else(|| {
            let fresh = Judgement { first_at: now, state: State::New, tally: Tally::default() };
            self.judgements.push((system, fresh));
            self.judgements.len() - 1
        });
        &mut self.judgements[at].1
    }

    /// How far it has come, over all who sent it.
    pub fn word(&self) -> &'static str {
        let any = |wanted: &str| self.judgements.iter().any(|(_, one)| one.state.word() == wanted);
        if self.refused || self.judgements.iter().all(|(_, one)| one.state == State::Refused) {
            return "quarantined";
        }
        ["received", "parked"].into_iter().find(|word| any(word)).unwrap_or("reconciled")
    }
}

impl Reference {
    /// An object is put; nobody has read it.
    pub fn put(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    /// A notice is delivered: a second delivery of one that was read says nothing.
    pub fn arrive(&mut self, at: usize) {
        if std::mem::replace(&mut self.notices[at].arrived, true) {
            return;
        }
        let (notice, now) = (self.notices[at].clone(), self.now);
        let (sha, system) = (notice.sha, notice.sender);
        let document = self.documents.entry(sha.clone()).or_insert_with(|| Document {
            refused: notice.file.broken,
            file: notice.file,
            arrivals: BTreeMap::new(),
            judgements: Vec::new(),
        });
        document.judgement(system, now);
        let arrivals = document.arrivals.entry(system).or_default();
        *arrivals += 1;
        if *arrivals > 1 {
            let finding = Finding {
                sha: sha.clone(),
                system: system.to_owned(),
                code: "DUPLICATE_TRANSMISSION".to_owned(),
                allocation: None,
                gtin: None,
                provisional: false,
            };
            self.find(finding, 1);
        }
        self.judge(&sha, system);
    }

    /// Judges a document for a system, unless that is done or not due.
    fn judge(&mut self, sha: &str, system: &'static str) {
        let now = self.now;
        let Some(document) = self.documents.get_mut(sha).filter(|document| !document.refused)
        else {
            return;
        };
        let file = document.file.clone();
        let judgement = document.judgement(system, now);
        if !SYSTEMS.contains(&system) {
            judgement.state = State::Refused;
            return;
        }
        let due = match judgement.state {
            State::New => true,
            State::Parked(at) => at <= now,
            State::Done | State::Refused => false,
        };
        if !due {
            return;
        }
        let is_last = now >= judgement.first_at + TRY_FOR;
        let (tally, found) = self.reconcile((sha, system), &file, is_last);
        self.settle((sha, system), found);
        if let Some(document) = self.documents.get_mut(sha) {
            let judgement = document.judgement(system, now);
            let is_parked = tally.provisional > 0;
            judgement.state = if is_parked { State::Parked(now + TRY_EVERY) } else { State::Done };
            judgement.tally = tally;
        }
    }

    /// The findings of a judgement take the place of those of the one before: what is not found any more is
    /// done with, and if it was provisional it never was.
    fn settle(&mut self, (sha, system): (&str, &str), found: BTreeMap<Finding, u64>) {
        let own = self.findings.keys().filter(|finding| {
            finding.sha == sha
                && finding.system == system
                && finding.code != "DUPLICATE_TRANSMISSION"
        });
        let gone: Vec<Finding> =
            own.filter(|finding| !found.contains_key(finding)).cloned().collect();
        for finding in gone {
            if finding.provisional {
                self.findings.remove(&finding);
            } else if let Some((_, open)) = self.findings.get_mut(&finding) {
                *open = false;
            }
        }
        for (finding, count) in found {
            self.find(finding, count);
        }
    }

    /// Whether a document waits for a system and its time has come.
    pub fn is_due(&self, sha: &str, system: &str) -> bool {
        let document = self.documents.get(sha);
        let judgements = document.into_iter().flat_map(|document| &document.judgements);
        let mut own = judgements.filter(|(of, _)| *of == system);
        own.any(|(_, one)| matches!(one.state, State::Parked(at) if at <= self.now))
    }

    /// A document is due at once, for a system.
    pub(super) fn recall(&mut self, sha: &str, system: &'static str) {
        let now = self.now;
        let Some(document) = self.documents.get_mut(sha) else { return };
        let own = document.judgements.iter_mut().find(|(of, _)| *of == system);
        if let Some((_, judgement)) = own
            && matches!(judgement.state, State::Done | State::Parked(_))
        {
            judgement.state = State::Parked(now);
        }
    }

    /// Everything that the sweep has judged again, in its order.
    pub fn sweep_documents(&mut self) {
        let mut due = Vec::new();
        for (sha, document) in &self.documents {
            let times = document.judgements.iter().filter_map(|(system, one)| match one.state {
                State::Parked(at) => Some((at, *system)),
                State::New | State::Done | State::Refused => None,
            });
            let times: Vec<_> = times.filter(|_| !document.refused).collect();
            let Some(first) = times.iter().map(|(at, _)| *at).min() else { continue };
            if first <= self.now {
                due.push(((first, sha.clone()), times));
            }
        }
        due.sort();
        let now = self.now;
        for ((_, sha), times) in due {
            for (_, system) in times.into_iter().filter(|(at, _)| *at <= now) {
                self.judge(&sha, system);
            }
        }
    }

    /// The sweep announces objects whose notice was lost, by key; gives which.
    pub fn sweep_notices(&mut self) -> Vec<usize> {
        if self.searched_at.is_some_and(|at| self.now < at + SEARCH_EVERY) {
            return Vec::new();
        }
        self.searched_at = Some(self.now);
        let old = |notice: &Notice| !notice.arrived && notice.put_at <= self.now - LOST_AGE;
        let lost = self.notices.iter().enumerate().filter(|(_, notice)| old(notice));
        let lost: BTreeSet<(String, usize)> =
            lost.map(|(at, notice)| (notice.key.clone(), at)).collect();
        let lost: Vec<usize> = lost.into_iter().map(|(_, at)| at).collect();
        for at in &lost {
            self.arrive(*at);
        }
        lost
    }
}
