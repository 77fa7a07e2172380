//! Numbers and times for people.

use std::fmt::Display;

use domain::pool::{PoolDraft, Scheme};
use domain::space::{Alphabet, SpaceForm};
use maud::{Markup, html};
use store::time::parse_rfc3339;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::scorecard::span_ms;

/// A number with its digits in groups of three, parted by narrow spaces that do not break.
pub(crate) fn number(value: impl Display + Copy) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len().saturating_mul(2));
    let mut left = digits.len();
    for digit in digits.chars() {
        out.push(digit);
        left = left.saturating_sub(1);
        if left > 0 && left.is_multiple_of(3) {
            out.push('\u{202f}');
        }
    }
    out
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A span of time in its two greatest units.
pub(crate) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days > 0 {
        format!("{days} d {} h", hours % 24)
    } else if hours > 0 {
        format!("{hours} h {} min", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes} min")
    } else {
        format!("{seconds} s")
    }
}

/// How long something lasts, from whole hours.
pub(crate) fn lasting(hours: u64) -> String {
    if hours == 0 { "less than an hour".to_owned() } else { span(hours.saturating_mul(3_600)) }
}

/// Thousandths with one decimal.
pub(crate) fn milli(value: u64) -> String {
    format!("{}.{}", number(value / 1_000), value / 100 % 10)
}

/// Milliseconds as seconds with one decimal, or minutes.
pub(crate) fn latency(milliseconds: Option<u64>) -> String {
    match milliseconds {
        None => "–".to_owned(),
        Some(ms) if ms < 60_000 => format!("{}.{} s", ms / 1_000, ms / 100 % 10),
        Some(ms) => span(ms / 1_000),
    }
}

/// A time as people write it.
pub(crate) fn clock(at: &str) -> String {
    let form = format_description!("[day padding:none] [month repr:short] [hour]:[minute] UTC");
    let text = parse_rfc3339(at).and_then(|at| at.format(&form).ok());
    text.unwrap_or_else(|| at.to_owned())
}

/// How long ago a time was, or how soon it will be, and the time itself.
pub(crate) fn moment(at: &str, now: OffsetDateTime) -> Markup {
    let seconds = parse_rfc3339(at).map_or(0, |parsed| span_ms(parsed, now) / 1_000);
    let distance = span(u64::try_from(seconds.unsigned_abs()).unwrap_or(u64::MAX));
    html! {
        @if seconds < 0 { "in " (distance) } @else { (distance) " ago" }
        " " time .soft datetime=(at) { (clock(at)) }
    }
}

/// The characters that a random number is made of.
fn alphabet_words(alphabet: Alphabet) -> String {
    let kinds =
        [("digits", b'0'..=b'9'), ("capital letters", b'A'..=b'Z'), ("small letters", b'a'..=b'z')];
    let mut parts = Vec::new();
    for (name, kind) in kinds {
        let has = |byte: &u8| alphabet.characters().any(|own| own == *byte);
        let (own, missing): (Vec<u8>, Vec<u8>) = kind.partition(has);
        let listed = |bytes: &[u8]| {
            bytes.iter().map(|byte| char::from(*byte).to_string()).collect::<Vec<_>>().join(" ")
        };
        if missing.is_empty() {
            parts.push(name.to_owned());
        } else if own.len() > missing.len() {
            parts.push(format!("{name} without {}", listed(&missing)));
        } else if !own.is_empty() {
            parts.push(listed(&own));
        }
    }
    parts.join(", ")
}

/// A key with what it is: those of logistic units have a dot between company prefix and extension digit.
pub(crate) fn key_words(key: &str) -> String {
    let name = if key.contains('.') { "SSCCs of" } else { "GTIN" };
    format!("{name} {key}")
}

/// What random numbers look like.
pub(crate) fn form_words(form: &SpaceForm) -> String {
    let alphabet = alphabet_words(form.alphabet());
    let prefix = match form.prefix() {
        "" => String::new(),
        prefix => format!("{prefix:?}, then "),
    };
    format!("{prefix}{} random characters: {alphabet}", form.length())
}

/// What the numbers of a pool look like.
pub(crate) fn scheme_words(draft: &PoolDraft) -> String {
    match draft.scheme {
        Scheme::Sequential { width } => format!("{width} digits, one after the other"),
        Scheme::Randomised { form, .. } => form_words(&form),
        Scheme::List { .. } => "imported from elsewhere".to_owned(),
    }
}

/// The beginning of a hash: enough to tell it from others on the screen.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use domain::space::{Alphabet, Characters, SpaceForm};

    use super::{counted, form_words, latency, milli, number, span};

    #[test]
    fn forms_are_told_in_words() {
        let check = |prefix: &str, alphabet: Alphabet, expected: &str| {
            let form = SpaceForm::new(prefix, alphabet, 10).unwrap();
            assert_eq!(form_words(&form), expected);
        };
        let all = [Characters::Digits, Characters::Upper, Characters::Lower];
        let every = Alphabet::of(&all, true).unwrap();
        check("", every, "10 random characters: digits, capital letters, small letters");
        let few = Alphabet::of(&all[..2], false).unwrap();
        let told = "10 random characters: digits, capital letters without I J L O Q U";
        check("", few, told);
        let own = Alphabet::custom("01ZA").unwrap();
        check("A7", own, "\"A7\", then 10 random characters: 0 1, A Z");
    }

    #[test]
    fn numbers_are_grouped_and_spans_have_two_units() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(number(0), "0");
        check(number(999), "999");
        check(number(1_000), "1\u{202f}000");
        check(number("12345678"), "12\u{202f}345\u{202f}678");
        check(counted(1, "file", "files"), "1 file");
        check(counted(0, "file", "files"), "0 files");
        check(span(59), "59 s");
        check(span(60), "1 min");
        check(span(3_661), "1 h 1 min");
        check(span(90_000), "1 d 1 h");
        check(milli(118_250), "118.2");
        check(latency(None), "–");
        check(latency(Some(1_234)), "1.2 s");
        check(latency(Some(125_000)), "2 min");
    }
}
