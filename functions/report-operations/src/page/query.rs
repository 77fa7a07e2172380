//! What the address of a list says: where a page begins, and what is looked for.

use http::Uri;

/// The longest text that is looked for, characters.
pub(super) const FIND_MAX: usize = 100;
/// The longest place of a page, bytes.
const PLACE_BYTES_MAX: usize = 100;

/// The parameters of a list; what is too long or unknown is as if it were not there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListQuery {
    /// What is looked for, without blanks around it.
    pub(super) find: Option<String>,
    /// The place that the page begins after.
    pub(super) after: Option<String>,
}

impl ListQuery {
    pub(super) fn of(uri: &Uri) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            match name.as_ref() {
                "find" if value.chars().count() <= FIND_MAX => {
                    query.find = Some(value.to_owned());
                }
                "after" if value.len() <= PLACE_BYTES_MAX && is_place(value) => {
                    query.after = Some(value.to_owned());
                }
                _ => {}
            }
        }
        query
    }

    /// The address of the next page of the same list.
    pub(super) fn next(&self, after: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(find) = &self.find {
            query.append_pair("find", find);
        }
        query.append_pair("after", after);
        format!("?{}", query.finish())
    }
}

/// Places are keys of ours: letters, digits, and what stands between them.
fn is_place(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:.#".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::ListQuery;

    #[test]
    fn what_is_no_parameter_of_a_list_is_left_aside() {
        let check = |query: &str, find: Option<&str>, after: Option<&str>| {
            let uri = format!("/operations/pools?{query}").parse().unwrap();
            let found = ListQuery::of(&uri);
            assert_eq!((found.find.as_deref(), found.after.as_deref()), (find, after), "{query}");
        };
        check("", None, None);
        check("find=&after=", None, None);
        check("find=+a%26b+&x=1", Some("a&b"), None);
        check("after=1.2.ABC", None, Some("1.2.ABC"));
        check("after=2026-11-03T10:00:00.000Z%23A7", None, Some("2026-11-03T10:00:00.000Z#A7"));
        check("after=%22%3E%3Cb%3E", None, None);
        check(&format!("find={}", "a".repeat(101)), None, None);
        check(&format!("after={}", "1".repeat(101)), None, None);
        let query = ListQuery { find: Some("a&b".into()), after: None };
        assert_eq!(query.next("x#y"), "?find=a%26b&after=x%23y");
    }
}
