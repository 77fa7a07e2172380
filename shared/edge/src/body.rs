//! JSON request bodies, read strictly and late: a handler asks for its scope first and then calls
//! [`JsonBody::parse`], so a caller without rights learns nothing about the body.

use axum::body::Body;
use axum::extract::FromRequest;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::problem::{Problem, ProblemKind};
use crate::told::Told;

/// Largest request body, in bytes; larger input goes through the upload URL.
pub const BODY_BYTES_MAX: usize = 4_000_000;

/// The body of a request, not yet looked at.
#[derive(Debug)]
pub struct JsonBody {
    content_type: Option<String>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    TooLarge,
    Broken,
}

impl JsonBody {
    /// Reads the body as `T`, which must deny unknown fields.
    ///
    /// # Errors
    /// 415 unless the content type is `application/json` or ends in `+json`; 413 above
    /// [`BODY_BYTES_MAX`]; 400 with a violation for text that is not `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        parse_bytes(self.json_bytes()?)
    }

    /// Reads the body as any JSON, for routes that take an array as well as an object.
    ///
    /// # Errors
    /// As [`JsonBody::parse`].
    pub fn parse_value(&self) -> Result<serde_json::Value, Problem> {
        serde_json::from_slice(self.json_bytes()?).map_err(|error| {
            Problem::bad_request("The body is not JSON.").violation("", error.to_string())
        })
    }

    fn json_bytes(&self) -> Result<&Bytes, Problem> {
        if !self.content_type.as_deref().is_some_and(is_json) {
            let problem = Problem::new(ProblemKind::UnsupportedMediaType);
            return Err(problem.detail("Send the body as application/json."));
        }
        self.bytes()
    }

    /// As [`JsonBody::parse`], but an empty body is `None` whatever its content type.
    ///
    /// # Errors
    /// As [`JsonBody::parse`].
    pub fn parse_optional<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        if self.bytes()?.is_empty() { Ok(None) } else { self.parse().map(Some) }
    }

    /// The bytes as they came.
    ///
    /// # Errors
    /// 413 above [`BODY_BYTES_MAX`].
    pub fn bytes(&self) -> Result<&Bytes, Problem> {
        match &self.content {
            Content::Whole(bytes) => Ok(bytes),
            Content::TooLarge => {
                let problem = Problem::new(ProblemKind::PayloadTooLarge);
                let detail = format!("A body may have {BODY_BYTES_MAX} bytes; use an upload.");
                Err(problem.detail(detail).with("max_bytes", BODY_BYTES_MAX))
            }
            Content::Broken => Err(Problem::bad_request("The body cannot be read.")),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let content = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(collected) => Content::Whole(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Content::TooLarge,
            Err(_) => Content::Broken,
        };
        Ok(Self { content_type, content })
    }
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn parse_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let refused = |pointer: String, detail: String| {
        Problem::bad_request("The body is not the JSON object expected here.")
            .violation(pointer, detail)
    };
    // serde would read an array as a struct by position.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return Err(refused(String::new(), "a JSON object is expected".to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize::<_, T>(&mut reader).map_err(|error| {
        let mut pointer = json_pointer(error.path());
        let Told { field, detail } = Told::of(&error.inner().to_string());
        if let Some(field) = field {
            let tail = format!("/{}", escape(&field));
            if !pointer.ends_with(&tail) {
                pointer.push_str(&tail);
            }
        }
        refused(pointer, detail)
    })?;
    reader.end().map_err(|error| refused(String::new(), error.to_string()))?;
    Ok(value)
}

