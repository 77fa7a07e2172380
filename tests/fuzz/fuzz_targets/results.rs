//! Result files of lines, whatever is in them.
#![no_main]

#[path = "../properties/results.rs"]
mod results;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| results::holds(bytes));
