//! What an answer says of an allocation.

use domain::allocation::{Allocation, Reuse};
use domain::gln::Gln;
use domain::pool::Pool;
use domain::request::Mode;
use edge::openapi::{
    AllocationId, CompanyPrefix, Count, Date, Gln as GlnForm, Gtin14, Lot, PlainText, PoolId,
    RequestId, SystemId, Time,
};
use serde::Serialize;
use store::reservation_event::event_key;
use store::{Objects, Store, StoreError};
use utoipa::ToSchema;

use crate::batch_view::ClosingView;
use crate::openapi::{ActionCode, ChoiceWord, Encoding, Level, StatusWord};

/// The most numbers told one by one in an answer; the export has more.
const SERIALS_MAX: u64 = 1_000;

/// An allocation as it is answered; what is not known is null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Allocation)]
pub(crate) struct AllocationView {
    #[schema(value_type = AllocationId)]
    allocation_id: String,
    #[schema(value_type = RequestId)]
    request_id: String,
    #[schema(value_type = StatusWord)]
    status: &'static str,
    #[schema(value_type = ActionCode)]
    action_code: &'static str,
    #[schema(value_type = Encoding)]
    encoding: &'static str,
    /// Null of SSCCs.
    #[schema(required, value_type = Option<Gtin14>)]
    gtin: Option<String>,
    /// Of SSCCs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<CompanyPrefix>)]
    company_prefix: Option<String>,
    /// Of SSCCs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9)]
    extension_digit: Option<u8>,
    #[schema(value_type = ChoiceWord)]
    mode: &'static str,
    requested: u64,
    granted: u64,
    /// The first and the last number; null where they tell nothing of those between, as with random ones.
    #[schema(required)]
    range: Option<SerialRange>,
    /// The numbers one by one; null for a range, for more than 1,000 numbers and in lists.
    #[schema(required, max_items = 1_000)]
    serials: Option<Vec<String>>,
    /// The system whose line prints.
    #[schema(value_type = SystemId)]
    system_id: String,
    /// The system that asked.
    #[schema(value_type = SystemId)]
    requested_by: String,
    #[schema(required, value_type = Option<GlnForm>)]
    line_gln: Option<String>,
    #[schema(required, value_type = Option<GlnForm>)]
    plant_gln: Option<String>,
    #[schema(required, value_type = Option<Lot>)]
    lot: Option<String>,
    #[schema(required, value_type = Option<Date>)]
    expiry: Option<String>,
    #[schema(required, value_type = Option<Date>)]
    manufactured: Option<String>,
    #[schema(required, value_type = Option<PlainText>)]
    work_order: Option<String>,
    #[schema(required, value_type = Option<PlainText>)]
    po_number: Option<String>,
    #[schema(required, value_type = Option<PlainText>)]
    po_line: Option<String>,
    #[schema(required, value_type = Option<PlainText>)]
    reference_id: Option<String>,
    #[schema(required, value_type = Option<PlainText>)]
    line_id: Option<String>,
    #[schema(required, value_type = Option<Level>)]
    packaging_level: Option<String>,
    /// The EPC filter value.
    #[schema(required, maximum = 7)]
    filter_value: Option<u8>,
    export: Export,
    #[schema(value_type = PoolId)]
    pool_id: String,
    /// The pool as it is now; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pool: Option<PoolNow>,
    /// The object of the documents bucket that tells the reservation as an EPCIS event, some minutes after it at the
    /// latest. Only of pools that ask for it; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reservation_event: Option<String>,
    /// When the hold ends; null once it is confirmed, and for numbers given for good at once.
    #[schema(required, value_type = Option<Time>)]
    expires_at: Option<String>,
    #[schema(value_type = Time)]
    created_at: String,
    #[schema(required, value_type = Option<Time>)]
    closed_at: Option<String>,
    /// How the run ended, once it is over and was closed by somebody; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    closing: Option<ClosingView>,
    links: Links,
}

/// The first and the last number.
#[derive(Debug, Serialize, ToSchema)]
struct SerialRange {
    from: String,
    to: String,
    /// Null where the GTIN has no URN with the pool's prefix length.
    #[schema(required)]
    from_epc: Option<String>,
    #[schema(required)]
    to_epc: Option<String>,
}

