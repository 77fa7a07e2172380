//! Signing in: a credential's token becomes a session cookie that lasts half an hour at the most (I8).
//!
//! What a session is worth afterwards is judged by `service::session`, for every function that serves a part of
//! the page.
//!
//! The cookie names no path: the browser then takes the folder of the sign-in form, which is the page's
//! whatever the gateway puts before it.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE32_NOPAD;
use edge::credential_text::CredentialText;
use edge::{Config, Entropy, Problem, ProblemKind, Scope, TenantProfile};
use http::request::Parts;
use service::session::{COOKIE, caller_of, sha256};
pub(crate) use service::session::{Visitor, is_same_origin};
use service::{sign_in_refused, store_problem};
use sha2::{Digest, Sha256};
use store::credential::{Admission, Credential, Refusal};
use store::session::Session;
use store::time::{parse_rfc3339, rfc3339_ms};
use time::{Duration, OffsetDateTime};

use crate::Hub;
use crate::page;

/// How long a session lasts.
const MINUTES: i64 = 30;

/// How browsers sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Where tokens come from.
    pub entropy: Entropy,
    /// Whether the cookie travels over TLS only.
    pub secure: bool,
    /// What the tenant is.
    pub profile: TenantProfile,
}

impl SignIn {
    /// The cookie is not limited to TLS on a local cloud, which has none.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let secure = config.endpoint_url.is_none();
        Self { entropy: Entropy::system(), secure, profile: config.profile }
    }
}

/// Opens a session with a credential's token; the cookie to set, or `None` for a token that is not
/// accepted, whatever the reason.
pub(crate) async fn open(hub: &Hub, token: &str) -> Result<Option<String>, Problem> {
    let now = hub.clock.now();
    let Some((credential, admission)) = accepted(hub, token, now).await? else {
        return Ok(None);
    };
    let token = hub.sign_in.entropy.draw::<32>().map_err(|error| Problem::internal(&error))?;
    let token = BASE32_NOPAD.encode(&token).to_lowercase();
    let latest = now.saturating_add(Duration::minutes(MINUTES));
    let ends_at = admission.ends_at.as_deref().and_then(parse_rfc3339);
    let session = Session {
        token_sha256: sha256(&token),
        credential_id: credential.id,
        secret_fingerprint: admission.secret.fingerprint(),
        created_at: rfc3339_ms(now),
        expires_at: rfc3339_ms(ends_at.map_or(latest, |ends_at| ends_at.min(latest))),
    };
    let stored = hub.store.session_create(&session).await;
    stored.map_err(|error| store_problem(&error))?;
    Ok(Some(cookie(hub, &token, MINUTES.saturating_mul(60))))
}

/// The cookie that replaces a session's and is gone at once.
pub(crate) fn no_cookie(hub: &Hub) -> String {
    cookie(hub, "", 0)
}

fn cookie(hub: &Hub, token: &str, max_age_seconds: i64) -> String {
    let secure = if hub.sign_in.secure { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// The credential of a token with its admission, if its secret is right and it may read reports now.
async fn accepted(
    hub: &Hub,
    token: &str,
    now: OffsetDateTime,
) -> Result<Option<(Credential, Admission)>, Problem> {
    let Some(presented) = CredentialText::parse_token(token.trim()) else {
        return Ok(None);
    };
    let stored = hub.store.credential_fetch(presented.id()).await;
    let Some(stored) = stored.map_err(|error| store_problem(&error))? else {
        return Ok(refused(Refusal::Bad, None));
    };
    let secret: [u8; 32] = Sha256::digest(presented.secret().as_bytes()).into();
    match stored.admit(&secret, now) {
        Err(refusal) => Ok(refused(refusal, Some(&stored.id))),
        Ok(admission) => {
            service::note_use(&hub.store, &stored, &admission.secret, now).await;
            let may = caller_of(&stored, now).is_some_and(|caller| caller.has(Scope::ReportsRead));
            Ok(may.then_some((stored, admission)))
        }
    }
}

/// Counts a refusal; its reason is for the log and never for the one who tries.
fn refused<T>(refusal: Refusal, credential_id: Option<&str>) -> Option<T> {
    let reason = sign_in_refused(refusal, credential_id);
    tracing::debug!(reason, "no session");
    None
}

impl FromRequestParts<Hub> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Response> {
        if !hub.sign_in.profile.serves_lines() {
            return Err(page::failed(Problem::new(ProblemKind::CapabilityNotEnabled)));
        }
        match Visitor::of(&hub.store, &parts.headers, hub.clock.now()).await {
            Ok(Some(visitor)) => Ok(visitor),
            Ok(None) => Err(page::to_sign_in(parts.uri.path()).into_response()),
            Err(problem) => Err(page::failed(problem)),
        }
    }
}
