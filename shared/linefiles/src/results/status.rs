//! The words of the column `Status`, and what they say of a number.

use domain::fact::{Fact, Statement};

/// What a line says became of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// On a pack.
    Commissioned,
    /// On a label that is no pack yet.
    Encoded,
    /// Its label was rejected by the line: label scrapped.
    Rejected,
    /// Its label was taken as a sample.
    LabelSampled,
    /// Its pack was taken as a sample.
    Sampled,
    /// Taken off its pack.
    Decommissioned,
    /// Destroyed with its pack.
    Destroyed,
    /// Given back.
    Returned,
    /// The line did not use it: given back as well.
    Unused,
    /// Never to be used.
    Deactivated,
    /// As the number went down to the line: nothing is said of it.
    Reserved,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Commissioned,
        Self::Encoded,
        Self::Rejected,
        Self::LabelSampled,
        Self::Sampled,
        Self::Decommissioned,
        Self::Destroyed,
        Self::Returned,
        Self::Unused,
        Self::Deactivated,
        Self::Reserved,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commissioned => "COMMISSIONED",
            Self::Encoded => "ENCODED",
            Self::Rejected => "REJECTED",
            Self::LabelSampled => "LABEL_SAMPLED",
            Self::Sampled => "SAMPLED",
            Self::Decommissioned => "DECOMMISSIONED",
            Self::Destroyed => "DESTROYED",
            Self::Returned => "RETURNED",
            Self::Unused => "UNUSED",
            Self::Deactivated => "DEACTIVATED",
            Self::Reserved => "RESERVED",
        }
    }

    /// Reads the word, in whatever case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text))
    }

    /// What it states, if anything. A row tells where a number ended and nothing of the way there, so none
    /// but `COMMISSIONED` is said of a pack that must have been commissioned before.
    #[must_use]
    pub const fn statement(self) -> Option<Statement> {
        let fact = match self {
            Self::Commissioned => return Some(Statement::of_pack(Fact::Commissioned)),
            Self::Reserved => return None,
            Self::Encoded => Fact::Encoded,
            Self::Rejected => Fact::Scrapped,
            Self::LabelSampled | Self::Sampled => Fact::Sampled,
            Self::Decommissioned => Fact::Decommissioned,
            Self::Destroyed => Fact::Destroyed,
            Self::Returned | Self::Unused => Fact::Returned,
            Self::Deactivated => Fact::Deactivated,
        };
        Some(Statement::of_number(fact))
    }
}
