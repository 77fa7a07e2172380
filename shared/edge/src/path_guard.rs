//! Refuses paths that two readers could understand differently.
//!
//! `lambda_http` normalises `req.uri()` (`/items/..%2Fetc` becomes `/etc`), a gateway may decode
//! before it routes, and an authorizer saw yet another form. So routing happens on the raw path,
//! and a raw path is routed only if every sensible reader reads it alike.

use percent_encoding::percent_decode_str;

/// Longest path looked at, in bytes.
pub const PATH_BYTES_MAX: usize = 2_048;

/// Whether `raw_path` has exactly one reading: it starts with `/`, has no empty segment, no `.`
/// or `..` segment, no encoded or raw slash, backslash, control or other byte that a URI forbids,
/// and encodes only what must be encoded.
#[must_use]
pub fn has_one_reading(raw_path: &str) -> bool {
    let Some(rest) = raw_path.strip_prefix('/') else {
        return false;
    };
    raw_path.len() <= PATH_BYTES_MAX && (rest.is_empty() || rest.split('/').all(is_plain_segment))
}

fn is_plain_segment(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = bytes.next().and_then(hex_value);
            let low = bytes.next().and_then(hex_value);
            let (Some(high), Some(low)) = (high, low) else {
                return false;
            };
            let decoded = (high << 4) | low;
            // An encoded percent sign would be decoded twice by a gateway that decodes once.
            let ambiguous = decoded.is_ascii_control() || b"/\\%;".contains(&decoded);
            if ambiguous || is_path_character(decoded) {
                return false;
            }
        } else if !is_path_character(byte) {
            return false;
        }
    }
    let decoded = percent_decode_str(segment).decode_utf8();
    decoded.is_ok_and(|text| !matches!(text.as_ref(), "" | "." | ".."))
}

/// Unreserved characters and sub-delimiters of RFC 3986, `:` and `@`, without `;` (path
/// parameters are read differently by different readers).
fn is_path_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte)
}

fn hex_value(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::{PATH_BYTES_MAX, has_one_reading};
    use proptest::prelude::*;

    #[test]
    fn ordinary_paths_pass() {
        for path in [
            "/",
            "/health",
            "/api/v1/l3/pools/abc-2",
            "/a/b:c",
            "/a/x%20y",
            "/a/%C3%A9",
            "/a.b/..c",
        ] {
            assert!(has_one_reading(path), "{path}");
        }
    }

    #[test]
    fn tricks_are_refused() {
        for path in [
            "",
            "health",
            "//",
            "//health",
            "/a//b",
            "/a/",
            "/.",
            "/..",
            "/a/./b",
            "/a/../b",
            "/%2e",
            "/%2E%2e/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a\0b",
            "/a%0a",
            "/a%7f",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%61",
            "/a%ff",
            "/a;b",
            "/a b",
            "/a?b",
            "/a#b",
            "/é",
            "/a%252f",
            "/..%2Fetc",
            "/a|b",
            "/a%+1",
        ] {
            assert!(!has_one_reading(path), "{path}");
        }
        assert!(!has_one_reading(&format!("/{}", "a".repeat(PATH_BYTES_MAX))));
    }

    proptest! {
        #[test]
        fn what_passes_is_a_uri_that_keeps_its_path(path in "/[a-z0-9%./\\\\;:é]{0,20}") {
            if has_one_reading(&path) {
                let uri: http::Uri = path.parse().unwrap();
                prop_assert_eq!(uri.path(), path.as_str());
            }
        }
    }
}
