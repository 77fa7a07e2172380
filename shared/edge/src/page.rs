//! Keyset paging of lists: `limit` (1–200, default 50) and an opaque `cursor`.

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;

use crate::problem::Problem;

/// Items of a page if the caller does not say.
pub const LIMIT_DEFAULT: u32 = 50;
/// Most items of a page.
pub const LIMIT_MAX: u32 = 200;
/// Longest cursor accepted, in characters.
pub const CURSOR_CHARACTERS_MAX: usize = 2_048;

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Number of items at most.
    pub limit: u32,
    /// The position after which to start, as the store wrote it.
    pub cursor: Option<String>,
}

impl Page {
    /// Reads the two query parameters of a list.
    ///
    /// # Errors
    /// 400 if the limit is out of bounds or the cursor is none that [`List::new`] gave out.
    pub fn parse(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let detail = format!("limit is a number from 1 to {LIMIT_MAX}");
            return Err(
                Problem::bad_request("The limit is out of bounds.").violation("?limit", detail)
            );
        }
        let cursor = cursor.map(decode).transpose()?;
        Ok(Self { limit, cursor })
    }
}

fn decode(text: &str) -> Result<String, Problem> {
    let bytes = (text.len() <= CURSOR_CHARACTERS_MAX)
        .then(|| BASE64URL_NOPAD.decode(text.as_bytes()).ok())
        .flatten();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|text| !text.is_empty()).ok_or_else(foreign_cursor)
}

/// The problem for a cursor whose text the store does not accept.
#[must_use]
pub fn foreign_cursor() -> Problem {
    Problem::bad_request("The cursor is not one of this list.")
        .violation("?cursor", "pass next_cursor of the page before, unchanged")
}

/// One page as it is answered.
#[derive(Clone, Debug, Serialize)]
pub struct List<T> {
    pub items: Vec<T>,
    /// Opaque; `null` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// `next` is the store's position after the last item.
    #[must_use]
    pub fn new(items: Vec<T>, next: Option<&str>) -> Self {
        let next_cursor = next.map(|text| BASE64URL_NOPAD.encode(text.as_bytes()));
        Self { items, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::{List, Page};

    #[test]
    fn a_cursor_comes_back_as_the_store_wrote_it() {
        let list = List::new(vec![1], Some("POOL#a/é"));
        let page = Page::parse(None, list.next_cursor.as_deref()).unwrap();
        assert_eq!(page, Page { limit: 50, cursor: Some("POOL#a/é".into()) });
    }

    #[test]
    fn limits_and_foreign_cursors_are_refused() {
        assert!(Page::parse(Some(1), None).is_ok() && Page::parse(Some(200), None).is_ok());
        assert!(Page::parse(Some(0), None).is_err() && Page::parse(Some(201), None).is_err());
        for cursor in ["", "a", "?", "_w", "YQ=="] {
            assert!(Page::parse(None, Some(cursor)).is_err(), "{cursor}");
        }
    }
}
