use domain::list::RowError;

use super::{ImportFault, ImportReader};

type Line = (u64, Result<[String; 3], RowError>);

/// Reads a text in pieces of `size` bytes.
fn read(text: &[u8], size: usize) -> Result<Vec<Line>, ImportFault> {
    let mut lines = Vec::new();
    let mut each = |line, row: Result<domain::list::Row<'_>, RowError>| {
        lines.push((line, row.map(|row| [row.serial, row.key, row.code].map(str::to_owned))));
    };
    let mut reader = ImportReader::default();
    for piece in text.chunks(size) {
        reader.push(piece, &mut each)?;
    }
    reader.finish(&mut each)?;
    Ok(lines)
}

/// The rows, the same however the bytes are cut.
fn rows(text: &str) -> Result<Vec<Line>, ImportFault> {
    let whole = read(text.as_bytes(), usize::MAX);
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(read(text.as_bytes(), size), whole, "{size}");
    }
    whole
}

fn good(line: u64, row: [&str; 3]) -> Line {
    (line, Ok(row.map(str::to_owned)))
}

#[test]
fn values_are_handed_out_as_written() {
    let text = "\u{feff}serial,crypto_key,crypto_code\r\n007aB,k/+=,\"a,\"\"b\"\r\n\r\n  7 ,,c\r\n";
    let expected = vec![good(2, ["007aB", "k/+=", "a,\"b"]), good(4, ["  7 ", "", "c"])];
    assert_eq!(rows(text), Ok(expected));
}

#[test]
fn columns_stand_in_any_order_and_divide_by_other_characters() {
    assert_eq!(rows("CryptoCode;SERIALNUMBER\nc;s"), Ok(vec![good(2, ["s", "", "c"])]));
    assert_eq!(
        rows("SerialNumber\nA\nB\n"),
        Ok(vec![good(2, ["A", "", ""]), good(3, ["B", "", ""])])
    );
    assert_eq!(rows("serial\tcrypto_key\n1,2\tk\n"), Ok(vec![good(2, ["1,2", "k", ""])]));
}

#[test]
fn a_line_end_inside_quotes_is_counted() {
    let lines = rows("serial\n\"a\nb\"\nc\n").unwrap();
    assert_eq!(lines, [good(2, ["a\nb", "", ""]), good(4, ["c", "", ""])]);
}

#[test]
fn lines_that_are_wrong_are_told_and_the_others_read_all_the_same() {
    let lines = rows("serial,crypto_key\nA,k\nB\nC,k,x\nD,k\n").unwrap();
    let wrong = |values| Err(RowError::Columns { values, columns: 2 });
    assert_eq!(lines[1..3], [(3, wrong(1)), (4, wrong(3))]);
    assert_eq!(lines[3], good(5, ["D", "k", ""]));
    let lines = read(b"serial\n\xff\n", 3).unwrap();
    assert_eq!(lines, [(2, Err(RowError::Encoding))]);
}

#[test]
fn files_that_are_none_are_refused_with_their_line() {
    let check = |text: &str, line: u64, part: &str| {
        let fault = rows(text).unwrap_err();
        assert!(fault.line == line && fault.message.contains(part), "{text:?}: {fault}");
    };
    check("", 1, "empty");
    check("\n\n", 3, "empty");
    check("0001\n0002\n", 1, "first line");
    check("serial,lot\nA,1\n", 1, "a column");
    check("serial,Serial\n", 1, "same meaning");
    check("crypto_key\n", 1, "no column SerialNumber");
    check("serial\nA\n\"B\n", 3, "inside quotes");
    check(&format!("serial\nA\n{}\n", "9".repeat(5_000)), 3, "4096");
    check("serial\nA\n1,2,3,4,5,6,7,8,9\n", 3, "8 values");
}

#[test]
fn a_file_without_rows_has_none() {
    assert_eq!(rows("serial\n"), Ok(Vec::new()));
}
