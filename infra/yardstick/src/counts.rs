//! The paths whose instructions are counted: one name, one amount of work.
//!
//! An input is made before and dropped after [`counted_work`], and the count is taken inside of it alone. Every
//! input is the same on every machine, so two counts of one build differ by next to nothing.

use std::hint::black_box;
use std::io::Write as _;

use domain::allocation::Allocation;
use domain::bitmap::{BlockSet, Offset};
use domain::epc::parse_epc;
use domain::numbering::Numbering;
use domain::serial::DecimalRun;
use linefiles::{Export, Format, Profile};

use crate::inputs::{Shape, allocation, cipher, document};
use crate::readings;

/// The numbering of all inputs.
static SCHEME: Numbering = Numbering::sequential(12);

struct Case {
    name: &'static str,
    /// What one of its units is.
    unit: &'static str,
    units: u64,
    /// Does the work and says how many units it did.
    work: fn(u64) -> Option<u64>,
}

const fn case(
    name: &'static str,
    (units, unit): (u64, &'static str),
    work: fn(u64) -> Option<u64>,
) -> Case {
    Case { name, unit, units, work }
}

const CASES: [Case; 20] = [
    // What lies below: the two ways are compared with it on a machine too busy for a clock.
    case("xml-tokens", (20_000, "serial"), |n| tokens(n, 1_000)),
    case("xml-single-tokens", (1_000, "event"), |n| tokens(n, 1)),
    case("xml-general", (20_000, "serial"), |n| xml(n, 1_000, false)),
    case("xml-short", (20_000, "serial"), |n| xml(n, 1_000, true)),
    case("xml-single-general", (1_000, "event"), |n| xml(n, 1, false)),
    case("xml-single-short", (1_000, "event"), |n| xml(n, 1, true)),
    case("json", (20_000, "serial"), |n| json(n, 1_000)),
    case("json-single", (1_000, "event"), |n| json(n, 1)),
    case("epc-urn", (10_000, "text"), |n| epcs(n, "urn:epc:id:sgtin:0313000.000777.")),
    case("epc-link", (10_000, "text"), |n| epcs(n, "https://id.gs1.org/01/00313000007772/21/")),
    case("scheme-text", (20_000, "serial"), scheme_text),
    case("scheme-index", (20_000, "serial"), scheme_index),
    case("scheme-run", (20_000, "serial"), scheme_run),
    case("randomised-text", (6_400, "serial"), randomised_text),
    case("randomised-index", (6_400, "serial"), randomised_index),
    case("csv-full", (20_000, "row"), |n| export(n, Profile::Full, Format::Csv)),
    case("csv-bare", (20_000, "row"), |n| export(n, Profile::Bare, Format::Csv)),
    case("json-full", (20_000, "row"), |n| export(n, Profile::Full, Format::Json)),
    case("bitmap-dense", (32_768, "offset"), |n| bitmap(n, 1)),
    case("bitmap-scattered", (32_768, "offset"), |n| bitmap(n, 12_347)),
];

/// Prints the cases.
pub fn list() -> Option<()> {
    let mut out = std::io::stdout().lock();
    CASES.iter().try_for_each(|case| {
        let Case { name, unit, units, .. } = case;
        let line = serde_json::json!({ "name": name, "unit": unit, "units": units });
        writeln!(out, "{line}").ok()
    })
}

/// Does the work of one case.
pub fn count(name: &str) -> Option<()> {
    let case = CASES.iter().find(|case| case.name == name)?;
    let done = (case.work)(black_box(case.units))?;
    (done == case.units).then_some(())
}

/// Around what is counted; the name is what callgrind is told, and no other function has it in its own.
#[inline(never)]
fn counted_work<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn xml(serials: u64, per_event: u64, short_way: bool) -> Option<u64> {
    let bytes = document(Shape::Xml, serials.checked_div(per_event)?, per_event)?;
    counted_work(|| readings::reader(black_box(bytes.as_slice()), short_way))
}

fn tokens(serials: u64, per_event: u64) -> Option<u64> {
    let bytes = document(Shape::Xml, serials.checked_div(per_event)?, per_event)?;
    counted_work(|| readings::quick_xml(black_box(bytes.as_slice())))
}

fn json(serials: u64, per_event: u64) -> Option<u64> {
    let bytes = document(Shape::Json, serials.checked_div(per_event)?, per_event)?;
    counted_work(|| readings::reader(black_box(bytes.as_slice()), true))
}

fn texts(count: u64, stem: &str) -> Vec<String> {
    (0..count).map(|index| format!("{stem}{}", SCHEME.text_of(index.into()))).collect()
}

fn epcs(count: u64, stem: &str) -> Option<u64> {
    let texts = texts(count, stem);
    counted_work(|| {
        let read = texts.iter().filter(|text| black_box(parse_epc(text)).is_ok()).count();
        u64::try_from(read).ok()
    })
}

fn scheme_text(count: u64) -> Option<u64> {
    counted_work(|| {
        for index in 0..count {
            black_box(SCHEME.text_of(index.into()));
        }
        Some(count)
    })
}

fn scheme_index(count: u64) -> Option<u64> {
    let texts = texts(count, "");
    counted_work(|| {
        for text in &texts {
            black_box(SCHEME.index_of(black_box(text)));
        }
        Some(count)
    })
}

fn scheme_run(count: u64) -> Option<u64> {
    counted_work(|| {
        let mut run = DecimalRun::new(10_000, 12);
        for _ in 0..count {
            black_box(run.as_bytes());
            run.advance();
        }
        Some(count)
    })
}

fn randomised_text(count: u64) -> Option<u64> {
    let cipher = cipher()?;
    counted_work(|| {
        let mut run = cipher.run(1_000_000, count);
        for _ in 0..count {
            black_box(run.as_bytes());
            run.advance();
        }
        Some(count)
    })
}

fn randomised_index(count: u64) -> Option<u64> {
    let cipher = cipher()?;
    let texts: Vec<String> = (0..count).map(|index| cipher.text_of(index.into())).collect();
    counted_work(|| readings::indexes(&cipher, texts.iter().map(String::as_bytes)))
}

fn export(rows: u64, profile: Profile, format: Format) -> Option<u64> {
    let allocation: Allocation = allocation(rows)?;
    let export = Export::new(&allocation, &SCHEME, profile, format);
    counted_work(|| {
        for batch in export.batches() {
            black_box(batch);
        }
    });
    Some(export.row_count())
}

/// Fills a set in an order given by a step, encodes, decodes and joins it.
fn bitmap(count: u64, step: u32) -> Option<u64> {
    let count = u32::try_from(count).ok()?;
    let offsets: Vec<Offset> =
        (0..count).filter_map(|at| Offset::new(at.wrapping_mul(step) % 32_768)).collect();
    let set = counted_work(|| {
        let mut set: BlockSet = offsets.iter().copied().collect();
        let half: BlockSet = offsets.iter().copied().step_by(3).collect();
        let again = BlockSet::decode(&half.encode()).ok()?;
        set.union_with(&again);
        Some(set)
    })?;
    Some(u64::from(set.len()))
}
