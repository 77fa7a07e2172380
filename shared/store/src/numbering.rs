//! The numbering of a scheme: nothing is read for sequential numbers; for a space its key is needed.

use domain::gtin::Gtin14;
use domain::numbering::Numbering;
use domain::pool::Scheme;

use crate::{Store, StoreError};

impl Store {
    /// What makes texts of a scheme's indexes and finds their indexes.
    pub async fn numbering(&self, gtin: &Gtin14, scheme: Scheme) -> Result<Numbering, StoreError> {
        match scheme {
            Scheme::Sequential { width } => Ok(Numbering::sequential(width)),
            Scheme::Randomised { space, .. } => {
                Ok(Numbering::Randomised(self.space_cipher(gtin, space).await?))
            }
        }
    }
}
