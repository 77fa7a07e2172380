//! JSON against `serde_json`: what is read is JSON, what is JSON is not called broken, and of an
#![no_main]

#[path = "../properties/json.rs"]
mod json;
#[path = "../properties/seen.rs"]
mod seen;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| json::holds(bytes));
