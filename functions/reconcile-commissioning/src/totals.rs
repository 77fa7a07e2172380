//! What is counted over a whole document.

/// What the whole document said.
#[derive(Debug, Default)]
pub struct Totals {
    /// Events.
    pub events: u64,
    /// The latest time of an event that states a fact, milliseconds since 1970.
    pub last_event_ms: Option<i64>,
    /// Identifiers that state nothing about the ledger.
    pub others: u64,
}
