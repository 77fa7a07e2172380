//! Charts as inline SVG. Every chart has a title that says what it shows; whoever cannot see it finds
//! the same numbers in a table beside it. Widths and heights are whole thousandths, so that a chart is
//! the number and not nearly the number.

use maud::{Markup, html};

use crate::scorecard::findings::HourCount;

/// The length of a bar that is full.
const FULL: u64 = 1_000;
/// The height of the highest column, and the width of one.
const HEIGHT: usize = 1_000;
const COLUMN: usize = 10;

/// `part` of `whole` as a length.
fn length(part: u64, whole: u64) -> u64 {
    part.saturating_mul(FULL).checked_div(whole).unwrap_or(0).min(FULL)
}

/// How far an allocation is used: numbers on packs, and numbers used in another way behind them.
pub(crate) fn fill(reserved: u64, used: u64, commissioned: u64, title: &str) -> Markup {
    html! {
        svg .bar data-chart="fill" role="img" viewBox="0 0 1000 10" preserveAspectRatio="none" {
            title { (title) }
            rect .track x="0" y="0" width=(FULL) height="10" {}
            rect .used x="0" y="0" width=(length(used, reserved)) height="10" {}
            rect .packed x="0" y="0" width=(length(commissioned, reserved)) height="10" {}
        }
    }
}

/// How fast a line runs against the fastest one.
pub(crate) fn throughput(speed: u64, fastest: u64, title: &str) -> Markup {
    html! {
        svg .bar data-chart="throughput" role="img" viewBox="0 0 1000 10" preserveAspectRatio="none" {
            title { (title) }
            rect .track x="0" y="0" width=(FULL) height="10" {}
            rect .packed x="0" y="0" width=(length(speed, fastest)) height="10" {}
        }
    }
}

/// Findings by hour, stacked by severity with the worst at the bottom.
pub(crate) fn columns(hours: &[HourCount], title: &str, description: &str) -> Markup {
    let highest = hours.iter().map(HourCount::sum).max().unwrap_or(0);
    let scaled = |count: usize| count.saturating_mul(HEIGHT).checked_div(highest).unwrap_or(0);
    let width = hours.len().saturating_mul(COLUMN);
    html! {
        svg .columns data-chart="findings" role="img" preserveAspectRatio="none"
            viewBox=(format!("0 0 {width} {HEIGHT}")) {
            title { (title) }
            desc { (description) }
            @for (place, hour) in hours.iter().enumerate() {
                @for (class, below, count) in parts(hour) {
                    @if count > 0 {
                        rect .(class) data-hour=(hour.from) data-count=(count)
                            x=(place.saturating_mul(COLUMN).saturating_add(1))
                            y=(HEIGHT.saturating_sub(scaled(below.saturating_add(count))))
                            width=(COLUMN.saturating_sub(2))
                            height=(scaled(below.saturating_add(count)).saturating_sub(scaled(below)))
                            {}
                    }
                }
            }
        }
    }
}

/// Class, findings below, and findings of each part of a column.
fn parts(hour: &HourCount) -> [(&'static str, usize, usize); 4] {
    let below = |counts: &[usize]| counts.iter().copied().fold(0, usize::saturating_add);
    let HourCount { critical, error, warning, info, .. } = hour;
    [
        ("critical-part", 0, *critical),
        ("error-part", *critical, *error),
        ("warning-part", below(&[*critical, *error]), *warning),
        ("info-part", below(&[*critical, *error, *warning]), *info),
    ]
}

#[cfg(test)]
mod tests {
    use super::{columns, fill};
    use crate::scorecard::findings::HourCount;

    #[test]
    fn bars_are_thousandths_and_never_longer_than_full() {
        let check = |reserved, used, packed, expected: [&str; 2]| {
            let svg = fill(reserved, used, packed, "t").into_string();
            assert!(svg.contains("<title>t</title>"), "{svg}");
            for width in expected {
                assert!(svg.contains(&format!("width=\"{width}\"")), "{width}: {svg}");
            }
        };
        check(8, 4, 1, ["500", "125"]);
        check(3, 1, 0, ["333", "0"]);
        check(0, 0, 0, ["1000", "0"]);
        check(5, 9, 9, ["1000", "1000"]);
    }

    #[test]
    fn columns_stack_to_the_height_of_the_highest_hour() {
        let hour = |critical, warning| HourCount {
            from: "h".into(),
            critical,
            error: 0,
            warning,
            info: 0,
        };
        let svg = columns(&[hour(0, 0), hour(1, 3), hour(2, 0)], "t", "d").into_string();
        assert!(svg.contains("viewBox=\"0 0 30 1000\""), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains("x=\"11\" y=\"750\" width=\"8\" height=\"250\""), "{svg}");
        assert!(svg.contains("x=\"11\" y=\"0\" width=\"8\" height=\"750\""), "{svg}");
        assert!(svg.contains("x=\"21\" y=\"500\" width=\"8\" height=\"500\""), "{svg}");
    }
}
