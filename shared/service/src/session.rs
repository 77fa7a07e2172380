//! The session of somebody who has signed in to the page (I8), for the functions that serve parts of it.
//!
//! The gateway lets everybody through to the page, so each function verifies by itself. A session is found by the
//! SHA-256 of its cookie, and the credential it was opened with is read again on every request: a revocation ends
//! it at once, and so does the end of the very secret it was opened with. A form is taken only from the page
//! itself: the cookie is `SameSite=Strict`, the browser must say that the request has the same origin
//! (`Sec-Fetch-Site`, which every browser since 2023 does), and the form carries a token made from the session's
//! own.

use data_encoding::HEXLOWER;
use edge::{AuthorizerContext, Caller, Problem, Scope};
use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use store::Store;
use store::credential::Credential;
use store::time::rfc3339_ms;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use crate::store_problem;

/// The name of the cookie.
pub const COOKIE: &str = "pharmatrace_session";
/// Longest body of a form, bytes.
pub const FORM_BYTES_MAX: usize = 16_384;

/// Somebody who has signed in and may read reports.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// What the credential allows.
    pub caller: Caller,
    /// What every form of this session carries.
    pub form_token: String,
    token_sha256: String,
}

impl Visitor {
    /// The visitor of a request; `None` when its cookie opens nothing.
    ///
    /// # Errors
    /// The store failed.
    pub async fn of(
        store: &Store,
        headers: &HeaderMap,
        now: OffsetDateTime,
    ) -> Result<Option<Self>, Problem> {
        let Some(token) = cookie_token(headers) else {
            return Ok(None);
        };
        let token_sha256 = sha256(&token);
        let failed = |error: store::StoreError| store_problem(&error);
        let session = store.session_fetch(&token_sha256, &rfc3339_ms(now)).await;
        let Some(session) = session.map_err(failed)? else {
            return Ok(None);
        };
        let credential = store.credential_fetch(&session.credential_id).await.map_err(failed)?;
        // I8: a session is worth what its secret is worth now; a leaked one is replaced with its sessions.
        let credential = credential.filter(|credential| {
            let mut live = credential.live_secrets(now);
            live.any(|secret| secret.fingerprint() == session.secret_fingerprint)
        });
        let caller = credential.and_then(|credential| caller_of(&credential, now));
        let caller = caller.filter(|caller| caller.has(Scope::ReportsRead));
        let form_token = sha256(&format!("form {token}"));
        Ok(caller.map(|caller| Self { caller, form_token, token_sha256 }))
    }

    /// Whether a form came from a page of this session.
    #[must_use]
    pub fn sent(&self, headers: &HeaderMap, form_token: Option<&str>) -> bool {
        let given = form_token.unwrap_or_default();
        let same = given.as_bytes().ct_eq(self.form_token.as_bytes());
        is_same_origin(headers) && bool::from(same)
    }

    /// Ends the session.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sign_out(&self, store: &Store) -> Result<(), Problem> {
        store.session_end(&self.token_sha256).await.map_err(|error| store_problem(&error))
    }
}

/// Whether the browser says that a page of ours sent this. One that says nothing at all is taken for a
/// client that is no browser; it has no cookie that another page could misuse.
#[must_use]
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => !headers.contains_key(header::ORIGIN),
    }
}

/// Whether a request says that it brings a form.
#[must_use]
pub fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// What a credential allows now; `None` when it was revoked or has expired.
#[must_use]
pub fn caller_of(credential: &Credential, now: OffsetDateTime) -> Option<Caller> {
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

/// The token in a request's cookies, if it has the form of one.
fn cookie_token(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    let token = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let well_formed = token.len() == 52 && token.bytes().all(|b| b.is_ascii_alphanumeric());
    well_formed.then(|| token.to_owned())
}

/// What a session is found by.
#[must_use]
pub fn sha256(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}
