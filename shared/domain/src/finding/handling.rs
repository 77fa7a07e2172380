//! What people do about a finding, and what makes a finding come back.
//!
//! | status | acknowledge | resolve | found again | found no more |
//! |---|---|---|---|---|
//! | open | acknowledged | resolved | open | resolved |
//! | acknowledged | acknowledged | resolved | acknowledged | resolved |
//! | resolved | refused | resolved | open | resolved |
//!
//! "Found again" is a recurrence as [`Settled::recurs`] says, not merely another run over the same
//! document. Doing again what was done, for the same reason, changes nothing.

use std::fmt;

use super::{Finding, Severity};
use crate::ids::{base32_lower, length_prefixed_sha256};

/// Comments of one finding at most.
pub const COMMENTS_MAX: u32 = 200;
/// Characters of a reason or a comment at most.
const NOTE_CHARACTERS_MAX: usize = 1_000;
/// Characters of an assignee at most.
const ASSIGNEE_CHARACTERS_MAX: usize = 64;

/// What was done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingStatus {
    /// Nobody looked yet.
    Open,
    /// Somebody looks after it.
    Acknowledged,
    /// Done with.
    Resolved,
}

impl FindingStatus {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    /// The word used in items and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The state after a step; the table of this module.
    ///
    /// # Errors
    /// What is resolved cannot be acknowledged any more.
    pub const fn after(self, step: Step) -> Result<Self, Refusal> {
        match (self, step) {
            (Self::Resolved, Step::Acknowledge) => Err(Refusal::Status { status: self, step }),
            (Self::Open, Step::Acknowledge)
            | (Self::Acknowledged, Step::Acknowledge | Step::Recur) => Ok(Self::Acknowledged),
            (Self::Open | Self::Resolved, Step::Recur) => Ok(Self::Open),
            (_, Step::Resolve | Step::Vanish) => Ok(Self::Resolved),
        }
    }
}

/// What moves a finding from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody looks after it.
    Acknowledge,
    /// Somebody has dealt with it.
    Resolve,
    /// It was found again.
    Recur,
    /// Judging its document again did not find it any more.
    Vanish,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 4] = [Self::Acknowledge, Self::Resolve, Self::Recur, Self::Vanish];

    /// The word used in audit records and problems.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::Recur => "recur",
            Self::Vanish => "vanish",
        }
    }
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The status forbids it.
    #[error("a finding that is {} cannot be changed by {}", status.as_str(), step.as_str())]
    Status {
        /// As it is.
        status: FindingStatus,
        /// What was asked for.
        step: Step,
    },
    /// It was done before, for another reason.
    #[error("the finding is {} already, for another reason", status.as_str())]
    OtherReason {
        /// As it is.
        status: FindingStatus,
    },
    /// A resolved finding is nobody's.
    #[error("a resolved finding cannot be assigned")]
    AssignResolved,
    /// It has [`COMMENTS_MAX`] of them.
    #[error("a finding has at most {COMMENTS_MAX} comments")]
    TooManyComments,
}

/// A text that people cannot have meant as a reason, a comment or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("1 to {max} characters, not only blanks, without control characters")]
pub struct TextError {
    max: usize,
}

fn checked(text: &str, max: usize, breaks: bool) -> Result<String, TextError> {
    let printable = |c: char| !c.is_control() || (breaks && c == '\n');
    let fits = text.chars().take(max.saturating_add(1)).count() <= max;
    if !fits || text.trim().is_empty() || !text.chars().all(printable) {
        return Err(TextError { max });
    }
    Ok(text.to_owned())
}

/// A reason or a comment: up to 1,000 characters; line breaks are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(String);

