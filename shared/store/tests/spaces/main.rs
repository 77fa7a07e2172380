//! Spaces: one key for a form for ever, opened once a process; no two sources of a product print one text
//! (I1), and a space under the European rules is never too dense.
#![expect(clippy::unwrap_used, reason = "a test fails here")]
#![expect(clippy::panic, reason = "a test that meets another outcome fails here")]

mod bench;
mod claims;
mod density;
mod keys;
