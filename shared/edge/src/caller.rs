//! Who is calling: the authorizer's context, judged on every request.
//!
//! The gateway caches the authorizer's answer, so expiry is judged again here. Order of refusals
//! (I8): authentication (401), capability of the tenant (403), then scope (403, by the handler).

use axum::extract::FromRequestParts;
use http::request::Parts;
use lambda_http::RequestExt;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::app::Gate;
use crate::problem::{Problem, ProblemKind};
use crate::scope::Scope;

/// What the authorizer tells the functions; every field is text because the gateway passes only
/// scalars. An anonymous caller has an empty `system`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizerContext {
    /// Id of the line system or operator; empty for anonymous.
    pub system: String,
    /// Id of the credential.
    pub credential: String,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// GLNs of the lines the credential is bound to, separated by spaces; empty = all.
    pub lines: String,
    /// RFC 3339, or empty for never.
    pub expires_at: String,
    /// Empty, or why the caller is anonymous: `bad`, `expired`, `revoked`.
    pub reason: String,
}

/// An authenticated caller. As an extractor it refuses anonymous callers and tenants whose
/// profile does not open the L3 routes.
#[derive(Clone, Debug)]
pub struct Caller {
    system: String,
    credential: String,
    scopes: Vec<Scope>,
    lines: Vec<String>,
}

impl Caller {
    /// Judges the authorizer's context at `now`.
    ///
    /// # Errors
    /// 401 if it is anonymous, expired, or its expiry cannot be read.
    pub fn from_context(context: &AuthorizerContext, now: OffsetDateTime) -> Result<Self, Problem> {
        if context.system.is_empty() {
            let detail = match context.reason.as_str() {
                "expired" => "The credential has expired.",
                "revoked" => "The credential was revoked.",
                _ => "The credential is not known.",
            };
            return Err(unauthorized(detail));
        }
        if !context.expires_at.is_empty() {
            let expires_at = OffsetDateTime::parse(&context.expires_at, &Rfc3339)
                .map_err(|_| unauthorized("The credential's expiry cannot be read."))?;
            if expires_at <= now {
                return Err(unauthorized("The credential has expired."));
            }
        }
        Ok(Self {
            system: context.system.clone(),
            credential: context.credential.clone(),
            // A scope this release does not know grants nothing here.
            scopes: words(&context.scopes).filter_map(|word| word.parse().ok()).collect(),
            lines: words(&context.lines).map(str::to_owned).collect(),
        })
    }

    /// The system that calls.
    #[must_use]
    pub fn system(&self) -> &str {
        &self.system
    }

