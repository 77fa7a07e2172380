//! What the paths are fed with: generated documents, and an allocation.

#[path = "../../../shared/epcis/benches/documents/mod.rs"]
#[expect(
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "the benches' generator of documents, whose numbers are small"
)]
mod documents;

use std::fs::File;
use std::io::{self, BufWriter, Read as _};

use documents::Document;
pub use documents::Shape;
use domain::allocation::{Allocation, AllocationStatus};
use domain::gln::Gln;
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
use domain::pool::Scheme;
use domain::request::{Details, Mode};
use domain::space::{Alphabet, SpaceCipher, SpaceForm, SpaceKey};

/// The whole document in memory.
pub fn document(shape: Shape, events: u64, serials_per_event: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    Document::new(shape, events, serials_per_event).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Writes a document of so many serials into a file: `dense` and `json` have 1,000 serials an event,
/// `single` has one.
pub fn write(shape: &str, serials: &str, file: &str) -> Option<()> {
    let serials: u64 = serials.parse().ok()?;
    let (shape, events, each) = match shape {
        "dense" => (Shape::Xml, serials.div_ceil(1_000), 1_000),
        "single" => (Shape::Xml, serials, 1),
        "json" => (Shape::Json, serials.div_ceil(1_000), 1_000),
        _ => return None,
    };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file).ok()?);
    io::copy(&mut Document::new(shape, events, each), &mut out).ok()?;
    out.into_inner().ok()?.sync_all().ok()
}

/// An allocation of `size` numbers with all the details a line asks for.
pub fn allocation(size: u64) -> Option<Allocation> {
    Some(Allocation {
        id: AllocationId::parse(&"A".repeat(26)).ok()?,
        request_id: RequestId::parse("R").ok()?,
        request_hash: String::new(),
        requester: SystemId::parse("L1").ok()?,
        system_id: SystemId::parse("L1").ok()?,
        pool_id: PoolId::parse(&"B".repeat(26)).ok()?,
        key: "00313000007772".parse().ok()?,
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        start: 10_000,
        size,
        status: AllocationStatus::Reserved,
        line_gln: Some(Gln::parse("0313000000018").ok()?),
        plant_gln: None,
        details: Details {
            lot: Some("LOT42".into()),
            expiry: Some("2028-10-31".into()),
            work_order: Some("WO-1".into()),
            ..Details::default()
        },
        created_at: "2026-11-23T07:40:00.000Z".into(),
        closed_at: None,
        requested: size,
        mode: Mode::Range,
        hold: None,
        reuse: domain::allocation::Reuse::None,
    })
}

/// The key of the randomised serials, which only measures.
pub const KEY: [u8; 32] = [7; 32];

/// A space of 12 digits and upper-case letters without look-alikes.
pub fn cipher() -> Option<SpaceCipher> {
    let alphabet = Alphabet::custom("0123456789ABCDEFGHKMNPRSTVWXYZ").ok()?;
    let form = SpaceForm::new("", alphabet, 12).ok()?;
    SpaceCipher::new(form, &Gtin14::parse("00313000007772").ok()?, &SpaceKey::from_bytes(KEY)).ok()
}
