//! Findings of documents.
//!
//! A finding's id follows from what it is about, so judging a document again finds its findings
//! again: new ones are put, changed ones replaced, provisional ones that went away deleted.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnConsumedCapacity, TransactWriteItem,
};
use domain::finding::{Code, Finding, FindingStatus, SerialRange, Severity};
use domain::ids::SystemId;
use serde_json::json;

use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, key, new_item, number, put_some, text};
use crate::keys::{FINDING_PREFIX, Pk, Sk, listing};
use crate::meter::Meter;
use crate::pool::{built, is_cancelled};
use crate::{Page, Store};

const ENTITY: &str = "finding";
/// How often the findings of a document are compared again when another worker wrote some.
const REPLACE_TRIES: u32 = 20;
/// Findings written in one transaction: with all its ranges and samples one has up to 70 KB, and a
/// transaction may carry 4 MB.
const WRITES_MAX: usize = 20;

/// A finding as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRecord {
    /// The document.
    pub content_sha256: String,
    /// The system whose copy it was found for.
    pub system_id: SystemId,
    /// When it was found first, RFC 3339.
    pub at: String,
    /// The finding.
    pub finding: Finding,
}

/// What a list of findings is restricted to.
#[derive(Debug, Clone, Default)]
pub struct FindingFilter {
    /// Only this code.
    pub code: Option<Code>,
    /// Only this severity.
    pub severity: Option<Severity>,
    /// Only about this allocation.
    pub allocation_id: Option<String>,
    /// Only about this GTIN.
    pub gtin: Option<String>,
    /// Only of this document.
    pub content_sha256: Option<String>,
    /// Only in this state.
    pub status: Option<FindingStatus>,
    /// Only what was found at this time or later, RFC 3339 UTC.
    pub since: Option<String>,
}

impl FindingFilter {
    fn matches(&self, record: &FindingRecord) -> bool {
        let finding = &record.finding;
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
        };
        self.code.is_none_or(|code| finding.code == code)
            && self.severity.is_none_or(|severity| finding.severity == severity)
            && self.status.is_none_or(|status| finding.status == status)
            && same(&self.allocation_id, finding.allocation_id.as_deref())
            && same(&self.gtin, finding.gtin.as_deref())
            && same(&self.content_sha256, Some(&record.content_sha256))
    }
}

/// A finding as answers and reports show it.
#[must_use]
pub fn finding_view(finding: &Finding) -> serde_json::Value {
    json!({
        "id": finding.id,
        "code": finding.code.as_str(),
        "severity": finding.severity.as_str(),
        "count": finding.count,
        "provisional": finding.provisional,
        "allocation_id": finding.allocation_id,
        "gtin": finding.gtin,
        "ranges": ranges_json(finding),
        "samples": finding.samples,
        "status": finding.status.as_str(),
    })
}

/// Cuts the ranges in the view of a finding to the first `max` and says how many there are, so that an
/// answer with many findings stays below the gateway's limit. The report in S3 has all that are kept.
pub fn cut_ranges(view: &mut serde_json::Value, max: usize) {
    let Some(ranges) = view.get_mut("ranges").and_then(serde_json::Value::as_array_mut) else {
        return;
    };
    let total = ranges.len();
    if total > max {
        ranges.truncate(max);
        if let Some(view) = view.as_object_mut() {
            view.insert("ranges_total".to_owned(), total.into());
        }
    }
}

fn ranges_json(finding: &Finding) -> serde_json::Value {
    let range = |range: &SerialRange| json!({"from": range.from, "to": range.to});
    finding.ranges.iter().map(range).collect()
}

fn to_item(record: &FindingRecord) -> Item {
    let f = &record.finding;
    let pk = Pk::Document(record.content_sha256.clone());
    let mut item = new_item(&pk, &Sk::Finding(f.id.clone()), ENTITY);
    let samples = f.samples.iter().map(text).collect();
    let fields = [
        ("id", text(f.id.as_str())),
        ("content_sha256", text(record.content_sha256.as_str())),
        ("system_id", text(record.system_id.as_str())),
        ("at", text(record.at.as_str())),
        ("code", text(f.code.as_str())),
        ("severity", text(f.severity.as_str())),
        ("count", number(f.count)),
        ("provisional", AttributeValue::Bool(f.provisional)),
        ("status", text(f.status.as_str())),
        // One text for up to a thousand ranges: a list of maps would cost three times the units.
        ("ranges", text(ranges_json(f).to_string())),
        ("samples", AttributeValue::L(samples)),
        ("list_pk", text(listing::FINDING)),
        ("list_sk", text(list_key(record))),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    put_some(&mut item, "allocation_id", f.allocation_id.as_deref());
    put_some(&mut item, "gtin", f.gtin.as_deref());
    item
}

fn list_key(record: &FindingRecord) -> String {
    format!("{}#{}", record.at, record.finding.id)
}

fn from_item(item: &Item) -> Result<FindingRecord, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
    let optional = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
    let unknown = |name: &str| reader.corrupt(name, "is unknown");
    let finding = Finding {
        id: owned("id")?,
        code: Code::parse(reader.text("code")?).ok_or_else(|| unknown("code"))?,
        severity: Severity::parse(reader.text("severity")?).ok_or_else(|| unknown("severity"))?,
        count: reader.parsed("count")?,
        provisional: item.get("provisional") == Some(&AttributeValue::Bool(true)),
        allocation_id: optional("allocation_id")?,
        gtin: optional("gtin")?,
        ranges: ranges(reader.text("ranges")?).ok_or_else(|| unknown("ranges"))?,
        samples: reader.texts("samples")?,
        status: FindingStatus::parse(reader.text("status")?).ok_or_else(|| unknown("status"))?,
    };
    Ok(FindingRecord {
        content_sha256: owned("content_sha256")?,
        system_id: reader.typed("system_id")?,
        at: owned("at")?,
        finding,
    })
}

