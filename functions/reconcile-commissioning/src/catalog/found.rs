//! What a look-up of a serial comes to.

use store::StoreError;

#[cfg(doc)]
use super::RANGES_MAX;

/// Why a serial could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The document touches more than [`RANGES_MAX`] ranges.
    #[error("too many ranges")]
    TooScattered,
    /// The store failed: try again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The place of a serial in what was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Reserved for the sender: allocation (its number here) and index from its start.
    Mine {
        /// The number of the allocation in the catalog.
        allocation: usize,
        /// Counted from the allocation's start.
        index: u128,
    },
    /// Reserved for another system.
    Foreign {
        /// The number of the allocation in the catalog.
        allocation: usize,
        /// In the pool.
        index: u128,
    },
    /// In a void range.
    Void {
        /// The number of the allocation in the catalog, if the range ever had one.
        allocation: Option<usize>,
        /// In the pool.
        index: u128,
        /// The number of the way that writes it.
        way: usize,
    },
    /// In a pool, but not reserved.
    Unreserved {
        /// In the pool.
        index: u128,
        /// The number of the way that writes it.
        way: usize,
        /// A later reservation may cover it.
        provisional: bool,
    },
    /// The number of a pool's serial that lost its leading zeros.
    Stripped,
    /// No pool of the GTIN has serials like this.
    NotOfScheme,
    /// There is no pool of the GTIN.
    UnknownGtin,
    /// A space has it: its index tells the rest.
    InSpace {
        /// The number of the space's way.
        way: usize,
    },
}
