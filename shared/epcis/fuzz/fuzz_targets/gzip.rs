//! Gzip: the same from any chunking, members joined, cuts and bombs told, never more than the limits.
#![no_main]

#[path = "../properties/gzip.rs"]
mod gzip;
#[path = "../properties/seen.rs"]
mod seen;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gzip::holds(bytes));
