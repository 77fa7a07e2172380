//! The audit of the table: proves I1, I2, I4, I11 and that states, postings and documents agree. Whoever has the
//! kept bytes as well goes on from [`Audit::documents_seen`] and adds what those contradict.
//!
//! It may run while the hub is at work. A pool is read before its ranges, ranges at or above the cursor that
//! was read are ignored, and what looks broken is read again before it is called a breach, because two reads
//! of a table that changes are no snapshot. What is still at work (an open entry, a document being applied)
//! is no breach. It reads the whole table once for its keys, so that nothing hides by being in no list.
//!
//! The module repairs nothing and knows neither HTTP nor files.

mod chains;
mod closings;
mod ledger;
mod pools;
mod returned;
mod spaces;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::gtin::Gtin14;
use domain::ids::{AllocationId, PoolId};
use domain::space::SpaceId;

use crate::Store;
use crate::closing::Closing;
use crate::error::{StoreError, sdk_error};
use crate::item::Reader;
use crate::keys::{Pk, Sk};
use crate::seal::Seal;

/// How often something that looks broken is read again.
pub const LOOKS: u32 = 3;

/// Which promise is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I1: two live allocations share a number.
    Disjoint,
    /// I2: a number below a cursor is in no record, or in two.
    Accounted,
    /// I4: the buckets of an allocation do not add up to what was reserved.
    Balanced,
    /// I5: state, postings and documents do not agree.
    Posted,
    /// I6: bytes that were received are not kept as they came.
    Kept,
    /// I11: a change without its record, or a record that was changed, moved or removed.
    Evident,
    /// An item cannot be read.
    Readable,
}

impl Invariant {
    /// The name used in the design and the runbook.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Disjoint => "I1",
            Self::Accounted => "I2",
            Self::Balanced => "I4",
            Self::Posted => "I5",
            Self::Kept => "I6",
            Self::Evident => "I11",
            Self::Readable => "schema",
        }
    }
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// Which promise.
    pub invariant: Invariant,
    /// The key of the pool, allocation, block or document.
    pub subject: String,
    /// What is wrong, in indexes, never in serials.
    pub detail: String,
}

/// What could not be looked at, because a key could not be opened here; that says nothing about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unchecked {
    /// The key of the space, or of the document that names its numbers.
    pub subject: String,
    /// What stood in the way.
    pub why: String,
}

/// What an audit looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Pools.
    pub pools: u64,
    /// Ranges below the cursors.
    pub ranges: u64,
    /// Numbers below the cursors.
    pub numbers: u128,
    /// Numbers in void ranges.
    pub void: u128,
    /// Entries that were open.
    pub open: u64,
    /// Allocations.
    pub allocations: u64,
    /// Ledger blocks.
    pub blocks: u64,
    /// Postings.
    pub postings: u64,
    /// Documents.
    pub documents: u64,
    /// Audit records.
    pub records: u64,
    /// Spaces of random numbers.
    pub spaces: u64,
    /// Their keys that were opened.
    pub keys_opened: u64,
    /// What was not looked at, for keys that could not be opened here.
    pub unchecked: Vec<Unchecked>,
    /// Objects that were read again; 0 where only the table was looked at.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// What is broken, sorted; empty if nothing is.
    pub breaches: Vec<Breach>,
    /// The seals of days, in order.
    pub seals: Vec<Seal>,
    /// The documents of the table, by the SHA-256 of their content.
    pub documents_seen: BTreeSet<String>,
    /// The names under which received bytes are kept, by the SHA-256 of those bytes.
    pub raws_seen: BTreeSet<String>,
    /// The decisions about the ends of runs, whose documents lie outside of the table.
    pub closings_seen: Vec<Closing>,
    /// Allocations that were found with a range that agrees with them.
    owners: BTreeSet<AllocationId>,
    /// Spaces that pools print from.
    spaces_used: BTreeSet<(Gtin14, SpaceId)>,
}

impl Audit {
    /// Adds what is broken.
    pub fn breach(
        &mut self,
        invariant: Invariant,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) {
        let (subject, detail) = (subject.into(), detail.into());
        self.breaches.push(Breach { invariant, subject, detail });
    }

    /// Adds what another audit found of other objects of the same hub.
    pub fn merge(&mut self, other: Self) {
        self.objects = self.objects.saturating_add(other.objects);
        self.object_bytes = self.object_bytes.saturating_add(other.object_bytes);
        self.breaches.extend(other.breaches);
        self.unchecked.extend(other.unchecked);
    }

    /// Puts the breaches in order, each once.
    pub fn sort(&mut self) {
        self.breaches.sort();
        self.breaches.dedup();
        self.unchecked.sort();
        self.unchecked.dedup();
    }

