//! XML, JSON, gzip: the same from any chunking, and never a panic.
#![no_main]

#[path = "../properties/chunks.rs"]
mod chunks;
#[path = "../properties/seen.rs"]
mod seen;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chunks::holds(bytes));
