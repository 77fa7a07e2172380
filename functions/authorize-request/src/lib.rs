//! The gateway's authorizer: credential text in, caller context out.
//!
//! Trigger: HTTP API REQUEST authorizer, payload 2.0, simple answers, identity source
//! `$request.header.Authorization`. Answers `isAuthorized: true` to everything it could judge,
//! with an anonymous context for a credential that is bad, expired or revoked; the functions
//! write the 401 problem, which the gateway cannot. A store failure fails the invocation (the
//! gateway's 500). Idempotent: it only reads.
//!
//! Invariants: I8 (a secret is compared as SHA-256, in constant time, against every live
//! secret; the read is strongly consistent, so a revocation counts as soon as the gateway asks
//! again) and I9 (the header is never logged).
//!
//! Architecture invariant: it authenticates only. Scopes, lines and profiles are judged in `edge`,
//! per route, because the gateway's cache is keyed by the header and shared by all routes.

use edge::authorizer::{AuthorizerAnswer, AuthorizerEvent};
use edge::credential_text::CredentialText;
use edge::{AuthorizerContext, Clock};
use sha2::{Digest, Sha256};
use store::credential::Credential;
use store::{Store, StoreError};
use subtle::{Choice, ConstantTimeEq};

/// What the authorizer needs.
#[derive(Debug, Clone)]
pub struct Authorizer {
    /// Where credentials are.
    pub store: Store,
    /// Tells whether a credential has expired.
    pub clock: Clock,
}

/// Judges the `Authorization` header of one request.
///
/// # Errors
/// If the table cannot be read or holds a corrupt item: nobody is let in on a guess.
pub async fn authorize(
    authorizer: &Authorizer,
    event: &AuthorizerEvent,
) -> Result<AuthorizerAnswer, StoreError> {
    let Some(presented) = event.authorization().and_then(CredentialText::parse_header) else {
        return Ok(anonymous("bad"));
    };
    let Some(stored) = authorizer.store.credential_fetch(presented.id()).await? else {
        return Ok(anonymous("bad"));
    };
    if !has_secret(&stored, presented.secret()) {
        tracing::warn!(credential.id = stored.id, "wrong secret");
        return Ok(anonymous("bad"));
    }
    Ok(judge(stored, &authorizer.clock))
}

/// Compares with every live secret, each in constant time and without stopping at the first match.
fn has_secret(stored: &Credential, secret: &str) -> bool {
    let presented = Sha256::digest(secret.as_bytes());
    let matches = stored
        .secrets_sha256
        .iter()
        .fold(Choice::from(0), |found, live| found | presented.as_slice().ct_eq(live.as_slice()));
    matches.into()
}

/// The context of a credential whose secret was right.
fn judge(stored: Credential, clock: &Clock) -> AuthorizerAnswer {
    if stored.revoked_at.is_some() {
        return anonymous("revoked");
    }
    if let Some(text) = &stored.expires_at {
        // An expiry that cannot be read counts as past.
        let expires_at = store::time::parse_rfc3339(text);
        if expires_at.is_none_or(|at| at <= clock.now()) {
            return anonymous("expired");
        }
    }
    AuthorizerAnswer::new(AuthorizerContext {
        system: stored.system_id.as_str().to_owned(),
        credential: stored.id,
        scopes: stored.scopes.join(" "),
        lines: stored.lines.join(" "),
        expires_at: stored.expires_at.unwrap_or_default(),
        reason: String::new(),
    })
}

fn anonymous(reason: &str) -> AuthorizerAnswer {
    let reason = reason.to_owned();
    AuthorizerAnswer::new(AuthorizerContext { reason, ..AuthorizerContext::default() })
}

#[cfg(test)]
mod tests;
