use std::io::{BufReader, Cursor};

use domain::fact::Fact;
use proptest::prelude::*;

use super::*;

type Told = (u64, Status, [String; 8], (u64, u64));

const COLUMNS: [Column; 8] = [
    Column::Gtin,
    Column::Serial,
    Column::Epc,
    Column::Status,
    Column::EventTime,
    Column::Lot,
    Column::Expiry,
    Column::LineGln,
];

/// Reads in pieces of `piece` bytes.
fn rows_in(text: &[u8], piece: usize, limits: &Limits) -> Result<Vec<Told>, String> {
    let mut told = Vec::new();
    let mut input = BufReader::with_capacity(piece, Cursor::new(text));
    let outcome = read(&mut input, limits, &mut |row: &Row<'_>| {
        let place = row.place(Column::Status);
        let values = COLUMNS.map(|column| row.get(column).to_owned());
        told.push((row.ordinal, row.status, values, (place.line, place.column)));
        Ok::<(), String>(())
    });
    match outcome {
        Ok(count) => {
            assert_eq!(count, u64::try_from(told.len()).unwrap());
            Ok(told)
        }
        Err(Failure::Refused(error)) => {
            let Place { line, column } = error.place;
            Err(format!("{} {line}:{column}", error.code.as_str()))
        }
        Err(other) => panic!("{other}"),
    }
}

fn rows(text: &str) -> Result<Vec<Told>, String> {
    let whole = rows_in(text.as_bytes(), 1 << 16, &Limits::default());
    assert_eq!(whole, rows_in(text.as_bytes(), 1, &Limits::default()), "byte by byte");
    whole
}

