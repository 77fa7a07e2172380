//! Result files: any bytes are read alike whatever the pieces they come in, and what is read is what the `csv`
//! crate reads.

use std::io::BufReader;

use csv::ReaderBuilder;
use linefiles::results::{Column, Failure, Limits, Peeked, Row, is_result_file, read};

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

/// What a row says, or why the file is refused, with its place.
type Told = Result<Vec<[String; 8]>, (&'static str, u64, u64)>;

fn told(bytes: &[u8], piece: usize, limits: &Limits) -> Told {
    let mut rows = Vec::new();
    let mut input = BufReader::with_capacity(piece, bytes);
    let outcome = read(&mut input, limits, &mut |row: &Row<'_>| {
        let place = row.place(Column::Status);
        assert!(place.line > 1 && place.column > 0, "a row stands behind the first line");
        rows.push(COLUMNS.map(|column| row.get(column).to_owned()));
        Ok::<(), ()>(())
    });
    match outcome {
        Ok(count) => {
            assert_eq!(u64::try_from(rows.len()), Ok(count));
            Ok(rows)
        }
        Err(Failure::Refused(error)) => {
            Err((error.code.as_str(), error.place.line, error.place.column))
        }
        Err(Failure::Io(_) | Failure::Sink(())) => panic!("bytes in memory are there"),
    }
}

/// The property.
pub fn holds(bytes: &[u8]) {
    let limits = Limits { record_bytes_max: 4 << 10, columns_max: 16, rows_max: 1_000 };
    let whole = told(bytes, 1 << 16, &limits);
    assert_eq!(whole, told(bytes, 1 + bytes.len() % 7, &limits), "in pieces");
    let mut peeked = Peeked::new(bytes);
    let is_told = is_result_file(peeked.first_line());
    let Ok(rows) = whole else { return };
    assert!(is_told || bytes.len() > 16 << 10, "what can be read is told by its first line");
    let same =
        [b',', b';', b'\t'].into_iter().any(|delimiter| read_by_peer(bytes, delimiter, &rows));
    assert!(same, "the csv crate reads the same");
}

/// Whether another reader finds the same values in the same rows.
fn read_by_peer(bytes: &[u8], delimiter: u8, rows: &[[String; 8]]) -> bool {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let Ok(records) = reader.records().collect::<Result<Vec<_>, _>>() else { return false };
    let Some((head, found)) = records.split_first() else { return false };
    found.len() == rows.len()
        && found.iter().zip(rows).all(|(record, row)| {
            let values: Vec<&str> = record.iter().map(str::trim).collect();
            record.len() == head.len()
                && row.iter().all(|value| value.is_empty() || values.contains(&value.as_str()))
        })
}
