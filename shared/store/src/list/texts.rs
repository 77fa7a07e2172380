//! The numberings of allocations, whose texts are read first where they were imported.

use std::sync::Arc;

use domain::allocation::Allocation;
use domain::list::ListTexts;
use domain::numbering::Numbering;
use domain::pool::Scheme;

use super::ListReader;
use crate::error::StoreError;
use crate::{Objects, Store};

impl Store {
    /// What makes texts of an allocation's indexes; of imported ones only how long they can be, and what
    /// reads them.
    pub async fn numbering_outline(
        &self,
        objects: &Objects,
        a: &Allocation,
    ) -> Result<(Numbering, Option<ListReader>), StoreError> {
        match a.scheme {
            Scheme::Sequential { .. } | Scheme::Randomised { .. } => {
                Ok((self.numbering(a.key, a.scheme).await?, None))
            }
            Scheme::List { .. } => {
                let reader = self.list_reader(objects, &a.pool_id).await?;
                let longest = reader.longest_of(a.start, a.size);
                Ok((Numbering::List(Arc::new(ListTexts::none(longest))), Some(reader)))
            }
        }
    }

    /// The same with all texts. Memory follows the allocation: for such as are known to be small.
    pub async fn numbering_whole(
        &self,
        objects: &Objects,
        a: &Allocation,
    ) -> Result<Numbering, StoreError> {
        let (numbering, reader) = self.numbering_outline(objects, a).await?;
        let Some(mut reader) = reader else { return Ok(numbering) };
        let texts = reader.texts_of((a.start, a.size), (a.start, a.size)).await?;
        Ok(Numbering::List(Arc::new(texts)))
    }
}
