//! The short way ≡ the general path.
#![no_main]

#[path = "seen.rs"]
mod seen;

use epcis::Limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The limits follow from the bytes, which stay whole: any document is a seed.
    let dial = |at: usize| usize::from(bytes.iter().rev().nth(at).copied().unwrap_or(0));
    let limits = if bytes.len() % 2 == 0 {
        Limits { buffer_bytes: 16 + dial(0) * 4, ..Limits::default() }
    } else {
        Limits {
            buffer_bytes: 16 + dial(0) * 4,
            token_bytes_max: 100 + dial(1),
            value_bytes_max: 10 + dial(2),
            depth_max: 2 + dial(3) % 10,
            events_max: (dial(4) % 6) as u64,
            ..Limits::default()
        }
    };
    let calls = if dial(5) % 4 == 0 { dial(6) as u64 } else { u64::MAX };
    let general = seen::seen(bytes, &Limits { short_way: false, ..limits.clone() }, calls);
    let short = seen::seen(bytes, &Limits { short_way: true, ..limits }, calls);
    assert_eq!(general, short);
});