    /// The credential it used.
    #[must_use]
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// Who asks, as audit records name it: `<system>/<credential>`.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("{}/{}", self.system, self.credential)
    }

    /// Whether the credential has `scope`, by itself or through `operator`.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|held| held.implies(scope))
    }

    /// # Errors
    /// 403 `forbidden` naming the scope that is needed.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.has(scope) {
            return Ok(());
        }
        let problem = Problem::new(ProblemKind::Forbidden);
        Err(problem.detail(format!("The scope {scope} is needed.")).with("scope", scope.as_str()))
    }

    /// # Errors
    /// 403 `forbidden` unless the credential has one of `scopes`.
    pub fn require_any(&self, scopes: &[Scope]) -> Result<(), Problem> {
        if scopes.iter().any(|scope| self.has(*scope)) {
            return Ok(());
        }
        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let problem = Problem::new(ProblemKind::Forbidden);
        Err(problem.detail(format!("One of the scopes {} is needed.", names.join(", "))))
    }

    /// Whether the credential is bound to certain lines.
    #[must_use]
    pub fn is_line_bound(&self) -> bool {
        !self.lines.is_empty()
    }

    /// The GLNs the credential is bound to; empty = all lines.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether the caller may see or use what belongs to `line_gln`. A bound credential may not
    /// use what belongs to no line.
    #[must_use]
    pub fn may_use_line(&self, line_gln: Option<&str>) -> bool {
        self.lines.is_empty()
            || line_gln.is_some_and(|gln| self.lines.iter().any(|line| line == gln))
    }

    /// # Errors
    /// 403 `line-not-bound`.
    pub fn require_line(&self, line_gln: Option<&str>) -> Result<(), Problem> {
        if self.may_use_line(line_gln) {
            return Ok(());
        }
        let problem = Problem::new(ProblemKind::LineNotBound);
        Err(problem.detail("The credential is bound to lines; name one of them in line_gln."))
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(ProblemKind::Unauthorized).detail(detail)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// The authorizer's fields of a gateway request; absent ones are empty, so a request that never
/// met the authorizer is anonymous.
fn authorizer_context(parts: &Parts) -> AuthorizerContext {
    let context = parts.extensions.request_context_ref();
    let fields = context.and_then(|context| context.authorizer()).map(|found| &found.fields);
    let text = |name: &str| -> String {
        let value = fields.and_then(|fields| fields.get(name)).and_then(|value| value.as_str());
        value.unwrap_or_default().to_owned()
    };
    AuthorizerContext {
        system: text("system"),
        credential: text("credential"),
        scopes: text("scopes"),
        lines: text("lines"),
        expires_at: text("expires_at"),
        reason: text("reason"),
    }
}

/// A request reached an extractor without having passed the door: a wiring defect.
#[derive(Debug, thiserror::Error)]
#[error("the router is not wrapped by edge::app")]
struct NotWrapped;

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(gate) = parts.extensions.get::<Gate>() else {
            return Err(Problem::internal(&NotWrapped));
        };
        let caller = Self::from_context(&authorizer_context(parts), gate.clock.now())?;
        if !gate.profile.serves_lines() {
            let problem = Problem::new(ProblemKind::CapabilityNotEnabled);
            let detail = format!("The profile of this tenant is {}.", gate.profile);
            return Err(problem.detail(detail).with("profile", gate.profile.as_str()));
        }
        Ok(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::{AuthorizerContext, Caller};
    use crate::problem::ProblemKind;
    use crate::scope::Scope;
    use time::macros::datetime;

    fn context() -> AuthorizerContext {
        AuthorizerContext {
            system: "l1".into(),
            scopes: "pools:read epcis:capture".into(),
            ..AuthorizerContext::default()
        }
    }

    fn check(context: &AuthorizerContext, expected: Option<ProblemKind>) {
        let judged = Caller::from_context(context, datetime!(2026-11-23 10:00 UTC));
        assert_eq!(judged.err().map(|problem| problem.kind()), expected, "{context:?}");
    }

    #[test]
    fn anonymous_and_expired_callers_are_refused() {
        check(&context(), None);
        check(&AuthorizerContext::default(), Some(ProblemKind::Unauthorized));
        let at = |text: &str| AuthorizerContext { expires_at: text.into(), ..context() };
        check(&at("2026-11-23T10:00:00.001Z"), None);
        check(&at("2026-11-23T10:00:00Z"), Some(ProblemKind::Unauthorized));
        check(&at("tomorrow"), Some(ProblemKind::Unauthorized));
    }

    #[test]
    fn a_scope_is_needed_by_name_or_through_operator() {
        let now = datetime!(2026-11-23 10:00 UTC);
        let reader = Caller::from_context(&context(), now).unwrap();
        assert!(reader.require(Scope::PoolsRead).is_ok());
        let refused = reader.require(Scope::PoolsWrite).unwrap_err();
        assert_eq!(refused.kind(), ProblemKind::Forbidden);
        let operator = AuthorizerContext { scopes: "operator".into(), ..context() };
        let operator = Caller::from_context(&operator, now).unwrap();
        assert!(Scope::ALL.into_iter().all(|scope| operator.require(scope).is_ok()));
    }

    #[test]
    fn a_bound_credential_uses_only_its_lines() {
        let now = datetime!(2026-11-23 10:00 UTC);
        let lines = "0313000000018 0313000000025".to_owned();
        let bound = AuthorizerContext { lines, ..context() };
        let bound = Caller::from_context(&bound, now).unwrap();
        assert!(bound.may_use_line(Some("0313000000025")));
        assert!(!bound.may_use_line(Some("0313000000032")));
        assert!(!bound.may_use_line(None));
        let refused = bound.require_line(None).unwrap_err();
        assert_eq!(refused.kind(), ProblemKind::LineNotBound);
        let free = Caller::from_context(&context(), now).unwrap();
        assert!(free.may_use_line(None) && !free.is_line_bound());
    }
}
