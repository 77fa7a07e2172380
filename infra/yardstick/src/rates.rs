//! How fast the paths are, and their peers on the same input: one JSON line each, best of some rounds, by
//! the time on a processor.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use aes::Aes256;
use domain::epc::sgtin_urn_text;
use domain::numbering::Numbering;
use domain::serial::DecimalRun;
use domain::space::SpaceCipher;
use fpe::ff1::{FF1, FlexibleNumeralString};
use linefiles::{Export, Format, Profile};

use crate::inputs::{KEY, allocation, cipher};
use crate::readings;

/// Each path runs so often, one after the other, so that a busy moment of the machine hits all of them.
const ROUNDS: u32 = 7;
const ROWS: u64 = 1_000_000;
/// The numbering of the rows.
static SEQUENTIAL: Numbering = Numbering::sequential(12);
/// What a slow peer gets of them.
const FEW: u64 = 2_000;

type Path<'a> = (&'static str, Box<dyn Fn() -> Option<u64> + 'a>);

/// What is read from files: dense XML, XML with one serial an event, dense JSON-LD.
pub fn documents(dense: &str, single: &str, json: &str) -> Option<()> {
    let open = |file: &str| File::open(file).ok();
    let whole = std::fs::read(json).ok()?;
    let xml: Vec<Path<'_>> = vec![
        ("memchr streamed", Box::new(|| readings::memchr(open(dense)?, b'<'))),
        ("quick-xml bare pass", Box::new(|| readings::quick_xml(open(dense)?))),
        ("our reader, general way", Box::new(|| readings::reader(open(dense)?, false))),
        ("our reader, short way", Box::new(|| readings::reader(open(dense)?, true))),
    ];
    report("dense", dense, &xml)?;
    let xml: Vec<Path<'_>> = vec![
        ("memchr streamed", Box::new(|| readings::memchr(open(single)?, b'<'))),
        ("quick-xml bare pass", Box::new(|| readings::quick_xml(open(single)?))),
        ("our reader, general way", Box::new(|| readings::reader(open(single)?, false))),
        ("our reader, short way", Box::new(|| readings::reader(open(single)?, true))),
    ];
    report("single", single, &xml)?;
    let json_paths: Vec<Path<'_>> = vec![
        ("memchr streamed", Box::new(|| readings::memchr(open(json)?, b'"'))),
        ("serde_json skipping, stream", Box::new(|| readings::serde_json_stream(open(json)?))),
        ("serde_json skipping, slice", Box::new(|| readings::serde_json_slice(&whole))),
        ("our reader", Box::new(|| readings::reader(open(json)?, true))),
    ];
    report("json", json, &json_paths)
}

/// Serials and the rows they stand in.
pub fn rows() -> Option<()> {
    let cipher = cipher()?;
    let length = cipher.form().text_length();
    let mut texts = Vec::new();
    let mut run = cipher.run(0, ROWS);
    for _ in 0..ROWS {
        texts.extend_from_slice(run.as_bytes());
        run.advance();
    }
    let paths: Vec<Path<'_>> = vec![
        ("serials in place", Box::new(|| Some(serials()))),
        ("randomised serials", Box::new(|| Some(randomised(&cipher)))),
        (
            "randomised, back to indexes",
            Box::new(|| readings::indexes(&cipher, texts.chunks_exact(length))),
        ),
        ("fpe crate, the same cipher", Box::new(fpe_crate)),
        ("CSV, all columns", Box::new(|| file(Profile::Full, Format::Csv))),
        ("CSV, serials alone", Box::new(|| file(Profile::Bare, Format::Csv))),
        ("JSON, all columns", Box::new(|| file(Profile::Full, Format::Json))),
        ("csv crate, all columns", Box::new(csv_crate)),
    ];
    best(&paths)?
        .into_iter()
        .try_for_each(|(name, best, rows)| print("rows", name, (best, 0, rows)))
}

fn report(group: &str, file: &str, paths: &[Path<'_>]) -> Option<()> {
    let bytes = std::fs::metadata(file).ok()?.len();
    best(paths)?
        .into_iter()
        .try_for_each(|(name, best, items)| print(group, name, (best, bytes, items)))
}

fn best(paths: &[Path<'_>]) -> Option<Vec<(&'static str, Duration, u64)>> {
    let mut found: Vec<_> = paths.iter().map(|(name, _)| (*name, Duration::MAX, 0)).collect();
    for _ in 0..ROUNDS {
        for ((_, path), (_, best, items)) in paths.iter().zip(&mut found) {
            let before = on_cpu()?;
            *items = black_box(path()?);
            *best = on_cpu()?.checked_sub(before)?.min(*best);
        }
    }
    Some(found)
}

/// What this thread has had of a processor: on a shared machine the clock would measure the others too.
fn on_cpu() -> Option<Duration> {
    // Giving way once makes the kernel book what has run so far.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn print(group: &str, name: &str, (best, bytes, items): (Duration, u64, u64)) -> Option<()> {
    let nanoseconds = u64::try_from(best.as_nanos()).ok()?;
    let line = serde_json::json!({
        "group": group, "name": name, "nanoseconds": nanoseconds, "bytes": bytes, "items": items
    });
    writeln!(std::io::stdout().lock(), "{line}").ok()
}

fn serials() -> u64 {
    let mut run = DecimalRun::new(10_000, 12);
    for _ in 0..ROWS {
        black_box(run.as_bytes());
        run.advance();
    }
    ROWS
}

fn randomised(cipher: &SpaceCipher) -> u64 {
    let mut run = cipher.run(0, ROWS);
    for _ in 0..ROWS {
        black_box(run.as_bytes());
        run.advance();
    }
    ROWS
}

fn fpe_crate() -> Option<u64> {
    let reference = FF1::<Aes256>::new(&KEY, 30).ok()?;
    let numerals = FlexibleNumeralString::from(vec![1; 12]);
    for _ in 0..FEW {
        black_box(reference.encrypt(&[], black_box(&numerals)).ok()?);
    }
    Some(FEW)
}

fn file(profile: Profile, format: Format) -> Option<u64> {
    let allocation = allocation(ROWS)?;
    let export = Export::new(&allocation, &SEQUENTIAL, profile, format);
    for batch in export.batches() {
        black_box(batch);
    }
    Some(ROWS)
}

/// The same columns through the writer of the `csv` crate.
fn csv_crate() -> Option<u64> {
    let allocation = allocation(ROWS)?;
    let gtin = allocation.key.gtin()?;
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for index in 0..ROWS {
        let index = allocation.start.checked_add(u128::from(index))?;
        let serial = SEQUENTIAL.text_of(index);
        let urn = sgtin_urn_text(&gtin, 7, &serial)?;
        let ai = format!("01{gtin}21{serial}");
        let row = [
            gtin.as_str(),
            &serial,
            &urn,
            &ai,
            "EA",
            "1",
            "LOT42",
            "281031",
            "0313000000018",
            allocation.id.as_str(),
            "WO-1",
            "RESERVED",
        ];
        writer.write_record(row).ok()?;
    }
    black_box(writer.into_inner().ok()?);
    Some(ROWS)
}
