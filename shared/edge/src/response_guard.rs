//! Refuses answers that the gateway could not carry.
//!
//! A synchronous answer may have 6,291,556 bytes as JSON, with the body inside as an escaped or a
//! base64 string. Larger ones would become the gateway's bare 502, so they are refused here, where
//! the log says why. Streaming exports decide by size beforehand and never come near.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use thiserror::Error;

/// Encoded bytes at which an answer is refused.
pub const ENCODED_BYTES_MAX: usize = 6_000_000;

/// Why an answer cannot leave.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The encoded answer reaches [`ENCODED_BYTES_MAX`].
    #[error("the answer has {encoded_bytes} encoded bytes")]
    TooLarge { encoded_bytes: usize },
    /// The body failed while it was read.
    #[error("the answer's body cannot be read")]
    Unreadable(#[source] axum::Error),
}

/// Collects the body and returns the response unchanged if it may leave.
///
/// # Errors
/// See [`Refusal`].
pub async fn measured(response: Response) -> Result<Response, Refusal> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(Refusal::Unreadable)?.to_bytes();
    let body_bytes = if is_sent_as_text(&parts.headers) {
        escaped_length(&bytes)
    } else {
        bytes.len().div_ceil(3).saturating_mul(4)
    };
    let header_bytes = parts.headers.iter().fold(0_usize, |sum, (name, value)| {
        sum.saturating_add(name.as_str().len()).saturating_add(value.len()).saturating_add(8)
    });
    let encoded_bytes = body_bytes.saturating_add(header_bytes);
    if encoded_bytes >= ENCODED_BYTES_MAX {
        return Err(Refusal::TooLarge { encoded_bytes });
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The rule by which `lambda_http` sends a body as text rather than base64.
fn is_sent_as_text(headers: &HeaderMap) -> bool {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return false;
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let content_type = value.to_str().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    ["text", "application/json", "application/javascript", "application/xml", "application/yaml"]
        .iter()
        .any(|prefix| content_type.starts_with(prefix))
        || ["+xml", "+yaml", "+json"].iter().any(|suffix| media_type.ends_with(suffix))
}

/// Bytes of `text` inside a JSON string, without its quotes.
fn escaped_length(text: &[u8]) -> usize {
    text.iter().fold(0_usize, |sum, byte| {
        sum.saturating_add(match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
            0x00..=0x1f => 6,
            _ => 1,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{escaped_length, measured};
    use axum::body::Body;
    use axum::response::Response;

    async fn passes(content_type: &str, body: Vec<u8>) -> bool {
        let response = Response::builder().header("content-type", content_type);
        measured(response.body(Body::from(body)).unwrap()).await.is_ok()
    }

    #[test]
    fn the_escaped_length_is_the_one_of_the_serialiser() {
        let text: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        let json = serde_json::to_string(&text).unwrap();
        assert_eq!(escaped_length(text.as_bytes()), json.len() - 2);
    }

    #[tokio::test]
    async fn quotes_and_base64_count_as_they_are_sent() {
        assert!(passes("text/csv", vec![b'a'; 5_900_000]).await);
        assert!(!passes("text/csv", vec![b'"'; 3_000_000]).await);
        assert!(passes("application/octet-stream", vec![0; 4_400_000]).await);
        assert!(!passes("application/octet-stream", vec![0; 4_500_000]).await);
        assert!(passes("application/problem+json", vec![b'a'; 4_500_000]).await);
    }
}