/// Where the numbers are to be had as a file.
#[derive(Debug, Serialize, ToSchema)]
struct Export {
    href: String,
    formats: [&'static str; 2],
}

/// What is known of the pool now.
#[derive(Debug, Serialize, ToSchema)]
struct PoolNow {
    #[schema(value_type = PoolId)]
    id: String,
    #[schema(value_type = Count)]
    remaining: String,
    below_threshold: bool,
}

/// Paths that belong to the allocation.
#[derive(Debug, Serialize, ToSchema)]
struct Links {
    #[serde(rename = "self")]
    own: String,
    export: String,
    confirm: String,
    void: String,
    #[serde(rename = "return")]
    give_back: String,
    close: String,
    review: String,
    batch_document: String,
    reconciliation: String,
}

impl AllocationView {
    /// The allocation; `pool` is what is known of its pool now, `serials` its numbers, where they are told.
    pub(crate) fn new(a: &Allocation, pool: Option<&Pool>, serials: Option<Vec<String>>) -> Self {
        let path = format!("/api/v1/l3/allocations/{}", a.id);
        let details = a.details.clone();
        Self {
            allocation_id: a.id.to_string(),
            request_id: a.request_id.to_string(),
            status: a.status.as_str(),
            action_code: if a.requested == a.size { "C" } else { "P" },
            encoding: a.key.encoding(),
            gtin: a.key.gtin().map(|gtin| gtin.to_string()),
            company_prefix: a.key.sscc().map(|prefix| prefix.company_prefix().to_owned()),
            extension_digit: a.key.sscc().map(|prefix| prefix.extension_digit()),
            mode: a.mode.as_str(),
            requested: a.requested,
            granted: a.size,
            range: SerialRange::new(a),
            serials,
            system_id: a.system_id.to_string(),
            requested_by: a.requester.to_string(),
            line_gln: a.line_gln.as_ref().map(Gln::to_string),
            plant_gln: a.plant_gln.as_ref().map(Gln::to_string),
            lot: details.lot,
            expiry: details.expiry,
            manufactured: details.manufactured,
            work_order: details.work_order,
            po_number: details.po_number,
            po_line: details.po_line,
            reference_id: details.reference_id,
            line_id: details.line_id,
            packaging_level: details.packaging_level,
            filter_value: details.filter_value.and_then(|digit| digit.parse().ok()),
            export: Export { href: format!("{path}/export"), formats: ["csv", "json"] },
            pool_id: a.pool_id.to_string(),
            pool: pool.map(PoolNow::new),
            reservation_event: pool
                .filter(|pool| pool.draft.policy.reservation_events)
                .map(|_| event_key(&a.id)),
            expires_at: a.hold.as_ref().filter(|_| a.is_unconfirmed()).map(|h| h.ends_at.clone()),
            created_at: a.created_at.clone(),
            closed_at: a.closed_at.clone(),
            closing: None,
            links: Links::new(path),
        }
    }

    /// The same with how its run ended.
    pub(crate) fn with_closing(self, closing: Option<ClosingView>) -> Self {
        Self { closing, ..self }
    }
}

/// The numbers one by one, where they were asked for so and are few.
pub(crate) async fn serials(
    (store, objects): (&Store, &Objects),
    a: &Allocation,
) -> Result<Option<Vec<String>>, StoreError> {
    match a.mode {
        // I1: what it gave back, or what was given up, may belong to others.
        Mode::List | Mode::Random
            if a.size <= SERIALS_MAX && a.reuse != Reuse::Gave && !a.status.is_given_up() =>
        {
            let numbering = store.numbering_whole(objects, a).await?;
            Ok(Some(numbering.texts(a.start, a.size)))
        }
        Mode::List | Mode::Random | Mode::Range => Ok(None),
    }
}

impl SerialRange {
    fn new(a: &Allocation) -> Option<Self> {
        let (from, to) = a.serial_ends()?;
        let epc = |number: &str| a.key.urn_text(a.company_prefix_length, number);
        Some(Self { from_epc: epc(&from), to_epc: epc(&to), from, to })
    }
}

impl PoolNow {
    fn new(pool: &Pool) -> Self {
        Self {
            id: pool.id.to_string(),
            remaining: pool.remaining.to_string(),
            below_threshold: pool.is_below_threshold(),
        }
    }
}

impl Links {
    fn new(path: String) -> Self {
        let link = |verb: &str| format!("{path}/{verb}");
        Self {
            export: link("export"),
            confirm: link("confirm"),
            void: link("void"),
            give_back: link("return"),
            close: link("close"),
            review: link("review"),
            batch_document: link("batch-document"),
            reconciliation: link("reconciliation"),
            own: path,
        }
    }
}
