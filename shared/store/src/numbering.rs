//! The numbering of a scheme: nothing is read for sequential numbers; for a space its secret key is needed.

use std::sync::Arc;

use domain::list::{ListTexts, Longest};
use domain::numbering::Numbering;
use domain::object_key::ObjectKey;
use domain::pool::Scheme;

use crate::item::Corrupt;
use crate::{Store, StoreError};

impl Store {
    /// What makes texts of a scheme's indexes and finds their indexes.
    pub async fn numbering(
        &self,
        of: impl Into<ObjectKey>,
        scheme: Scheme,
    ) -> Result<Numbering, StoreError> {
        let of = of.into();
        let stranger = || Corrupt {
            key: of.to_string(),
            attribute: "scheme".to_owned(),
            problem: "is none of SSCCs",
        };
        match (scheme, of) {
            (Scheme::Sequential { .. }, _) => {
                Ok(Numbering::keyless(of, scheme).ok_or_else(stranger)?)
            }
            (Scheme::Randomised { space, .. }, ObjectKey::Gtin(gtin)) => {
                Ok(Numbering::Randomised(self.space_cipher(&gtin, space).await?))
            }
            // Texts are read by whoever knows of which indexes: `Store::numbering_outline`.
            (Scheme::List { .. }, ObjectKey::Gtin(_)) => {
                Ok(Numbering::List(Arc::new(ListTexts::none(Longest::default()))))
            }
            (Scheme::Randomised { .. } | Scheme::List { .. }, ObjectKey::Sscc(_)) => {
                Err(stranger().into())
            }
        }
    }
}
