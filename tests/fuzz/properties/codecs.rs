//! Bytes of items: what is read is written again as it was, and sets are sets.

use std::collections::BTreeSet;

use domain::bitmap::{BLOCK_SIZE, BlockSet, Offset};
use domain::ledger::Posting;
use domain::telemetry::Minute;

/// The beginning of some minute.
const START_MS: u64 = 1_795_428_000_000;

pub fn holds(bytes: &[u8]) {
    if let Ok(set) = BlockSet::decode(bytes) {
        assert_eq!(set.encode(), bytes, "a set has one form");
        assert_eq!(set.iter().count(), usize::try_from(set.len()).unwrap());
    }
    if let Ok(posting) = Posting::decode(bytes) {
        let again = posting.encode();
        assert_eq!(Posting::decode(&again).as_ref(), Ok(&posting));
        assert_eq!(again, bytes, "a posting has one form");
    }
    for start_ms in [0, START_MS] {
        if let Ok(minute) = Minute::decode(start_ms, bytes) {
            let again = minute.encode(start_ms);
            let read = Minute::decode(start_ms, &again).unwrap();
            assert_eq!(read.in_order(), minute.in_order());
            assert_eq!(read.encode(start_ms), again);
        }
    }
    as_operations(bytes);
}

/// Any operations on two sets, next to the sets of the standard library.
fn as_operations(bytes: &[u8]) {
    let (mut left, mut right) = (BlockSet::new(), BlockSet::new());
    let (mut model, mut other) = (BTreeSet::new(), BTreeSet::new());
    for step in bytes.chunks_exact(4) {
        let at = u32::from(u16::from_le_bytes([step[1], step[2]])) % BLOCK_SIZE;
        let offset = Offset::new(at).unwrap();
        match step[0] % 9 {
            0..=2 => assert_eq!(left.insert(offset), model.insert(at)),
            3 => assert_eq!(left.remove(offset), model.remove(&at)),
            4 => {
                let last = at.saturating_add(u32::from(step[3]) * 16).min(BLOCK_SIZE - 1);
                left.union_with(&BlockSet::span(offset, Offset::new(last).unwrap()));
                model.extend(at..=last);
            }
            5 => {
                left.subtract(&right);
                model.retain(|one| !other.contains(one));
            }
            6 => {
                left.intersect_with(&right);
                model.retain(|one| other.contains(one));
            }
            7 => {
                left.union_with(&right);
                model.extend(&other);
            }
            _ => {
                std::mem::swap(&mut left, &mut right);
                std::mem::swap(&mut model, &mut other);
            }
        }
        assert_eq!(left.contains(offset), model.contains(&at));
    }
    let found: Vec<u32> = left.iter().map(|offset| u32::from(offset.get())).collect();
    assert_eq!(found, model.iter().copied().collect::<Vec<_>>());
    assert_eq!(usize::try_from(left.len()), Ok(model.len()));
    assert_eq!(left.intersects(&right), !model.is_disjoint(&other));
    assert_eq!(BlockSet::decode(&left.encode()), Ok(left));
}
