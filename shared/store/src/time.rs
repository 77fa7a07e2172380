//! Time as text: RFC 3339, UTC, milliseconds; sorts as text.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

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
    }
}
