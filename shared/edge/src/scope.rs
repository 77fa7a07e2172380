//! What a credential may do.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// One right of a credential. [`Scope::Operator`] implies all the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Operator,
    PoolsRead,
    PoolsWrite,
    AllocationsRead,
    AllocationsWrite,
    UploadsWrite,
    DocumentsRead,
    FindingsWrite,
    TelemetryWrite,
    ReportsRead,
    AuditRead,
}

impl Scope {
    /// Every scope, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Operator,
        Self::PoolsRead,
        Self::PoolsWrite,
        Self::AllocationsRead,
        Self::AllocationsWrite,
        Self::UploadsWrite,
        Self::DocumentsRead,
        Self::FindingsWrite,
        Self::TelemetryWrite,
        Self::ReportsRead,
        Self::AuditRead,
    ];

    /// The scope as it is written in credentials.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::PoolsRead => "pools:read",
            Self::PoolsWrite => "pools:write",
            Self::AllocationsRead => "allocations:read",
            Self::AllocationsWrite => "allocations:write",
            Self::UploadsWrite => "uploads:write",
            Self::DocumentsRead => "documents:read",
            Self::FindingsWrite => "findings:write",
            Self::TelemetryWrite => "telemetry:write",
            Self::ReportsRead => "reports:read",
            Self::AuditRead => "audit:read",
        }
    }

    /// Whether a holder of `self` may do what `wanted` asks for.
    #[must_use]
    pub fn implies(self, wanted: Self) -> bool {
        self == wanted || self == Self::Operator
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no scope.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("is not a scope of the hub")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn only_operator_implies_another_scope() {
        for held in Scope::ALL {
            assert_eq!(held.as_str().parse(), Ok(held));
            for wanted in Scope::ALL {
                let expected = held == wanted || held == Scope::Operator;
                assert_eq!(held.implies(wanted), expected, "{held} {wanted}");
            }
        }
        assert!("pools".parse::<Scope>().is_err());
    }
}
