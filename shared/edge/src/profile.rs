//! What kind of company a stack serves, and which parts of the hub that opens.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The tenant's role in the supply chain (`TENANT_PROFILE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantProfile {
    /// Makes the product and assigns its serial numbers.
    Manufacturer,
    /// Repackages and therefore assigns serial numbers too.
    Prepackager,
    /// Trades serialized product; assigns no numbers.
    Wholesaler,
    /// Hands product to patients; assigns no numbers.
    Dispenser,
}

impl TenantProfile {
    /// Every profile, for tables and tests.
    pub const ALL: [Self; 4] =
        [Self::Manufacturer, Self::Prepackager, Self::Wholesaler, Self::Dispenser];

    /// Whether this tenant may use the L3 routes (pools, allocations, uploads, reports on them).
    #[must_use]
    pub fn serves_lines(self) -> bool {
        match self {
            Self::Manufacturer | Self::Prepackager => true,
            Self::Wholesaler | Self::Dispenser => false,
        }
    }

    /// The name used in the template.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manufacturer => "manufacturer",
            Self::Prepackager => "prepackager",
            Self::Wholesaler => "wholesaler",
            Self::Dispenser => "dispenser",
        }
    }
}

impl fmt::Display for TenantProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no profile.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("is not one of manufacturer, prepackager, wholesaler, dispenser")]
pub struct UnknownProfile;

impl FromStr for TenantProfile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == text).ok_or(UnknownProfile)
    }
}
