//! Reads a list: the texts of indexes, and the index of a text.
//!
//! Files name neighbours: where one text was found, its segment is kept, and most of the others are found
//! in it. So reads follow the segments that a file touches, and its strangers, not its length (I10).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use domain::ids::PoolId;
use domain::list::{ListId, ListTexts, Longest, Row, SEGMENT_ROWS, text_hash};
use sha2::{Digest, Sha256};

use super::files::Place;
use super::index::{self, BUCKETS, Entry, TABLE_BYTES, Table};
use super::{Import, hex};
use crate::error::StoreError;
use crate::item::Corrupt;
use crate::objects::Objects;

/// Segments that are kept; without their crypto columns each has a megabyte and a half.
const SEGMENTS_KEPT: usize = 8;
/// Buckets of indexes that are kept, of some kilobytes each.
const BUCKETS_KEPT: usize = 128;
/// Tables of parts that are kept, of four kilobytes each: one of each import, and of large ones some more.
const TABLES_KEPT: usize = 256;
/// Buckets between two that are wanted which are read with them: fewer calls for a few kilobytes more.
const GAP: usize = 8;
/// Buckets that are read with one call at most: a megabyte of a large import.
const RUN: usize = 128;

/// Bytes of a row that is kept beside its text: lengths, where it begins, its hash and place.
const ROW_BYTES: usize = 32;

/// The list of a pool, as far as it was read.
#[derive(Debug)]
pub struct ListReader {
    objects: Objects,
    list: ListId,
    imports: Vec<Import>,
    /// The last used one first.
    segments: VecDeque<((usize, u32), Arc<ListTexts>)>,
    tables: HashMap<(usize, u32), Table>,
    buckets: VecDeque<((usize, u32, usize), Vec<Entry>)>,
    /// The import where a text was found last: files name neighbours.
    near: Option<usize>,
    reads: u64,
}

impl ListReader {
    pub(super) fn new(objects: Objects, pool: &PoolId, imports: Vec<Import>) -> Self {
        Self {
            objects,
            list: ListId::of(pool),
            imports,
            segments: VecDeque::new(),
            tables: HashMap::new(),
            buckets: VecDeque::new(),
            near: None,
            reads: 0,
        }
    }

    /// The imports that count.
    #[must_use]
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// Objects that were read so far.
    #[must_use]
    pub const fn reads(&self) -> u64 {
        self.reads
    }

    /// Bytes that it keeps, rather too many than too few: who has several readers bounds them together (I10).
    #[must_use]
    pub fn bytes_kept(&self) -> usize {
        let longest = |import: usize| self.imports.get(import).map_or(0, |it| it.longest.serial);
        let segment = |import: usize, texts: &ListTexts| {
            texts.len().saturating_mul(longest(import).saturating_add(ROW_BYTES))
        };
        let segments = self.segments.iter().map(|((import, _), texts)| segment(*import, texts));
        let entries = self.buckets.iter().map(|(_, entries)| entries.len());
        let buckets = entries.map(|count| count.saturating_mul(size_of::<Entry>()));
        let tables = self.tables.len().saturating_mul(TABLE_BYTES);
        let imports = self.imports.iter().map(|import| {
            let names = import.segments.len().saturating_mul(size_of::<[u8; 32]>());
            names.saturating_add(size_of::<Import>())
        });
        segments.chain(buckets).chain(imports).fold(tables, usize::saturating_add)
    }

    /// The longest texts of the imports that have these indexes. It never changes, whatever is imported later.
    #[must_use]
    pub fn longest_of(&self, first: u128, count: u64) -> Longest {
        let end = first.saturating_add(u128::from(count));
        let of = self.imports.iter().filter(|import| import.first < end && first <= import.last());
        of.map(|import| import.longest).fold(Longest::default(), Longest::joined)
    }

    /// The texts of some indexes out of a range, with their crypto columns. Memory follows `count`: who has many
    /// asks piece by piece.
    pub async fn texts_of(
        &mut self,
        (first, count): (u128, u64),
        range: (u128, u64),
    ) -> Result<ListTexts, StoreError> {
        let mut texts = ListTexts::from(first, self.longest_of(range.0, range.1));
        let end = first.saturating_add(u128::from(count));
        let mut index = first;
        while index < end {
            let Some((import, segment)) = self.home(index) else { break };
            let rows = self.segment_rows(import, segment).await?;
            let begin = self.begin_of(import, segment);
            let mut rest = rows.as_slice();
            let mut at = begin;
            while let Some((row, behind)) = Row::take(rest).filter(|_| at < end) {
                if at >= index {
                    texts.push(&row);
                }
                (rest, at) = (behind, at.saturating_add(1));
            }
            if at <= index {
                break;
            }
            index = at;
        }
        if !texts.covers(first, count) {
            return Err(StoreError::NotFound { what: "a number of a list" });
        }
        Ok(texts)
    }

