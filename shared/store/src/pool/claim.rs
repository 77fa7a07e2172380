//! What pools of a key claim, and why a claim is refused. Pure: the guard reads and writes.
//!
//! I1 between pools: those of one source, which are the sequential ones, or those of one space, have no index
//! in common; two sources that could print a common text do not exist side by side.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::PoolId;
use domain::list::ListShape;
use domain::object_key::ObjectKey;
use domain::pool::{PoolDraft, Scheme};
use domain::space::{PoolShare, SpaceForm, SpaceId, TextShape, check_density, separate};
use domain::sscc::SsccPrefix;

use super::PoolError;
use crate::item::{Corrupt, Item, Reader, number, text};

/// What the partition of a key says of one of its pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// The pool.
    pub pool_id: PoolId,
    /// The first index it claims.
    pub from: u128,
    /// The last index it claims: its ceiling, where the hub may extend it.
    pub to: u128,
    /// How its indexes become text.
    pub(crate) prints: Prints,
    /// What it takes of its space.
    pub(crate) share: PoolShare,
    /// What its imported texts look like, where it has such.
    pub(crate) list: Option<ListClaim>,
}

/// What a list claims.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ListClaim {
    /// What its texts look like; never less than those of its imports.
    pub shape: ListShape,
    /// Imports that are about to count, or were when their caller died: where they begin, and their names.
    pub pending: Vec<(u128, String)>,
}

/// What a pool prints, as far as its claim says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prints {
    /// Decimal numbers of a width, which claims of earlier versions do not say.
    Decimals(Option<u8>),
    /// Texts of a space.
    Space(SpaceId),
    /// SSCCs of a company prefix.
    Ssccs(SsccPrefix),
    /// Texts that were imported.
    List,
}

/// Who prints the other text of a clash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A sequential pool.
    Pool(PoolId),
    /// A space.
    Space(SpaceId),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(id) => write!(f, "pool {id}"),
            Self::Space(id) => write!(f, "space {id}"),
        }
    }
}

impl Boundary {
    pub(crate) fn of(pool_id: &PoolId, draft: &PoolDraft) -> Self {
        let prints = match (draft.key, draft.scheme) {
            (ObjectKey::Sscc(prefix), _) => Prints::Ssccs(prefix),
            (ObjectKey::Gtin(_), Scheme::List { .. }) => Prints::List,
            (ObjectKey::Gtin(_), Scheme::Sequential { width }) => Prints::Decimals(Some(width)),
            (ObjectKey::Gtin(_), Scheme::Randomised { space, .. }) => Prints::Space(space),
        };
        let (pool_id, share) = (pool_id.clone(), draft.share());
        let list = (prints == Prints::List).then(ListClaim::default);
        Self { pool_id, from: draft.from, to: draft.ceiling(), prints, share, list }
    }

    /// The space of which the pool is a part.
    pub(crate) fn space(&self) -> Option<SpaceId> {
        match self.prints {
            Prints::Decimals(_) | Prints::Ssccs(_) | Prints::List => None,
            Prints::Space(space) => Some(space),
        }
    }

    /// What its imported texts look like, where it has such.
    #[must_use]
    pub fn list_shape(&self) -> Option<&ListShape> {
        self.list.as_ref().map(|list| &list.shape)
    }

    /// Company prefix and extension digit of SSCCs.
    #[must_use]
    pub const fn sscc_prefix(&self) -> Option<SsccPrefix> {
        match self.prints {
            Prints::Ssccs(prefix) => Some(prefix),
            Prints::Decimals(_) | Prints::Space(_) | Prints::List => None,
        }
    }

    /// Whether it is a claim of this key, as all of a GTIN's partition are.
    pub(crate) fn is_of(&self, key: ObjectKey) -> bool {
        match self.prints {
            Prints::Ssccs(prefix) => key == ObjectKey::Sscc(prefix),
            Prints::Decimals(_) | Prints::Space(_) | Prints::List => true,
        }
    }

    /// The first and the last number as they are compared with those of another claim of the partition: company
    /// prefixes of different lengths write the same SSCC with different serial references.
    fn numbers(&self) -> (u128, u128) {
        let comparable = |index| match self.prints {
            Prints::Ssccs(prefix) => prefix.body(index),
            Prints::Decimals(_) | Prints::Space(_) | Prints::List => index,
        };
        (comparable(self.from), comparable(self.to))
    }

    fn overlaps(&self, other: &Self) -> bool {
        let ((from, to), (other_from, other_to)) = (self.numbers(), other.numbers());
        self.shares_source(other) && other_from <= to && from <= other_to
    }

