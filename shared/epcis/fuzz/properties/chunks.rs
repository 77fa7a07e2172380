//! XML, JSON, gzip: the same from any chunking, and never a panic.

use epcis::{Failure, Limits, ReadErrorCode};

use crate::seen::seen;

pub fn holds(bytes: &[u8]) {
    let whole = seen(bytes, &Limits::default(), u64::MAX);
    let buffer_bytes = 16 + usize::from(bytes.last().copied().unwrap_or(0));
    let parts = seen(bytes, &Limits { buffer_bytes, ..Limits::default() }, u64::MAX);
    match (&whole.0, &parts.0) {
        // What was told before an error is void and may end elsewhere.
        (Err(left), Err(right)) => {
            assert!(
                left == right || is_of_doctype(left) || is_of_doctype(right),
                "{left:?} {right:?}"
            );
        }
        _ => assert_eq!(whole, parts),
    }
}

/// Where a malformed document type declaration ends, the tokenizer judges by the pieces it comes in. It is refused
/// in any case, but what is said of it may be what else is wrong behind it.
fn is_of_doctype(failure: &Failure<()>) -> bool {
    match failure {
        Failure::Read(error) => {
            error.code == ReadErrorCode::EntityDeclaration
                || error.message.contains("DOCTYPE not closed")
        }
        Failure::Sink(()) => false,
    }
}
