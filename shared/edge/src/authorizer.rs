//! What the gateway asks a REQUEST authorizer (payload 2.0) and what a simple answer looks like.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::caller::AuthorizerContext;

/// The gateway's question; only the fields we use.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AuthorizerEvent {
    /// The values of the identity sources, here the `Authorization` header.
    pub identity_source: Option<Vec<String>>,
    /// The request's headers.
    pub headers: Option<HashMap<String, String>>,
}

impl AuthorizerEvent {
    /// The value of the `Authorization` header, if there is one.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        let source = self.identity_source.iter().flatten().next();
        let header = || {
            let mut headers = self.headers.iter().flatten();
            headers.find_map(|(name, value)| {
                name.eq_ignore_ascii_case("authorization").then_some(value)
            })
        };
        source.or_else(header).map(String::as_str)
    }
}

/// The simple answer. The gateway always lets the request through: an anonymous context makes the
/// function write the problem document that the gateway cannot.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerAnswer {
    is_authorized: bool,
    /// What the functions are told.
    pub context: AuthorizerContext,
}

impl AuthorizerAnswer {
    /// The answer for `context`.
    #[must_use]
    pub fn new(context: AuthorizerContext) -> Self {
        Self { is_authorized: true, context }
    }
}

#[cfg(test)]
mod tests {
    use super::{AuthorizerAnswer, AuthorizerEvent};
    use crate::caller::AuthorizerContext;
    use serde_json::json;

    fn check(event: serde_json::Value, expected: Option<&str>) {
        let event: AuthorizerEvent = serde_json::from_value(event).unwrap();
        assert_eq!(event.authorization(), expected);
    }

    #[test]
    fn the_header_is_found_in_the_identity_source_or_among_the_headers() {
        check(json!({"identitySource": ["Bearer x"], "version": "2.0"}), Some("Bearer x"));
        check(json!({"identitySource": null, "headers": {"Authorization": "b"}}), Some("b"));
        check(json!({"headers": {"authorization": "b", "host": "h"}}), Some("b"));
        check(json!({"identitySource": [], "headers": null}), None);
    }

    #[test]
    fn the_answer_has_the_gateways_names() {
        let answer = AuthorizerAnswer::new(AuthorizerContext::default());
        let json = serde_json::to_value(&answer).unwrap();
        assert_eq!(json["isAuthorized"], true);
        assert_eq!(json["context"]["system"], "");
    }
}