    /// Takes what was read; an item that cannot be read is a breach and counts as absent, any other failure
    /// ends the audit.
    ///
    /// # Errors
    /// The failure that ends the audit.
    pub fn readable<T>(&mut self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Ok(found) => Ok(Some(found)),
            Err(StoreError::Corrupt(corrupt)) => {
                let detail = format!("{} {}", corrupt.attribute, corrupt.problem);
                self.breach(Invariant::Readable, corrupt.key, detail);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The keys of the table, by what they are of.
#[derive(Debug, Default)]
struct Census {
    pools: BTreeSet<PoolId>,
    allocations: BTreeSet<AllocationId>,
    /// Blocks, and the documents with a posting in each.
    blocks: BTreeMap<(AllocationId, u32), BTreeSet<String>>,
    documents: BTreeSet<String>,
    /// Received bytes.
    raws: BTreeSet<String>,
    /// Documents that an allocation is linked to.
    links: BTreeSet<(AllocationId, String)>,
    /// Allocations whose end was decided about.
    closings: BTreeSet<AllocationId>,
    /// Spaces, with their products.
    spaces: BTreeSet<(Gtin14, SpaceId)>,
    /// Entities with audit records, and how many.
    chains: HashMap<Pk, u64>,
    /// Entities that nobody can have made without leaving a record.
    evident: BTreeSet<String>,
}

impl Store {
    /// Audits the whole table.
    ///
    /// # Errors
    /// When the table cannot be read; broken items are breaches, not errors.
    pub async fn audit(&self) -> Result<Audit, StoreError> {
        let mut audit = Audit::default();
        let census = self.census(&mut audit).await?;
        self.audit_pools(&census, &mut audit).await?;
        self.audit_allocations(&census, &mut audit).await?;
        self.audit_blocks(&census, &mut audit).await?;
        self.audit_documents(&census, &mut audit).await?;
        self.audit_chains(&census, &mut audit).await?;
        self.audit_closings(&census, &mut audit).await?;
        self.audit_spaces(&census, &mut audit).await?;
        audit.sort();
        audit.documents_seen = census.documents;
        audit.raws_seen = census.raws;
        Ok(audit)
    }

    /// Reads all keys; consistent, page by page.
    async fn census(&self, audit: &mut Audit) -> Result<Census, StoreError> {
        let mut census = Census::default();
        let mut start = None;
        loop {
            let output = self
                .dynamo
                .scan()
                .table_name(&*self.table)
                .projection_expression("pk, sk")
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .send()
                .await
                .map_err(|error| sdk_error("Scan keys", &error))?;
            for item in output.items() {
                let reader = Reader::raw(item);
                let (pk, sk) = (reader.text("pk")?, reader.text("sk")?);
                match (pk.parse::<Pk>(), sk.parse::<Sk>()) {
                    (Ok(pk), Ok(sk)) => census.add(pk, sk),
                    (Err(_), _) | (_, Err(_)) => {
                        audit.breach(
                            Invariant::Readable,
                            format!("{pk}/{sk}"),
                            "is no key of ours",
                        );
                    }
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(census);
            }
        }
    }
}

impl Census {
    fn add(&mut self, pk: Pk, sk: Sk) {
        match (pk, sk) {
            (Pk::Pool(id), Sk::Pool | Sk::Range(_) | Sk::Returned(_) | Sk::Reoffer(_))
            | (Pk::Registry, Sk::RegistryPool(id)) => {
                self.pools.insert(id);
            }
            (Pk::Gtin(gtin), Sk::Space(space)) => {
                self.spaces.insert((gtin, space));
            }
            (Pk::Allocation(id), Sk::Allocation) => {
                self.allocations.insert(id);
            }
            (Pk::Allocation(id), Sk::Closing(_)) => {
                self.closings.insert(id);
            }
            (Pk::Allocation(id), Sk::DocumentOf(sha)) => {
                self.links.insert((id, sha));
            }
            (Pk::Block(id, block), Sk::State) => {
                self.blocks.entry((id, block)).or_default();
            }
            (Pk::Block(id, block), Sk::DocumentOf(sha)) => {
                self.blocks.entry((id, block)).or_default().insert(sha);
            }
            (Pk::Document(sha), Sk::Document) => {
                self.documents.insert(sha);
            }
            (entity @ (Pk::System(_) | Pk::Credential(_)), Sk::System | Sk::Credential) => {
                self.evident.insert(entity.to_string());
            }
            (entity, Sk::Audit(_)) => {
                let records = self.chains.entry(entity).or_default();
                *records = records.saturating_add(1);
            }
            (Pk::Raw(sha), Sk::Raw) => {
                self.raws.insert(sha);
            }
            _ => {}
        }
    }
}
