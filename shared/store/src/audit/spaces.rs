//! I1: the keys of spaces. Whoever exchanges one has other texts printed, and the hub would take what was printed
//! for somebody else's numbers; a key that does not open prints nothing any more.
//!
//! Keys are opened where the auditor may: a seal proves table, product, space and form (decision 23). Where the
//! key service refuses, or none was given, that is said for each key, and is no breach.

use domain::gtin::Gtin14;
use domain::space::SpaceId;

use super::{Audit, Census, Invariant, Unchecked};
use crate::Store;
use crate::error::StoreError;
use crate::item::{Item, Reader};
use crate::keys::{Pk, Sk};
use crate::space::form_of;

impl Store {
    /// Every space that is there, and every one that a pool prints from.
    pub(super) async fn audit_spaces(
        &self,
        census: &Census,
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        let mut spaces = std::mem::take(&mut audit.spaces_used);
        spaces.extend(census.spaces.iter().copied());
        for (gtin, space) in spaces {
            let (pk, sk) = (Pk::Gtin(gtin), Sk::Space(space));
            audit.spaces = audit.spaces.saturating_add(1);
            if let Some(item) = self.item_fetch("GetItem space", &pk, &sk).await? {
                self.audit_space(&item, (gtin, space), audit).await?;
            } else {
                let detail = "a pool prints from it, and its item with the key is missing";
                audit.breach(Invariant::Disjoint, format!("{pk}/{sk}"), detail);
            }
        }
        Ok(())
    }

    /// What the item says is the space of its place, and its key opens.
    async fn audit_space(
        &self,
        item: &Item,
        (gtin, space): (Gtin14, SpaceId),
        audit: &mut Audit,
    ) -> Result<(), StoreError> {
        let subject = format!("{}/{}", Pk::Gtin(gtin), Sk::Space(space));
        let said = form_of(item).and_then(|said| Ok((Reader::raw(item).typed("gtin")?, said)));
        let Some((said_gtin, (said_space, form))) = audit.readable(said.map_err(Into::into))?
        else {
            return Ok(());
        };
        if (said_gtin, said_space) != (gtin, space) {
            let detail = "it says the product or the form of another space";
            audit.breach(Invariant::Disjoint, subject, detail);
            return Ok(());
        }
        match self.key_of(item, (&gtin, space, &form)).await {
            Ok(_) => audit.keys_opened = audit.keys_opened.saturating_add(1),
            Err(StoreError::Corrupt(corrupt)) => {
                let detail = format!("its key cannot be trusted: {}", corrupt.problem);
                audit.breach(Invariant::Disjoint, subject, detail);
            }
            Err(
                error @ (StoreError::Unavailable { .. }
                | StoreError::Throttled { .. }
                | StoreError::NotFound { .. }
                | StoreError::AlreadyExists { .. }
                | StoreError::Conflict { .. }),
            ) => audit.unchecked.push(Unchecked { subject, why: error.to_string() }),
        }
        Ok(())
    }
}
