use domain::allocation::{Allocation, AllocationStatus};
use domain::gln::Gln;
use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
use domain::numbering::Numbering;
use domain::pool::Scheme;
use domain::request::Details;
use domain::space::{Alphabet, Characters, SpaceCipher, SpaceForm, SpaceId, SpaceKey};
use std::io::Read as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

static SEQUENTIAL: Numbering = Numbering::sequential(12);

fn allocation(size: u64) -> Allocation {
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
        size,
        status: AllocationStatus::Reserved,
        line_gln: Some(Gln::parse("0313000000018").unwrap()),
        plant_gln: None,
        details: Details {
            lot: Some("=LOT\"42,".into()),
            expiry: Some("2028-10-31".into()),
            work_order: Some("WO-1".into()),
            ..Details::default()
        },
        created_at: "2026-11-23T07:40:00.000Z".into(),
        closed_at: None,
        requested: size,
        mode: domain::request::Mode::Range,
        hold: None,
        reuse: domain::allocation::Reuse::None,
    }
}

fn text(size: u64, profile: Profile, format: Format) -> String {
    let allocation = allocation(size);
    let export = Export::new(&allocation, &SEQUENTIAL, profile, format);
    let bytes = export.to_bytes();
    assert_eq!(export.byte_count(), u64::try_from(bytes.len()).unwrap(), "size known beforehand");
    String::from_utf8(bytes).unwrap()
}

#[test]
fn full_csv_quotes_every_value_and_alters_none() {
    let expected = "GTIN,SerialNumber,EPC,AI,PackagingLevel,FilterValue,Lot,Expiry,LineGLN,\
        AllocationId,WorkOrder,Status\r\n\
        \"00313000007772\",\"000000010000\",\"urn:epc:id:sgtin:0313000.000777.000000010000\",\
        \"010031300000777221000000010000\",\"EA\",\"1\",\"=LOT\"\"42,\",\"281031\",\
        \"0313000000018\",\"AAAAAAAAAAAAAAAAAAAAAAAAAA\",\"WO-1\",\"RESERVED\"\r\n";
    assert_eq!(text(1, Profile::Full, Format::Csv), expected);
}

#[test]
fn bare_and_range_have_their_forms() {
    assert_eq!(text(2, Profile::Bare, Format::Csv), "000000010000\r\n000000010001\r\n");
    let range = text(3, Profile::Range, Format::Csv);
    let row = range.lines().nth(1).unwrap();
    assert!(row.starts_with("\"00313000007772\",\"000000010000\",\"000000010002\",\"3\","));
    assert_eq!(range.lines().count(), 2);
}

#[test]
fn json_of_every_profile_is_one_object() {
    for (profile, serials) in [(Profile::Full, 2), (Profile::Bare, 2), (Profile::Range, 0)] {
        let value: serde_json::Value =
            serde_json::from_str(&text(2, profile, Format::Json)).unwrap();
        assert_eq!(value["quantity"], 2);
        assert_eq!(value["expiry"], "2028-10-31");
        assert_eq!(value["serials"].as_array().map_or(0, Vec::len), serials, "{profile:?}");
    }
}

#[test]
fn batches_join_without_a_seam() {
    let size = PIECE_ROWS * 2 + 1;
    let bare = text(size, Profile::Bare, Format::Csv);
    let mut expected = 10_000_u64;
    for line in bare.split_terminator("\r\n") {
        assert_eq!(line, format!("{expected:012}"));
        expected += 1;
    }
    assert_eq!(expected, 10_000 + size);
    let json: serde_json::Value =
        serde_json::from_str(&text(size, Profile::Bare, Format::Json)).unwrap();
    assert_eq!(json["serials"].as_array().unwrap().len(), usize::try_from(size).unwrap());
}

