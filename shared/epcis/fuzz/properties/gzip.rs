//! Gzip: the same from any chunking, members joined, cuts and bombs told, never more than the limits.

#![expect(clippy::arithmetic_side_effects, reason = "sizes taken from single bytes are small")]

use std::io::{BufReader, Read, Write};

use epcis::{Limits, ReadErrorCode, inflate};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::seen::seen;

pub fn holds(bytes: &[u8]) {
    as_a_stream(bytes);
    as_a_text(bytes);
}

/// Any bytes are read to the same end from any pieces.
fn as_a_stream(bytes: &[u8]) {
    let limits = Limits { inflated_bytes_max: 1 << 16, ratio_free_bytes: 1 << 12, ..small() };
    let whole = drained(bytes, &limits, bytes.len() + 1, 1 << 13);
    let dial = usize::from(bytes.last().copied().unwrap_or(0));
    for (piece, step) in [(1, 1 + dial), (1 + dial, 7), (3, 1 << 13)] {
        let parts = drained(bytes, &limits, piece, step);
        match (&whole.1, &parts.1) {
            // Plain text is counted as it comes, so it ends apart where the limit is.
            (Some(left), Some(right)) if bytes.len() > 1 << 16 => assert_eq!(left, right),
            _ => assert_eq!(whole, parts),
        }
    }
    if !bytes.starts_with(&[0x1f, 0x8b]) && bytes.len() < 1 << 16 {
        assert_eq!(whole, (bytes.to_vec(), None), "what is not gzip goes by unchanged");
    }
}

fn small() -> Limits {
    Limits { ratio_max: 50, ..Limits::default() }
}

/// The text, and the message of the error that ended it.
fn drained(bytes: &[u8], limits: &Limits, piece: usize, step: usize) -> (Vec<u8>, Option<String>) {
    let mut reader = inflate(BufReader::with_capacity(piece, bytes), limits);
    let (mut text, mut part) = (Vec::new(), vec![0; step]);
    loop {
        match reader.read(&mut part) {
            Ok(0) => return (text, None),
            Ok(read) => text.extend_from_slice(&part[..read]),
            Err(error) => return (text, Some(error.to_string())),
        }
        let most = usize::try_from(limits.inflated_bytes_max).unwrap();
        assert!(text.len() <= most, "{} bytes got through", text.len());
    }
}

/// Any text, cut into members, comes back; cut short, it is an error and never a shorter text.
fn as_a_text(text: &[u8]) {
    let dial = |at: usize| usize::from(text.iter().rev().nth(at).copied().unwrap_or(0));
    let mut packed = Vec::new();
    let mut ends = Vec::new();
    for member in text.chunks((64 + dial(0) * 16).max(text.len() / 6)) {
        packed.extend(member_of(member, dial(1)));
        ends.push(packed.len());
    }
    let limits = Limits::default();
    if packed.is_empty() {
        return;
    }
    assert_eq!(drained(&packed, &limits, 1 + dial(2), 1 + dial(3)), (text.to_vec(), None));
    let cut = 2 + (dial(4) * 256 + dial(5)) % packed.len().saturating_sub(2).max(1);
    if !ends.contains(&cut) && cut < packed.len() {
        let (part, error) = drained(&packed[..cut], &limits, 1 + dial(2), 1 + dial(3));
        assert!(text.starts_with(&part));
        assert!(error.is_some(), "cut at {cut} of {}", packed.len());
        let told = seen(&packed[..cut], &limits, u64::MAX).0;
        assert!(told.is_err(), "a document that is cut short was read: {told:?}");
    }
    if let Some(tight) = u64::try_from(text.len()).unwrap().checked_sub(1) {
        let limits = Limits { inflated_bytes_max: tight, ..Limits::default() };
        match seen(&packed, &limits, u64::MAX).0 {
            Ok(_) => panic!("a text of one byte more than the limit was read"),
            Err(epcis::Failure::Read(error)) => {
                assert_ne!(error.code, ReadErrorCode::Io, "{error}");
            }
            Err(epcis::Failure::Sink(())) => {}
        }
    }
}

fn member_of(text: &[u8], level: usize) -> Vec<u8> {
    let level = Compression::new(u32::try_from(level % 10).unwrap());
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(text).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}
