//! What nobody has resolved yet, for counts and charts: read from the sparse index, so it costs what is
//! unresolved and not what was ever found.

use domain::finding::{Code, FindingStatus, Severity};
use domain::ids::SystemId;

use super::item::severity;
use crate::Store;
use crate::attention::{INDEX, Queue};
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, text};

/// Findings that are read at the most.
pub const UNRESOLVED_MAX: usize = 10_000;
/// Pages of the index, 1 MB each, that one reading costs at the most.
const PAGES_MAX: u32 = 20;

/// A finding that is open or acknowledged, without its serials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedFinding {
    /// Its id.
    pub id: String,
    /// What it says.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Open or acknowledged.
    pub status: FindingStatus,
    /// Serials, or 1 where it is about the document.
    pub count: u64,
    /// When it was found first, RFC 3339.
    pub at: String,
    /// The document.
    pub content_sha256: String,
    /// The system it was found for.
    pub system_id: SystemId,
    /// The allocation it is about.
    pub allocation_id: Option<String>,
    /// The trade item it is about.
    pub gtin: Option<String>,
    /// Who looks after it.
    pub assignee: Option<String>,
}

/// All that is unresolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unresolved {
    /// The findings, the oldest first.
    pub findings: Vec<UnresolvedFinding>,
    /// There are more than one reading takes; the youngest are left out.
    pub truncated: bool,
}

fn from_item(item: &Item) -> Result<UnresolvedFinding, Corrupt> {
    let reader = Reader::raw(item);
    let owned = |name| Ok::<_, Corrupt>(reader.text(name)?.to_owned());
    let optional = |name| Ok::<_, Corrupt>(reader.optional_text(name)?.map(str::to_owned));
    let unknown = |name: &str| reader.corrupt(name, "is unknown");
    Ok(UnresolvedFinding {
        id: owned("id")?,
        code: Code::parse(reader.text("code")?).ok_or_else(|| unknown("code"))?,
        severity: severity(reader, "severity")?,
        status: FindingStatus::parse(reader.text("status")?).ok_or_else(|| unknown("status"))?,
        count: reader.parsed("count")?,
        at: owned("at")?,
        content_sha256: owned("content_sha256")?,
        system_id: reader.typed("system_id")?,
        allocation_id: optional("allocation_id")?,
        gtin: optional("gtin")?,
        assignee: optional("assignee")?,
    })
}

impl Store {
    /// The findings that are open or acknowledged, of one system or of all; may lag a moment.
    pub async fn findings_unresolved(
        &self,
        system: Option<&SystemId>,
    ) -> Result<Unresolved, StoreError> {
        let mut found = Unresolved::default();
        let mut start = None;
        for _ in 0..PAGES_MAX {
            let output = self
                .dynamo
                .query()
                .table_name(&*self.table)
                .index_name(INDEX)
                .key_condition_expression("attention_pk = :pk")
                .expression_attribute_values(":pk", text(Queue::Finding.as_str()))
                .projection_expression(
                    "pk, sk, id, code, severity, #status, #count, #at, content_sha256, system_id, \
                     allocation_id, gtin, assignee",
                )
                .expression_attribute_names("#status", "status")
                .expression_attribute_names("#count", "count")
                .expression_attribute_names("#at", "at")
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| sdk_error("Query unresolved findings", &error))?;
            for item in output.items() {
                let finding = from_item(item)?;
                if system.is_some_and(|system| finding.system_id != *system) {
                    continue;
                }
                if found.findings.len() >= UNRESOLVED_MAX {
                    return Ok(Unresolved { truncated: true, ..found });
                }
                found.findings.push(finding);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
        Ok(Unresolved { truncated: true, ..found })
    }
}