#[test]
fn pieces_come_out_the_same_from_any_place_on_and_compressed_ones_are_one_file() {
    let allocation = allocation(PIECE_ROWS * 3 + 7);
    for text in ["full.csv", "bare.csv", "full.json", "bare.json.gz", "full.csv.gz", "range.csv.gz"]
    {
        let kind: FileKind = text.parse().unwrap();
        assert_eq!(kind.to_string(), text);
        let export = Export::of(&allocation, &SEQUENTIAL, kind);
        let (mut whole, mut next, mut places) = (Vec::new(), Some(0), Vec::new());
        let mut pieces = export.pieces();
        while let Some(row) = next {
            places.push((row, whole.len()));
            next = pieces.append(row, &mut whole);
        }
        assert_eq!(export.to_bytes(), whole);
        for (row, at) in places {
            // Begun here by another writer.
            let (mut rest, mut next, mut pieces) = (Vec::new(), Some(row), export.pieces());
            while let Some(row) = next {
                next = pieces.append(row, &mut rest);
            }
            assert!(rest == whole[at..], "{text} from row {row}");
        }
        let plain =
            Export::of(&allocation, &SEQUENTIAL, FileKind { gzip: false, ..kind }).to_bytes();
        if kind.gzip {
            let mut inflated = Vec::new();
            flate2::read::MultiGzDecoder::new(whole.as_slice()).read_to_end(&mut inflated).unwrap();
            assert!(inflated == plain, "{text}");
        } else {
            assert!(whole == plain, "{text}");
        }
    }
    for text in ["full", "full.xml", "full.csv.zip", "full.csv.gz.gz", "", ".csv", "full."] {
        assert_eq!(text.parse::<FileKind>(), Err(NoKind), "{text}");
    }
}

proptest! {
    #[test]
    fn rows_are_read_back_as_written(
        start in 0_u64..999_999_999_000,
        lot in "[!-~]{0,20}",
        work_order in "[ -~\u{e0}-\u{ff}\r\n]{0,20}",
        profile in prop::sample::select(vec![Profile::Full, Profile::Range]),
    ) {
        let mut allocation = allocation(3);
        allocation.start = u128::from(start);
        allocation.details.lot = Some(lot.clone());
        allocation.details.work_order = Some(work_order.clone());
        let export = Export::new(&allocation, &SEQUENTIAL, profile, Format::Csv);
        let bytes = export.to_bytes();
        prop_assert_eq!(export.byte_count(), u64::try_from(bytes.len()).unwrap());
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let head = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(u64::try_from(rows.len()).unwrap(), export.row_count());
        for (index, row) in (start..).zip(&rows) {
            let value = |name: &str| &row[head.iter().position(|column| column == name).unwrap()];
            let serial = format!("{index:012}");
            prop_assert_eq!(value("Lot"), &lot);
            prop_assert_eq!(value("WorkOrder"), &work_order);
            prop_assert_eq!(value("GTIN"), "00313000007772");
            if profile == Profile::Full {
                prop_assert_eq!(value("SerialNumber"), &serial);
                prop_assert_eq!(value("EPC"), format!("urn:epc:id:sgtin:0313000.000777.{serial}"));
                prop_assert_eq!(value("AI"), format!("010031300000777221{serial}"));
            } else {
                prop_assert_eq!(value("SerialFrom"), serial);
            }
        }
        let json = Export::new(&allocation, &SEQUENTIAL, Profile::Full, Format::Json);
        let bytes = json.to_bytes();
        prop_assert_eq!(json.byte_count(), u64::try_from(bytes.len()).unwrap());
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        for (index, row) in (start..).zip(value["serials"].as_array().unwrap()) {
            let serial = format!("{index:012}");
            prop_assert_eq!(row["serial"].as_str(), Some(serial.as_str()));
            let ai = format!("010031300000777221{serial}");
            prop_assert_eq!(row["ai"].as_str(), Some(ai.as_str()));
            let urn = format!("urn:epc:id:sgtin:0313000.000777.{serial}");
            prop_assert_eq!(row["epc"].as_str(), Some(urn.as_str()));
        }
    }
}

