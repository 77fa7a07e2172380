//! An import, from the rows of a file to the write that makes it count.
//!
//! The caller reads the file as often as [`Importing::end_pass`] asks for: first it is checked, then, where it
//! is large, once for each part of its index, so that memory does not follow its size (I10); what has the hash
//! of another number is looked at again; last it is stored. Nothing of it counts until all is stored (I2), and
//! whatever a crash cut is done again by the same file: its objects have names and bytes of their own.

use domain::ids::PoolId;
use domain::list::{ListId, Row, RowError};
use domain::pool::Pool;
use sha2::{Digest, Sha256};

use super::files::Place;
use super::fold::{Pass, Printed, Rows, Suspect};
use super::index::part_bytes;
use super::reader::{ListReader, digest, name};
use super::{IMPORTS_MAX, Import, ImportError};
use crate::error::StoreError;
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::pool::{ImportBase, LinkError};
use crate::{Objects, Store};

/// Entries of the index that are held at once: some 10 MB of them and 7 MB of their part.
pub const ENTRIES_MAX: usize = 600_000;

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Read the file again from its beginning.
    Again,
    /// The import counts.
    Done(Box<Outcome>),
}

/// Numbers that were imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The import.
    pub import: Import,
    /// The pool with it.
    pub pool: Pool,
    /// Whether it had been imported before.
    pub is_replay: bool,
}

/// An import on its way.
pub struct Importing<'s> {
    store: &'s Store,
    objects: &'s Objects,
    /// Who imports, and when.
    by: (String, String),
    base: ImportBase,
    /// The lists of the product, the pool's own first.
    lists: Vec<(PoolId, ListReader)>,
    rows: Rows,
    hash: Sha256,
    /// The SHA-256 of the file, once it was read.
    sha256: String,
    segments: Vec<[u8; 32]>,
    /// Whether a part of the index was not stored because of what stands against the file.
    is_held: bool,
}

impl From<LinkError> for ImportError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NoList => Self::NoList,
            LinkError::Moved => Self::Moved,
            LinkError::Store(error) => Self::Store(error),
        }
    }
}

impl Store {
    /// Begins to import numbers into a pool; `entries_max` is [`ENTRIES_MAX`] where memory matters.
    pub async fn list_import<'s>(
        &'s self,
        objects: &'s Objects,
        pool: &PoolId,
        (actor, now): (&str, &str),
        entries_max: usize,
    ) -> Result<Importing<'s>, ImportError> {
        if self.pool_fetch(pool).await?.is_none() {
            return Err(ImportError::NoPool);
        }
        let base = self.import_base(pool).await?;
        let mut lists = vec![(pool.clone(), self.list_reader(objects, pool).await?)];
        for (other, pending) in base.lists() {
            if other == pool {
                continue;
            }
            let mut imports = self.list_imports(other).await?.unwrap_or_default();
            for (first, sha256) in pending {
                if imports.iter().all(|import| import.sha256 != *sha256) {
                    imports.push(self.import_fetch(other, (*first, sha256)).await?);
                }
            }
            lists.push((other.clone(), ListReader::new(objects.clone(), other, imports)));
        }
        let rows = Rows::new(Printed::of(&base), entries_max);
        Ok(Importing {
            store: self,
            objects,
            by: (actor.to_owned(), now.to_owned()),
            base,
            lists,
            rows,
            hash: Sha256::new(),
            sha256: String::new(),
            segments: Vec::new(),
            is_held: false,
        })
    }

    /// An import that was claimed, whether it counts or not.
    async fn import_fetch(
        &self,
        pool: &PoolId,
        (first, sha256): (u128, &str),
    ) -> Result<Import, StoreError> {
        let sk = Sk::Import(first, sha256.to_owned());
        let item = self.item_fetch("GetItem import", &Pk::Pool(pool.clone()), &sk).await?;
        let item = item.ok_or(StoreError::NotFound { what: "an import that was claimed" })?;
        Ok(Import::from_item(&item)?)
    }
}