    /// The index of a text; `None` where the list does not have it.
    pub async fn index_of(&mut self, serial: &str) -> Result<Option<u128>, StoreError> {
        let hash = text_hash(serial);
        let of = |texts: &ListTexts| texts.index_of_hash(hash, serial);
        let known = self.segments.iter().position(|(_, texts)| of(texts).is_some());
        if let Some(segment) = known.and_then(|place| self.segments.remove(place)) {
            let index = of(&segment.1);
            self.segments.push_front(segment);
            return Ok(index);
        }
        for import in self.candidates(serial) {
            for place in self.places(import, hash).await? {
                let texts = self.segment(import, place.div_euclid(SEGMENT_ROWS)).await?;
                if let Some(index) = of(&texts) {
                    self.near = Some(import);
                    return Ok(Some(index));
                }
            }
        }
        Ok(None)
    }

    /// The imports that may have a text: the one of the last hit first, then the newest first. None has a text
    /// that is longer than its longest one, which is told without a read.
    fn candidates(&self, serial: &str) -> Vec<usize> {
        let fits = |import: &Import| serial.len() <= import.longest.serial;
        let all = self.imports.iter().enumerate().rev();
        let all = all.filter(|(_, import)| fits(import)).map(|(number, _)| number);
        let (mut near, others): (Vec<usize>, Vec<usize>) =
            all.partition(|number| self.near == Some(*number));
        near.extend(others);
        near
    }

    /// Hashes of an import that are among these, which are sorted: the place there of each.
    pub(super) async fn common(
        &mut self,
        import: usize,
        wanted: &[Entry],
    ) -> Result<Vec<(u32, u32)>, StoreError> {
        let Some(parts) = self.imports.get(import).map(|import| import.parts) else {
            return Ok(Vec::new());
        };
        let mut common = Vec::new();
        let mut rest = wanted;
        while let Some((hash, _)) = rest.first() {
            let part = index::part_of(*hash, parts);
            let (first, mut last) =
                (index::bucket_of(*hash, parts), index::bucket_of(*hash, parts));
            let run = rest.iter().take_while(|(hash, _)| {
                let bucket = index::bucket_of(*hash, parts);
                let near = index::part_of(*hash, parts) == part
                    && bucket <= last.saturating_add(GAP)
                    && bucket < first.saturating_add(RUN);
                last = if near { bucket } else { last };
                near
            });
            let (run, behind) = rest.split_at_checked(run.count()).unwrap_or((rest, &[]));
            let theirs = self.bucket_run(import, part, (first, last)).await?;
            meet(run, &theirs, &mut common);
            rest = behind;
        }
        Ok(common)
    }

    /// A segment with the serial numbers only.
    async fn segment(&mut self, import: usize, number: u32) -> Result<Arc<ListTexts>, StoreError> {
        let known = self.segments.iter().position(|(key, _)| *key == (import, number));
        let segment = if let Some(segment) = known.and_then(|place| self.segments.remove(place)) {
            segment
        } else {
            let rows = self.segment_rows(import, number).await?;
            let mut texts = ListTexts::from(self.begin_of(import, number), Longest::default());
            let mut rest = rows.as_slice();
            while let Some((row, behind)) = Row::take(rest) {
                texts.push(&Row { key: "", code: "", ..row });
                rest = behind;
            }
            ((import, number), Arc::new(texts))
        };
        let texts = Arc::clone(&segment.1);
        self.segments.push_front(segment);
        self.segments.truncate(SEGMENTS_KEPT);
        Ok(texts)
    }

    /// The text at a place of an import.
    pub(super) async fn text_at(
        &mut self,
        import: usize,
        place: u32,
    ) -> Result<String, StoreError> {
        let texts = self.segment(import, place.div_euclid(SEGMENT_ROWS)).await?;
        let first = self.imports.get(import).map_or(0, |import| import.first);
        Ok(texts.row(first.saturating_add(u128::from(place))).serial.to_owned())
    }

