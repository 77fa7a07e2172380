//! What the people on shift see of the story: heartbeats, the scorecard, and a finding that is dealt with.

use serde_json::{Value, json};
use store::time::rfc3339_ms;
use time::Duration;

use super::Show;
use super::view::{count, expect, head, list, text};
use crate::api::Api;
use crate::error::CommandError;
use crate::table;
use crate::wiring;

const TELEMETRY: &str = "/api/v1/plant-floor/telemetry";
const FINDINGS: &str = "/api/v1/findings";
/// The packs the line had made when it reported: it makes 60 in 30 seconds and its counter is set back to
/// zero once, after the eighth heartbeat.
const PROCESSED: [u64; 12] =
    [50_000, 50_060, 50_120, 50_180, 50_240, 50_300, 50_360, 50_420, 30, 90, 150, 210];
/// What these counters add up to: seven differences, then what the counter shows after it was set back.
const MADE: u64 = 7 * 60 + 210;

/// Heartbeats in disorder and twice, as lines send them after a broken connection; the roll-up must not
/// depend on it.
pub(super) async fn heartbeats(line: &Api, show: &mut Show, gln: &str) -> Result<(), CommandError> {
    show.doing("a line sends heartbeats, late and twice");
    let now = wiring::now();
    let mut beats: Vec<Value> = Vec::new();
    for ((seq, processed), age) in (1_u64..).zip(PROCESSED).zip((0..12_i64).rev()) {
        let at = now.saturating_sub(Duration::seconds(age.saturating_mul(30)));
        beats.push(json!({
            "line_id": "L001", "line_gln": gln, "ts": rfc3339_ms(at), "seq": seq,
            "state": "EXECUTE", "mode": "PRODUCTION", "speed": 120.0, "design_speed": 150.0,
            "processed": processed, "serials_remaining": 5_000_u64.saturating_sub(seq.saturating_mul(60)),
        }));
    }
    beats.reverse();
    let (late, early) = beats.split_at(6);
    for (batch, accepted, duplicates) in [(late, 6, 0), (early, 6, 0), (late, 0, 6)] {
        let answer = line.post(TELEMETRY, &json!({ "heartbeats": batch })).await?;
        expect(&answer, 202, "the heartbeats")?;
        show.check("heartbeats taken", accepted, count(&answer.json(), "/accepted"));
        show.check("heartbeats known already", duplicates, count(&answer.json(), "/duplicates"));
    }
    Ok(())
}

/// The scorecard, compared with what the story did.
pub(super) async fn scorecard(api: &Api, show: &mut Show, open: u64) -> Result<(), CommandError> {
    show.doing("reading the scorecard");
    let answer = api.get("/api/v1/operations/scorecard").await?;
    expect(&answer, 200, "the scorecard")?;
    let card = answer.json();
    show.step("scorecard", &card);
    show.check("open allocations", open, count(&card, "/open_allocations/total"));
    show.check("files received", 5, count(&card, "/files/received"));
    show.check("files refused", 1, count(&card, "/files/refused/total"));
    show.check("lines that are live", 1, count(&card, "/lines/live"));
    let made = api.get("/api/v1/plant-floor/lines/0313000000018").await?;
    show.check("packs that the heartbeats tell", MADE, count(&made.json(), "/recent/processed"));
    show.say("\nScorecard")?;
    let seconds = count(&card, "/commissioning_latency/p95_ms");
    let rows = [
        ["open allocations", "/open_allocations/total"],
        ["unresolved findings", "/findings/unresolved"],
        ["files received", "/files/received"],
        ["files refused", "/files/refused/total"],
        ["files waiting", "/files/waiting/total"],
        ["lines live", "/lines/live"],
    ];
    let mut texts = vec![head(&["what", "now"])];
    texts.extend(rows.map(|[what, at]| vec![what.to_owned(), count(&card, at).to_string()]));
    texts.push(vec!["drop to report, 95 %, ms".to_owned(), seconds.to_string()]);
    for line in table::lines(&texts) {
        show.say(&line)?;
    }
    Ok(())
}

/// One critical finding from the list to its end.
pub(super) async fn settle(api: &Api, show: &mut Show) -> Result<(), CommandError> {
    show.doing("dealing with a finding");
    let unresolved = |answer: &Value| list(answer, "/items").len();
    let page = api.get(&format!("{FINDINGS}?code=NOT_RESERVED&status=open")).await?;
    expect(&page, 200, "the findings")?;
    let before = unresolved(&page.json());
    let id = text(&page.json(), "/items/0/id");
    for (turn, reason) in [("acknowledge", "seen on shift"), ("resolve", "packs were destroyed")] {
        let answer =
            api.post(&format!("{FINDINGS}/{id}/{turn}"), &json!({ "reason": reason })).await?;
        expect(&answer, 200, turn)?;
    }
    let whole = api.get(&format!("{FINDINGS}/{id}")).await?;
    expect(&whole, 200, "the finding")?;
    show.check("the finding is resolved", "resolved", text(&whole.json(), "/status"));
    let page = api.get(&format!("{FINDINGS}?code=NOT_RESERVED&status=open")).await?;
    show.check("one finding less is open", before.saturating_sub(1), unresolved(&page.json()));
    show.step("finding", &whole.json());
    show.say("\nFinding  NOT_RESERVED acknowledged and resolved, with reasons")
}
