//! Files for lines: what is written is read back byte for byte, by readers that are not ours.
#![no_main]

#[path = "../properties/csv.rs"]
mod csv;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| csv::holds(bytes));