fn ranges(text: &str) -> Option<Vec<SerialRange>> {
    let list: Vec<HashMap<String, String>> = serde_json::from_str(text).ok()?;
    let range = |map: HashMap<String, String>| {
        Some(SerialRange { from: map.get("from")?.clone(), to: map.get("to")?.clone() })
    };
    list.into_iter().map(range).collect()
}

impl Store {
    /// The findings of a document, the worst first. Consistent.
    pub async fn document_findings(
        &self,
        content_sha256: &str,
    ) -> Result<Vec<FindingRecord>, StoreError> {
        let pk = Pk::Document(content_sha256.to_owned());
        let items = self.partition(&pk, FINDING_PREFIX).await?;
        let mut records = items.iter().map(from_item).collect::<Result<Vec<_>, _>>()?;
        records.sort_by(|a, b| {
            let order = |r: &FindingRecord| {
                (std::cmp::Reverse(r.finding.severity), r.finding.code, r.finding.id.clone())
            };
            order(a).cmp(&order(b))
        });
        Ok(records)
    }

    /// Puts a finding unless it is there.
    pub async fn finding_put(
        &self,
        record: &FindingRecord,
        meter: &Meter,
    ) -> Result<(), StoreError> {
        self.put_if_absent("PutItem finding", to_item(record), meter).await.map(|_| ())
    }

    /// Makes `found` the findings of a document for a system: new ones are put, changed ones replaced
    /// (what was done about them stays), provisional ones that are found no more are deleted. Findings
    /// about transmission are left alone.
    ///
    /// # Errors
    /// `Conflict` when other workers kept changing them.
    pub async fn findings_replace(
        &self,
        of: (&str, &SystemId, &str),
        found: &[Finding],
        meter: &Meter,
    ) -> Result<(), StoreError> {
        let (content_sha256, system, now) = of;
        for _ in 0..REPLACE_TRIES {
            let stored = self.document_findings(content_sha256).await?;
            let stored: Vec<_> = stored.into_iter().filter(|r| r.system_id == *system).collect();
            let writes = self.replacements(of, &stored, found)?;
            let mut beaten = false;
            for chunk in writes.chunks(WRITES_MAX) {
                let outcome = self
                    .dynamo
                    .transact_write_items()
                    .set_transact_items(Some(chunk.to_vec()))
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await;
                match outcome {
                    Ok(output) => meter.add(output.consumed_capacity()),
                    Err(error) if is_cancelled(&error) => beaten = true,
                    Err(error) => return Err(sdk_error("TransactWriteItems findings", &error)),
                }
            }
            if !beaten {
                return Ok(());
            }
            tracing::debug!(document.sha256 = content_sha256, at = now, "findings raced");
        }
        Err(StoreError::Conflict { what: "the findings" })
    }

    fn replacements(
        &self,
        of: (&str, &SystemId, &str),
        stored: &[FindingRecord],
        found: &[Finding],
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (content_sha256, system, now) = of;
        let mut writes = Vec::new();
        for finding in found {
            let known = stored.iter().find(|record| record.finding.id == finding.id);
            let mut finding = finding.clone();
            if let Some(record) = known {
                finding.status = record.finding.status;
                if record.finding == finding {
                    continue;
                }
            }
            let record = FindingRecord {
                content_sha256: content_sha256.to_owned(),
                system_id: system.clone(),
                at: known.map_or(now, |record| &record.at).to_owned(),
                finding,
            };
            let put = Put::builder().table_name(&*self.table).set_item(Some(to_item(&record)));
            // Nobody wrote it since it was compared.
            let put = match known {
                None => put.condition_expression("attribute_not_exists(pk)"),
                Some(seen) => put
                    .condition_expression("#count = :count AND #status = :status")
                    .expression_attribute_names("#count", "count")
                    .expression_attribute_names("#status", "status")
                    .expression_attribute_values(":count", number(seen.finding.count))
                    .expression_attribute_values(":status", text(seen.finding.status.as_str())),
            };
            let put = put.build().map_err(|error| built(&error))?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        for gone in stored.iter().filter(|record| record.finding.provisional) {
            if found.iter().all(|finding| finding.id != gone.finding.id) {
                let sk = Sk::Finding(gone.finding.id.clone());
                let delete = Delete::builder()
                    .table_name(&*self.table)
                    .set_key(Some(key(&Pk::Document(content_sha256.to_owned()), &sk)))
                    .build()
                    .map_err(|error| built(&error))?;
                writes.push(TransactWriteItem::builder().delete(delete).build());
            }
        }
        Ok(writes)
    }

    /// One page of findings, newest first, read from the index (may lag a moment). `after` and
    /// `next` are index sort keys.
    pub async fn finding_list(
        &self,
        filter: &FindingFilter,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<FindingRecord>, StoreError> {
        let mut items = Vec::new();
        let mut start = after.map(str::to_owned);
        loop {
            let since = filter.since.as_deref();
            let page = self.listing_page(listing::FINDING, since, start.as_deref()).await?;
            for item in &page.items {
                let record = from_item(item)?;
                start = Some(list_key(&record));
                if filter.matches(&record) {
                    items.push(record);
                }
                if items.len() >= limit {
                    return Ok(Page { items, next: start });
                }
            }
            start = page.next;
            if start.is_none() {
                return Ok(Page { items, next: None });
            }
        }
    }
}
