//! `pharmatrace credential …`: secrets are made here, shown once, and kept as SHA-256 only (I8).
//!
//! A rotation gives a credential a second secret and lets the older one live on for a stated grace, so
//! that nobody is locked out while the new one is being installed. At most two are live: a rotation
//! in that time is refused, unless it is told to end the older secret at once.

mod list;
mod rotate;

use domain::gln::Gln;
use domain::ids::SystemId;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use store::credential::Credential;
use store::time::{parse_rfc3339, rfc3339_ms};
use store::{Store, StoreError};
use time::OffsetDateTime;

use crate::error::CommandError;
use crate::system;
use crate::wiring::{actor, random_text};

pub use list::{Listed, list};
pub use rotate::{GRACE_DAYS_MAX, RotateRequest, Rotated, grace, rotate};

/// Every scope a credential may have; `operator` implies the others.
pub const SCOPES: [&str; 11] = [
    "operator",
    "pools:read",
    "pools:write",
    "allocations:read",
    "allocations:write",
    "uploads:write",
    "documents:read",
    "findings:write",
    "telemetry:write",
    "reports:read",
    "audit:read",
];

/// Random bytes of an id: 80 bits, 16 characters.
const ID_BYTES: usize = 10;
/// Random bytes of a secret: 160 bits, 32 characters.
const SECRET_BYTES: usize = 20;

/// Characters of a reason, as everywhere in the hub.
const REASON_CHARS_MAX: usize = 1_000;

/// A new credential, the only time its secret is seen.
#[derive(Debug, Serialize)]
pub struct Issued {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Both, as a bearer token.
    pub token: String,
    /// When it ends, RFC 3339.
    pub expires_at: Option<String>,
    /// Whom it speaks for.
    pub system: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The lines it is bound to; empty means all.
    pub line_glns: Vec<String>,
}

/// What a new credential shall be.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The system it speaks for.
    pub system: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The lines it is bound to; empty means all.
    pub line_glns: Vec<String>,
    /// When it ends, RFC 3339.
    pub expires: Option<String>,
}

/// Makes a credential for an existing system.
///
/// # Errors
/// If the system is unknown, a scope or a line is none, or the table says no.
pub async fn create(
    store: &Store,
    request: &Request,
    now: OffsetDateTime,
) -> Result<Issued, CommandError> {
    let usage = |text: String| CommandError::Usage(text);
    let system_id =
        SystemId::parse(&request.system).map_err(|error| usage(format!("--system: {error}")))?;
    let Some(system) = store.system_fetch(&system_id).await? else {
        return Err(usage(format!("there is no system {system_id}")));
    };
    if request.scopes.is_empty() {
        return Err(usage("give at least one --scope".to_owned()));
    }
    for scope in &request.scopes {
        if !SCOPES.contains(&scope.as_str()) {
            return Err(usage(format!("--scope {scope}: not one of {}", SCOPES.join(", "))));
        }
    }
    for line in &request.line_glns {
        let gln = Gln::parse(line).map_err(|error| usage(format!("--line-gln {line}: {error}")))?;
        // Bound to a line that its system does not drive, it would open nothing and seem to be valid.
        if !system.line_glns.contains(&gln) {
            let lines: Vec<&str> = system.line_glns.iter().map(Gln::as_str).collect();
            let lines = if lines.is_empty() { "no line".to_owned() } else { lines.join(", ") };
            let text = format!("--line-gln {line}: the system {system_id} drives {lines}");
            return Err(usage(text));
        }
    }
    let expires_at = expiry(request.expires.as_deref(), now)?;
    issue(store, &system_id, request, (now, expires_at)).await
}

/// Reads `--expires`. An end in the past would make a credential that opens nothing and seems to be new.
fn expiry(text: Option<&str>, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, CommandError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let usage = || format!("--expires {text}: not RFC 3339, such as 2027-01-31T00:00:00Z");
    let end = parse_rfc3339(text).ok_or_else(|| CommandError::Usage(usage()))?;
    if end <= now {
        return Err(CommandError::Usage(format!("--expires {text}: lies in the past")));
    }
    Ok(Some(end))
}

/// A new secret and its hash.
fn new_secret() -> Result<(String, [u8; 32]), CommandError> {
    let secret = random_text(SECRET_BYTES)?;
    let sha256 = Sha256::digest(secret.as_bytes()).into();
    Ok((secret, sha256))
}

async fn issue(
    store: &Store,
    system_id: &SystemId,
    request: &Request,
    times: (OffsetDateTime, Option<OffsetDateTime>),
) -> Result<Issued, CommandError> {
    let id = random_text(ID_BYTES)?;
    let (secret, sha256) = new_secret()?;
    let credential = Credential {
        scopes: request.scopes.clone(),
        lines: request.line_glns.clone(),
        expires_at: times.1.map(rfc3339_ms),
        ..Credential::new(&id, system_id.clone(), sha256, &rfc3339_ms(times.0))
    };
    store.credential_create(&credential, &actor()).await?;
    Ok(Issued::of(credential, secret))
}

impl Issued {
    fn of(credential: Credential, secret: String) -> Self {
        Self {
            token: format!("tp_{}_{secret}", credential.id),
            id: credential.id,
            secret,
            expires_at: credential.expires_at,
            system: credential.system_id.to_string(),
            scopes: credential.scopes,
            line_glns: credential.lines,
        }
    }
}

/// Makes a credential with all scopes, and its system if that does not exist yet.
///
/// # Errors
/// As [`create`].
pub async fn bootstrap(
    store: &Store,
    system: &str,
    now: OffsetDateTime,
) -> Result<Issued, CommandError> {
    let wanted = system::Request {
        id: system.to_owned(),
        kind: "generic".to_owned(),
        line_glns: Vec::new(),
    };
    match system::create(store, &wanted, now).await {
        Ok(_) | Err(CommandError::Store(StoreError::AlreadyExists { .. })) => {}
        Err(error) => return Err(error),
    }
    let request = Request {
        system: system.to_owned(),
        scopes: vec!["operator".to_owned()],
        ..Request::default()
    };
    create(store, &request, now).await
}

/// Revokes a credential; the gateway forgets it within 30 seconds. Done twice the first time stands.
///
/// # Errors
/// If there is none of this id, or the reason is no line of text.
pub async fn revoke(
    store: &Store,
    id: &str,
    reason: Option<&str>,
    now: OffsetDateTime,
) -> Result<(), CommandError> {
    let too_long = |text: &str| text.chars().count() > REASON_CHARS_MAX;
    if reason.is_some_and(|text| too_long(text) || text.chars().any(char::is_control)) {
        let limit =
            format!("--reason: at most {REASON_CHARS_MAX} characters, no control characters");
        return Err(CommandError::Usage(limit));
    }
    Ok(store.credential_revoke(id, &rfc3339_ms(now), (&actor(), reason)).await?)
}

#[cfg(test)]
mod tests;
