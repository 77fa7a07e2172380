//! Findings are handled by people while documents are judged again: nothing that was done is lost, nothing
//! is changed without its audit record (I11), and what comes back is opened again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails here")]
#![expect(clippy::indexing_slicing, reason = "a test fails here")]
#![expect(clippy::arithmetic_side_effects, reason = "numbers of a test are small")]

mod bench;
mod changes;
mod lists;
mod model;
mod recurrence;
mod rerun;
