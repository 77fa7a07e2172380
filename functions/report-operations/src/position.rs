//! Where a page of a list by time begins and where the list ends.
//!
//! Lists run from the newest to the oldest. Their positions are index keys, `<time>#<id>`, and a
//! position that the table would refuse must be refused here: the caller's mistake is no failure.

use edge::page::foreign_cursor;
use edge::{Page, Problem};
use store::time::{parse_rfc3339, rfc3339_ms};

use crate::failure::malformed;

/// A page of a list by time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Items at most.
    pub(crate) limit: usize,
    /// The key after which to start.
    pub(crate) after: Option<String>,
    /// The oldest time wanted, as keys have it.
    pub(crate) since: Option<String>,
}

impl Position {
    /// Reads `limit`, `cursor` and `since`; `None` for a page that is empty by itself, because it
    /// begins behind its end.
    pub(crate) fn parse(
        limit: Option<u32>,
        cursor: Option<&str>,
        since: Option<&str>,
    ) -> Result<Option<Self>, Problem> {
        let page = Page::parse(limit, cursor)?;
        let since = since.map(|text| {
            let at = parse_rfc3339(text).ok_or_else(|| malformed("since", "an RFC 3339 time"))?;
            Ok::<_, Problem>(rfc3339_ms(at))
        });
        let since = since.transpose()?;
        if !page.cursor.as_deref().is_none_or(is_key) {
            return Err(foreign_cursor());
        }
        if let (Some(after), Some(since)) = (&page.cursor, &since)
            && after < since
        {
            return Ok(None);
        }
        let limit = usize::try_from(page.limit).map_err(|error| Problem::internal(&error))?;
        Ok(Some(Self { limit, after: page.cursor, since }))
    }
}

fn is_key(text: &str) -> bool {
    text.split_once('#').is_some_and(|(at, id)| {
        let same = parse_rfc3339(at).is_some_and(|parsed| rfc3339_ms(parsed) == at);
        same && !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::Position;
    use edge::List;

    fn cursor(key: &str) -> String {
        List::<u8>::new(Vec::new(), Some(key)).next_cursor.unwrap()
    }

    #[test]
    fn keys_of_the_index_are_positions_and_other_texts_are_not() {
        let key = "2026-11-23T10:00:00.000Z#abc7";
        let position = Position::parse(Some(5), Some(&cursor(key)), None).unwrap().unwrap();
        assert_eq!((position.limit, position.after.as_deref()), (5, Some(key)));
        for key in ["!", "2026-11-23T10:00:00Z#a", "2026-11-23T10:00:00.000Z#", "#a", "x#a"] {
            assert!(Position::parse(None, Some(&cursor(key)), None).is_err(), "{key}");
        }
    }

    #[test]
    fn since_is_normalised_and_a_page_behind_it_is_empty() {
        let since = |text| Position::parse(None, None, Some(text));
        let position = since("2026-11-23T11:00:00+01:00").unwrap().unwrap();
        assert_eq!(position.since.as_deref(), Some("2026-11-23T10:00:00.000Z"));
        assert!(since("yesterday").is_err() && since("").is_err());
        let key = cursor("2026-11-23T09:00:00.000Z#a");
        let page = Position::parse(None, Some(&key), Some("2026-11-23T10:00:00Z"));
        assert_eq!(page.unwrap(), None);
    }
}
