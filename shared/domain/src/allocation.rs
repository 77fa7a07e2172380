//! An allocation: a range of one pool reserved for one packaging run, and its life cycle.

use crate::gln::Gln;
use crate::ids::{AllocationId, PoolId, RequestId, SystemId};
use crate::numbering::Numbering;
use crate::object_key::ObjectKey;
use crate::pool::Scheme;
use crate::request::{Details, Mode};

/// Where an allocation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AllocationStatus {
    /// The numbers are held until the caller confirms or the hold ends.
    PendingConfirmation,
    /// The numbers belong to the run.
    Reserved,
    /// The numbers were handed to the line system.
    Exported,
    /// At least one number was reported as used.
    Active,
    /// The run is over, but what the line reports is not what the ledger says: somebody else looks at it.
    PendingReview,
    /// The run is over; numbers not used are deactivated.
    Closed,
    /// The numbers were given up before any was used.
    Voided,
    /// The hold ended without a confirmation; the numbers were given up.
    Expired,
}

/// What may happen to an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The caller keeps the numbers that are held for it.
    Confirm,
    /// The hold ends.
    Expire,
    /// The numbers are handed out.
    Export,
    /// A number is reported as used.
    Activate,
    /// The run ends.
    Close,
    /// The run ends, but not all is as it should be.
    Doubt,
    /// Somebody who reviewed the end of the run accepts it.
    Accept,
    /// Somebody who reviewed the end of the run takes it back.
    Reopen,
    /// The numbers are given up.
    Void,
}

/// A transition that the life cycle does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an allocation that is {} cannot {}", .status.as_str(), .transition.verb())]
pub struct TransitionError {
    /// Where it stands.
    pub status: AllocationStatus,
    /// What was asked.
    pub transition: Transition,
}

impl Transition {
    /// All transitions.
    pub const ALL: [Self; 9] = [
        Self::Confirm,
        Self::Expire,
        Self::Export,
        Self::Activate,
        Self::Close,
        Self::Doubt,
        Self::Accept,
        Self::Reopen,
        Self::Void,
    ];

    const fn verb(self) -> &'static str {
        match self {
            Self::Confirm => "be confirmed",
            Self::Expire => "expire",
            Self::Export => "be exported",
            Self::Activate => "become active",
            Self::Close | Self::Doubt => "be closed",
            Self::Accept => "be accepted",
            Self::Reopen => "be reopened",
            Self::Void => "be voided",
        }
    }

    /// The states that this transition may start from, its own result included (doing it again changes
    /// nothing). The store turns this list into the condition of its write.
    #[must_use]
    pub const fn sources(self) -> &'static [AllocationStatus] {
        use AllocationStatus::{
            Active, Closed, Expired, Exported, PendingConfirmation, PendingReview, Reserved, Voided,
        };
        match self {
            // A number that is on a pack is used, confirmed or not.
            Self::Confirm | Self::Activate => {
                &[PendingConfirmation, Reserved, Exported, Active, PendingReview, Closed]
            }
            // What may be taken back must not be printed.
            Self::Export => &[Reserved, Exported, Active, PendingReview, Closed],
            Self::Close => &[Reserved, Exported, Active, Closed],
            Self::Doubt => &[Reserved, Exported, Active],
            // Who said so and what was counted then is kept with each decision, so none is made twice.
            Self::Accept | Self::Reopen => &[PendingReview],
            Self::Expire => &[PendingConfirmation, Expired],
            Self::Void => &[PendingConfirmation, Reserved, Exported, Voided],
        }
    }
}

impl AllocationStatus {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::PendingConfirmation,
        Self::Reserved,
        Self::Exported,
        Self::Active,
        Self::PendingReview,
        Self::Closed,
        Self::Voided,
        Self::Expired,
    ];

    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingConfirmation => "pending_confirmation",
            Self::Reserved => "reserved",
            Self::Exported => "exported",
            Self::Active => "active",
            Self::PendingReview => "pending_review",
            Self::Closed => "closed",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }

    /// Whether its run is over, be it under review: what is reported now comes late.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::PendingReview | Self::Closed)
    }

    /// Whether a number may have been used: before that it has no ledger block.
    #[must_use]
    pub const fn may_be_used(self) -> bool {
        matches!(self, Self::Active | Self::PendingReview | Self::Closed)
    }

    /// Whether its numbers were given up: nobody may use them any more.
    #[must_use]
    pub const fn is_given_up(self) -> bool {
        matches!(self, Self::Voided | Self::Expired)
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The state after a transition; the same state when it has been made before.
    pub fn after(self, transition: Transition) -> Result<Self, TransitionError> {
        if !transition.sources().contains(&self) {
            return Err(TransitionError { status: self, transition });
        }
        Ok(match (transition, self) {
            (Transition::Confirm, Self::PendingConfirmation) => Self::Reserved,
            (Transition::Export, Self::Reserved) => Self::Exported,
            (Transition::Activate, Self::PendingConfirmation | Self::Reserved | Self::Exported) => {
                Self::Active
            }
            (Transition::Close | Transition::Accept, _) => Self::Closed,
            (Transition::Doubt, _) => Self::PendingReview,
            (Transition::Reopen, _) => Self::Active,
            (Transition::Void, _) => Self::Voided,
            (Transition::Expire, _) => Self::Expired,
            (Transition::Confirm | Transition::Export | Transition::Activate, same) => same,
        })
    }
}

