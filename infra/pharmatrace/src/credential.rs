//! `pharmatrace credential …`: secrets are made here, shown once, and kept as SHA-256 only (I8).

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
use crate::wiring::random_text;

/// Every scope a credential may have; `operator` implies the others.
pub const SCOPES: [&str; 10] = [
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
];

/// Random bytes of an id: 80 bits, 16 characters.
const ID_BYTES: usize = 10;
/// Random bytes of a secret: 160 bits, 32 characters.
const SECRET_BYTES: usize = 20;

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

/// A credential as lists show it.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Whom it speaks for.
    pub system: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The lines it is bound to.
    pub line_glns: Vec<String>,
    /// When it ends.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When it was made.
    pub created_at: String,
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
    if store.system_fetch(&system_id).await?.is_none() {
        return Err(usage(format!("there is no system {system_id}")));
    }
    if request.scopes.is_empty() {
        return Err(usage("give at least one --scope".to_owned()));
    }
    for scope in &request.scopes {
        if !SCOPES.contains(&scope.as_str()) {
            return Err(usage(format!("--scope {scope}: not one of {}", SCOPES.join(", "))));
        }
    }
    for line in &request.line_glns {
        Gln::parse(line).map_err(|error| usage(format!("--line-gln {line}: {error}")))?;
    }
    let expires_at = match &request.expires {
        None => None,
        Some(text) => Some(parse_rfc3339(text).ok_or_else(|| {
            usage(format!("--expires {text}: not RFC 3339, such as 2027-01-31T00:00:00Z"))
        })?),
    };
    issue(store, &system_id, request, (now, expires_at)).await
}

async fn issue(
    store: &Store,
    system_id: &SystemId,
    request: &Request,
    times: (OffsetDateTime, Option<OffsetDateTime>),
) -> Result<Issued, CommandError> {
    let id = random_text(ID_BYTES)?;
    let secret = random_text(SECRET_BYTES)?;
    let expires_at = times.1.map(rfc3339_ms);
    let credential = Credential {
        id: id.clone(),
        system_id: system_id.clone(),
        secrets_sha256: vec![Sha256::digest(secret.as_bytes()).into()],
        scopes: request.scopes.clone(),
        lines: request.line_glns.clone(),
        expires_at: expires_at.clone(),
        revoked_at: None,
        created_at: rfc3339_ms(times.0),
    };
    store.credential_create(&credential).await?;
    Ok(Issued {
        token: format!("tp_{id}_{secret}"),
        id,
        secret,
        expires_at,
        system: system_id.to_string(),
        scopes: credential.scopes,
        line_glns: credential.lines,
    })
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

/// Revokes a credential; the gateway forgets it within 30 seconds.
///
/// # Errors
/// If there is none of this id.
pub async fn revoke(store: &Store, id: &str, now: OffsetDateTime) -> Result<(), CommandError> {
    Ok(store.credential_revoke(id, &rfc3339_ms(now)).await?)
}

/// All credentials, without their secrets.
///
/// # Errors
/// If the table cannot be read.
pub async fn list(store: &Store) -> Result<Vec<Listed>, CommandError> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.credential_list(after.as_deref()).await?;
        all.extend(page.items.into_iter().map(|one| Listed {
            id: one.id,
            system: one.system_id.to_string(),
            scopes: one.scopes,
            line_glns: one.lines,
            expires_at: one.expires_at,
            revoked_at: one.revoked_at,
            created_at: one.created_at,
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}