impl Importing<'_> {
    /// Bytes of the file, of which its name is made.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if matches!(self.rows.pass, Pass::Check | Pass::Store) {
            self.hash.update(bytes);
        }
    }

    /// The next line of the file.
    pub fn row(&mut self, line: u64, row: Result<Row<'_>, RowError>) {
        self.rows.row(line, row);
    }

    /// Stores what has come together; to be called after some rows.
    pub async fn drain(&mut self) -> Result<(), ImportError> {
        if self.rows.is_too_long() {
            return Err(ImportError::TooMany);
        }
        for segment in std::mem::take(&mut self.rows.ready) {
            let number = u32::try_from(self.segments.len()).map_err(|_| ImportError::TooMany)?;
            self.segments.push(digest(&segment));
            self.objects.segment_put(&self.place(), number, segment).await?;
        }
        Ok(())
    }

    /// The file was read to its end.
    pub async fn end_pass(&mut self) -> Result<Step, ImportError> {
        self.drain().await?;
        match self.rows.pass {
            Pass::Check => self.checked().await,
            Pass::Part(part) => {
                self.part(part).await?;
                let next = part.saturating_add(1);
                if next < self.rows.parts {
                    Ok(self.again(Pass::Part(next)))
                } else {
                    self.compared()
                }
            }
            Pass::Look => {
                self.looked().await?;
                self.compared_at_last().await
            }
            Pass::Store => self.stored().await,
        }
    }

    fn again(&mut self, pass: Pass) -> Step {
        self.rows.begin(pass);
        Step::Again
    }

    fn place(&self) -> Place {
        Place::new(ListId::of(&self.base.pool.id), &self.sha256)
    }

    async fn checked(&mut self) -> Result<Step, ImportError> {
        if self.rows.count == 0 {
            return Err(ImportError::Empty);
        }
        self.sha256 = name(std::mem::take(&mut self.hash));
        let own = self.lists.first().map_or(&[][..], |(_, own)| own.imports());
        if let Some(known) = own.iter().find(|import| import.sha256 == self.sha256) {
            let (import, pool) = (known.clone(), self.base.pool.clone());
            return Ok(Step::Done(Box::new(Outcome { import, pool, is_replay: true })));
        }
        if own.len() >= IMPORTS_MAX {
            return Err(ImportError::Full);
        }
        self.rows.cut();
        if self.rows.parts > 1 {
            return Ok(self.again(Pass::Part(0)));
        }
        self.part(0).await?;
        self.compared()
    }

    /// Compares a part of the index with itself and with the lists, and stores it while nothing stands against
    /// the file.
    async fn part(&mut self, part: u32) -> Result<(), ImportError> {
        self.rows.sort();
        for (list, (_, reader)) in self.lists.iter_mut().enumerate() {
            for import in 0..reader.imports().len() {
                for (place, other) in reader.common(import, &self.rows.entries).await? {
                    self.rows.suspect(place, Suspect::Listed(list, import, other));
                }
            }
        }
        if !self.rows.suspects.is_empty() || !self.rows.offences.is_empty() {
            self.is_held = true;
            return Ok(());
        }
        let bytes = part_bytes(&self.rows.entries, self.rows.parts);
        let part = (part, self.rows.parts);
        self.objects.part_put(&self.place(), part, bytes).await?;
        Ok(())
    }

    fn compared(&mut self) -> Result<Step, ImportError> {
        if !self.rows.suspects.is_empty() {
            self.rows.look();
            return Ok(self.again(Pass::Look));
        }
        if !self.rows.offences.is_empty() {
            return Err(ImportError::Refused(self.rows.offences.refusal()));
        }
        Ok(self.again(Pass::Store))
    }

    /// Who has the hash of another number is compared with it, text by text.
    async fn looked(&mut self) -> Result<(), ImportError> {
        for (place, whom) in std::mem::take(&mut self.rows.suspects) {
            if self.rows.offences.is_full() {
                break;
            }
            let Some((line, serial)) = self.rows.seen.get(&place).cloned() else { continue };
            let mut repeats = false;
            for suspect in whom {
                let reason = match suspect {
                    // One line that it repeats is enough.
                    Suspect::Own(_) if repeats => None,
                    Suspect::Own(first) => {
                        let first = self.rows.seen.get(&first).filter(|(_, text)| *text == serial);
                        repeats = first.is_some();
                        first.map(|(first, _)| format!("it is in line {first} already"))
                    }
                    Suspect::Listed(list, import, other) => {
                        let Some((pool, reader)) = self.lists.get_mut(list) else { continue };
                        let is_same = reader.text_at(import, other).await? == serial;
                        is_same.then(|| match list {
                            0 => "it is in the pool already".to_owned(),
                            _ => format!("it is in pool {pool} already"),
                        })
                    }
                };
                if let Some(reason) = reason {
                    self.rows.offences.add(line, &serial, reason);
                }
            }
        }
        Ok(())
    }

    /// After texts were compared: where only hashes were the same, the index is stored after all.
    async fn compared_at_last(&mut self) -> Result<Step, ImportError> {
        let step = self.compared()?;
        if self.is_held {
            if self.rows.parts > 1 {
                // So rare that the file is read again for it by whoever tries again.
                return Err(ImportError::Moved);
            }
            let bytes = part_bytes(&self.rows.entries, self.rows.parts);
            self.objects.part_put(&self.place(), (0, 1), bytes).await?;
        }
        Ok(step)
    }

    async fn stored(&mut self) -> Result<Step, ImportError> {
        self.rows.end_segment();
        self.drain().await?;
        if name(std::mem::take(&mut self.hash)) != self.sha256 {
            // Another file has taken its place.
            return Err(ImportError::Moved);
        }
        let first = self.base.next();
        let import = Import {
            sha256: self.sha256.clone(),
            first,
            count: self.rows.count,
            longest: self.rows.longest,
            parts: self.rows.parts,
            segments: std::mem::take(&mut self.segments),
            previous: self.base.head.clone(),
            at: self.by.1.clone(),
            actor: self.by.0.clone(),
        };
        let item = import.to_item(&self.base.pool.id);
        // I2: one name at one place is one file, whoever wrote it down first.
        self.store.put_if_absent("PutItem import", item, &Meter::default()).await?;
        let sha256 = import.sha256.as_str();
        let named = (sha256, import.count);
        self.store.import_claim(&self.base, &self.rows.shape, named).await?;
        let by = (self.by.0.as_str(), self.by.1.as_str());
        let pool = self.store.import_link(&self.base, named, by).await?;
        Ok(Step::Done(Box::new(Outcome { import, pool, is_replay: false })))
    }
}
