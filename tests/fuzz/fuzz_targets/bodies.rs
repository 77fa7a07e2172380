//! Requests of any kind to every route, twice.
#![no_main]

#[path = "../properties/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    bodies::holds(bytes);
});
