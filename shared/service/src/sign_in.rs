//! What both doors do with a presented credential beside judging it: the gateway's authorizer, and signing
//! in to the page.

use std::time::Duration;

use edge::{Measures, Metric};
use store::Store;
use store::credential::{Credential, Refusal, Secret};
use time::OffsetDateTime;

/// Noting last use may take this long; then the caller goes on without.
const NOTE_TIME_MAX: Duration = Duration::from_millis(500);

/// Counts and logs an attempt that was refused; the reason as callers are told it. The credential is named
/// where it exists; what was presented is never written down (I9).
pub fn sign_in_refused(refusal: Refusal, credential_id: Option<&str>) -> &'static str {
    let (reason, metric) = match refusal {
        Refusal::Bad => ("bad", Metric::CredentialsBad),
        Refusal::Expired => ("expired", Metric::CredentialsExpired),
        Refusal::Revoked => ("revoked", Metric::CredentialsRevoked),
    };
    let id = credential_id.unwrap_or_default();
    tracing::warn!(credential.id = id, reason, "credential refused");
    let measures = Measures::of("sign-in").about("credential.id", id).about("reason", reason);
    edge::emit(&measures.with(metric, 1_u64));
    reason
}

/// Notes the last use of a secret that was accepted, at most once an hour. Whatever comes of it, the caller
/// goes on.
pub async fn note_use(
    store: &Store,
    credential: &Credential,
    secret: &Secret,
    now: OffsetDateTime,
) {
    if !secret.is_use_due(now) {
        return;
    }
    let note = store.credential_used(&credential.id, secret, now);
    match tokio::time::timeout(NOTE_TIME_MAX, note).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::warn!(credential.id = credential.id, %error, "last use not noted");
        }
        Err(_) => tracing::warn!(credential.id = credential.id, "last use not noted in time"),
    }
}