/// Turns a serde path into an RFC 6901 pointer.
fn json_pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            serde_path_to_error::Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            serde_path_to_error::Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&escape(key));
            }
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => {}
        }
    }
    pointer
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::{BODY_BYTES_MAX, JsonBody};
    use crate::problem::{Problem, ProblemKind};
    use axum::body::Body;
    use axum::extract::FromRequest;
    use http::Request;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: String,
        parts: Option<Vec<Part>>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Part {
        count: u32,
    }

    async fn parse(content_type: &str, body: impl Into<Body>) -> Result<Sample, Problem> {
        let request = Request::post("/").header("content-type", content_type);
        let request = request.body(body.into()).unwrap();
        JsonBody::from_request(request, &()).await.unwrap().parse()
    }

    async fn refused(content_type: &str, body: impl Into<Body>) -> (ProblemKind, String) {
        let problem = parse(content_type, body).await.unwrap_err();
        let pointer = problem.violations().first().map(|v| v.pointer.clone());
        (problem.kind(), pointer.unwrap_or_default())
    }

    #[tokio::test]
    async fn json_types_are_read_and_others_are_415() {
        for content_type in
            ["application/json", "Application/JSON; charset=utf-8", "application/x+json"]
        {
            assert!(parse(content_type, r#" {"name":"a"}"#).await.is_ok(), "{content_type}");
        }
        for content_type in ["", "text/json", "application/xml", "application/jsonl"] {
            let (kind, _) = refused(content_type, r#"{"name":"a"}"#).await;
            assert_eq!(kind, ProblemKind::UnsupportedMediaType, "{content_type}");
        }
    }

    #[tokio::test]
    async fn unreadable_bodies_are_400_and_point_at_the_place() {
        for (body, pointer) in [
            ("", ""),
            ("null", ""),
            (r#"["a",null]"#, ""),
            (r#"{"name":"a""#, ""),
            (r#"{"name":"a"} x"#, ""),
            (r#"{"name":1}"#, "/name"),
            (r#"{"name":"a","nmae":1}"#, "/nmae"),
            (r#"{"name":"a","parts":[{"count":1},{"count":"x"}]}"#, "/parts/1/count"),
            (r#"{"name":"a","parts":[{"count":1,"a/b":2}]}"#, "/parts/0/a~1b"),
            (r#"{"name":"a","name":"b"}"#, ""),
        ] {
            let (kind, found) = refused("application/json", body).await;
            assert_eq!(kind, ProblemKind::Validation, "{body}");
            assert!(found == pointer || pointer.is_empty(), "{body}: {found}");
        }
    }

    #[tokio::test]
    async fn nesting_beyond_the_parsers_limit_is_refused() {
        let body = format!(r#"{{"name":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(refused("application/json", body).await.0, ProblemKind::Validation);
    }

    #[tokio::test]
    async fn a_body_of_the_limit_is_read_and_one_byte_more_is_413() {
        let body = |extra: usize| {
            let frame = r#"{"name":""}"#.len();
            format!(r#"{{"name":"{}"}}"#, "a".repeat(BODY_BYTES_MAX - frame + extra))
        };
        assert!(parse("application/json", body(0)).await.is_ok());
        let (kind, _) = refused("application/json", body(1)).await;
        assert_eq!(kind, ProblemKind::PayloadTooLarge);
    }

    #[tokio::test]
    async fn any_json_is_a_value_and_other_text_or_type_is_refused() {
        let read = async |content_type: &str, text: &str| {
            let request = Request::post("/").header("content-type", content_type);
            let request = request.body(Body::from(text.to_owned())).unwrap();
            let body = JsonBody::from_request(request, &()).await.unwrap();
            body.parse_value().map_err(|problem| problem.kind())
        };
        assert_eq!(read("application/json", "[1]").await, Ok(serde_json::json!([1])));
        assert_eq!(read("application/json", "[1] x").await, Err(ProblemKind::Validation));
        assert_eq!(read("text/json", "[1]").await, Err(ProblemKind::UnsupportedMediaType));
    }

    #[tokio::test]
    async fn an_empty_optional_body_is_none() {
        let request = Request::post("/").body(Body::empty()).unwrap();
        let body = JsonBody::from_request(request, &()).await.unwrap();
        assert_eq!(body.parse_optional::<Sample>().unwrap(), None);
    }
}
