//! XML, JSON, gzip: the same from any chunking, and never a panic.

use epcis::Limits;

use crate::seen::seen;

pub fn holds(bytes: &[u8]) {
    let whole = seen(bytes, &Limits::default(), u64::MAX);
    let buffer_bytes = 16 + usize::from(bytes.last().copied().unwrap_or(0));
    let parts = seen(bytes, &Limits { buffer_bytes, ..Limits::default() }, u64::MAX);
    match (&whole.0, &parts.0) {
        // What was told before an error is void and may end elsewhere.
        (Err(left), Err(right)) => assert_eq!(left, right),
        _ => assert_eq!(whole, parts),
    }
}