    /// What covers both of two claims of a pool.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let ceiling = self.share.ceiling.max(other.share.ceiling);
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
            share: PoolShare { ceiling, ..other.share },
            // I1: what was imported stays claimed.
            list: self.list.clone().or_else(|| other.list.clone()),
            ..other.clone()
        }
    }

    /// Whether both take their texts from one source, so that an index is one text.
    fn shares_source(&self, other: &Self) -> bool {
        match (self.prints, other.prints) {
            (Prints::Decimals(_), Prints::Decimals(_)) | (Prints::Ssccs(_), Prints::Ssccs(_)) => {
                true
            }
            (Prints::Space(one), Prints::Space(other)) => one == other,
            // Texts of lists are compared one by one when they are imported.
            (Prints::Decimals(_) | Prints::Space(_) | Prints::Ssccs(_) | Prints::List, _) => false,
        }
    }

    pub(crate) fn put(&self, item: &mut Item) {
        let fields = [
            ("pool_id", text(self.pool_id.as_str())),
            ("from", number(self.from)),
            ("to", number(self.to)),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        match self.prints {
            Prints::Decimals(None) => {}
            Prints::List => self.list.iter().for_each(|list| list.put(item)),
            Prints::Ssccs(prefix) => {
                item.insert("sscc_prefix".to_owned(), text(prefix.to_string()));
            }
            Prints::Decimals(Some(width)) => {
                item.insert("width".to_owned(), number(width));
            }
            Prints::Space(space) => {
                item.insert("space".to_owned(), text(space.as_str()));
                item.insert("ceiling".to_owned(), number(self.share.ceiling));
                let rules = if self.share.eu_rules { "eu" } else { "none" };
                item.insert("rules".to_owned(), text(rules));
            }
        }
    }

    pub(crate) fn read(reader: Reader<'_>) -> Result<Self, Corrupt> {
        let (from, to) = (reader.parsed("from")?, reader.parsed("to")?);
        let (prints, share) = if let Some(space) = reader.optional_typed("space")? {
            let eu_rules = match reader.text("rules")? {
                "eu" => true,
                "none" => false,
                _ => return Err(reader.corrupt("rules", "are unknown")),
            };
            let share = PoolShare { ceiling: reader.parsed("ceiling")?, eu_rules };
            (Prints::Space(space), share)
        } else if reader.optional_text("scheme")? == Some("list") {
            (Prints::List, PoolShare { ceiling: 0, eu_rules: false })
        } else {
            let prefix = reader.optional_typed("sscc_prefix")?.map(Prints::Ssccs);
            let width = reader.optional_parsed("width")?;
            let prints = prefix.unwrap_or(Prints::Decimals(width));
            (prints, PoolShare { ceiling: 0, eu_rules: false })
        };
        let list = (prints == Prints::List).then(|| ListClaim::read(reader)).transpose()?;
        Ok(Self { pool_id: reader.typed("pool_id")?, from, to, prints, share, list })
    }
}

impl ListClaim {
    fn put(&self, item: &mut Item) {
        let pending = self.pending.iter().map(|(first, sha256)| text(format!("{first}:{sha256}")));
        let fields = [
            ("scheme", text("list")),
            ("shape", AttributeValue::B(self.shape.to_bytes().into())),
            ("pending", AttributeValue::L(pending.collect())),
        ];
        item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    }

    fn read(reader: Reader<'_>) -> Result<Self, Corrupt> {
        let shape = ListShape::from_bytes(reader.bytes("shape")?);
        let pending = |text: &String| {
            let (first, sha256) = text.split_once(':')?;
            Some((first.parse().ok()?, sha256.to_owned()))
        };
        let pending: Option<Vec<_>> = reader.texts("pending")?.iter().map(pending).collect();
        Ok(Self {
            shape: shape.ok_or_else(|| reader.corrupt("shape", "is none"))?,
            pending: pending.ok_or_else(|| reader.corrupt("pending", "names no imports"))?,
        })
    }
}

/// What is there of a key when a claim is made.
#[derive(Debug)]
pub(crate) struct Present<'a> {
    /// The claims of all its pools.
    pub boundaries: &'a [Boundary],
    /// Its spaces, the claim's own included.
    pub spaces: &'a [(SpaceId, SpaceForm)],
}

impl Present<'_> {
    /// Whether a pool may have what it claims.
    pub fn admits(&self, claim: &Boundary) -> Result<(), PoolError> {
        let others = self.boundaries.iter().filter(|other| other.pool_id != claim.pool_id);
        let overlapping = others.clone().find(|other| other.overlaps(claim));
        if let Some(other) = overlapping {
            return Err(PoolError::Overlap { pool: other.pool_id.clone() });
        }
        let form_of = |space| self.spaces.iter().find(|(id, _)| *id == space).map(|(_, form)| form);
        let (own, form) = match claim.prints {
            Prints::Ssccs(_) | Prints::List => (None, None),
            Prints::Decimals(width) => (width.map(TextShape::of_decimals), None),
            Prints::Space(space) => {
                let form = form_of(space);
                (form.map(TextShape::of_space), form.map(|form| (space, form)))
            }
        };
        for other in others.clone() {
            let Some(list) = &other.list else { continue };
            let pool = || other.pool_id.clone();
            if let Prints::Decimals(Some(width)) = claim.prints
                && !list.shape.is_apart_from_decimals(width, (claim.from, claim.to))
            {
                return Err(PoolError::Overlap { pool: pool() });
            }
            if let Some((_, form)) = form {
                let apart = list.shape.apart_from_space(form);
                apart.map_err(|clash| PoolError::Clash { clash, with: Source::Pool(pool()) })?;
            }
        }
        let Some(own) = own else { return Ok(()) };
        for (id, other) in self.spaces {
            if claim.prints != Prints::Space(*id) {
                let with = Source::Space(*id);
                apart(&own, &TextShape::of_space(other), with)?;
            }
        }
        let Some((space, form)) = form else { return Ok(()) };
        for other in others.clone() {
            if let Prints::Decimals(Some(width)) = other.prints {
                let with = Source::Pool(other.pool_id.clone());
                apart(&own, &TextShape::of_decimals(width), with)?;
            }
        }
        let shares = others.filter(|other| other.prints == Prints::Space(space));
        let shares = shares.map(|other| other.share).chain([claim.share]);
        Ok(check_density(form.capacity(), shares)?)
    }
}

fn apart(own: &TextShape, other: &TextShape, with: Source) -> Result<(), PoolError> {
    separate(own, other).map(|_| ()).map_err(|clash| PoolError::Clash { clash, with })
}
