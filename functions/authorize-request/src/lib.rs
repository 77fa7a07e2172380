//! The gateway's authorizer: credential text in, caller context out.
//!
//! Trigger: HTTP API REQUEST authorizer, payload 2.0, simple answers, identity source
//! `$request.header.Authorization`. Answers `isAuthorized: true` to everything it could judge,
//! with an anonymous context for a credential that is bad, expired or revoked; the functions
//! write the 401 problem, which the gateway cannot. A store failure fails the invocation (the
//! gateway's 500). Idempotent: it reads, and notes last use at most once an hour for each secret.
//!
//! Invariants: I8 (a secret is compared as SHA-256, in constant time, against every secret; the
//! read is strongly consistent, so a revocation counts as soon as the gateway asks again; the end of
//! an older secret is told to the functions, which judge it again past the gateway's cache) and I9
//! (the header is never logged).
//!
//! Architecture invariant: it authenticates only. Scopes, lines and profiles are judged in `edge`,
//! per route, because the gateway's cache is keyed by the header and shared by all routes.

use edge::authorizer::{AuthorizerAnswer, AuthorizerEvent};
use edge::credential_text::CredentialText;
use edge::{AuthorizerContext, Clock};
use sha2::{Digest, Sha256};
use store::credential::{Admission, Credential, Refusal};
use store::{Store, StoreError};

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
        return Ok(refused(Refusal::Bad, None));
    };
    let Some(stored) = authorizer.store.credential_fetch(presented.id()).await? else {
        return Ok(refused(Refusal::Bad, None));
    };
    let now = authorizer.clock.now();
    let sha256: [u8; 32] = Sha256::digest(presented.secret().as_bytes()).into();
    match stored.admit(&sha256, now) {
        Err(refusal) => Ok(refused(refusal, Some(&stored))),
        Ok(admission) => {
            service::note_use(&authorizer.store, &stored, &admission.secret, now).await;
            Ok(admitted(stored, admission))
        }
    }
}

fn admitted(stored: Credential, admission: Admission) -> AuthorizerAnswer {
    AuthorizerAnswer::new(AuthorizerContext {
        system: stored.system_id.as_str().to_owned(),
        credential: stored.id,
        scopes: stored.scopes.join(" "),
        lines: stored.lines.join(" "),
        expires_at: admission.ends_at.unwrap_or_default(),
        reason: String::new(),
    })
}

/// The anonymous context, with the reason that the functions tell.
fn refused(refusal: Refusal, stored: Option<&Credential>) -> AuthorizerAnswer {
    let reason = service::sign_in_refused(refusal, stored.map(|stored| stored.id.as_str()));
    let reason = reason.to_owned();
    AuthorizerAnswer::new(AuthorizerContext { reason, ..AuthorizerContext::default() })
}

#[cfg(test)]
mod tests;
