//! `GET /api/v1/findings/{id}/export?format=pdg`: a finding for a trading partner.
//!
//! 200 with a PDG exception report; 422 `not-exportable` where the code has none, 422 `validation` where
//! nobody is named whom the partner may answer.

use axum::Json;
use axum::extract::{Path, State};
use domain::allocation::Allocation;
use domain::bitmap::{BLOCK_SIZE, BlockSet, Offset, place};
use domain::fact::Fact;
use domain::finding::Code;
use domain::gtin::Gtin14;
use domain::ids::AllocationId;
use domain::ledger::{Group, Posting};
use domain::numbering::Numbering;
use domain::pool::{Scheme, SerialMatch};
use domain::space::SpaceId;
use edge::{Caller, Problem, ProblemKind, QueryText, Scope};
use serde::Deserialize;
use store::StoreError;
use store::block::Place;
use store::finding::FindingCase;
use utoipa::{IntoParams, ToSchema};

use super::change::visible_case;
use super::pdg::{Difference, Evidence, Goods, Part, Report, SERIALS_MAX, Sender, part_of, report};
use crate::Hub;
use crate::failure::{malformed, store_problem};

/// Blocks that are read for lots and expiries at the most; they hold two million numbers.
const BLOCKS_MAX: usize = 64;
/// Characters of a contact or an order number at most.
const TEXT_CHARACTERS_MAX: usize = 200;

edge::words! {
    ExportFormat = ["pdg"], "An exception report of the Partnership for DSCSA Governance.";
}

/// A short text for the report.
#[derive(Debug, ToSchema)]
#[schema(min_length = 1, max_length = 200, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$")]
struct ReportText(#[expect(dead_code, reason = "only its schema is used")] String);

/// Query of the export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    #[param(inline, value_type = ExportFormat)]
    format: Option<String>,
    /// Whom the partner may answer; the tenant's contact by default.
    #[param(inline, value_type = Option<ReportText>)]
    email: Option<String>,
    #[param(inline, value_type = Option<ReportText>)]
    phone: Option<String>,
    /// The purchase order; that of the reservation by default.
    #[param(inline, value_type = Option<ReportText>)]
    po_number: Option<String>,
}

/// `GET /api/v1/findings/{id}/export`
pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    query: QueryText,
) -> Result<Json<Report>, Problem> {
    caller.require_any(&[Scope::DocumentsRead, Scope::ReportsRead])?;
    let query = query.parse::<ExportQuery>()?;
    if query.format.as_deref() != Some("pdg") {
        return Err(malformed("format", "pdg"));
    }
    let email = checked("email", query.email)?;
    let phone = checked("phone", query.phone)?;
    let po_number = checked("po_number", query.po_number)?;
    let case = visible_case(&hub, &caller, &id).await?;
    let evidence = evidence(&hub, &case).await.map_err(|error| store_problem(&error))?;
    let contact = hub.contact_email.as_deref().map(str::to_owned);
    let email = email.or(contact).ok_or_else(no_contact)?;
    let sender = Sender { email, phone, po_number };
    let report = report(&case, &evidence, sender).ok_or_else(|| {
        let code = case.record.finding.code.as_str();
        let detail = format!("{code} is no exception between trading partners.");
        Problem::new(ProblemKind::NotExportable).detail(detail)
    })?;
    Ok(Json(report))
}

fn no_contact() -> Problem {
    Problem::unprocessable("A report needs somebody whom the partner may answer.")
        .violation("?email", "needed, because the tenant has no contact address")
}

fn checked(name: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    let fits = |text: &String| {
        (1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count())
            && !text.chars().any(char::is_control)
    };
    if text.as_ref().is_none_or(fits) {
        return Ok(text);
    }
    Err(malformed(name, "1 to 200 characters without control characters"))
}

