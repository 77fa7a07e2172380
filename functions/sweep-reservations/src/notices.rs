//! Objects whose notification was lost are announced by the hub itself (I6).
//!
//! A pass over the inbound bucket begins every quarter of an hour and goes on from run to run. Of each
//! version that is old enough to have been read, and young enough that passes before did not have many
//! chances, it is asked whether its arrival is known; if not, it is announced, and then left
//! alone for longer than the message is hidden. What
//! waits in a long queue is announced once too often by that, which does no harm (I5): it is one arrival.

use store::StoreError;
use store::notice_sweep::{Listed, NoticeSweep, Position};
use store::time::{parse_rfc3339, rfc3339_ms};
use time::{Duration, OffsetDateTime};

use crate::{Sweep, Sweeper};

/// How old an object without arrival is when its notification counts as lost.
pub const LOST_AGE: Duration = Duration::minutes(15);
/// Older objects are left alone. An upload in parts bears the time it began, up to two days ago.
pub const LOST_AGE_MAX: Duration = Duration::days(7);
/// From the end of one pass to the beginning of the next.
const PASS_EVERY: Duration = Duration::minutes(15);
/// Pages of 1,000 versions that one run lists.
const PAGES_MAX: u32 = 20;
/// Objects that one run announces before it leaves the rest to the next.
const ANNOUNCED_MAX: u32 = 1_000;

/// Goes on with the pass at hand, or begins one when its time has come.
pub(crate) async fn announce_lost(sweeper: &Sweeper, done: &mut Sweep) -> Result<(), StoreError> {
    let now = sweeper.clock.now();
    let mut sweep = sweeper.store.notice_sweep_fetch().await?;
    if sweep.position == Position::default() && !is_time(&sweep, now) {
        return Ok(());
    }
    for _ in 0..PAGES_MAX {
        let (listed, next) = sweeper.objects.inbound_versions(&sweep.position).await?;
        announce_page(sweeper, listed, done).await?;
        let at_end = next.is_none();
        sweep.position = next.unwrap_or_default();
        if at_end {
            sweep.ended_at = Some(rfc3339_ms(now));
        }
        if !sweeper.store.notice_sweep_put(&sweep).await? {
            tracing::info!("another run goes on with the search for lost notices");
            return Ok(());
        }
        sweep.version = sweep.version.saturating_add(1);
        if at_end || done.announced >= ANNOUNCED_MAX {
            return Ok(());
        }
    }
    Ok(())
}

fn is_time(sweep: &NoticeSweep, now: OffsetDateTime) -> bool {
    let ended = sweep.ended_at.as_deref().and_then(parse_rfc3339);
    ended.is_none_or(|ended| now >= ended.saturating_add(PASS_EVERY))
}

async fn announce_page(
    sweeper: &Sweeper,
    listed: Vec<Listed>,
    done: &mut Sweep,
) -> Result<(), StoreError> {
    let now = sweeper.clock.now();
    let (now_text, before) = (rfc3339_ms(now), rfc3339_ms(now.saturating_sub(sweeper.patience)));
    let (oldest, youngest) = (now.saturating_sub(LOST_AGE_MAX), now.saturating_sub(LOST_AGE));
    let of_age = |one: &Listed| (oldest..=youngest).contains(&one.at);
    let candidates: Vec<_> = listed
        .into_iter()
        .filter(of_age)
        .map(|one| {
            let system = one.notice.system().unwrap_or_else(domain::ids::SystemId::unknown);
            (one.notice.arrival(&system, &now_text).hash(), one.notice)
        })
        .collect();
    let hashes: Vec<String> = candidates.iter().map(|(hash, _)| hash.clone()).collect();
    let known = sweeper.store.arrivals_known(&hashes).await?;
    for (hash, notice) in candidates.iter().filter(|(hash, _)| !known.contains(hash)) {
        // Claimed first: what could not be sent then is announced after that time.
        if !sweeper.store.notice_claim(hash, &now_text, &before).await? {
            continue;
        }
        match sweeper.send(notice.message()).await {
            Ok(()) => {
                tracing::warn!(arrival = hash, "object without arrival is announced");
                done.announced = done.announced.saturating_add(1);
            }
            Err(error) => {
                tracing::warn!(arrival = hash, %error, "object not announced");
                done.failed = done.failed.saturating_add(1);
            }
        }
    }
    Ok(())
}
