//! Query strings, read strictly: unknown and repeated parameters are refused.

use axum::extract::{FromRequestParts, Query};
use http::Uri;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::told::Told;

/// The query of a request, not yet looked at.
#[derive(Debug)]
pub struct QueryText(Uri);

impl QueryText {
    /// Reads the query as `T`, which must deny unknown fields and has `Option` fields of plain
    /// values only.
    ///
    /// # Errors
    /// 400 `validation`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let parsed = Query::<T>::try_from_uri(&self.0).map_err(|rejection| {
            let text = rejection.body_text();
            let detail = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, end)| end);
            // A value that cannot be read is told as `<name>: <reason>`.
            let (name, detail) = match detail.split_once(": ") {
                Some((name, reason)) if is_name(name) => (Some(name.to_owned()), reason),
                _ => (None, detail),
            };
            let Told { field, detail } = Told::of(detail);
            let name = name.or(field).unwrap_or_default();
            Problem::bad_request("The query parameters are not the ones expected here.")
                .violation(format!("?{name}"), detail)
        })?;
        Ok(parsed.0)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

impl<S: Send + Sync> FromRequestParts<S> for QueryText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(parts.uri.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::QueryText;
    use crate::problem::ProblemKind;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        status: Option<String>,
        limit: Option<u32>,
    }

    #[test]
    fn known_parameters_are_read_and_all_else_is_refused() {
        let parse =
            |query: &str| QueryText(format!("/x?{query}").parse().unwrap()).parse::<Sample>();
        let sample = parse("status=a%20b&limit=5").unwrap();
        assert_eq!((sample.status.as_deref(), sample.limit), (Some("a b"), Some(5)));
        assert!(parse("").is_ok());
        for query in ["stauts=a", "limit=x", "limit=-1", "limit=", "limit=1&limit=2", "status[]=a"]
        {
            assert_eq!(parse(query).unwrap_err().kind(), ProblemKind::Validation, "{query}");
        }
        for (query, pointer, detail) in [
            ("stauts=a", "?stauts", "is not known here; known: status, limit"),
            ("limit=x", "?limit", "a whole number is expected"),
            ("limit=1&limit=2", "?limit", "is given twice"),
        ] {
            let body = parse(query).unwrap_err().body(None);
            let violation = &body["violations"][0];
            assert_eq!(
                (&violation["pointer"], &violation["detail"]),
                (&pointer.into(), &detail.into())
            );
        }
    }
}
