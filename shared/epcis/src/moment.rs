//! Times and dates as real files write them.

use time::{Date, Month, OffsetDateTime, Time};

/// An `xs:dateTime` in UTC with microseconds: `2026-03-02T09:00:01[.fraction][Z|±hh:mm]`.
/// Without a zone it is read as UTC. Anything else is `None`.
#[must_use]
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let bytes = text.as_bytes();
    let (head, rest) = bytes.split_at_checked(19)?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', rest_of_day @ ..] = head else {
        return None;
    };
    let [h0, h1, b':', i0, i1, b':', s0, s1] = rest_of_day else {
        return None;
    };
    let date = day(&[*y0, *y1, *y2, *y3], &[*m0, *m1], &[*d0, *d1])?;
    let second = u8::try_from(number(&[*s0, *s1])?).ok()?;
    let hour = u8::try_from(number(&[*h0, *h1])?).ok()?;
    let minute = u8::try_from(number(&[*i0, *i1])?).ok()?;
    let (micro, zone) = fraction(rest)?;
    let time = Time::from_hms_micro(hour, minute, second, micro).ok()?;
    let local = OffsetDateTime::new_utc(date, time);
    let utc = match offset_minutes(zone)? {
        0 => local,
        minutes => local.checked_sub(time::Duration::minutes(minutes))?,
    };
    (1..=9999).contains(&utc.year()).then_some(utc)
}

/// Microseconds of `.fraction` (more digits are cut off) and what follows it.
fn fraction(rest: &[u8]) -> Option<(u32, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = digits.split_at_checked(count).filter(|(digits, _)| !digits.is_empty())?;
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(6);
    let micro = padded.fold(0u32, |sum, digit| {
        sum.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0')))
    });
    Some((micro, zone))
}

fn offset_minutes(zone: &[u8]) -> Option<i64> {
    match zone {
        [] | [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let hours = i64::from(number(&[*h0, *h1])?);
            let minutes = hours.checked_mul(60)?.checked_add(i64::from(number(&[*m0, *m1])?))?;
            if *sign == b'-' { minutes.checked_neg() } else { Some(minutes) }
        }
        _ => None,
    }
}

/// A date as `YYYY-MM-DD`, from `YYYY-MM-DD` with or without time or zone behind it, `YYYYMMDD`,
/// or AI 17's `YYMMDD`, whose day `00` means the last day of the month and whose century is 20.
///
/// The text is written into `out`.
#[must_use]
pub fn date<'a>(text: &str, out: &'a mut [u8; 10]) -> Option<&'a str> {
    let date = match *text.trim().as_bytes() {
        [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, ref rest @ ..]
            if matches!(rest.first(), None | Some(b'T' | b'Z' | b'+' | b'-' | b' ')) =>
        {
            day(&[y0, y1, y2, y3], &[m0, m1], &[d0, d1])?
        }
        [y0, y1, y2, y3, m0, m1, d0, d1] => day(&[y0, y1, y2, y3], &[m0, m1], &[d0, d1])?,
        [y0, y1, m0, m1, b'0', b'0'] => {
            let first = day(&[b'2', b'0', y0, y1], &[m0, m1], b"01")?;
            first.replace_day(first.month().length(first.year())).ok()?
        }
        [y0, y1, m0, m1, d0, d1] => day(&[b'2', b'0', y0, y1], &[m0, m1], &[d0, d1])?,
        _ => return None,
    };
    let year = u16::try_from(date.year()).ok()?;
    let digit = |value: u16| b'0'.wrapping_add(u8::try_from(value % 10).unwrap_or_default());
    let two = |value: u8| (digit(u16::from(value / 10)), digit(u16::from(value)));
    let (month, day) = (two(u8::from(date.month())), two(date.day()));
    let [y0, y1, y2, y3] = [digit(year / 1000), digit(year / 100), digit(year / 10), digit(year)];
    *out = [y0, y1, y2, y3, b'-', month.0, month.1, b'-', day.0, day.1];
    std::str::from_utf8(out).ok()
}

fn day(year: &[u8], month: &[u8], day: &[u8]) -> Option<Date> {
    let year = i32::try_from(number(year)?).ok().filter(|year| *year > 0)?;
    let month = Month::try_from(u8::try_from(number(month)?).ok()?).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(number(day)?).ok()?).ok()
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| digit.wrapping_sub(b'0'))?;
        sum.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_utc_microseconds() {
        let check = |text: &str, expected: Option<i128>| {
            assert_eq!(parse(text).map(OffsetDateTime::unix_timestamp_nanos), expected, "{text}");
        };
        check("1970-01-01T00:00:01Z", Some(1_000_000_000));
        check("1970-01-01T00:00:01", Some(1_000_000_000));
        check("1970-01-01T01:00:00.000001+01:00", Some(1_000));
        check("1970-01-01T00:00:00.0000019Z", Some(1_000));
        check("1969-12-31T23:30:00-00:30", Some(0));
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:60Z",
            "1970-02-30T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00+0100",
            "0000-01-01T00:00:00Z",
            "1970-01-01t00:00:00z",
            "1970-01-01T00:00:00ZZ",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn dates_of_the_dialects_become_iso_dates() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(date(text, &mut [0; 10]), expected, "{text}");
        };
        check("2027-12-31", Some("2027-12-31"));
        check("2027-12-31Z", Some("2027-12-31"));
        check("2027-12-31T00:00:00+01:00", Some("2027-12-31"));
        check("20271231", Some("2027-12-31"));
        check("271231", Some("2027-12-31"));
        check("280200", Some("2028-02-29"));
        check("2027-12", None);
        check("2027-13-01", None);
        check("soon", None);
    }
}