/// Reads what a report needs beside the finding.
async fn evidence(hub: &Hub, case: &FindingCase) -> Result<Evidence, StoreError> {
    let finding = &case.record.finding;
    let id = finding.allocation_id.as_deref().and_then(|id| AllocationId::parse(id).ok());
    let allocation = match &id {
        Some(id) => hub.store.allocation_fetch(id).await?,
        None => None,
    };
    let differences = match &allocation {
        Some(allocation) if part_of(finding.code).0 == Part::DataMisalignment => {
            differences(hub, case, allocation).await?
        }
        Some(_) | None => Vec::new(),
    };
    let randomised = randomised(hub, case, allocation.as_ref()).await?;
    Ok(Evidence { allocation, differences, randomised })
}

/// The random serials of a finding, where they are few enough to be listed.
async fn randomised(
    hub: &Hub,
    case: &FindingCase,
    allocation: Option<&Allocation>,
) -> Result<Option<Vec<String>>, StoreError> {
    let finding = &case.record.finding;
    let size = |(first, last): &(u128, u128)| last.saturating_sub(*first).saturating_add(1);
    let sizes = finding.indexes.iter().flat_map(|of| &of.runs).map(size);
    let total = sizes.fold(0, u128::saturating_add);
    let gtin = finding.gtin.as_deref().and_then(|text| Gtin14::parse(text).ok());
    let Some(gtin) = gtin.filter(|_| (1..=SERIALS_MAX).contains(&total.try_into().unwrap_or(0)))
    else {
        return Ok(None);
    };
    let mut serials = Vec::new();
    for of in &finding.indexes {
        let own =
            allocation.map(|allocation| allocation.scheme).filter(|one| is_of(*one, of.space));
        let scheme = match own {
            Some(scheme) => Some(scheme),
            None => hub.store.space_list(&gtin).await?.iter().find_map(|space| {
                let scheme = Scheme::Randomised { space: space.id, form: space.form };
                (space.id == of.space).then_some(scheme)
            }),
        };
        let Some(scheme) = scheme else { return Ok(None) };
        let numbering = hub.store.numbering(&gtin, scheme).await?;
        for run in &of.runs {
            let count = u64::try_from(size(run)).unwrap_or(0);
            serials.extend(numbering.texts(run.0, count));
        }
    }
    Ok(Some(serials))
}

fn is_of(scheme: Scheme, space: SpaceId) -> bool {
    matches!(scheme, Scheme::Randomised { space: own, .. } if own == space)
}

/// What the document says of the finding's serials, and what the reservation or, where it is about
/// serials that were commissioned before, the earlier documents say; from the ledger's postings.
async fn differences(
    hub: &Hub,
    case: &FindingCase,
    allocation: &Allocation,
) -> Result<Vec<Difference>, StoreError> {
    let numbering = hub.store.numbering(allocation.key, allocation.scheme).await?;
    let blocks = blocks_of(case, allocation, &numbering);
    let known = blocks.len() <= BLOCKS_MAX;
    let mut collected = Collected { rows: Vec::new(), serials: 0 };
    for (block, wanted) in blocks.iter().take(BLOCKS_MAX) {
        let content_sha256 = &case.record.content_sha256;
        let place = Place { allocation: &allocation.id, block: *block, content_sha256 };
        let Some(mine) = hub.store.posting_fetch(place).await? else { continue };
        let others = if case.record.finding.code == Code::AlreadyCommissioned {
            let all = hub.store.block_postings(&allocation.id, *block).await?;
            let others = all.into_iter().filter(|(sha, _)| sha != content_sha256);
            others.map(|(_, posting)| posting).collect()
        } else {
            Vec::new()
        };
        collected.block((allocation, &numbering), (*block, wanted), (&mine, &others));
    }
    // Too many to be listed: then none is, so that nobody takes a part for the whole.
    let listed = known && collected.serials <= SERIALS_MAX;
    let row = |(reported, recorded, serials): Row| Difference {
        reported,
        recorded,
        serials: listed.then_some(serials),
    };
    Ok(collected.rows.into_iter().map(row).collect())
}

