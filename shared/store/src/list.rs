//! Lists: numbers that were imported into a pool, as objects of the documents bucket.
//!
//! An import is named by the SHA-256 of its file. Its rows lie in segments of 32,768 under
//! `lists/<pool>/<sha256>/`, beside them an index by the hash of the text; both follow from the file alone and
//! are never changed. Its item says where its indexes begin, and which import came before: a chain whose last
//! link the pool itself names. One conditional write of the pool makes an import count, with all that it
//! brings; whatever a crash left before that is named by nobody (I2).
//!
//! I1: while an import is checked, nothing of its product changes, or it is checked anew; see [`import`].
//! I9: texts are in objects and answers, never in logs.

mod files;
mod fold;
mod import;
mod index;
mod reader;
mod refusal;
mod texts;

use data_encoding::HEXLOWER;
use domain::ids::PoolId;
use domain::list::{Longest, SEGMENT_ROWS};

pub use self::import::{ENTRIES_MAX, Importing, Outcome, Step};
pub use self::reader::ListReader;
pub use self::refusal::{ImportError, Offence, Refusal};
use crate::error::StoreError;
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{IMPORT_PREFIX, Pk, Sk};
use crate::{Objects, Store};
use aws_sdk_dynamodb::types::AttributeValue;

const ENTITY: &str = "list-import";
/// Imports of one pool: a text that is looked up is looked for in each of them.
pub const IMPORTS_MAX: usize = 100;

/// Numbers that were imported together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Of the file, hexadecimal.
    pub sha256: String,
    /// The index of its first number.
    pub first: u128,
    /// How many numbers.
    pub count: u32,
    /// Its longest texts.
    pub longest: Longest,
    /// The parts of its index.
    pub parts: u32,
    /// The SHA-256 of each segment.
    pub segments: Vec<[u8; 32]>,
    /// The import before it.
    pub previous: Option<String>,
    /// When it was made, RFC 3339.
    pub at: String,
    /// By whom.
    pub actor: String,
}

impl Import {
    /// The index of its last number.
    #[must_use]
    pub fn last(&self) -> u128 {
        self.first.saturating_add(u128::from(self.count)).saturating_sub(1)
    }

    /// The segment that an index lies in.
    fn segment_of(&self, index: u128) -> Option<u32> {
        let place = index.checked_sub(self.first).filter(|_| index <= self.last())?;
        u32::try_from(place.div_euclid(u128::from(SEGMENT_ROWS))).ok()
    }

    fn to_item(&self, pool: &PoolId) -> Item {
        let sk = Sk::Import(self.first, self.sha256.clone());
        let mut item = new_item(&Pk::Pool(pool.clone()), &sk, ENTITY);
        let segments = self.segments.concat();
        let fields = [
            ("pool_id", text(pool.as_str())),
            ("sha256", text(self.sha256.as_str())),
            ("first", number(self.first)),
            ("count", number(self.count)),
            ("longest_serial", number(self.longest.serial)),
            ("longest_key", number(self.longest.key)),
            ("longest_code", number(self.longest.code)),
            ("parts", number(self.parts)),
            ("segments", AttributeValue::B(segments.into())),
            ("created_at", text(self.at.as_str())),
            ("actor", text(self.actor.as_str())),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        put_some(&mut item, "previous", self.previous.as_deref());
        item
    }

    fn from_item(item: &Item) -> Result<Self, Corrupt> {
        let reader = Reader::new(item, ENTITY)?;
        let (segments, rest) = reader.bytes("segments")?.as_chunks::<32>();
        let import = Self {
            sha256: reader.text("sha256")?.to_owned(),
            first: reader.parsed("first")?,
            count: reader.parsed("count")?,
            longest: Longest {
                serial: reader.parsed("longest_serial")?,
                key: reader.parsed("longest_key")?,
                code: reader.parsed("longest_code")?,
            },
            parts: reader.parsed("parts")?,
            segments: segments.to_vec(),
            previous: reader.optional_text("previous")?.map(str::to_owned),
            at: reader.text("created_at")?.to_owned(),
            actor: reader.text("actor")?.to_owned(),
        };
        let needed = usize::try_from(import.count.div_ceil(SEGMENT_ROWS));
        if !rest.is_empty() || needed != Ok(import.segments.len()) {
            return Err(reader.corrupt("segments", "are not as many as the numbers need"));
        }
        Ok(import)
    }
}

impl Store {
    /// The imports of a pool that count, in their order; consistent. `None` where there is no such pool.
    pub async fn list_imports(&self, pool: &PoolId) -> Result<Option<Vec<Import>>, StoreError> {
        let pk = Pk::Pool(pool.clone());
        let Some(item) = self.item_fetch("GetItem pool", &pk, &Sk::Pool).await? else {
            return Ok(None);
        };
        self.imports_of(pool, head_of(&item)?).await.map(Some)
    }

    /// The chain of imports that ends with this one.
    async fn imports_of(
        &self,
        pool: &PoolId,
        head: Option<String>,
    ) -> Result<Vec<Import>, StoreError> {
        let Some(head) = head else { return Ok(Vec::new()) };
        let pk = Pk::Pool(pool.clone());
        let items = self.partition(&pk, IMPORT_PREFIX).await?;
        let all: Result<Vec<Import>, Corrupt> = items.iter().map(Import::from_item).collect();
        let (mut chain, mut wanted, mut before) = (Vec::new(), Some(head), u128::MAX);
        // Links lead to ever lower indexes, so this ends; what no link names does not count.
        for import in all?.into_iter().rev() {
            if wanted.as_ref() == Some(&import.sha256) && import.last() < before {
                (wanted, before) = (import.previous.clone(), import.first);
                chain.push(import);
            }
        }
        if wanted.is_some() {
            let missing = Corrupt {
                key: pk.to_string(),
                attribute: "list_head".to_owned(),
                problem: "leads to an import that is not there",
            };
            return Err(missing.into());
        }
        chain.reverse();
        Ok(chain)
    }

    /// Reads texts of a pool's list.
    pub async fn list_reader(
        &self,
        objects: &Objects,
        pool: &PoolId,
    ) -> Result<ListReader, StoreError> {
        let imports = self.list_imports(pool).await?.unwrap_or_default();
        Ok(ListReader::new(objects.clone(), pool, imports))
    }
}

/// The last link of a pool's chain of imports.
fn head_of(pool: &Item) -> Result<Option<String>, Corrupt> {
    Ok(Reader::raw(pool).optional_text(crate::pool::HEAD)?.map(str::to_owned))
}

fn hex(sha256: &[u8]) -> String {
    HEXLOWER.encode(sha256)
}
