//! What is answered about lines.

use edge::HttpEvent;
use serde_json::json;
use time::Duration;

use super::{LINE, LINES, NOW, OTHER, TELEMETRY, bench, bound, context, heartbeat, slug};

#[tokio::test]
async fn a_line_shows_its_newest_heartbeat_and_what_it_did_of_late() {
    let bench = bench().await;
    bench.shift(LINE).await;
    let (status, line) = bench.get(&format!("{LINES}/{LINE}"), "").await;
    assert_eq!(status, 200, "{line}");
    let recent = json!({
        "window_ms": 900_000, "heartbeats": 60, "counter_resets": 0, "consumed": 118,
        "processed": 118, "defective": 0, "serials_used": 118, "counted_ms": 590_000,
        "throughput": 12.0, "observed_ms": 590_000, "planned_ms": 590_000,
        "execute_ms": 590_000, "availability": 1.0, "performance": 0.08, "quality": 1.0,
        "oee": 0.08, "serials_per_hour": 720, "hours_to_empty": 138.725
    });
    let expected = json!({
        "line_gln": LINE, "line_id": "L001", "status": "live",
        "last_heartbeat_at": "2026-11-23T10:00:00.000Z", "silent_ms": 0, "interval_ms": 10_000,
        "state": "EXECUTE", "mode": "PRODUCTION", "seq": 18_231, "speed": 118.5,
        "design_speed": 150.0, "consumed": 148, "processed": 118, "defective": 30,
        "blocked": false, "starved": false, "serials_remaining": 99_882,
        "allocation_id": "MFRGGZDFMZTWQ2LKNNWG23TPOB", "lot": "LOT42", "work_order": "WO-1",
        "alarm": null, "software": "Guardian 3.2", "system_id": "guardian-line-3",
        "reported_by": "L1",
        "recent": recent,
    });
    assert_eq!(line, expected);
}

#[tokio::test]
async fn a_line_goes_stale_and_offline_as_time_passes() {
    let bench = bench().await;
    bench.shift(LINE).await;
    for (seconds, status) in
        [(30, "live"), (31, "stale"), (100, "stale"), (101, "offline"), (86_400, "offline")]
    {
        bench.hands.set(NOW + Duration::seconds(seconds));
        let (_, line) = bench.get(&format!("{LINES}/{LINE}"), "").await;
        assert_eq!(line["status"], status, "{seconds}");
        assert_eq!(line["recent"].is_null(), status == "offline", "{seconds}");
        let (_, page) = bench.get(LINES, "").await;
        assert_eq!(page["items"][0], line);
    }
}

#[tokio::test]
async fn minutes_and_hours_come_in_order_over_pages_and_windows() {
    let bench = bench().await;
    bench.shift(LINE).await;
    let path = format!("{LINES}/{LINE}/minutes");
    let (mut query, mut minutes) = ("limit=4".to_owned(), Vec::new());
    loop {
        let (status, page) = bench.get(&path, &query).await;
        assert_eq!(status, 200, "{page}");
        minutes.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("limit=4&cursor={cursor}");
    }
    let starts: Vec<&str> = minutes.iter().map(|one| one["start"].as_str().unwrap()).collect();
    assert_eq!(starts.len(), 11);
    assert_eq!((starts[0], starts[10]), ("2026-11-23T09:50:00.000Z", "2026-11-23T10:00:00.000Z"));
    let sum: u64 = minutes.iter().map(|one| one["processed"].as_u64().unwrap()).sum();
    assert_eq!(sum, 118);
    let second = &minutes[1];
    assert_eq!(second["counted_from"], "2026-11-23T09:50:50.000Z");
    assert_eq!((&second["throughput"], &second["processed"]), (&json!(12.0), &json!(12)));
    assert_eq!((&second["crowded"], &second["heartbeats"]), (&json!(false), &json!(6)));
    let window = "from=2026-11-23T09:51:30Z&to=2026-11-23T09:53:00Z";
    let (_, page) = bench.get(&path, window).await;
    assert_eq!(page["items"].as_array().unwrap()[..], minutes[1..3]);

    let (status, hours) = bench.get(&format!("{LINES}/{LINE}/hours"), "").await;
    assert_eq!(status, 200, "{hours}");
    assert_eq!(hours["items"].as_array().unwrap().len(), 2);
    let first = &hours["items"][0];
    assert_eq!(
        (&first["start"], &first["minutes"]),
        (&json!("2026-11-23T09:00:00.000Z"), &json!(10))
    );
    assert_eq!((&first["processed"], &first["heartbeats"]), (&json!(116), &json!(59)));
}

#[tokio::test]
async fn queries_that_make_no_sense_are_refused() {
    let bench = bench().await;
    bench.post(&heartbeat(LINE, 60, 5)).await;
    let minutes = format!("{LINES}/{LINE}/minutes");
    for query in [
        "from=yesterday",
        "to=1",
        "from=2026-11-23T10:00:00Z&to=2026-11-23T09:00:00Z",
        "limit=0",
        "limit=201",
        "cursor=QUJD",
        "cursor=MQ",
        "sort=up",
    ] {
        let (status, answer) = bench.get(&minutes, query).await;
        assert_eq!((status, slug(&answer)), (400, "validation"), "{query}");
    }
    let hours = format!("{LINES}/{LINE}/hours");
    for query in ["from=2026-11-20T10:00:00Z", "limit=5", "to=x"] {
        assert_eq!(bench.get(&hours, query).await.0, 400, "{query}");
    }
    for query in ["cursor=QUJD", "limit=0", "status=live"] {
        assert_eq!(bench.get(LINES, query).await.0, 400, "{query}");
    }
    for path in ["x", OTHER, "0313000000019", "..%2Flines", "0313000000018/seconds"] {
        let (status, answer) = bench.get(&format!("{LINES}/{path}"), "").await;
        assert_eq!((status, slug(&answer)), (404, "not-found"), "{path}");
    }
    assert_eq!(bench.get(TELEMETRY, "").await.0, 405);
}

#[tokio::test]
async fn lines_are_listed_by_gln_over_pages() {
    let bench = bench().await;
    for line in [OTHER, LINE, "0313000000001"] {
        assert_eq!(bench.post(&heartbeat(line, 60, 5)).await.0, 202);
    }
    for caller in [
        context("reports:read"),
        bound("reports:read", "0313000000001 0313000000018 0313000000025 0313000000032"),
    ] {
        let (mut query, mut found) = ("limit=1".to_owned(), Vec::new());
        loop {
            let event = HttpEvent::get(LINES).query(&query).caller(&caller);
            let (status, page) = bench.send(&event).await;
            assert_eq!(status, 200, "{page}");
            found.extend(
                page["items"].as_array().unwrap().iter().map(|one| one["line_gln"].clone()),
            );
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            query = format!("limit=1&cursor={cursor}");
        }
        assert_eq!(found, ["0313000000001", LINE, OTHER]);
    }
}