/// The finding's serials by block.
fn blocks_of(
    case: &FindingCase,
    allocation: &Allocation,
    numbering: &Numbering,
) -> Vec<(u32, BlockSet)> {
    let mut blocks: Vec<(u32, BlockSet)> = Vec::new();
    let index = |text: &str| match numbering.index_of(text) {
        SerialMatch::Index(index) => Some(index),
        SerialMatch::LeadingZeroStripped(_) | SerialMatch::NotOfScheme => None,
    };
    let end = Offset::new(BLOCK_SIZE.saturating_sub(1));
    let finding = &case.record.finding;
    let ranges = finding.ranges.iter().map(|range| (index(&range.from), index(&range.to)));
    let own = finding.indexes.iter().filter(|of| is_of(allocation.scheme, of.space));
    let runs = own.flat_map(|of| &of.runs).map(|(first, last)| (Some(*first), Some(*last)));
    for (from, to) in ranges.chain(runs) {
        let within = |index: u128| index.checked_sub(allocation.start).and_then(place);
        let ends = from.and_then(within).zip(to.and_then(within)).zip(Offset::new(0).zip(end));
        let Some(((first, last), (low, high))) = ends else { continue };
        // More blocks than are read need not be listed.
        for block in (first.0..=last.0).take(BLOCKS_MAX.saturating_add(1)) {
            let from = if block == first.0 { first.1 } else { low };
            let to = if block == last.0 { last.1 } else { high };
            let part = BlockSet::span(from, to);
            match blocks.last_mut() {
                Some((known, set)) if *known == block => set.union_with(&part),
                _ => blocks.push((block, part)),
            }
        }
    }
    blocks
}

/// What is reported, what is recorded, and the serials of which that is so.
type Row = (Goods, Goods, Vec<String>);

struct Collected {
    rows: Vec<Row>,
    serials: usize,
}

impl Collected {
    /// Adds what a document says of the wanted serials of a block, next to what earlier ones say of them
    /// or, where there are none, the reservation.
    fn block(
        &mut self,
        of: (&Allocation, &Numbering),
        (block, wanted): (u32, &BlockSet),
        (mine, others): (&Posting, &[Posting]),
    ) {
        let details = &of.0.details;
        let terms = Goods { lot: details.lot.clone(), expiry: details.expiry.clone() };
        for group in commissioned(mine) {
            let mut left = group.serials.intersection(wanted);
            let reported = goods(group, &terms);
            for theirs in others.iter().flat_map(commissioned) {
                let recorded = goods(theirs, &terms);
                let part = left.intersection(&theirs.serials);
                if reported != recorded {
                    left.subtract(&part);
                    self.add(of, (block, &part), (&reported, &recorded));
                }
            }
            if others.is_empty() {
                self.add(of, (block, &left), (&reported, &terms));
            }
        }
    }

    fn add(
        &mut self,
        (allocation, numbering): (&Allocation, &Numbering),
        (block, serials): (u32, &BlockSet),
        (reported, recorded): (&Goods, &Goods),
    ) {
        if serials.is_empty() {
            return;
        }
        let same = |row: &Row| (&row.0, &row.1) == (reported, recorded);
        let at = self.rows.iter().position(same).unwrap_or_else(|| {
            self.rows.push((reported.clone(), recorded.clone(), Vec::new()));
            self.rows.len().saturating_sub(1)
        });
        let room = SERIALS_MAX.saturating_sub(self.serials);
        self.serials = self.serials.saturating_add(usize::try_from(serials.len()).unwrap_or(0));
        let base = u128::from(block).saturating_mul(u128::from(BLOCK_SIZE));
        let base = base.saturating_add(allocation.start);
        let text =
            |offset: Offset| numbering.text_of(base.saturating_add(u128::from(offset.get())));
        if let Some((_, _, list)) = self.rows.get_mut(at) {
            list.extend(serials.iter().take(room).map(text));
        }
    }
}

fn commissioned(posting: &Posting) -> impl Iterator<Item = &Group> {
    posting.groups.iter().filter(|group| group.fact == Fact::Commissioned)
}

/// What a group says of its serials; what it does not say is as the reservation has it. Of a group that
/// took what exceeded all others nothing is known.
fn goods(group: &Group, terms: &Goods) -> Goods {
    if group.mixed {
        return Goods { lot: None, expiry: None };
    }
    Goods {
        lot: group.lot.clone().or_else(|| terms.lot.clone()),
        expiry: group.expiry.clone().or_else(|| terms.expiry.clone()),
    }
}
