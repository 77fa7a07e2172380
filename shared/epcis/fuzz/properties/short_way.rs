//! The short way ≡ the general path.

#![expect(clippy::arithmetic_side_effects, reason = "sizes taken from single bytes are small")]

use epcis::Limits;

use crate::seen::seen;

pub fn holds(bytes: &[u8]) {
    // The limits follow from the bytes, which stay whole: any document is a seed.
    let dial = |at: usize| usize::from(bytes.iter().rev().nth(at).copied().unwrap_or(0));
    // Small buffers mostly; in the larger ones whole events lie beside each other.
    let buffer_bytes = 16 + dial(0) * dial(0) / 8;
    let limits = if bytes.len().is_multiple_of(2) {
        Limits { buffer_bytes, ..Limits::default() }
    } else {
        Limits {
            buffer_bytes,
            token_bytes_max: 100 + dial(1),
            value_bytes_max: 10 + dial(2),
            depth_max: 2 + dial(3) % 10,
            events_max: u64::try_from(dial(4) % 6).unwrap(),
            ..Limits::default()
        }
    };
    let refused = dial(5).is_multiple_of(4);
    let calls = if refused { u64::try_from(dial(6)).unwrap() } else { u64::MAX };
    let general = seen(bytes, &Limits { short_way: false, ..limits.clone() }, calls);
    let short = seen(bytes, &Limits { short_way: true, ..limits }, calls);
    assert_eq!(general, short);
}