impl Note {
    /// Reads what somebody wrote.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        checked(text, NOTE_CHARACTERS_MAX, true).map(Self)
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who looks after a finding: a name or an address, up to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignee(String);

impl Assignee {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        checked(text, ASSIGNEE_CHARACTERS_MAX, false).map(Self)
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was settled when a finding was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// How many serials it was about.
    pub count: u64,
    /// How bad it was.
    pub severity: Severity,
    /// Nobody resolved it: judging the document again did not find it any more.
    pub vanished: bool,
}

impl Settled {
    /// Whether what is found now is more than what was settled: more serials, graver, or there again
    /// after it had gone. The same finding once more, or a smaller one, is not.
    #[must_use]
    pub fn recurs(&self, found: &Finding) -> bool {
        self.vanished || found.count > self.count || found.severity > self.severity
    }
}

/// What was done about a finding, besides its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handling {
    /// The reason given for the present status.
    pub reason: Option<String>,
    /// Who looks after it.
    pub assignee: Option<String>,
    /// How many comments there are.
    pub comments: u32,
    /// The latest comment and its author as a hash: a comment sent twice is one.
    pub last_comment: Option<String>,
    /// While it is resolved: what was settled.
    pub settled: Option<Settled>,
    /// How often it came back.
    pub recurrences: u32,
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Look after it.
    Acknowledge(Note),
    /// Be done with it.
    Resolve(Note),
    /// Give it to somebody, or to nobody.
    Assign(Option<Assignee>),
    /// Say something about it.
    Comment {
        /// What.
        text: Note,
        /// Who says it.
        author: String,
    },
}

impl Handling {
    /// The status and the handling after a change; `None` where the change is done already.
    ///
    /// # Errors
    /// The finding's status or its number of comments forbids it.
    pub fn changed(
        &self,
        finding: &Finding,
        change: &Change,
    ) -> Result<Option<(FindingStatus, Self)>, Refusal> {
        let mut next = self.clone();
        let status = match change {
            Change::Acknowledge(reason) => next.step(finding, Step::Acknowledge, reason)?,
            Change::Resolve(reason) => next.step(finding, Step::Resolve, reason)?,
            Change::Assign(assignee) => {
                next.assignee = assignee.as_ref().map(Assignee::to_string);
                if finding.status == FindingStatus::Resolved && next != *self {
                    return Err(Refusal::AssignResolved);
                }
                finding.status
            }
            Change::Comment { text, author } => {
                let hash = length_prefixed_sha256(&[author.as_bytes(), text.as_str().as_bytes()]);
                let hash = base32_lower(&hash).chars().take(26).collect();
                if next.last_comment.as_ref() == Some(&hash) {
                    return Ok(None);
                }
                if next.comments >= COMMENTS_MAX {
                    return Err(Refusal::TooManyComments);
                }
                next.comments = next.comments.saturating_add(1);
                next.last_comment = Some(hash);
                finding.status
            }
        };
        let same = status == finding.status && next == *self;
        Ok(if same { None } else { Some((status, next)) })
    }

    fn step(
        &mut self,
        finding: &Finding,
        step: Step,
        reason: &Note,
    ) -> Result<FindingStatus, Refusal> {
        let status = finding.status.after(step)?;
        if status == finding.status {
            let same = self.reason.as_deref() == Some(reason.as_str());
            return if same { Ok(status) } else { Err(Refusal::OtherReason { status }) };
        }
        self.reason = Some(reason.to_string());
        if status == FindingStatus::Resolved {
            self.settle(finding, false);
        }
        Ok(status)
    }

    fn settle(&mut self, finding: &Finding, vanished: bool) {
        let (count, severity) = (finding.count, finding.severity);
        self.settled = Some(Settled { count, severity, vanished });
    }

    /// The handling of a finding that has come back; what else was done about it stays.
    #[must_use]
    pub fn reopened(&self, reason: &str) -> Self {
        Self {
            reason: Some(reason.to_owned()),
            settled: None,
            recurrences: self.recurrences.saturating_add(1),
            ..self.clone()
        }
    }

    /// The handling of a finding that is not found any more.
    #[must_use]
    pub fn vanished(&self, finding: &Finding, reason: &str) -> Self {
        let mut next = Self { reason: Some(reason.to_owned()), ..self.clone() };
        next.settle(finding, true);
        next
    }

    /// Whether nobody has done anything about a finding in this state.
    #[must_use]
    pub fn is_untouched(&self, status: FindingStatus) -> bool {
        status == FindingStatus::Open && *self == Self::default()
    }
}

#[cfg(test)]
#[path = "handling_tests.rs"]
mod tests;
