//! The item of a change, beside its allocation.

use domain::give_back::Fate;
use domain::ids::AllocationId;

use super::{Done, NumberChange};
use crate::Store;
use crate::error::StoreError;
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{CHANGE_PREFIX, Pk, Sk};

const ENTITY: &str = "number-change";

pub(super) fn to_item(change: &NumberChange) -> Item {
    let pk = Pk::Allocation(change.allocation_id.clone());
    let mut item = new_item(&pk, &Sk::NumberChange(change.id.clone()), ENTITY);
    let fields = [
        ("id", text(change.id.as_str())),
        ("allocation_id", text(change.allocation_id.as_str())),
        ("system_id", text(change.system_id.as_str())),
        ("fate", text(change.fate.as_str())),
        ("reason", text(change.reason.as_str())),
        ("at", text(change.at.as_str())),
        ("content_sha256", text(change.content_sha256.as_str())),
        ("request_hash", text(change.request_hash.as_str())),
        ("decided", number(change.decided)),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "offers", change.offers.then_some("again"));
    if let Some(done) = &change.done {
        put_some(&mut item, "done_at", Some(done.at.as_str()));
        item.insert("taken".to_owned(), number(done.taken));
    }
    item
}

fn from_item(item: &Item) -> Result<NumberChange, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
    let done = match reader.optional_text("done_at")? {
        None => None,
        Some(at) => Some(Done { at: at.to_owned(), taken: reader.parsed("taken")? }),
    };
    Ok(NumberChange {
        id: owned("id")?,
        allocation_id: reader.typed("allocation_id")?,
        system_id: reader.typed("system_id")?,
        fate: Fate::parse(reader.text("fate")?)
            .ok_or_else(|| reader.corrupt("fate", "is unknown"))?,
        reason: owned("reason")?,
        at: owned("at")?,
        content_sha256: owned("content_sha256")?,
        request_hash: owned("request_hash")?,
        decided: reader.parsed("decided")?,
        offers: reader.optional_text("offers")?.is_some(),
        done,
    })
}

impl Store {
    /// All changes of an allocation's numbers; strongly consistent.
    pub(super) async fn number_changes(
        &self,
        allocation: &AllocationId,
    ) -> Result<Vec<NumberChange>, StoreError> {
        let items = self.partition(&Pk::Allocation(allocation.clone()), CHANGE_PREFIX).await?;
        let changes: Result<Vec<NumberChange>, Corrupt> = items.iter().map(from_item).collect();
        Ok(changes?)
    }

    /// A change of an allocation by its id; strongly consistent.
    pub async fn number_change_fetch(
        &self,
        allocation: &AllocationId,
        id: &str,
    ) -> Result<Option<NumberChange>, StoreError> {
        let (pk, sk) = (Pk::Allocation(allocation.clone()), Sk::NumberChange(id.to_owned()));
        let item = self.item_fetch("GetItem number change", &pk, &sk).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }
}
