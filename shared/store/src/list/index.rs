//! The index of an import: from the hash of a text to its place among the rows.
//!
//! Hashes are cut into parts, each an object; a part begins with a table of where its 1,024 buckets begin,
//! so that a reader who knows the table finds a text with one ranged GET of some kilobytes.

/// Buckets of a part.
pub(super) const BUCKETS: usize = 1_024;
/// Bytes of the table that a part begins with.
pub(super) const TABLE_BYTES: usize = 4 * (BUCKETS + 1);
/// Bytes of an entry: hash and place.
const ENTRY_BYTES: usize = 12;

/// A hash of a text, and the place of its row, from 0.
pub(super) type Entry = (u64, u32);

/// The part that a hash belongs to, of so many.
pub(super) fn part_of(hash: u64, parts: u32) -> u32 {
    u32::try_from(scaled(hash, parts) >> 64).unwrap_or_default()
}

/// The bucket of a hash in its part.
pub(super) fn bucket_of(hash: u64, parts: u32) -> usize {
    let within = scaled(hash, parts) & u128::from(u64::MAX);
    usize::try_from((within << 10) >> 64).unwrap_or_default()
}

/// In 64 bits before the point the part, behind it how far in the part.
fn scaled(hash: u64, parts: u32) -> u128 {
    u128::from(hash).saturating_mul(u128::from(parts))
}

/// A part as its object holds it; `entries` are sorted.
pub(super) fn part_bytes(entries: &[Entry], parts: u32) -> Vec<u8> {
    let room = entries.len().saturating_mul(ENTRY_BYTES).saturating_add(TABLE_BYTES);
    let mut bytes = Vec::with_capacity(room);
    let mut begins = 0_usize;
    for bucket in 0..=BUCKETS {
        let rest = entries.get(begins..).unwrap_or_default();
        begins =
            begins.saturating_add(rest.partition_point(|(h, _)| bucket_of(*h, parts) < bucket));
        bytes.extend(u32::try_from(begins).unwrap_or(u32::MAX).to_be_bytes());
    }
    for (hash, place) in entries {
        bytes.extend(hash.to_be_bytes());
        bytes.extend(place.to_be_bytes());
    }
    bytes
}

/// Where the buckets of a part begin.
#[derive(Debug)]
pub(super) struct Table(Vec<u32>);

impl Table {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (begins, rest) = bytes.as_chunks::<4>();
        let whole = begins.len() > BUCKETS && rest.is_empty() && begins.is_sorted();
        whole.then(|| Self(begins.iter().map(|begin| u32::from_be_bytes(*begin)).collect()))
    }

    /// The bytes of the buckets from the first to the last; `None` where there are none.
    pub(super) fn bytes_of(&self, (first, last): (usize, usize)) -> Option<(u64, u64)> {
        let at = |bucket: usize| {
            let entry = usize::try_from(*self.0.get(bucket)?).ok()?;
            let bytes = entry.checked_mul(ENTRY_BYTES)?.checked_add(TABLE_BYTES)?;
            u64::try_from(bytes).ok()
        };
        let (from, end) = (at(first)?, at(last.checked_add(1)?)?);
        (from < end).then_some((from, end.saturating_sub(1)))
    }
}

/// The entries in bytes of a part, in order.
pub(super) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry> + '_ {
    bytes.as_chunks::<ENTRY_BYTES>().0.iter().filter_map(|entry| {
        let (hash, place) = entry.split_first_chunk::<8>()?;
        Some((u64::from_be_bytes(*hash), u32::from_be_bytes(*place.first_chunk()?)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_entry_is_found_in_its_bucket_of_its_part(
            hashes in proptest::collection::vec(any::<u64>(), 0..300),
            parts in 1_u32..6,
        ) {
            let mut all: Vec<Entry> = hashes.into_iter().zip(0..).collect();
            all.sort_unstable();
            let mut found = Vec::new();
            for part in 0..parts {
                let own: Vec<Entry> =
                    all.iter().copied().filter(|(hash, _)| part_of(*hash, parts) == part).collect();
                let bytes = part_bytes(&own, parts);
                let table = Table::read(&bytes[..TABLE_BYTES]).unwrap();
                for (hash, place) in &own {
                    let bucket = bucket_of(*hash, parts);
                    let (from, last) = table.bytes_of((bucket, bucket)).unwrap();
                    let slice = &bytes[usize::try_from(from).unwrap()..=usize::try_from(last).unwrap()];
                    prop_assert!(entries(slice).any(|entry| entry == (*hash, *place)));
                }
                let whole = table.bytes_of((0, BUCKETS - 1));
                prop_assert_eq!(whole.is_none(), own.is_empty());
                found.extend(entries(&bytes[TABLE_BYTES..]));
            }
            prop_assert_eq!(found, all);
        }
    }

    #[test]
    fn other_bytes_are_no_table() {
        assert!(Table::read(&[0; TABLE_BYTES]).is_some());
        assert!(Table::read(&[0; TABLE_BYTES - 4]).is_none());
        assert!(Table::read(&[0; TABLE_BYTES - 1]).is_none());
        let mut falling = [0; TABLE_BYTES];
        falling[0] = 1;
        assert!(Table::read(&falling).is_none());
    }

    #[test]
    fn the_ends_of_hashes_are_the_ends_of_parts() {
        for parts in [1, 3, 7] {
            assert_eq!((part_of(0, parts), bucket_of(0, parts)), (0, 0));
            assert_eq!(
                (part_of(u64::MAX, parts), bucket_of(u64::MAX, parts)),
                (parts - 1, BUCKETS - 1)
            );
        }
    }
}
