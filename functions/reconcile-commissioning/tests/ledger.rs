//! Documents against a real table: what is found, what is posted, and that it happens once.
//! The objects are left out here; the flow tests over the local cloud have them.

#[path = "ledger/bench.rs"]
mod bench;
#[path = "ledger/findings.rs"]
mod findings;
#[path = "ledger/once.rs"]
mod once;
