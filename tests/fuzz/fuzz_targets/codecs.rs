//! Bytes of items: what is read is written again as it was, and sets are sets.
#![no_main]

#[path = "../properties/codecs.rs"]
mod codecs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codecs::holds(bytes));
