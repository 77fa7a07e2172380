use testkit::Dynamo;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);

fn id() -> AllocationId {
    AllocationId::parse(&"A".repeat(26)).unwrap()
}

fn job() -> ExportJob {
    ExportJob::new(&id(), "full.csv.gz", NOW)
}

fn after(seconds: i64) -> OffsetDateTime {
    NOW.saturating_add(Duration::seconds(seconds))
}

#[test]
fn a_message_is_sent_once_and_again_only_when_it_is_taken_for_lost() {
    let mut fresh = job();
    assert!(fresh.ask(NOW), "nobody has sent it");
    assert!(fresh.ask(NOW), "nor said that it was sent");
    fresh.is_sent = true;
    assert!(!fresh.ask(after(299)));
    assert!(fresh.ask(after(300)), "no sign of life for five minutes");

    let mut writing = job();
    assert_eq!(writing.take("m1", NOW), Turn::Taken);
    assert!(!writing.ask(after(120 + 299)));
    assert!(writing.ask(after(120 + 300)), "held for two minutes, silent for five more");
    assert_eq!(writing.state, ExportState::Writing);

    let mut failed = job();
    failed.end(ExportState::Failed, NOW);
    assert!(!failed.ask(after(599)));
    assert!(failed.ask(after(600)), "rested for ten minutes");
    assert_eq!((failed.state, failed.idle_runs), (ExportState::Queued, 0));

    let mut done = job();
    done.checkpoint.parts = 3;
    done.end(ExportState::Done, NOW);
    assert!(done.ask(NOW), "whoever asks has not found the file");
    assert_eq!(done.checkpoint, Checkpoint::default());
}

#[test]
fn a_job_is_taken_by_one_message_at_a_time_and_given_up_after_ten_idle_runs() {
    let mut job = job();
    assert_eq!(job.take("m1", NOW), Turn::Taken);
    assert_eq!(job.take("m2", after(119)), Turn::Busy);
    assert_eq!(job.take("m1", after(1)), Turn::Taken, "its run has died");
    assert_eq!(job.take("m2", after(122)), Turn::Taken, "m1 shows no sign of life");
    assert_eq!(job.idle_runs, 3);
    let checkpoint = Checkpoint { parts: 1, row: 20_000, ..Checkpoint::default() };
    job.advance(checkpoint, after(200));
    assert_eq!((job.idle_runs, job.take("m3", after(319))), (0, Turn::Busy));
    job.let_go(after(200));
    for run in 0..IDLE_RUNS_MAX {
        assert_eq!(job.take("m3", after(200 + i64::from(run))), Turn::Taken);
    }
    assert_eq!(job.take("m3", after(300)), Turn::GivenUp);
    assert_eq!((job.state, job.checkpoint.row), (ExportState::Failed, 20_000));
    assert_eq!(job.take("m3", after(300)), Turn::Ended);
}

#[tokio::test]
async fn a_job_is_found_again_and_of_two_writers_one_is_told() {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let (mut first, must_send) = store.export_request(&id(), "full.csv", NOW).await.unwrap();
    assert!(must_send);
    store.export_sent(&mut first).await.unwrap();
    let (again, must_send) = store.export_request(&id(), "full.csv", NOW).await.unwrap();
    assert_eq!((again, must_send), (first.clone(), false));
    let (_, must_send) = store.export_request(&id(), "bare.csv", NOW).await.unwrap();
    assert!(must_send, "another file is another job");

    let mut other = store.export_fetch(&id(), "full.csv").await.unwrap().unwrap();
    assert_eq!(other.take("m1", NOW), Turn::Taken);
    (other.upload_id, other.error) = (Some("u".into()), Some("e".into()));
    let state = vec![7; 100];
    other.checkpoint = Checkpoint { parts: 2, row: 40_000, bytes: 9, sha256_state: state };
    store.export_put(&mut other).await.unwrap();
    assert_eq!(store.export_fetch(&id(), "full.csv").await.unwrap(), Some(other));
    let lost = store.export_put(&mut first).await;
    assert!(matches!(lost, Err(StoreError::Conflict { .. })), "{lost:?}");
    // Whoever notes that it was sent after a run has begun changes nothing.
    store.export_sent(&mut first).await.unwrap();
    let stored = store.export_fetch(&id(), "full.csv").await.unwrap().unwrap();
    assert_eq!(stored.state, ExportState::Writing);
}

#[tokio::test]
async fn many_who_ask_at_once_find_one_job() {
    let dynamo = Dynamo::start().await;
    let store = Store::new(dynamo.client(), &dynamo.table().await);
    let asking = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let (mut job, must_send) = store.export_request(&id(), "full.csv", NOW).await.unwrap();
            if must_send {
                store.export_sent(&mut job).await.unwrap();
            }
            must_send
        })
    });
    let mut sent = 0;
    for asked in asking.collect::<Vec<_>>() {
        sent += u64::from(asked.await.unwrap());
    }
    // Who asks between the two writes of another sends as well, and takes part in the versions.
    let job = store.export_fetch(&id(), "full.csv").await.unwrap().unwrap();
    assert!(sent >= 1 && job.version > sent, "{sent} sent, version {}", job.version);
    assert!(job.is_sent);
}

#[test]
fn parts_of_another_renderer_are_given_up() {
    let mut job = job();
    assert_eq!(job.render_with(1), None);
    (job.upload_id, job.checkpoint.parts) = (Some("u1".to_owned()), 3);
    assert_eq!((job.render_with(1), job.checkpoint.parts), (None, 3));
    assert_eq!(job.render_with(2).as_deref(), Some("u1"));
    assert_eq!((job.upload_id, job.checkpoint, job.renderer), (None, Checkpoint::default(), 2));
}
