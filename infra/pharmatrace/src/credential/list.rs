//! `credential list`: what there is, what is in use, and what will end soon.

use serde::Serialize;
use store::Store;
use store::credential::{Credential, Secret, WARNED_BEFORE};
use store::time::parse_rfc3339;
use time::OffsetDateTime;

use crate::error::CommandError;

const SECONDS_PER_DAY: i64 = 86_400;

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
    /// When it was last used, to within an hour.
    pub last_used_at: Option<String>,
    /// Its secrets, the newest last.
    pub secrets: Vec<ListedSecret>,
    /// What to look at.
    pub warnings: Vec<Warning>,
}

/// A secret as lists show it.
#[derive(Debug, Serialize)]
pub struct ListedSecret {
    /// Tells it apart from the other one and says nothing about it.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: String,
    /// When it ends, if before its credential.
    pub ends_at: Option<String>,
    /// When it was last used, to within an hour.
    pub last_used_at: Option<String>,
    /// Whether it opens anything now.
    pub live: bool,
}

/// Something to look at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// `expired`, `expires-soon`, `older-secret-in-use`, or `newer-secret-unused`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// All credentials as they stand at `now`, without their secrets. Read from the index, so a change of
/// the last moment may be missing.
///
/// # Errors
/// If the table cannot be read.
pub async fn list(store: &Store, now: OffsetDateTime) -> Result<Vec<Listed>, CommandError> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.credential_list(after.as_deref()).await?;
        all.extend(page.items.iter().map(|one| Listed::at(one, now)));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

impl Listed {
    /// A credential at `now`.
    #[must_use]
    pub fn at(credential: &Credential, now: OffsetDateTime) -> Self {
        let secret = |secret: &Secret| ListedSecret {
            fingerprint: secret.fingerprint(),
            created_at: secret.created_at.clone(),
            ends_at: secret.ends_at.clone(),
            last_used_at: secret.last_used_at.clone(),
            live: credential.standing(now).is_ok() && secret.is_live(now),
        };
        Self {
            id: credential.id.clone(),
            system: credential.system_id.to_string(),
            scopes: credential.scopes.clone(),
            line_glns: credential.lines.clone(),
            expires_at: credential.expires_at.clone(),
            revoked_at: credential.revoked_at.clone(),
            created_at: credential.created_at.clone(),
            last_used_at: credential.last_used_at().map(str::to_owned),
            secrets: credential.secrets.iter().map(secret).collect(),
            warnings: warnings(credential, now),
        }
    }

    /// One line for people, and one more for each warning.
    #[must_use]
    pub fn text(&self) -> String {
        let state = match (&self.revoked_at, &self.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("until {at}"),
            (None, None) => "live".to_owned(),
        };
        let used = self.last_used_at.as_deref().unwrap_or("never");
        let secrets: Vec<String> = self
            .secrets
            .iter()
            .filter(|secret| secret.live)
            .map(|secret| {
                let used = secret.last_used_at.as_deref().unwrap_or("never");
                let end = secret.ends_at.as_deref().map(|at| format!(" until {at}"));
                format!("{} used {used}{}", secret.fingerprint, end.unwrap_or_default())
            })
            .collect();
        let mut text = format!(
            "{}  {}  {}  {state}  used {used}",
            self.id,
            self.system,
            self.scopes.join(" ")
        );
        if secrets.len() > 1 {
            text = format!("{text}  secrets: {}", secrets.join(", "));
        }
        for warning in &self.warnings {
            text = format!("{text}\n  ! {}", warning.message);
        }
        text
    }
}

fn warnings(credential: &Credential, now: OffsetDateTime) -> Vec<Warning> {
    // Nobody has to do anything about what was revoked.
    if credential.revoked_at.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut warn = |code, message| found.push(Warning { code, message });
    if let Some(text) = &credential.expires_at {
        // An end that cannot be read counts as past, as it does at the door.
        let end = parse_rfc3339(text).unwrap_or(now);
        if end <= now {
            warn("expired", format!("expired at {text}; rotate it with --expires, or revoke it"));
        } else if end <= now.saturating_add(WARNED_BEFORE) {
            let left = end.unix_timestamp().saturating_sub(now.unix_timestamp());
            let days = left.div_euclid(SECONDS_PER_DAY);
            warn("expires-soon", format!("expires in {days} days, at {text}"));
        }
    }
    let live: Vec<&Secret> = credential.live_secrets(now).collect();
    if let [older, newer] = live.as_slice()
        && credential.standing(now).is_ok()
    {
        let end = older.ends_at.as_deref().unwrap_or_default();
        if credential.older_secret_in_use(now).is_some() {
            let message =
                format!("the older secret {} is still in use and ends {end}", older.fingerprint());
            warn("older-secret-in-use", message);
        }
        if newer.last_used_at.is_none() {
            let message = format!(
                "the newer secret {} was not used yet; the older one ends {end}",
                newer.fingerprint()
            );
            warn("newer-secret-unused", message);
        }
    }
    found
}
