//! Identifiers: text → GTIN and serial → text → GTIN and serial.
#![no_main]

#[path = "../properties/identifiers.rs"]
mod identifiers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| identifiers::holds(bytes));