/// A reserved range and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Its id, derived from the request.
    pub id: AllocationId,
    /// The caller's name for the request.
    pub request_id: RequestId,
    /// The hash of the request (I3).
    pub request_hash: String,
    /// The system that asked.
    pub requester: SystemId,
    /// The system whose line prints.
    pub system_id: SystemId,
    /// The pool the numbers come from.
    pub pool_id: PoolId,
    /// What the numbers are numbers of.
    pub key: ObjectKey,
    /// The length of the company prefix, for URNs.
    pub company_prefix_length: u8,
    /// How an index becomes text.
    pub scheme: Scheme,
    /// The first index.
    pub start: u128,
    /// How many numbers.
    pub size: u64,
    /// Where it stands.
    pub status: AllocationStatus,
    /// The packaging line.
    pub line_gln: Option<Gln>,
    /// The plant.
    pub plant_gln: Option<Gln>,
    /// What else is known.
    pub details: Details,
    /// When it was recorded, RFC 3339 UTC with milliseconds.
    pub created_at: String,
    /// When the run was closed.
    pub closed_at: Option<String>,
    /// How many numbers were asked for; more than `size` when fewer were left and that would do.
    pub requested: u64,
    /// How the numbers are told.
    pub mode: Mode,
    /// Until when the numbers were held for a confirmation, if they were not given for good at once.
    pub hold: Option<Hold>,
    /// Whether numbers of it were offered a second time.
    pub reuse: Reuse,
}

/// Whether numbers of an allocation were offered a second time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reuse {
    /// None were.
    #[default]
    None,
    /// It gave numbers back; some may belong to other allocations since.
    Gave,
    /// Its numbers are such as others had given back.
    Took,
}

impl Reuse {
    /// All of it.
    pub const ALL: [Self; 3] = [Self::None, Self::Gave, Self::Took];

    /// The word used in items.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gave => "gave",
            Self::Took => "took",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reuse| reuse.as_str() == text)
    }
}

/// Numbers that are given up unless the caller confirms in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// When it ends, RFC 3339 UTC with milliseconds.
    pub ends_at: String,
    /// When the caller confirmed.
    pub confirmed_at: Option<String>,
}

impl Allocation {
    /// The last index.
    #[must_use]
    pub fn last(&self) -> u128 {
        self.start.saturating_add(u128::from(self.size)).saturating_sub(1)
    }

    /// Whether its numbers may be handed out as a whole, for the first time or again. I1: what it gave back may
    /// belong to others.
    #[must_use]
    pub fn is_exportable(&self) -> bool {
        self.reuse != Reuse::Gave && self.status.after(Transition::Export).is_ok()
    }

    /// Whether its numbers were held for a confirmation that never came.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.confirmed_at.is_none())
    }

    /// The first and the last serial number, where these tell all between them: not of random texts.
    #[must_use]
    pub fn serial_ends(&self) -> Option<(String, String)> {
        let numbering = Numbering::keyless(self.key, self.scheme)?;
        Some((numbering.text_of(self.start), numbering.text_of(self.last())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_state_and_transition_is_decided() {
        use AllocationStatus::{
            Active, Closed, Expired, Exported, PendingConfirmation, PendingReview, Reserved, Voided,
        };
        // Confirm, expire, export, activate, close, doubt, accept, reopen, void.
        let (reserved, exported, review) = (Some(Reserved), Some(Exported), Some(PendingReview));
        let (active, closed, voided) = (Some(Active), Some(Closed), Some(Voided));
        let expired = Some(Expired);
        let no = None;
        let table = [
            (PendingConfirmation, [reserved, expired, no, active, no, no, no, no, voided]),
            (Reserved, [reserved, no, exported, active, closed, review, no, no, voided]),
            (Exported, [exported, no, exported, active, closed, review, no, no, voided]),
            (Active, [active, no, active, active, closed, review, no, no, no]),
            (PendingReview, [review, no, review, review, no, no, closed, active, no]),
            (Closed, [closed, no, closed, closed, closed, no, no, no, no]),
            (Voided, [no, no, no, no, no, no, no, no, voided]),
            (Expired, [no, expired, no, no, no, no, no, no, no]),
        ];
        assert_eq!(table.len(), AllocationStatus::ALL.len());
        for (status, expected) in table {
            for (transition, after) in Transition::ALL.into_iter().zip(expected) {
                let error = TransitionError { status, transition };
                assert_eq!(
                    status.after(transition),
                    after.ok_or(error),
                    "{status:?} {transition:?}"
                );
            }
            assert_eq!(AllocationStatus::parse(status.as_str()), Some(status));
        }
    }
}
