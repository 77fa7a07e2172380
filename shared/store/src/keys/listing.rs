//! Partition keys of the secondary index `listing`.

/// Allocations by creation time.
pub const ALLOCATION: &str = "ALLOCATION";
/// Documents by time of receipt.
pub const DOCUMENT: &str = "DOCUMENT";
/// Findings by time.
pub const FINDING: &str = "FINDING";
/// Systems by id.
pub const SYSTEM: &str = "SYSTEM";
/// Credentials by id.
pub const CREDENTIAL: &str = "CREDENTIAL";

/// The runs of a pool that were returned and can be offered, by their first index.
#[must_use]
pub fn returned(pool: &domain::ids::PoolId) -> String {
    format!("RETURNED#{pool}")
}

/// A part of the audit records of the day of a time (RFC 3339 UTC), by time and entity.
#[must_use]
pub fn audit_day(at: &str, shard: char) -> String {
    format!("AUDIT#{}#{shard}", at.get(..10).unwrap_or_default())
}
