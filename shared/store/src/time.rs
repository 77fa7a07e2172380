//! Time as text: RFC 3339, UTC, milliseconds; sorts as text.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// A time as items and answers carry it, such as `2026-11-23T07:40:00.000Z`.
#[must_use]
pub fn rfc3339_ms(at: OffsetDateTime) -> String {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // Only years outside of 0 to 9999 cannot be written, and no clock gives those.
    at.to_offset(time::UtcOffset::UTC).format(&form).unwrap_or_default()
}

/// Reads RFC 3339 with any offset.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Milliseconds since 1970; 0 before.
#[must_use]
pub fn epoch_ms(at: OffsetDateTime) -> u64 {
    let ms = at.unix_timestamp_nanos().div_euclid(1_000_000);
    u64::try_from(ms).unwrap_or(0)
}

/// The time so many milliseconds after 1970, as [`rfc3339_ms`] writes it.
#[must_use]
pub fn rfc3339_of_epoch_ms(ms: u64) -> String {
    let nanos = i128::from(ms).saturating_mul(1_000_000);
    OffsetDateTime::from_unix_timestamp_nanos(nanos).map(rfc3339_ms).unwrap_or_default()
}

/// A day as keys and answers carry it, `YYYY-MM-DD`.
#[must_use]
pub fn date_text(day: Date) -> String {
    let at = rfc3339_ms(day.midnight().assume_utc());
    at.get(..10).unwrap_or_default().to_owned()
}

/// Reads a day; only the form that [`date_text`] writes.
#[must_use]
pub fn date_of(text: &str) -> Option<Date> {
    let day = parse_rfc3339(&format!("{text}T00:00:00.000Z"))?.date();
    (date_text(day) == text).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_to_the_millisecond() {
        let text = "2026-11-23T07:40:00.123Z";
        assert_eq!(rfc3339_ms(parse_rfc3339(text).unwrap()), text);
        let offset = parse_rfc3339("2026-11-23T08:40:00.123+01:00").unwrap();
        assert_eq!(rfc3339_ms(offset), text);
        assert_eq!(parse_rfc3339("yesterday"), None);
        let ms = epoch_ms(parse_rfc3339(text).unwrap());
        assert_eq!((ms, rfc3339_of_epoch_ms(ms).as_str()), (1_795_419_600_123, text));
    }
}
