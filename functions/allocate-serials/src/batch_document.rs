//! The *Document of Serialization*: what is decided about the end of a batch and on which counts, as JSON.
//!
//! It is written once for each decision and never changed; a review writes the next revision, which names the
//! one before by its hash. What is too many to be listed is counted. It names no serial number (I9).

use domain::allocation::Allocation;
use domain::closing::{Decision, Issue, Unused, Verdict};
use domain::gln::Gln;
use domain::ledger::Bucket;
use serde::{Deserialize, Serialize};

use crate::batch::{Account, Books};

/// The form of the document; readers refuse another one.
pub(crate) const FORM: &str = "pharmatrace/batch-document/1";
/// Files listed at most.
const FILES_MAX: usize = 1_000;
/// Findings listed at most.
const FINDINGS_MAX: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BatchDocument {
    pub(crate) form: String,
    pub(crate) revision: u32,
    /// The SHA-256 of the revision before.
    pub(crate) previous_sha256: Option<String>,
    /// `close`, or of a review `accept` or `reopen`.
    pub(crate) decision: String,
    /// What the allocation became.
    pub(crate) status: String,
    pub(crate) at: String,
    /// `<system>/<credential>` of who decided.
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
    /// Who ended the run, in the document of a review.
    pub(crate) closed: Option<Person>,
    pub(crate) batch: BatchFacts,
    /// Null where the line reported no quantities.
    pub(crate) production: Option<Vec<Line>>,
    #[serde(rename = "yield")]
    pub(crate) found: YieldFacts,
    /// Numbers by place, in the order of I4.
    pub(crate) balance: Vec<Place>,
    pub(crate) reserved: u64,
    pub(crate) unused: UnusedFacts,
    pub(crate) issues: Vec<IssueFacts>,
    pub(crate) findings: Vec<FindingFacts>,
    pub(crate) findings_total: usize,
    pub(crate) files: Vec<FileFacts>,
    pub(crate) files_total: usize,
}

/// Who did something, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) at: String,
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
}

/// What the numbers were reserved for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BatchFacts {
    pub(crate) allocation_id: String,
    /// Null of SSCCs.
    pub(crate) gtin: Option<String>,
    /// Company prefix and extension digit of SSCCs, with a dot between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sscc_prefix: Option<String>,
    pub(crate) packaging_level: Option<String>,
    pub(crate) lot: Option<String>,
    pub(crate) expiry: Option<String>,
    pub(crate) manufactured: Option<String>,
    pub(crate) work_order: Option<String>,
    pub(crate) po_number: Option<String>,
    pub(crate) line_gln: Option<String>,
    pub(crate) plant_gln: Option<String>,
    pub(crate) system_id: String,
    pub(crate) requested_by: String,
    pub(crate) pool_id: String,
    pub(crate) reserved_at: String,
}

/// One packaging level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) packaging_code_type: String,
    pub(crate) packaging_code: String,
    pub(crate) packaging_level: String,
    pub(crate) quantity_reported: u64,
    /// Null for levels that have no ledger: they are kept as they were reported.
    pub(crate) quantity_commissioned: Option<u64>,
}

/// The yield and what the product allows, thousandths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct YieldFacts {
    pub(crate) commissioned: u64,
    pub(crate) printed: u64,
    /// Rounded down; null where nothing was printed.
    pub(crate) thousandths: Option<u64>,
    pub(crate) min: u16,
    pub(crate) max: u16,
}

/// A bucket of the balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) place: String,
    pub(crate) count: u64,
}

/// Numbers of which nothing is known, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnusedFacts {
    pub(crate) count: u64,
    pub(crate) fate: String,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IssueFacts {
    pub(crate) code: String,
    pub(crate) count: u64,
    pub(crate) detail: String,
}

/// A finding of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FindingFacts {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) severity: String,
    pub(crate) count: u64,
    pub(crate) status: String,
    pub(crate) document: String,
}

/// A file that named numbers of the allocation, and how far it changed the counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileFacts {
    pub(crate) sha256: String,
    pub(crate) used: i64,
    pub(crate) commissioned: i64,
}

