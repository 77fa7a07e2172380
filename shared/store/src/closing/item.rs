//! The item of a decision about the end of a run.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::allocation::AllocationStatus;
use domain::closing::Decision;
use domain::ids::AllocationId;

use super::{Closing, Hashes};
use crate::allocation::Gain;
use crate::item::{Corrupt, Item, Reader, new_item, number, put_some, text};
use crate::keys::{Pk, Sk};

const ENTITY: &str = "closing";

pub(super) fn to_item(closing: &Closing) -> Item {
    let c = closing;
    let (pk, sk) = (Pk::Allocation(c.allocation.clone()), Sk::Closing(c.number));
    let mut item = new_item(&pk, &sk, ENTITY);
    let findings = c.findings.iter().map(text).collect();
    let fields = [
        ("number", number(c.number)),
        ("decision", text(c.decision.as_str())),
        ("status", text(c.status.as_str())),
        ("at", text(c.at.as_str())),
        ("actor", text(c.actor.as_str())),
        ("request_hash", text(c.request_hash.as_str())),
        ("json_sha256", text(c.document.json.as_str())),
        ("html_sha256", text(c.document.html.as_str())),
        ("used", number(c.counted.used)),
        ("commissioned", number(c.counted.commissioned)),
        ("findings", AttributeValue::L(findings)),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "reason", c.reason.as_deref());
    put_some(&mut item, "request_key", c.request_key.as_deref());
    item
}

pub(super) fn from_item(id: &AllocationId, item: &Item) -> Result<Closing, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
    let optional = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
    let unknown = |name: &str| reader.corrupt(name, "is unknown");
    Ok(Closing {
        allocation: id.clone(),
        number: reader.parsed("number")?,
        decision: Decision::parse(reader.text("decision")?).ok_or_else(|| unknown("decision"))?,
        status: AllocationStatus::parse(reader.text("status")?).ok_or_else(|| unknown("status"))?,
        at: owned("at")?,
        actor: owned("actor")?,
        reason: optional("reason")?,
        request_hash: owned("request_hash")?,
        request_key: optional("request_key")?,
        document: Hashes { json: owned("json_sha256")?, html: owned("html_sha256")? },
        counted: Gain {
            used: reader.parsed("used")?,
            commissioned: reader.parsed("commissioned")?,
        },
        findings: reader.texts("findings")?,
    })
}
