//! Credentials that stop working soon, so that no line stands still for one that nobody looked at.

use edge::{Measures, Metric};
use store::credential::{Credential, USE_RESOLUTION};
use store::time::parse_rfc3339;
use store::{Store, StoreError};
use time::{Duration, OffsetDateTime};

/// Pages of credentials looked at; a hub has some dozens of credentials.
const PAGES_MAX: usize = 10;
/// A secret that was replaced is told of in the last hours of its grace, since until then somebody is
/// likely about to install the newer one.
const LAST_HOURS: Duration = Duration::hours(12);

/// What stops working soon.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ending {
    credentials: u32,
    older_secrets: u32,
}

impl Ending {
    fn count(&mut self, credential: &Credential, now: OffsetDateTime) {
        if credential.ends_soon(now) {
            self.credentials = self.credentials.saturating_add(1);
        }
        if is_older_needed(credential, now) {
            self.older_secrets = self.older_secrets.saturating_add(1);
        }
    }
}

/// Whether a secret that ends in the next hours was used in the last ones.
fn is_older_needed(credential: &Credential, now: OffsetDateTime) -> bool {
    let Some(older) = credential.older_secret_in_use(now) else {
        return false;
    };
    let at = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339);
    let ends = at(&older.ends_at).is_some_and(|end| end <= now.saturating_add(LAST_HOURS));
    // Use is noted once in an hour.
    let lately = now.saturating_sub(USE_RESOLUTION.saturating_mul(2));
    ends && at(&older.last_used_at).is_some_and(|used| used >= lately)
}

/// Adds what ends soon. That it cannot be counted is no failure of the run.
pub(super) async fn with_ending(
    store: &Store,
    now: OffsetDateTime,
    measures: Measures,
) -> Measures {
    match ending(store, now).await {
        Ok(ending) => measures
            .with(Metric::CredentialsEndingSoon, ending.credentials)
            .with(Metric::OlderSecretsInUse, ending.older_secrets),
        Err(error) => {
            tracing::warn!(%error, "credentials not counted");
            measures
        }
    }
}

async fn ending(store: &Store, now: OffsetDateTime) -> Result<Ending, StoreError> {
    let mut found = Ending::default();
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = store.credential_list(after.as_deref()).await?;
        page.items.iter().for_each(|credential| found.count(credential, now));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use domain::ids::SystemId;
    use store::credential::Secret;
    use store::time::rfc3339_ms;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn text(hours: i64) -> String {
        rfc3339_ms(NOW.saturating_add(Duration::hours(hours)))
    }

    fn named(id: &str) -> Credential {
        let made = rfc3339_ms(datetime!(2026-01-01 0:00 UTC));
        Credential::new(id, SystemId::parse("L1").unwrap(), [1; 32], &made)
    }

    /// Rotated twenty hours ago; the older secret ends and was used at these hours from now.
    fn rotated(ends: i64, used: i64) -> Credential {
        let mut credential = named("a");
        credential.secrets[0].ends_at = Some(text(ends));
        credential.secrets[0].last_used_at = Some(text(used));
        credential.secrets.push(Secret::new([2; 32], &text(-20)));
        credential
    }

    #[tokio::test]
    async fn live_credentials_that_end_within_thirty_days_are_counted() {
        let dynamo = testkit::Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        for (id, expires_at, revoked_at) in [
            ("never", None, None),
            ("later", Some(text(31 * 24)), None),
            ("soon", Some(text(29 * 24)), None),
            ("ended", Some(text(-1)), None),
            ("revoked", Some(text(24)), Some(text(-1))),
        ] {
            let credential = Credential { expires_at, revoked_at, ..named(id) };
            store.credential_create(&credential, "test").await.unwrap();
        }
        let found = ending(&store, NOW).await.unwrap();
        assert_eq!(found, Ending { credentials: 1, older_secrets: 0 });
    }

    #[test]
    fn a_replaced_secret_is_told_of_while_it_is_used_and_about_to_end() {
        assert!(is_older_needed(&rotated(4, -1), NOW));
        for (ends, used) in [(13, -1), (4, -3), (4, -21), (-1, -2)] {
            assert!(!is_older_needed(&rotated(ends, used), NOW), "{ends} {used}");
        }
        assert!(!is_older_needed(&named("one"), NOW));
        let revoked = Credential { revoked_at: Some(text(-1)), ..rotated(4, -1) };
        assert!(!is_older_needed(&revoked, NOW));
    }
}
