//! What there is to say about an event next to the allocation of its serials, and when it happened.

use domain::allocation::Allocation;
use domain::fact::Fact;
use domain::finding::Code;
use domain::gln::Gln;
use domain::ledger::Claim;
use epcis::EventHead;

use crate::held::Beside;
use crate::stop::Stop;

/// How far ahead of the time of receipt an event time may be, milliseconds.
const FUTURE_MS: i64 = 5 * 60 * 1_000;

/// What is to be remarked about the serials of an allocation that an event names, mostly of those that it
/// commissions; the document was received at `received_ms`.
pub fn of(
    allocation: &Allocation,
    claim: &Claim<'_>,
    beside: &Beside<'_>,
    received_ms: i64,
) -> Vec<Code> {
    let mut codes = Vec::new();
    let mut remark = |code, yes: bool| codes.extend(yes.then_some(code));
    let differs = |mine: &Option<String>, said: Option<&str>| {
        mine.as_deref().zip(said).is_some_and(|(mine, said)| mine != said)
    };
    // Whatever is said of the number: whose it is stands in the ledger, so it counts there all the same.
    let other = beside.allocation.is_some_and(|said| said != allocation.id.as_str());
    remark(Code::AllocationMismatch, other);
    if claim.fact != Fact::Commissioned {
        return codes;
    }
    remark(Code::FutureEventTime, is_ahead(claim.time_ms, received_ms));
    // A logistic unit has neither.
    let is_item = allocation.key.gtin().is_some();
    remark(Code::MissingLot, is_item && claim.lot.is_none());
    remark(Code::MissingExpiry, is_item && claim.expiry.is_none());
    remark(Code::LotMismatch, differs(&allocation.details.lot, claim.lot));
    remark(Code::ExpiryMismatch, differs(&allocation.details.expiry, claim.expiry));
    let (line, plant) = (allocation.line_gln.as_ref(), allocation.plant_gln.as_ref());
    remark(Code::LineGlnMismatch, line.is_some_and(|line| other_line(line, plant, beside)));
    codes
}

/// The event time in milliseconds since 1970.
pub fn event_time_ms(head: &EventHead) -> Result<i64, Stop> {
    let (code, message) = if head.time_text_present {
        ("bad-event-time", "an event states a fact at a time that cannot be read")
    } else {
        ("missing-event-time", "an event states a fact but not when")
    };
    let at = Some((head.line, head.column));
    let time = head.event_time.ok_or(Stop::Refused { code, message, at })?;
    Ok(time.unix_timestamp().saturating_mul(1_000).saturating_add(i64::from(time.millisecond())))
}

/// Whether an event time was yet to come when the document was received.
pub fn is_ahead(time_ms: i64, received_ms: i64) -> bool {
    time_ms > received_ms.saturating_add(FUTURE_MS)
}

/// Whether the event names a place, but not the allocation's line. The plant as business location
/// says nothing against the line as long as no read point says otherwise.
fn other_line(line: &Gln, plant: Option<&Gln>, beside: &Beside<'_>) -> bool {
    let gln = |text: Option<&str>| text.and_then(Gln::from_location);
    let (read_point, location) = (gln(beside.read_point), gln(beside.biz_location));
    if read_point.as_ref() == Some(line) || location.as_ref() == Some(line) {
        return false;
    }
    match (read_point, location) {
        (None, None) => false,
        (None, Some(location)) => plant != Some(&location),
        (Some(_), _) => true,
    }
}

/// What a posting keeps of a lot or an expiry, bytes. AI (10) has 20 characters; a longer text is wrong
/// whatever follows, and 64 groups of a block must fit into one item.
const TERM_BYTES_MAX: usize = 64;

/// A lot or expiry that says something, up to [`TERM_BYTES_MAX`] and cut between characters.
pub fn term(text: Option<&str>) -> Option<&str> {
    let text = text.filter(|text| !text.is_empty())?;
    Some(text.get(..text.floor_char_boundary(TERM_BYTES_MAX)).unwrap_or(text))
}
