//! The ledger of one allocation: what became of each of its numbers.
//!
//! - A block is the OR of its postings, less what postings retract: it can be computed again from
//!   them at any time and in any order (I5).
//! - Every serial is in exactly one bucket, derived from its facts by precedence (I4).
//! - A posting is what one document says about one block, with the verdict found when it was
//!   applied; judging depends on the block and on its other postings, on nothing else.
//!
//! The module does not know how blocks are stored, what a document looks like, or who may report.

mod balance;
mod judge;
mod posting;
mod state;

pub use balance::{Balance, Bucket, Buckets};
pub use judge::{Terms, judge, needs_history};
pub use posting::{Claim, Draft, GROUPS_MAX, Group, Posting, PostingError, Verdict};
pub use state::BlockState;

#[cfg(test)]
mod tests;
