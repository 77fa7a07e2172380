//! Tables for people.

/// Lines of a table: the first row is the head; columns are as wide as their widest entry, numbers to the
/// right.
pub(crate) fn lines(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let entry = |row: &Vec<String>| row.get(column).map_or(0, |text| text.chars().count());
        rows.iter().map(entry).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut lines = Vec::with_capacity(rows.len().saturating_add(1));
    for (place, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(text, w)| cell(text, *w)).collect();
        lines.push(format!("  {}", cells.join("  ").trim_end()));
        if place == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            lines.push(format!("  {}", rules.join("  ")));
        }
    }
    lines
}

fn cell(text: &str, width: usize) -> String {
    let is_number =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.');
    if is_number { format!("{text:>width$}") } else { format!("{text:<width$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        let table = lines(&[row(&["what", "count"]), row(&["a", "7"]), row(&["longer", "12345"])]);
        assert_eq!(
            table,
            ["  what    count", "  ──────  ─────", "  a           7", "  longer  12345"]
        );
    }
}
