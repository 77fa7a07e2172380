//! Gateway events: made safe on the way in, and built for tests and sample files.
//!
//! `lambda_http` panics where the path, the query or the host header is no URI. What the gateway
//! passes on is not ours to choose, so [`http_request`] replaces such values first: the path by
//! one that reaches no route, the query by its encoded form.

use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Request};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::caller::AuthorizerContext;
use crate::path_guard::has_one_reading;

/// Longest query looked at, in bytes; the gateway itself allows about 10,000.
pub const QUERY_BYTES_MAX: usize = 16_384;

/// A path that the guard refuses.
const REFUSED_PATH: &str = "/%00";

/// What a URI's query may not hold as it is.
const NOT_IN_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// Turns a gateway event into a request without panicking on odd values.
#[must_use]
pub fn http_request(event: LambdaRequest) -> Request {
    Request::from(tamed(event))
}

/// The request of an event that was kept as JSON, such as the sample files in `events/`.
///
/// # Errors
/// If the text is no event of the gateway.
pub fn request_of_json(event: &str) -> Result<Request, serde_json::Error> {
    Ok(http_request(serde_json::from_str(event)?))
}

pub(crate) fn tamed(event: LambdaRequest) -> LambdaRequest {
    match event {
        LambdaRequest::ApiGatewayV2(mut event) => {
            if !event.raw_path.as_deref().is_some_and(has_one_reading) {
                event.raw_path = Some(REFUSED_PATH.to_owned());
            }
            let query = event.raw_query_string.take().unwrap_or_default();
            if query.len() > QUERY_BYTES_MAX {
                event.raw_path = Some(REFUSED_PATH.to_owned());
                event.raw_query_string = Some(String::new());
            } else {
                let query = utf8_percent_encode(&query, NOT_IN_QUERY).to_string();
                event.raw_query_string = Some(query);
            }
            // The host would become part of a URI that nobody reads.
            event.headers.remove(http::header::HOST);
            event.request_context.domain_name = None;
            event.request_context.stage = None;
            LambdaRequest::ApiGatewayV2(event)
        }
        // The enum is non-exhaustive; only the kind above is compiled in.
        other => other,
    }
}

/// A gateway event in the making (HTTP API, payload 2.0).
#[derive(Clone, Debug)]
pub struct HttpEvent {
    method: String,
    path: String,
    query: String,
    headers: Map<String, Value>,
    body: Option<String>,
    authorizer: Option<AuthorizerContext>,
}

impl HttpEvent {
    /// An event with a method and a raw path.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: Map::new(),
            body: None,
            authorizer: None,
        }
    }

    /// A GET event.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// Sets the raw query, without `?`.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// Adds a header; names are lower case, as the gateway sends them.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a text body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets a JSON body with its content type.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Sets what the authorizer said.
    #[must_use]
    pub fn caller(mut self, context: &AuthorizerContext) -> Self {
        self.authorizer = Some(context.clone());
        self
    }

    /// The event as the gateway sends it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": self.headers,
            "isBase64Encoded": false,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "api",
                "domainName": "api.execute-api.us-east-1.amazonaws.com",
                "http": {
                    "method": self.method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "sample"
                },
                "requestId": "sample",
                "routeKey": "$default",
                "stage": "$default",
                "time": "23/Nov/2026:10:00:00 +0000",
                "timeEpoch": 1_795_428_000_000_i64
            }
        });
        if let Some(body) = &self.body
            && let Some(members) = event.as_object_mut()
        {
            members.insert("body".to_owned(), body.as_str().into());
        }
        if let Some(authorizer) = &self.authorizer
            && let Some(context) = event.get_mut("requestContext").and_then(Value::as_object_mut)
        {
            context.insert("authorizer".to_owned(), json!({"lambda": authorizer}));
        }
        event
    }

    /// The request that a function sees.
    ///
    /// # Errors
    /// If the event is none of the gateway (an unknown method, a header that is none).
    pub fn request(&self) -> Result<http::Request<Body>, serde_json::Error> {
        request_of_json(&self.to_json().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::HttpEvent;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_path_query_or_host_panics(path in "\\PC*", query in "(?s).*", host in "[ -~]*") {
            for path in [path.as_str(), "/health"] {
                let event = HttpEvent::get(path).query(&query).header("host", &host);
                if let Ok(request) = event.request() {
                    prop_assert!(request.uri().path().starts_with('/'));
                }
            }
        }
    }
}