/// Letters and digits, a prefix, and pieces that end inside of a batch of the cipher.
fn randomised(size: u64) -> (Allocation, Numbering) {
    let mut allocation = allocation(size);
    let alphabet = Alphabet::of(&[Characters::Digits, Characters::Upper], false).unwrap();
    let form = SpaceForm::new("A", alphabet, 11).unwrap();
    let gtin = allocation.key.gtin().unwrap();
    let cipher = SpaceCipher::new(form, &gtin, &SpaceKey::from_bytes([3; 32])).unwrap();
    allocation.scheme = Scheme::Randomised { space: SpaceId::of(&gtin, &form), form };
    (allocation, Numbering::Randomised(Arc::new(cipher)))
}

#[test]
fn random_numbers_come_out_in_the_order_of_the_pool_from_any_piece_on() {
    let (allocation, numbering) = randomised(PIECE_ROWS * 2 + 77);
    let expected = numbering.texts(allocation.start, allocation.size);
    for text in ["bare.csv", "full.csv", "full.json", "bare.json", "bare.csv.gz"] {
        let kind: FileKind = text.parse().unwrap();
        let export = Export::of(&allocation, &numbering, kind);
        let (mut whole, mut next, mut places) = (Vec::new(), Some(0), Vec::new());
        let mut pieces = export.pieces();
        while let Some(row) = next {
            places.push((row, whole.len()));
            next = pieces.append(row, &mut whole);
        }
        assert_eq!(places.len(), 3, "{text}");
        for (row, at) in places {
            let (mut rest, mut next, mut pieces) = (Vec::new(), Some(row), export.pieces());
            while let Some(row) = next {
                next = pieces.append(row, &mut rest);
            }
            assert!(rest == whole[at..], "{text} from row {row}");
        }
        if !kind.gzip {
            assert_eq!(export.byte_count(), u64::try_from(whole.len()).unwrap(), "{text}");
        }
    }
    let export = Export::new(&allocation, &numbering, Profile::Bare, Format::Csv);
    let bare = String::from_utf8(export.to_bytes()).unwrap();
    assert!(bare.split_terminator("\r\n").eq(&expected));
    let export = Export::new(&allocation, &numbering, Profile::Full, Format::Json);
    let json: serde_json::Value = serde_json::from_slice(&export.to_bytes()).unwrap();
    assert_eq!((&json["from"], &json["to"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    for (row, serial) in json["serials"].as_array().unwrap().iter().zip(&expected) {
        assert_eq!(row["serial"].as_str(), Some(serial.as_str()));
        let urn = format!("urn:epc:id:sgtin:0313000.000777.{serial}");
        assert_eq!(row["epc"].as_str(), Some(urn.as_str()));
    }
}

#[test]
fn two_ends_tell_a_range_of_consecutive_numbers_only() {
    let (random, _) = randomised(3);
    assert!(Profile::Range.tells(allocation(3).scheme));
    assert!(!Profile::Range.tells(random.scheme));
    assert!(Profile::Bare.tells(random.scheme) && Profile::Full.tells(random.scheme));
}

/// I5: a file is never continued by a release that makes other bytes. When this fails because of a change of
/// rows or of the compressor, count `RENDERER` up and note the new values.
#[test]
fn a_change_of_any_byte_counts_the_renderer_up() {
    let allocation = allocation(PIECE_ROWS + 1);
    let mut checksums = Vec::new();
    for profile in Profile::ALL {
        for format in Format::ALL {
            let bytes = Export::new(&allocation, &SEQUENTIAL, profile, format).to_bytes();
            let mut checksum = flate2::Crc::new();
            checksum.update(&bytes);
            let kind = FileKind { profile, format, gzip: false };
            checksums.push(format!("{kind} {:08x}", checksum.sum()));
        }
    }
    let expected = "full.csv dce51c0d, full.json e95f3b30, bare.csv f98693f8, bare.json ada21e07, \
        range.csv 1b285183, range.json 80dd2ac9";
    assert_eq!((RENDERER, checksums.join(", ").as_str()), (1, expected));
    // What it makes of the same bytes depends on the processor too, but each piece is a whole by itself.
    let lock = include_str!("../../../Cargo.lock");
    let compressor = lock.split("name = \"zlib-rs\"\nversion = ").nth(1).unwrap();
    assert_eq!((RENDERER, compressor.lines().next().unwrap()), (1, "\"0.6.8\""));
}

fn ssccs(size: u64) -> (Allocation, Numbering) {
    let mut allocation = allocation(size);
    allocation.key = "0355555.1".parse().unwrap();
    allocation.scheme = Scheme::Sequential { width: 9 };
    allocation.start = 998;
    let numbering = Numbering::keyless(allocation.key, allocation.scheme).unwrap();
    (allocation, numbering)
}

#[test]
fn ssccs_have_their_own_columns_and_each_its_check_digit() {
    let (allocation, numbering) = ssccs(2);
    let text = |profile, format| {
        let export = Export::new(&allocation, &numbering, profile, format);
        let bytes = export.to_bytes();
        assert_eq!(export.byte_count(), u64::try_from(bytes.len()).unwrap());
        String::from_utf8(bytes).unwrap()
    };
    let full = "SSCC,EPC,AI,PackagingLevel,FilterValue,Lot,Expiry,LineGLN,AllocationId,WorkOrder,\
        Status\r\n\
        \"103555550000009983\",\"urn:epc:id:sscc:0355555.1000000998\",\"00103555550000009983\",\
        \"PL\",\"0\",\"=LOT\"\"42,\",\"281031\",\"0313000000018\",\"AAAAAAAAAAAAAAAAAAAAAAAAAA\",\
        \"WO-1\",\"RESERVED\"\r\n";
    assert!(
        text(Profile::Full, Format::Csv).starts_with(full),
        "{}",
        text(Profile::Full, Format::Csv)
    );
    let bare = "103555550000009983\r\n103555550000009990\r\n";
    assert_eq!(text(Profile::Bare, Format::Csv), bare);
    let range = text(Profile::Range, Format::Csv);
    let row = "\"103555550000009983\",\"103555550000009990\",\"2\",\"AAAAAAAAAAAAAAAAAAAAAAAAAA\",";
    assert!(range.lines().nth(1).unwrap().starts_with(row), "{range}");
    assert!(range.starts_with("SSCCFrom,SSCCTo,Quantity,AllocationId,Lot,"), "{range}");
    let json: serde_json::Value = serde_json::from_str(&text(Profile::Full, Format::Json)).unwrap();
    assert_eq!((&json["company_prefix"], &json["extension_digit"]), (&"0355555".into(), &1.into()));
    assert_eq!(
        (&json["gtin"], &json["from"]),
        (&serde_json::Value::Null, &"103555550000009983".into())
    );
    assert_eq!(json["serials"][1]["sscc"], "103555550000009990");
    assert_eq!(json["serials"][1]["epc"], "urn:epc:id:sscc:0355555.1000000999");
    assert_eq!(json["serials"][1]["ai"], "00103555550000009990");
}

#[test]
fn ssccs_come_out_the_same_from_any_piece_on() {
    let (allocation, numbering) = ssccs(PIECE_ROWS + 9);
    for text in ["bare.csv", "full.csv", "full.json", "full.csv.gz"] {
        let export = Export::of(&allocation, &numbering, text.parse().unwrap());
        let (mut pieces, mut whole) = (export.pieces(), Vec::new());
        let second = pieces.append(0, &mut whole).unwrap();
        let at = whole.len();
        assert_eq!(pieces.append(second, &mut whole), None);
        let mut rest = Vec::new();
        export.pieces().append(second, &mut rest);
        assert!(rest == whole[at..] && export.to_bytes() == whole, "{text}");
    }
    let export = Export::new(&allocation, &numbering, Profile::Bare, Format::Csv);
    let bare = String::from_utf8(export.to_bytes()).unwrap();
    assert!(bare.split_terminator("\r\n").eq(numbering.texts(allocation.start, allocation.size)));
}

/// Imported texts of every kind of character, some with crypto columns.
fn imported(longest: domain::list::Longest) -> (Allocation, Numbering) {
    let rows = [("a,\"b\"", "k/+=", "c\"="), ("007", "", ""), ("7", "", "C"), ("%=+-", "K", "")];
    let mut texts = domain::list::ListTexts::from(10_000, longest);
    for (serial, key, code) in rows {
        texts.push(&domain::list::Row { serial, key, code });
    }
    let mut allocation = allocation(4);
    let list = domain::list::ListId::of(&allocation.pool_id);
    allocation.scheme = Scheme::List { list };
    (allocation, Numbering::List(Arc::new(texts)))
}

#[test]
fn imported_numbers_and_their_crypto_columns_are_written_byte_for_byte() {
    let longest = domain::list::Longest { serial: 6, key: 4, code: 3 };
    let (allocation, numbering) = imported(longest);
    let written = |profile, format| {
        let export = Export::new(&allocation, &numbering, profile, format);
        let bytes = export.to_bytes();
        assert!(export.byte_count() >= u64::try_from(bytes.len()).unwrap(), "the most it can be");
        bytes
    };
    let full = written(Profile::Full, Format::Csv);
    let mut reader = csv::Reader::from_reader(&full[..]);
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(head[11..], ["Status", "CryptoKey", "CryptoCode"]);
    let rows: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let told =
        |row: &Vec<String>| [&row[1], &row[2], &row[3], &row[12], &row[13]].map(Clone::clone);
    let urn = "urn:epc:id:sgtin:0313000.000777.";
    let first =
        ["a,\"b\"", &format!("{urn}a,%22b%22"), "010031300000777221a,\"b\"", "k/+=", "c\"="];
    assert_eq!(told(&rows[0]), first);
    let last = ["%=+-", &format!("{urn}%25=+-"), "010031300000777221%=+-", "K", ""];
    assert_eq!(told(&rows[3]), last);
    assert_eq!(rows[1][11..], ["RESERVED", "", ""]);
    assert!(full.ends_with(b"\"RESERVED\",\"K\",\"\"\r\n"));
    let bare = written(Profile::Bare, Format::Csv);
    assert_eq!(bare, b"\"a,\"\"b\"\"\"\r\n007\r\n7\r\n%=+-\r\n");
    let json = |profile| -> serde_json::Value {
        serde_json::from_slice(&written(profile, Format::Json)).unwrap()
    };
    assert_eq!(json(Profile::Bare)["serials"], serde_json::json!(["a,\"b\"", "007", "7", "%=+-"]));
    let expected = serde_json::json!({
        "ai": "010031300000777221a,\"b\"", "epc": format!("{urn}a,%22b%22"), "serial": "a,\"b\"",
        "crypto_key": "k/+=", "crypto_code": "c\"=",
    });
    assert_eq!(json(Profile::Full)["serials"][0], expected);
}

#[test]
fn imported_numbers_without_crypto_columns_look_like_all_others() {
    let longest = domain::list::Longest { serial: 6, key: 0, code: 0 };
    let (allocation, numbering) = imported(longest);
    let export = Export::new(&allocation, &numbering, Profile::Full, Format::Csv);
    let text = String::from_utf8(export.to_bytes()).unwrap();
    assert!(text.lines().all(|line| line.ends_with("Status") || line.ends_with("\"RESERVED\"")));
    assert!(!Profile::Range.tells(allocation.scheme));
}
