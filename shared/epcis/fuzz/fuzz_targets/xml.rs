//! XML against `roxmltree`: what is read is well-formed, what is well-formed is not called broken, and of
#![no_main]

#[path = "../properties/seen.rs"]
mod seen;
#[path = "../properties/xml.rs"]
mod xml;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xml::holds(bytes));
