//! `credential rotate`: a second secret, and an end for the older one.

use serde::Serialize;
use store::Store;
use store::credential::{RotateError, Rotation};
use time::{Duration, OffsetDateTime};

use super::{Issued, expiry, new_secret};
use crate::error::CommandError;
use crate::wiring::actor;

/// The longest grace, in days: what two secrets are for is done by then.
pub const GRACE_DAYS_MAX: i64 = 30;

/// What to rotate, and how.
#[derive(Debug, Clone)]
pub struct RotateRequest {
    /// The credential.
    pub id: String,
    /// How long the older secret lives on; zero ends it at once.
    pub grace: Duration,
    /// A new end of the credential, RFC 3339.
    pub expires: Option<String>,
    /// Where two secrets are live, end the older one at once instead of refusing.
    pub force: bool,
}

/// A rotated credential, the only time its new secret is seen.
#[derive(Debug, Serialize)]
pub struct Rotated {
    /// The credential with its new secret.
    #[serde(flatten)]
    pub issued: Issued,
    /// When the secret that it had before ends, RFC 3339; absent where it has ended already.
    pub older_secret_ends_at: Option<String>,
}

/// Reads a grace, such as `24h`, `30m`, `90s`, `7d`.
///
/// # Errors
/// Says what a grace looks like.
pub fn grace(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text}: not a number with s, m, h or d, at most {GRACE_DAYS_MAX}d");
    let split = text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at));
    let (count, unit) = text.split_at_checked(split.ok_or_else(wrong)?).ok_or_else(wrong)?;
    let count: u32 = count.parse().map_err(|_| wrong())?;
    let seconds: u32 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let grace = Duration::seconds(i64::from(count).saturating_mul(i64::from(seconds)));
    if grace > Duration::days(GRACE_DAYS_MAX) { Err(wrong()) } else { Ok(grace) }
}

/// Gives a credential a new secret. The scopes, the lines and the id stay.
///
/// # Errors
/// If it was revoked, has ended, or has two live secrets already.
pub async fn rotate(
    store: &Store,
    request: &RotateRequest,
    now: OffsetDateTime,
) -> Result<Rotated, CommandError> {
    let (secret, sha256) = new_secret()?;
    let rotation = Rotation {
        sha256,
        older_ends_at: now.saturating_add(request.grace),
        expires_at: expiry(request.expires.as_deref(), now)?,
        force: request.force,
        now,
        actor: actor(),
    };
    let rotated = store.credential_rotate(&request.id, &rotation).await;
    let after = rotated.map_err(|error| refused(&request.id, error))?;
    let older = after.live_secrets(now).find(|secret| secret.sha256 != sha256);
    let older_secret_ends_at = older.and_then(|secret| secret.ends_at.clone());
    Ok(Rotated { issued: Issued::of(after, secret), older_secret_ends_at })
}

fn refused(id: &str, error: RotateError) -> CommandError {
    match error {
        RotateError::Revoked => {
            CommandError::Failed(format!("{id} was revoked; create a new credential"))
        }
        RotateError::Expired => {
            CommandError::Failed(format!("{id} has expired; give it a new end with --expires"))
        }
        RotateError::StillRotating { until } => CommandError::Failed(format!(
            "{id} has two live secrets until {until}; wait, or end the older one now with --force"
        )),
        RotateError::Store(error) => CommandError::Store(error),
    }
}
