//! Documents against a real table: what is found, what is posted, and that it happens once.
//! The objects are left out here; the flow tests over the local cloud have them.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop where a test cannot go on, as the tests themselves"
)]

#[path = "ledger/bench.rs"]
mod bench;
#[path = "ledger/findings.rs"]
mod findings;
#[path = "ledger/frugal.rs"]
mod frugal;
#[path = "ledger/once.rs"]
mod once;
#[path = "ledger/randomised.rs"]
mod randomised;
#[path = "ledger/reoffered.rs"]
mod reoffered;
#[path = "ledger/reserving.rs"]
mod reserving;
#[path = "ledger/results.rs"]
mod results;
#[path = "ledger/ssccs.rs"]
mod ssccs;
#[path = "ledger/transitions.rs"]
mod transitions;
