//! Lists of findings, newest first.

use domain::finding::{Code, FindingStatus, Severity};
use domain::ids::SystemId;

use super::item::{from_item, list_key};
use super::{FindingCase, FindingRecord};
use crate::attention::{self, Queue};
use crate::error::{StoreError, sdk_error};
use crate::item::{Item, text};
use crate::keys::listing;
use crate::{Page, Store};

/// Pages of an index that one call reads at the most; the next call goes on from there.
const PAGES_MAX: u32 = 10;

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
    /// Only what this person looks after.
    pub assignee: Option<String>,
    /// Only what was found for this system.
    pub system_id: Option<SystemId>,
    /// Only what was found at this time or later, RFC 3339 UTC.
    pub since: Option<String>,
}

impl FindingFilter {
    fn matches(&self, case: &FindingCase) -> bool {
        let (record, finding) = (&case.record, &case.record.finding);
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
        };
        self.code.is_none_or(|code| finding.code == code)
            && self.severity.is_none_or(|severity| finding.severity == severity)
            && self.status.is_none_or(|status| finding.status == status)
            && self.system_id.as_ref().is_none_or(|system| record.system_id == *system)
            && self.since.as_deref().is_none_or(|since| record.at.as_str() >= since)
            && same(&self.allocation_id, finding.allocation_id.as_deref())
            && same(&self.gtin, finding.gtin.as_deref())
            && same(&self.assignee, case.handling.assignee.as_deref())
            && same(&self.content_sha256, Some(&record.content_sha256))
    }

    /// The index that has the fewest entries beside those wanted: name, key attributes, partition.
    fn index(&self) -> [&'static str; 4] {
        match self.status {
            Some(FindingStatus::Open | FindingStatus::Acknowledged) => {
                [attention::INDEX, attention::PK, attention::SK, Queue::Finding.as_str()]
            }
            Some(FindingStatus::Resolved) | None => {
                ["listing", "list_pk", "list_sk", listing::FINDING]
            }
        }
    }
}

impl Store {
    /// One page of findings, newest first. `after` and `next` are index sort keys. The findings of one
    /// document are read consistently, all others from an index, which may lag a moment; a page may hold
    /// fewer than `limit` although more follow.
    pub async fn finding_list(
        &self,
        filter: &FindingFilter,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<FindingCase>, StoreError> {
        if let Some(content_sha256) = &filter.content_sha256 {
            let cases = self.document_cases(content_sha256).await?;
            return Ok(page_of(cases, filter, limit, after));
        }
        let mut items = Vec::new();
        let mut start = after.map(str::to_owned);
        for _ in 0..PAGES_MAX {
            let page = self.finding_page(filter, start.as_deref()).await?;
            for item in &page.items {
                let case = from_item(item)?;
                start = Some(list_key(&case.record));
                if filter.matches(&case) {
                    items.push(case);
                }
                if items.len() >= limit {
                    return Ok(Page { items, next: start });
                }
            }
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        Ok(Page { items, next: start })
    }

    /// One page of the filter's index, below a key.
    async fn finding_page(
        &self,
        filter: &FindingFilter,
        after: Option<&str>,
    ) -> Result<Page<Item>, StoreError> {
        let [index, pk, sk, partition] = filter.index();
        // `BETWEEN` includes its upper end, which was in the page before and is dropped below.
        let last = after.unwrap_or("\u{10FFFF}");
        let since = filter.since.as_deref().unwrap_or("!");
        if since > last {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let output = self
            .dynamo
            .query()
            .table_name(&*self.table)
            .index_name(index)
            .key_condition_expression(format!("{pk} = :pk AND {sk} BETWEEN :first AND :last"))
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":first", text(since))
            .expression_attribute_values(":last", text(last))
            .scan_index_forward(false)
            .limit(201)
            .send()
            .await
            .map_err(|error| sdk_error("Query findings", &error))?;
        let sort_key = |item: &Item| item.get(sk).and_then(|v| v.as_s().ok()).cloned();
        let next = output.last_evaluated_key.as_ref().and_then(sort_key);
        let mut items = output.items.unwrap_or_default();
        items.retain(|item| after.is_none() || sort_key(item).as_deref() != after);
        Ok(Page { items, next })
    }
}

fn page_of(
    cases: Vec<FindingCase>,
    filter: &FindingFilter,
    limit: usize,
    after: Option<&str>,
) -> Page<FindingCase> {
    let below =
        |record: &FindingRecord| after.is_none_or(|after| list_key(record).as_str() < after);
    let wanted = cases.into_iter().filter(|case| filter.matches(case) && below(&case.record));
    let mut items: Vec<_> = wanted.collect();
    items.sort_by_key(|case| std::cmp::Reverse(list_key(&case.record)));
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|case| list_key(&case.record));
    Page { items, next }
}
