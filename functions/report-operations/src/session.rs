//! Signing in: a credential's token becomes a session cookie that lasts half an hour at the most (I8).
//!
//! The gateway lets everybody through to the page, so this function verifies by itself. A session is
//! found by the SHA-256 of its cookie, and the credential it was opened with is read again on every
//! request: a revocation ends it at once, and so does the end of the very secret it was opened with. A form is taken only from the page itself: the cookie is
//! `SameSite=Strict`, the browser must say that the request has the same origin (`Sec-Fetch-Site`,
//! which every browser since 2023 does), and the form carries a token made from the session's own.
//!
//! The cookie names no path: the browser then takes the folder of the sign-in form, which is the page's
//! whatever the gateway puts before it.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use edge::credential_text::CredentialText;
use edge::{
    AuthorizerContext, Caller, Config, Entropy, Problem, ProblemKind, Scope, TenantProfile,
};
use http::request::Parts;
use http::{HeaderMap, header};
use service::{sign_in_refused, store_problem};
use sha2::{Digest, Sha256};
use store::credential::{Admission, Credential, Refusal};
use store::session::Session;
use store::time::{parse_rfc3339, rfc3339_ms};
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime};

use crate::Hub;
use crate::page;

/// The name of the cookie.
const COOKIE: &str = "pharmatrace_session";
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

/// Somebody who has signed in and may read reports.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// What the credential allows.
    pub(crate) caller: Caller,
    /// What every form of this session carries.
    pub(crate) form_token: String,
    token_sha256: String,
}

impl Visitor {
    /// Whether a form came from a page of this session.
    pub(crate) fn sent(&self, headers: &HeaderMap, form_token: Option<&str>) -> bool {
        let given = form_token.unwrap_or_default();
        let same = given.as_bytes().ct_eq(self.form_token.as_bytes());
        is_same_origin(headers) && bool::from(same)
    }

    /// Ends the session.
    pub(crate) async fn sign_out(&self, hub: &Hub) -> Result<(), Problem> {
        hub.store.session_end(&self.token_sha256).await.map_err(|error| store_problem(&error))
    }
}

/// Whether the browser says that a page of ours sent this. One that says nothing at all is taken for a
/// client that is no browser; it has no cookie that another page could misuse.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => !headers.contains_key(header::ORIGIN),
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

/// What a credential allows now; `None` when it was revoked or has expired.
fn caller_of(credential: &Credential, now: OffsetDateTime) -> Option<Caller> {
    if credential.revoked_at.is_some() {
        return None;
    }
    let context = AuthorizerContext {
        system: credential.system_id.as_str().to_owned(),
        credential: credential.id.clone(),
        scopes: credential.scopes.join(" "),
        lines: credential.lines.join(" "),
        expires_at: credential.expires_at.clone().unwrap_or_default(),
        reason: String::new(),
    };
    Caller::from_context(&context, now).ok()
}

/// The visitor of a cookie; `None` when it opens nothing.
async fn visitor_of(hub: &Hub, headers: &HeaderMap) -> Result<Option<Visitor>, Problem> {
    let Some(token) = cookie_token(headers) else {
        return Ok(None);
    };
    let now = hub.clock.now();
    let token_sha256 = sha256(&token);
    let failed = |error: store::StoreError| store_problem(&error);
    let session = hub.store.session_fetch(&token_sha256, &rfc3339_ms(now)).await;
    let Some(session) = session.map_err(failed)? else {
        return Ok(None);
    };
    let credential = hub.store.credential_fetch(&session.credential_id).await.map_err(failed)?;
    // I8: a session is worth what its secret is worth now; a leaked one is replaced with its sessions.
    let credential = credential.filter(|credential| {
        let mut live = credential.live_secrets(now);
        live.any(|secret| secret.fingerprint() == session.secret_fingerprint)
    });
    let caller = credential.and_then(|credential| caller_of(&credential, now));
    let caller = caller.filter(|caller| caller.has(Scope::ReportsRead));
    let form_token = sha256(&format!("form {token}"));
    Ok(caller.map(|caller| Visitor { caller, form_token, token_sha256 }))
}

/// The token in a request's cookies, if it has the form of one.
fn cookie_token(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    let token = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let well_formed = token.len() == 52 && token.bytes().all(|b| b.is_ascii_alphanumeric());
    well_formed.then(|| token.to_owned())
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

impl FromRequestParts<Hub> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Response> {
        if !hub.sign_in.profile.serves_lines() {
            return Err(page::failed(Problem::new(ProblemKind::CapabilityNotEnabled)));
        }
        match visitor_of(hub, &parts.headers).await {
            Ok(Some(visitor)) => Ok(visitor),
            Ok(None) => Err(page::to_sign_in(parts.uri.path()).into_response()),
            Err(problem) => Err(page::failed(problem)),
        }
    }
}
