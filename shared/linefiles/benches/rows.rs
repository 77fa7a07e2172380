//! `cargo bench -p linefiles`: serials and rows for line systems, in one run.
//!
//! The last line is the writer of the `csv` crate with the same fields, one by one.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a bench that fails should stop"
)]

use std::hint::black_box;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use domain::allocation::{Allocation, AllocationStatus};
use domain::epc::sgtin_urn_text;
use domain::gln::Gln;
use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
use domain::numbering::Numbering;
use domain::pool::Scheme;
use domain::request::Details;
use domain::serial::DecimalRun;
use linefiles::{Export, FileKind, Format, Profile};

/// Rows of each file.
const ROWS: u64 = 1_000_000;

fn main() {
    divan::main();
}

static SEQUENTIAL: Numbering = Numbering::sequential(12);

fn allocation() -> Allocation {
    Allocation {
        id: AllocationId::parse(&"A".repeat(26)).unwrap(),
        request_id: RequestId::parse("R").unwrap(),
        request_hash: String::new(),
        requester: SystemId::parse("L1").unwrap(),
        system_id: SystemId::parse("L1").unwrap(),
        pool_id: PoolId::parse(&"B".repeat(26)).unwrap(),
        key: "00313000007772".parse().unwrap(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        start: 10_000,
        size: ROWS,
        status: AllocationStatus::Reserved,
        line_gln: Some(Gln::parse("0313000000018").unwrap()),
        plant_gln: None,
        details: Details {
            lot: Some("LOT42".into()),
            expiry: Some("2028-10-31".into()),
            work_order: Some("WO-1".into()),
            ..Details::default()
        },
        created_at: "2026-11-23T07:40:00.000Z".into(),
        closed_at: None,
        requested: ROWS,
        mode: domain::request::Mode::Range,
        hold: None,
        reuse: domain::allocation::Reuse::None,
    }
}

#[divan::bench(sample_count = 20)]
fn a_serials_in_place(bencher: Bencher) {
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        let mut run = DecimalRun::new(10_000, 12);
        for _ in 0..ROWS {
            black_box(run.as_bytes());
            run.advance();
        }
    });
}

#[divan::bench(sample_count = 20)]
fn b_serials_formatted(bencher: Bencher) {
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        for index in 0..ROWS {
            black_box(SEQUENTIAL.text_of(u128::from(index)));
        }
    });
}

fn file(bencher: Bencher, profile: Profile, format: Format) {
    let allocation = allocation();
    let export = Export::new(&allocation, &SEQUENTIAL, profile, format);
    bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::new(export.byte_count())).bench(
        || {
            for batch in export.batches() {
                black_box(batch);
            }
        },
    );
}

#[divan::bench(sample_count = 20)]
fn c_csv_full(bencher: Bencher) {
    file(bencher, Profile::Full, Format::Csv);
}

#[divan::bench(sample_count = 20)]
fn d_csv_bare(bencher: Bencher) {
    file(bencher, Profile::Bare, Format::Csv);
}

#[divan::bench(sample_count = 20)]
fn e_json_full(bencher: Bencher) {
    file(bencher, Profile::Full, Format::Json);
}

#[divan::bench(sample_count = 5)]
fn g_csv_full_gzip(bencher: Bencher) {
    let allocation = allocation();
    let kind = FileKind { profile: Profile::Full, format: Format::Csv, gzip: true };
    let export = Export::of(&allocation, &SEQUENTIAL, kind);
    bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::new(export.byte_count())).bench(
        || {
            for batch in export.batches() {
                black_box(batch);
            }
        },
    );
}

#[divan::bench(sample_count = 20)]
fn f_csv_crate_full(bencher: Bencher) {
    let allocation = allocation();
    let gtin = allocation.key.gtin().unwrap();
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        let mut writer = csv::WriterBuilder::new()
            .quote_style(csv::QuoteStyle::Always)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        for index in 0..ROWS {
            let serial = SEQUENTIAL.text_of(allocation.start + u128::from(index));
            let urn = sgtin_urn_text(&gtin, 7, &serial).unwrap();
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
            writer.write_record(row).unwrap();
        }
        writer.into_inner().unwrap().len()
    });
}