    /// The rows of a segment, as they were stored.
    async fn segment_rows(&mut self, import: usize, number: u32) -> Result<Vec<u8>, StoreError> {
        let none = StoreError::NotFound { what: "a segment of a list" };
        let Some(of) = self.imports.get(import) else { return Err(none) };
        let known = usize::try_from(number).ok().and_then(|number| of.segments.get(number));
        let Some(sha256) = known else { return Err(none) };
        let rows = self.objects.segment_get(&Place::new(self.list, &of.sha256), number).await?;
        self.reads = self.reads.saturating_add(1);
        if Sha256::digest(&rows).as_slice() != sha256 {
            return Err(self.corrupt(import, "is not what its import says"));
        }
        Ok(rows)
    }

    /// Places of texts of this hash in an import.
    async fn places(&mut self, import: usize, hash: u64) -> Result<Vec<u32>, StoreError> {
        let Some(parts) = self.imports.get(import).map(|import| import.parts) else {
            return Ok(Vec::new());
        };
        let (part, bucket) = (index::part_of(hash, parts), index::bucket_of(hash, parts));
        let key = (import, part, bucket);
        let known = self.buckets.iter().position(|(kept, _)| *kept == key);
        let bucket = match known.and_then(|place| self.buckets.remove(place)) {
            Some(bucket) => bucket,
            None => (key, self.bucket_run(import, part, (bucket, bucket)).await?),
        };
        let of = |entry: &&Entry| entry.0 == hash;
        let places = bucket.1.iter().filter(of).map(|(_, place)| *place).collect();
        self.buckets.push_front(bucket);
        self.buckets.truncate(BUCKETS_KEPT);
        Ok(places)
    }

    /// The entries of consecutive buckets.
    async fn bucket_run(
        &mut self,
        import: usize,
        part: u32,
        buckets: (usize, usize),
    ) -> Result<Vec<Entry>, StoreError> {
        let Some(of) = self.imports.get(import) else { return Ok(Vec::new()) };
        let (place, named) = (Place::new(self.list, &of.sha256), (part, of.parts));
        if !self.tables.contains_key(&(import, part)) {
            let last = u64::try_from(TABLE_BYTES).unwrap_or_default().saturating_sub(1);
            let bytes = self.objects.part_get(&place, named, (0, last)).await?;
            self.reads = self.reads.saturating_add(1);
            let table = Table::read(&bytes);
            let table =
                table.ok_or_else(|| self.corrupt(import, "has an index of another form"))?;
            if self.tables.len() >= TABLES_KEPT {
                self.tables.clear();
            }
            self.tables.insert((import, part), table);
        }
        let buckets = (buckets.0, buckets.1.min(BUCKETS.saturating_sub(1)));
        let bytes = self.tables.get(&(import, part)).and_then(|table| table.bytes_of(buckets));
        let Some(bytes) = bytes else { return Ok(Vec::new()) };
        let bytes = self.objects.part_get(&place, named, bytes).await?;
        self.reads = self.reads.saturating_add(1);
        Ok(index::entries(&bytes).collect())
    }

    /// The import and the segment of an index.
    fn home(&self, index: u128) -> Option<(usize, u32)> {
        let number = self.imports.partition_point(|import| import.last() < index);
        self.imports.get(number)?.segment_of(index).map(|segment| (number, segment))
    }

    fn begin_of(&self, import: usize, segment: u32) -> u128 {
        let first = self.imports.get(import).map_or(0, |import| import.first);
        let before = u128::from(segment).saturating_mul(u128::from(SEGMENT_ROWS));
        first.saturating_add(before)
    }

    fn corrupt(&self, import: usize, problem: &'static str) -> StoreError {
        let sha256 = self.imports.get(import).map_or("", |import| import.sha256.as_str());
        let key = format!("lists/{}/{sha256}", self.list);
        Corrupt { key, attribute: "an object".to_owned(), problem }.into()
    }
}

/// Entries of the same hash in two sorted lists: the places of both.
fn meet(own: &[Entry], theirs: &[Entry], common: &mut Vec<(u32, u32)>) {
    let mut rest = theirs;
    for (hash, place) in own {
        let skipped = rest.iter().take_while(|(other, _)| other < hash).count();
        rest = rest.get(skipped..).unwrap_or_default();
        let same = rest.iter().take_while(|(other, _)| other == hash);
        common.extend(same.map(|(_, other)| (*place, *other)));
    }
}

/// The name of a segment's bytes.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The name of a file.
pub(super) fn name(hash: Sha256) -> String {
    hex(&hash.finalize())
}
