//! Lines that were running when they were last heard, and are silent.

use domain::gln::Gln;
use domain::telemetry::{Line, LineStatus, State};
use edge::{Measures, Metric};
use store::{Store, StoreError};
use time::OffsetDateTime;

/// Lines per page of their list.
const PAGE: i32 = 100;
/// Pages looked at.
const PAGES_MAX: usize = 10;
/// A line that is silent for longer was given up or taken down; the page still shows it.
const SILENT_MAX_MS: u64 = 24 * 60 * 60 * 1_000;

fn is_silent(line: &Line, now_ms: u64) -> bool {
    line.last().state == State::Execute
        && line.status(now_ms) == LineStatus::Offline
        && line.silent_ms(now_ms) <= SILENT_MAX_MS
}

/// Adds how many lines fell silent. That they cannot be counted is no failure of the run.
pub(super) async fn with_silent(
    store: &Store,
    now: OffsetDateTime,
    measures: Measures,
) -> Measures {
    let now_ms = u64::try_from(now.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(0);
    match silent(store, now_ms).await {
        Ok(count) => measures.with(Metric::LinesSilent, count),
        Err(error) => {
            tracing::warn!(%error, "lines not counted");
            measures
        }
    }
}

async fn silent(store: &Store, now_ms: u64) -> Result<u32, StoreError> {
    let mut count = 0_u32;
    let mut after: Option<Gln> = None;
    for _ in 0..PAGES_MAX {
        let page = store.line_list(PAGE, after).await?;
        let silent = page.items.iter().filter(|line| is_silent(line, now_ms)).count();
        count = count.saturating_add(u32::try_from(silent).unwrap_or(u32::MAX));
        after = page.next.and(page.items.last()).map(|line| *line.gln());
        if after.is_none() {
            break;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use domain::telemetry::{About, Counters, Heartbeat, Mode, Sample};
    use store::meter::Meter;

    use super::*;

    /// 2026-11-23T08:00:00Z.
    const HEARD: u64 = 1_795_420_800_000;

    fn heartbeat(line: &str, state: State) -> Heartbeat {
        let sample = Sample {
            at_ms: HEARD,
            seq: None,
            state,
            mode: Some(Mode::Production),
            counters: Counters::default(),
            speed_milli: None,
            design_milli: None,
            blocked: false,
            starved: false,
            serials_remaining: None,
        };
        Heartbeat { line: Gln::parse(line).unwrap(), sample, about: About::default() }
    }

    #[tokio::test]
    async fn a_line_that_fell_silent_while_it_ran_is_counted_for_a_day() {
        let dynamo = testkit::Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        let heard =
            [heartbeat("0313000000018", State::Execute), heartbeat("0313000000025", State::Idle)];
        store.line_ingest(&heard, &Meter::default()).await.unwrap();
        for (later_ms, expected) in
            [(1_000, 0), (3_600_000, 1), (SILENT_MAX_MS, 1), (SILENT_MAX_MS + 1, 0)]
        {
            assert_eq!(silent(&store, HEARD + later_ms).await.unwrap(), expected, "{later_ms}");
        }
    }
}
