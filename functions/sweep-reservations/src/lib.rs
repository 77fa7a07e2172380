//! Every minute: reservations that nobody finished become void, parked documents are tried again.
//!
//! Input: the schedule's event, whose content does not matter. Output: counts. Idempotent: every write
//! carries the condition of its protocol, so two sweeps at once do no harm (I2); a document that is sent
//! twice is reconciled once (I5). A pool or document that fails does not stop the others; the next run
//! comes in a minute.

use domain::ids::{PoolId, SystemId};
use edge::Clock;
use serde::Serialize;
use store::time::rfc3339_ms;
use store::{Store, StoreError};
use time::Duration;

/// How old an unfinished reservation is when it is given up. Longer than any call lives: it serves
/// progress only, safety comes from the conditions of the writes.
pub const UNFINISHED_AGE: Duration = Duration::minutes(10);
/// Pools read per page of the registry.
const PAGE: i32 = 100;

/// What the sweeper works with.
pub struct Sweeper {
    /// The table.
    pub store: Store,
    /// The queue client.
    pub sqs: aws_sdk_sqs::Client,
    /// Where documents go to be tried again.
    pub inbound_queue_url: String,
    /// The time.
    pub clock: Clock,
}

/// What one run did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// Pools looked at.
    pub pools: u32,
    /// Reservations that became void.
    pub voided: u32,
    /// Entries that were recorded already and only had to be removed.
    pub closed: u32,
    /// Documents sent to be tried again.
    pub retried: u32,
    /// Pools and documents that failed and wait for the next run.
    pub failed: u32,
}

/// One run.
pub async fn sweep(sweeper: &Sweeper) -> Result<Sweep, StoreError> {
    let mut done = Sweep::default();
    sweep_pools(sweeper, &mut done).await?;
    retry_documents(sweeper, &mut done).await?;
    tracing::info!(
        pools = done.pools,
        voided = done.voided,
        closed = done.closed,
        retried = done.retried,
        failed = done.failed,
        "sweep"
    );
    Ok(done)
}

async fn sweep_pools(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = sweeper.clock.now();
    let before = rfc3339_ms(now.saturating_sub(UNFINISHED_AGE));
    let now = rfc3339_ms(now);
    let mut after: Option<PoolId> = None;
    loop {
        let page = sweeper.store.pool_ids(PAGE, after.as_ref()).await?;
        for pool in &page.items {
            done.pools = done.pools.saturating_add(1);
            match sweeper.store.pool_sweep(pool, &before, &now).await {
                Ok(swept) => {
                    done.voided = done.voided.saturating_add(swept.voided);
                    done.closed = done.closed.saturating_add(swept.closed);
                }
                Err(error) => {
                    tracing::warn!(pool.id = %pool, %error, "pool not swept");
                    done.failed = done.failed.saturating_add(1);
                }
            }
        }
        after = page.items.last().cloned();
        if page.next.is_none() || after.is_none() {
            return Ok(());
        }
    }
}

async fn retry_documents(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = rfc3339_ms(sweeper.clock.now());
    for (content_sha256, system) in sweeper.store.documents_due(&now).await? {
        if send(sweeper, &content_sha256, &system).await {
            done.retried = done.retried.saturating_add(1);
        } else {
            done.failed = done.failed.saturating_add(1);
        }
    }
    Ok(())
}

/// The document stays due until it was reconciled, so a message that is lost is sent again.
async fn send(sweeper: &Sweeper, content_sha256: &str, system: &SystemId) -> bool {
    let message = serde_json::json!({
        "reprocess": { "content_sha256": content_sha256, "system_id": system.as_str() }
    });
    let outcome = sweeper
        .sqs
        .send_message()
        .queue_url(&sweeper.inbound_queue_url)
        .message_body(message.to_string())
        .send()
        .await;
    if let Err(error) = &outcome {
        tracing::warn!(document.sha256 = content_sha256, %error, "document not sent");
    }
    outcome.is_ok()
}

#[cfg(test)]
mod tests {
    use domain::gtin::Gtin14;
    use domain::ids::RequestId;
    use domain::pool::{PoolDraft, Scheme};
    use domain::request::{Details, ReserveRequest};
    use store::client::{AwsSettings, https, sqs};
    use time::macros::datetime;

    use super::*;

    #[tokio::test]
    async fn an_unfinished_reservation_becomes_void_once_it_is_old() {
        let dynamo = testkit::Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        let opened = datetime!(2026-11-23 10:00 UTC);
        let gtin = Gtin14::parse("00313000007772").unwrap();
        let draft = PoolDraft {
            name: "pool".into(),
            gtin,
            company_prefix_length: 7,
            scheme: Scheme::Sequential { width: 12 },
            from: 1_000,
            to: 9_999,
            max_request: 500,
            threshold: 0,
        };
        let pool = PoolId::from_entropy([1; 17]);
        store.pool_create(pool.clone(), draft, &rfc3339_ms(opened)).await.unwrap();
        let request = ReserveRequest {
            requester: SystemId::parse("L1").unwrap(),
            request_id: RequestId::parse("R1").unwrap(),
            gtin,
            quantity: 10,
            pool_id: None,
            system_id: None,
            line_gln: None,
            plant_gln: None,
            details: Details::default(),
        };
        store.reservation_open(&request, &pool, &rfc3339_ms(opened)).await.unwrap();

        let settings = AwsSettings::new("eu-central-1", None, ("test", "test"), None);
        let at = |now| Sweeper {
            store: store.clone(),
            sqs: sqs(&settings, &https()),
            inbound_queue_url: String::new(),
            clock: Clock::fixed(now),
        };
        let young = sweep(&at(opened + UNFINISHED_AGE)).await.unwrap();
        assert_eq!(young, Sweep { pools: 1, ..Sweep::default() });
        let old = opened + UNFINISHED_AGE + Duration::milliseconds(1);
        assert_eq!(
            sweep(&at(old)).await.unwrap(),
            Sweep { pools: 1, voided: 1, ..Sweep::default() }
        );
        assert_eq!(sweep(&at(old)).await.unwrap(), Sweep { pools: 1, ..Sweep::default() });

        // The caller comes back late: it gets other numbers, and nothing leaks (I2, I3).
        let outcome =
            store.reserve(&request, std::slice::from_ref(&pool), &rfc3339_ms(old)).await.unwrap();
        assert_eq!((outcome.allocation.start, outcome.allocation.size), (1_010, 10));
        let state = store.pool_fetch(&pool).await.unwrap().unwrap();
        assert_eq!((state.pool.cursor, state.open.len()), (1_020, 0));
    }
}
