//! The ledger of one allocation: what became of each of its numbers.
//!
//! - A block is the OR of its postings, less what postings retract: it can be computed again from
//!   them at any time and in any order (I5).
//! - Every serial is in exactly one bucket, derived from its facts by precedence (I4).
//! - A posting is what one document says about one block, with the verdict found when it was
//!   applied; judging depends on the block and on its other postings, on nothing else.
//! - What breaks the table of transitions follows from the set of postings, not from the order in which
//!   they came: of two documents the later one finds it, and what a later one settles is reviewed.
//!
//! The module does not know how blocks are stored, what a document looks like, or who may report.

mod balance;
mod judge;
mod posting;
mod posting_codec;
mod state;
pub mod transition;

pub use balance::{Balance, Bucket, Buckets, block_size};
pub use judge::{Terms, judge, needs_history, review, unsettled};
pub use posting::{Claim, Draft, GROUPS_MAX, Group, Posting, Verdict};
pub use posting_codec::PostingError;
pub use state::BlockState;

#[cfg(test)]
mod tests;
