//! Files for lines: what is written is read back byte for byte, by readers that are not ours.

use std::io::Read;

use csv::ReaderBuilder;
use domain::allocation::{Allocation, AllocationStatus};
use domain::epc::{Epc, parse_epc};
use domain::gln::Gln;
use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
use domain::numbering::Numbering;
use domain::pool::Scheme;
use domain::request::{Details, Mode};
use flate2::read::MultiGzDecoder;
use linefiles::{Export, FileKind, Format, Profile};
use serde_json::Value;

pub fn holds(bytes: &[u8]) {
    let Some((numbers, texts)) = bytes.split_at_checked(4) else { return };
    let Ok(texts) = std::str::from_utf8(texts) else { return };
    let allocation = allocation(numbers, texts);
    let Some(numbering) = Numbering::keyless(allocation.key, allocation.scheme) else { return };
    for profile in Profile::ALL {
        for format in Format::ALL {
            let export = Export::new(&allocation, &numbering, profile, format);
            let whole = export.to_bytes();
            assert_eq!(
                u64::try_from(whole.len()),
                Ok(export.byte_count()),
                "{profile:?} {format:?}"
            );
            let batches: Vec<u8> = export.batches().flatten().collect();
            assert!(batches == whole, "the pieces are the file");
            let kind = FileKind { profile, format, gzip: true };
            let mut inflated = Vec::new();
            let packed = Export::of(&allocation, &numbering, kind).to_bytes();
            MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut inflated).unwrap();
            assert!(inflated == whole, "the members are the file");
            match format {
                Format::Csv => read_csv(&allocation, profile, &whole),
                Format::Json => read_json(&allocation, profile, &whole),
            }
        }
    }
}

/// Texts are divided by NUL; each may be missing, and may be anything.
fn allocation(numbers: &[u8], texts: &str) -> Allocation {
    let mut texts = texts.split('\0').map(str::to_owned);
    let mut text = || texts.next().filter(|text| text != "\u{1}");
    let details = Details {
        lot: text(),
        work_order: text(),
        expiry: text(),
        packaging_level: text(),
        filter_value: text(),
        ..Details::default()
    };
    // Seldom more rows than a piece has, and not many more: a fuzzer loves what is slow.
    let many = numbers == [u8::MAX; 4];
    let size = 1 + if many { 5_000 } else { u64::from(numbers[0] % 8) };
    let width = 5 + numbers[1] % 16;
    let start = u128::from(numbers[2]).min(10_u128.pow(u32::from(width)) - u128::from(size));
    Allocation {
        id: AllocationId::parse(&"A".repeat(26)).unwrap(),
        request_id: RequestId::parse("R").unwrap(),
        request_hash: String::new(),
        requester: SystemId::parse("L1").unwrap(),
        system_id: SystemId::parse("L1").unwrap(),
        pool_id: PoolId::parse(&"B".repeat(26)).unwrap(),
        key: "00313000007772".parse().unwrap(),
        company_prefix_length: 6 + numbers[3] % 7,
        scheme: Scheme::Sequential { width },
        start,
        size,
        status: AllocationStatus::Reserved,
        line_gln: numbers[3].is_multiple_of(2).then(|| Gln::parse("0313000000018").unwrap()),
        plant_gln: None,
        details,
        created_at: "2026-11-23T07:40:00.000Z".to_owned(),
        closed_at: None,
        requested: size,
        mode: Mode::Range,
        hold: None,
        reuse: domain::allocation::Reuse::None,
    }
}

fn serials(a: &Allocation) -> impl Iterator<Item = String> {
    let width = Numbering::keyless(a.key, a.scheme).unwrap().text_length();
    let start = a.start;
    (0..u128::from(a.size)).map(move |place| format!("{:0width$}", start + place))
}

fn read_csv(a: &Allocation, profile: Profile, bytes: &[u8]) {
    let mut reader = ReaderBuilder::new().has_headers(profile != Profile::Bare).from_reader(bytes);
    let head: Vec<String> = match profile {
        Profile::Bare => vec!["SerialNumber".to_owned()],
        Profile::Full | Profile::Range => {
            reader.headers().unwrap().iter().map(str::to_owned).collect()
        }
    };
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let cell = |row: &csv::StringRecord, name: &str| {
        let at = head.iter().position(|one| one == name).unwrap();
        row.get(at).unwrap().to_owned()
    };
    let d = &a.details;
    let texts = [("Lot", &d.lot), ("WorkOrder", &d.work_order)];
    match profile {
        Profile::Range => {
            assert_eq!(rows.len(), 1);
            for (name, text) in texts {
                assert_eq!(cell(&rows[0], name), text.as_deref().unwrap_or_default(), "{name}");
            }
            assert_eq!(Some(cell(&rows[0], "SerialFrom")), serials(a).next());
            assert_eq!(Some(cell(&rows[0], "SerialTo")), serials(a).last());
            return;
        }
        Profile::Bare | Profile::Full => {
            assert!(rows.iter().map(|row| cell(row, "SerialNumber")).eq(serials(a)));
        }
    }
    for row in rows.iter().filter(|_| profile == Profile::Full) {
        for (name, text) in texts {
            assert_eq!(cell(row, name), text.as_deref().unwrap_or_default(), "{name}");
        }
        let level = d.packaging_level.as_deref().unwrap_or("EA");
        assert_eq!(cell(row, "PackagingLevel"), level);
        assert_eq!(cell(row, "FilterValue"), d.filter_value.as_deref().unwrap_or("1"));
        let epc = cell(row, "EPC");
        let Ok(Epc::Sgtin(sgtin)) = parse_epc(&epc) else { panic!("{epc} is no EPC") };
        assert_eq!(
            (Some(sgtin.gtin), sgtin.serial.as_ref()),
            (a.key.gtin(), cell(row, "SerialNumber").as_str())
        );
    }
}

fn read_json(a: &Allocation, profile: Profile, bytes: &[u8]) {
    let json: Value = serde_json::from_slice(bytes).unwrap();
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    assert_eq!(text("lot"), a.details.lot);
    assert_eq!(text("work_order"), a.details.work_order);
    assert_eq!(text("expiry"), a.details.expiry);
    assert_eq!(text("from"), serials(a).next());
    if profile == Profile::Range {
        return;
    }
    let rows = json["serials"].as_array().unwrap();
    let found = rows.iter().map(|row| match profile {
        Profile::Bare => row.as_str().unwrap().to_owned(),
        Profile::Full | Profile::Range => row["serial"].as_str().unwrap().to_owned(),
    });
    assert!(found.eq(serials(a)));
}