impl BatchDocument {
    pub(crate) fn new(
        account: &Account<'_>,
        a: &Allocation,
        books: &Books,
        (verdict, reported): (&Verdict, bool),
    ) -> Self {
        let (by, at, reason) = account.by;
        let count = |bucket| books.balance.buckets.get(bucket);
        let place =
            |bucket: Bucket| Place { place: bucket.as_str().to_owned(), count: count(bucket) };
        let before = account.before;
        let reviewed = before.filter(|_| account.decision != Decision::Close);
        let closed = reviewed.map(|closing| Person {
            at: closing.at.clone(),
            by: closing.actor.clone(),
            reason: closing.reason.clone(),
        });
        let fate = match account.decision {
            Decision::Close | Decision::Accept => Unused::Deactivate.as_str(),
            Decision::Reopen => "keep",
        };
        Self {
            form: FORM.to_owned(),
            revision: account.number,
            previous_sha256: before.map(|closing| closing.document.json.clone()),
            decision: account.decision.as_str().to_owned(),
            status: account.status.as_str().to_owned(),
            at: at.to_owned(),
            by: by.to_owned(),
            reason: reason.map(str::to_owned),
            closed,
            batch: BatchFacts::new(a),
            production: reported.then(|| verdict.counted.iter().map(Line::new).collect()),
            found: YieldFacts {
                commissioned: count(Bucket::Commissioned),
                printed: verdict.found.map_or(0, |found| found.printed),
                thousandths: verdict.found.map(domain::closing::Yield::thousandths),
                min: books.tolerance.min(),
                max: books.tolerance.max(),
            },
            balance: Bucket::ALL.into_iter().map(place).collect(),
            reserved: books.balance.reserved,
            unused: UnusedFacts { count: count(Bucket::Outstanding), fate: fate.to_owned() },
            issues: verdict.issues.iter().map(IssueFacts::new).collect(),
            findings: books.findings.iter().take(FINDINGS_MAX).map(FindingFacts::new).collect(),
            findings_total: books.findings.len(),
            files: books.files.iter().take(FILES_MAX).map(FileFacts::new).collect(),
            files_total: books.files.len(),
        }
    }

    /// The bytes that are kept, ending in a line break.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The quantities that the line reported.
    pub(crate) fn reported(&self) -> Option<Vec<domain::closing::Reported>> {
        let lines = self.production.as_ref()?.iter();
        let reported = |line: &Line| {
            let gtin = domain::gtin::Gtin14::parse(&line.packaging_code).ok()?;
            let (level, quantity) = (line.packaging_level.clone(), line.quantity_reported);
            Some(domain::closing::Reported { gtin, level, quantity })
        };
        lines.map(reported).collect()
    }
}

impl BatchFacts {
    fn new(a: &Allocation) -> Self {
        let details = a.details.clone();
        Self {
            allocation_id: a.id.to_string(),
            gtin: a.key.gtin().map(|gtin| gtin.to_string()),
            sscc_prefix: a.key.sscc().map(|prefix| prefix.to_string()),
            packaging_level: details.packaging_level,
            lot: details.lot,
            expiry: details.expiry,
            manufactured: details.manufactured,
            work_order: details.work_order,
            po_number: details.po_number,
            line_gln: a.line_gln.as_ref().map(Gln::to_string),
            plant_gln: a.plant_gln.as_ref().map(Gln::to_string),
            system_id: a.system_id.to_string(),
            requested_by: a.requester.to_string(),
            pool_id: a.pool_id.to_string(),
            reserved_at: a.created_at.clone(),
        }
    }
}

impl Line {
    fn new(counted: &domain::closing::Counted) -> Self {
        let reported = &counted.reported;
        Self {
            packaging_code_type: "GTIN-14".to_owned(),
            packaging_code: reported.gtin.to_string(),
            packaging_level: reported.level.clone(),
            quantity_reported: reported.quantity,
            quantity_commissioned: counted.commissioned,
        }
    }
}

impl IssueFacts {
    fn new(issue: &Issue) -> Self {
        let code = issue.code().as_str().to_owned();
        Self { code, count: issue.count(), detail: issue.words() }
    }
}

impl FindingFacts {
    fn new(record: &store::finding::FindingRecord) -> Self {
        let finding = &record.finding;
        Self {
            id: finding.id.clone(),
            code: finding.code.as_str().to_owned(),
            severity: finding.severity.as_str().to_owned(),
            count: finding.count,
            status: finding.status.as_str().to_owned(),
            document: record.content_sha256.clone(),
        }
    }
}

impl FileFacts {
    fn new((sha256, gain): &(String, store::allocation::Gain)) -> Self {
        let (used, commissioned) = (gain.used, gain.commissioned);
        Self { sha256: sha256.clone(), used, commissioned }
    }
}
