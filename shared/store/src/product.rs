//! What is known of a product: the yield that the end of its batches must have.
//!
//! Each change leaves an audit record in the transaction that makes it (I11).

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::closing::Tolerance;
use domain::gtin::Gtin14;

use crate::Store;
use crate::audit_record::AuditRecord;
use crate::error::StoreError;
use crate::item::{Corrupt, Item, Reader, new_item, number, text};
use crate::keys::{Pk, Sk};
use crate::meter::Meter;
use crate::pause::pause;
use crate::pool::built;

const ENTITY: &str = "product";
/// How often a change is decided again when another one came between.
const CHANGE_TRIES: u32 = 8;
/// The step of the pauses between these tries, milliseconds.
const CHANGE_PAUSE_MS: u64 = 5;

/// What is known of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The trade item.
    pub gtin: Gtin14,
    /// The yield it allows; no limit while nothing was said.
    pub tolerance: Tolerance,
    /// Counted up by each change; 0 while nothing was said.
    pub version: u64,
    /// When it was changed last, RFC 3339.
    pub changed_at: Option<String>,
}

fn to_item(product: &Product, now: &str) -> Item {
    let mut item = new_item(&Pk::Product(product.gtin), &Sk::Product, ENTITY);
    let fields = [
        ("gtin", text(product.gtin.as_str())),
        ("yield_min", number(product.tolerance.min())),
        ("yield_max", number(product.tolerance.max())),
        ("version", number(product.version)),
        ("changed_at", text(now)),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    item
}

fn from_item(item: &Item) -> Result<Product, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let tolerance = Tolerance::new(reader.parsed("yield_min")?, reader.parsed("yield_max")?);
    Ok(Product {
        gtin: reader.typed("gtin")?,
        tolerance: tolerance.map_err(|_| reader.corrupt("yield_min", "is no bound"))?,
        version: reader.parsed("version")?,
        changed_at: Some(reader.text("changed_at")?.to_owned()),
    })
}

/// The bounds as audit records tell them.
fn told(tolerance: Tolerance) -> String {
    format!("yield {} to {}", tolerance.min(), tolerance.max())
}

impl Store {
    /// What is known of a product; nothing is known of most. Consistent.
    pub async fn product_fetch(&self, gtin: &Gtin14) -> Result<Product, StoreError> {
        let item = self.item_fetch("GetItem product", &Pk::Product(*gtin), &Sk::Product).await?;
        let unknown =
            Product { gtin: *gtin, tolerance: Tolerance::ANY, version: 0, changed_at: None };
        Ok(item.as_ref().map(from_item).transpose()?.unwrap_or(unknown))
    }

    /// Says which yield a product allows, with its audit record (I11). Said twice it changes nothing.
    ///
    /// # Errors
    /// `Conflict` when other calls kept changing it.
    pub async fn product_change(
        &self,
        gtin: &Gtin14,
        tolerance: Tolerance,
        (actor, now, reason): (&str, &str, Option<&str>),
    ) -> Result<Product, StoreError> {
        for attempt in 0..CHANGE_TRIES {
            let known = self.product_fetch(gtin).await?;
            if known.version > 0 && known.tolerance == tolerance {
                return Ok(known);
            }
            let version = known.version.saturating_add(1);
            let changed_at = Some(now.to_owned());
            let next = Product { gtin: *gtin, tolerance, version, changed_at };
            let before = (known.version > 0).then(|| told(known.tolerance));
            let record = AuditRecord::new(now, actor, "tolerance", version)
                .because(reason)
                .changing(before.as_deref(), Some(&told(tolerance)));
            let writes = vec![
                self.product_write(&next, known.version, now)?,
                self.audit_next(&Pk::Product(*gtin), record).await?,
            ];
            if self.write_together(writes, &Meter::default()).await? {
                return Ok(next);
            }
            pause(attempt, CHANGE_PAUSE_MS).await;
        }
        Err(StoreError::Conflict { what: "the product" })
    }

    fn product_write(
        &self,
        next: &Product,
        seen: u64,
        now: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let item = to_item(next, now);
        if seen == 0 {
            // I11: the first word about a product is said once.
            return self.put_new(item);
        }
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            // I11: no change is lost: it was decided on what is stored.
            .condition_expression("version = :seen")
            .expression_attribute_values(":seen", number(seen))
            .build()
            .map_err(|error| built(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

#[cfg(test)]
mod tests {
    use testkit::Dynamo;

    use super::*;

    const NOW: &str = "2026-11-23T10:00:00.000Z";

    #[tokio::test]
    async fn a_tolerance_said_twice_is_changed_once_and_leaves_a_record_of_each_change() {
        let dynamo = Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        let gtin = Gtin14::parse("00313000007772").unwrap();
        let unknown = store.product_fetch(&gtin).await.unwrap();
        assert_eq!((unknown.tolerance, unknown.version), (Tolerance::ANY, 0));
        let by = ("L1/c", NOW, Some("validated"));
        for (min, version) in [(950, 1), (950, 1), (960, 2)] {
            let tolerance = Tolerance::new(min, 1_000).unwrap();
            let product = store.product_change(&gtin, tolerance, by).await.unwrap();
            assert_eq!((product.tolerance, product.version), (tolerance, version));
            assert_eq!(store.product_fetch(&gtin).await.unwrap(), product);
        }
        let records = store.audit_records(&Pk::Product(gtin), 9).await.unwrap();
        let told: Vec<_> =
            records.iter().map(|one| (one.before.as_deref(), one.after.as_deref())).collect();
        let (first, second) = (Some("yield 950 to 1000"), Some("yield 960 to 1000"));
        assert_eq!(told, [(None, first), (first, second)]);
        assert_eq!(store.audit().await.unwrap().breaches, []);
    }
}