#[test]
fn columns_are_found_by_name_in_any_order_and_with_any_delimiter() {
    for delimiter in [",", ";", "\t"] {
        for (mark, end) in [("", "\n"), ("\u{feff}", "\r\n")] {
            let text = format!(
                "{mark}status,Lot,GTIN,Other,SERIALNUMBER,EventTime,expiry,LineGLN{end}\
                 commissioned,\"L;,\t\"\"1\",00313000007772,x,007,2026-11-23T10:00:00Z,281031,{end}\
                 {end}REJECTED,,00313000007772,, 008 ,2026-11-23T10:00:01+01:00,,0313000000018"
            );
            // What stands in quotes stays as it is.
            let (a, b) = text.split_once("\"L;").unwrap();
            let (quoted, c) = b.split_once("\"1\"").unwrap();
            let with = |text: &str| text.replace(',', delimiter);
            let text = format!("{}\"L;{quoted}\"1\"{}", with(a), with(c));
            let found = rows(&text).unwrap();
            let first = ["00313000007772", "007", "", "commissioned", "2026-11-23T10:00:00Z"];
            assert_eq!(found[0].2[..5], first);
            assert_eq!(found[0].2[5..], ["L;,\t\"1", "281031", ""]);
            assert_eq!((found[0].0, found[0].1, found[0].3), (1, Status::Commissioned, (2, 1)));
            assert_eq!(found[1].2[1], "008");
            assert_eq!((found[1].0, found[1].1, found[1].3), (2, Status::Rejected, (4, 1)));
            assert_eq!(found.len(), 2);
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place() {
    let head = "GTIN,SerialNumber,Status,EventTime\n";
    let good = "00313000007772,1,SAMPLED,2026-11-23T10:00:00Z\n";
    let check =
        |text: &str, expected: &str| assert_eq!(rows(text).unwrap_err(), expected, "{text}");
    check("", "no-events 1:1");
    check(head, "no-events 2:1");
    check("GTIN,SerialNumber,EventTime\n1,2,3\n", "missing-column 1:1");
    check("GTIN,SerialNumber,Status\n1,2,3\n", "missing-column 1:1");
    check("GTIN,Status,EventTime\n1,2,3\n", "missing-column 1:1");
    check("GTIN,Id,Status,Serial,EventTime\n", "duplicate-column 1:16");
    check(&format!("{head}{good}1,2,SAMPLED\n"), "wrong-columns 3:1");
    check(&format!("{head}\n\"a\nb\",1,SAMPLED,,\n"), "wrong-columns 3:1");
    check(&format!("{head}{good}\"a\nb\",1,SOLD,x\n"), "unknown-status 4:6");
    check(&format!("{head}1,,SAMPLED,x\n"), "missing-serial 2:1");
    check(&format!("{head}{good}1,2,SAMPLED,\"x"), "truncated 3:13");
    check(&format!("{head}1,2,SAMPLED,\"x\"\"\n"), "truncated 2:13");
    check(&format!("{head}1,{},SAMPLED,x\n", "9".repeat(70_000)), "token-too-large 2:3");
    check(&format!("{}\n", vec!["GTIN"; 65].join("x,")), "too-many-columns 1:385");
    let few = Limits { rows_max: 1, ..Limits::default() };
    let text = format!("{head}{good}{good}");
    assert_eq!(rows_in(text.as_bytes(), 99, &few).unwrap_err(), "too-many-events 3:1");
    let latin = [head.as_bytes(), b"1,\xe9,SAMPLED,x\n"].concat();
    let error = rows_in(&latin, 99, &Limits::default()).unwrap_err();
    assert_eq!(error, "wrong-encoding 2:3");
}

#[test]
fn a_file_is_told_by_its_first_line() {
    let check = |text: &str, expected| {
        let mut input = Peeked::new(Cursor::new(text.as_bytes()));
        assert_eq!(is_result_file(input.first_line()), expected, "{text}");
        // Looking takes nothing.
        let mut whole = String::new();
        io::Read::read_to_string(&mut input, &mut whole).unwrap();
        assert_eq!(whole, text);
    };
    check("GTIN,SerialNumber,Status\n", true);
    check("\u{feff}\"gtin\";\"x\"", true);
    check("\n\nid\n", true);
    check("these are words\n", false);
    check("words, GTIN\n", true);
    check("GTINS,Statuses\n", false);
    check("{\"GTIN\":1,\"Status\":2}\n", false);
    check("<GTIN>,<Status>\n", false);
    check("", false);
}

#[test]
fn every_status_is_read_in_any_case_and_states_what_the_table_says() {
    let stated = |status: Status| status.statement().map(|it| (it.fact, it.is_bare));
    for status in Status::ALL {
        assert_eq!(Status::parse(status.as_str()), Some(status));
        assert_eq!(Status::parse(&status.as_str().to_lowercase()), Some(status));
    }
    assert_eq!(Status::parse("SHIPPED"), None);
    assert_eq!(Status::parse(""), None);
    assert_eq!(stated(Status::Commissioned), Some((Fact::Commissioned, false)));
    assert_eq!(stated(Status::Reserved), None);
    let table = [
        (Status::Encoded, Fact::Encoded),
        (Status::Rejected, Fact::Scrapped),
        (Status::LabelSampled, Fact::Sampled),
        (Status::Sampled, Fact::Sampled),
        (Status::Decommissioned, Fact::Decommissioned),
        (Status::Destroyed, Fact::Destroyed),
        (Status::Returned, Fact::Returned),
        (Status::Unused, Fact::Returned),
        (Status::Deactivated, Fact::Deactivated),
    ];
    for (status, fact) in table {
        assert_eq!(stated(status), Some((fact, true)), "{status:?}");
    }
}

#[test]
fn a_refused_row_ends_the_reading() {
    let text = "GTIN,SerialNumber,Status,EventTime\n1,2,SAMPLED,x\n1,3,SAMPLED,x\n";
    let mut taken = 0;
    let outcome = read(&mut text.as_bytes(), &Limits::default(), &mut |_: &Row<'_>| {
        taken += 1;
        Err("enough")
    });
    assert!(matches!(outcome, Err(Failure::Sink("enough"))));
    assert_eq!(taken, 1);
}

proptest! {
    #[test]
    fn values_are_those_that_the_csv_crate_wrote(
        values in prop::collection::vec("[ -~\u{e9}\n\r,;\"]{0,12}", 1..8),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["GTIN", "SerialNumber", "Status", "EventTime", "Lot"]).unwrap();
        for lot in &values {
            writer.write_record(["1", "2", "SAMPLED", "x", lot]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let found = rows_in(&bytes, 7, &Limits::default()).unwrap();
        let lots: Vec<&str> = found.iter().map(|row| row.2[5].as_str()).collect();
        let expected: Vec<&str> = values.iter().map(|lot| lot.trim()).collect();
        prop_assert_eq!(lots, expected);
    }

    #[test]
    fn any_bytes_are_read_alike_whatever_the_pieces(
        bytes in prop::collection::vec(prop::sample::select(b"GTIN,Id;Status\"\n\r1x\xc3".to_vec()), 0..80),
        piece in 1_usize..20,
    ) {
        let text = [b"GTIN,Id,Status,EventTime\n".as_slice(), &bytes].concat();
        let limits = Limits { record_bytes_max: 24, columns_max: 5, rows_max: 4 };
        prop_assert_eq!(rows_in(&text, piece, &limits), rows_in(&text, 1 << 16, &limits));
    }
}
