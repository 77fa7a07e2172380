//! The short way ≡ the general path.
#![no_main]

#[path = "../properties/seen.rs"]
mod seen;
#[path = "../properties/short_way.rs"]
mod short_way;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| short_way::holds(bytes));
