//! Texts that come from outside or from the table: what is read is written again as it was.
#![no_main]

#[path = "../properties/keys.rs"]
mod keys;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keys::holds(bytes));
