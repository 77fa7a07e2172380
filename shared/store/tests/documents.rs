//! I6: what waits for a judgement stands in a queue until it is done, and is sent once and not in a storm.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop where a test cannot go on, as the tests themselves"
)]

use domain::finding::Note;
use domain::ids::SystemId;
use store::Store;
use store::attention::Queue;
use store::document::{Document, DocumentStatus, Judgement, LIST_PAGES_MAX};
use store::document_action::{Action, ActionError, By};
use store::document_queue::{Due, patience};
use store::meter::Meter;
use testkit::Dynamo;

const SHA: &str = "abababababababababababababababababababababababababababababababab";
const BEGUN: &str = "2026-11-23T10:00:00.000Z";
const NOW: &str = "2026-11-23T11:00:00.000Z";
const UNTIL: &str = "2026-11-23T12:15:00.000Z";
const LATER: &str = "2026-11-23T14:30:00.000Z";

struct Bench {
    store: Store,
    _dynamo: Dynamo,
}

impl Bench {
    /// A document whose judgement for `L1` is what `change` makes of it.
    async fn with(change: impl Fn(&mut Judgement)) -> Self {
        let dynamo = Dynamo::start().await;
        let store = Store::new(dynamo.client(), &dynamo.table().await);
        let document = Document::new(SHA, "epcis-xml-1", &l1(), BEGUN);
        let bench = Self { store, _dynamo: dynamo };
        let change = |document: &mut Document| {
            document.judgement_mut(&l1(), BEGUN).map(&change);
        };
        let meter = Meter::default();
        bench.store.document_change(SHA, Some(&document), &meter, change).await.unwrap();
        bench
    }

    async fn due(&self, now: &str) -> Vec<Due> {
        self.store.documents_due(now, 10).await.unwrap()
    }

    async fn act(&self, action: &Action, now: &str) -> Result<(Document, bool), ActionError> {
        self.store.document_act(SHA, action, By { actor: "L1/a", now, until: LATER }).await
    }

    async fn judgement(&self) -> Judgement {
        let document = self.store.document_fetch(SHA).await.unwrap().unwrap();
        document.judgement(&l1()).unwrap().clone()
    }
}

fn l1() -> SystemId {
    SystemId::parse("L1").unwrap()
}

fn parked(judgement: &mut Judgement) {
    judgement.status = DocumentStatus::Parked;
    judgement.end(Some(BEGUN.to_owned()));
}

#[test]
fn what_was_sent_is_left_alone_for_longer_than_its_message_is_hidden() {
    for seconds in [30, 150, 5_400, 43_200] {
        assert!(patience(seconds).whole_seconds() > i64::from(seconds));
    }
}

#[tokio::test]
async fn a_parked_document_is_sent_once_until_its_message_should_be_done() {
    let bench = Bench::with(parked).await;
    let due = bench.due(NOW).await;
    assert_eq!(due.len(), 1);
    // Of two sweeps that have read the same queue, one sends it.
    assert_eq!(bench.store.document_lease(&due[0], (NOW, UNTIL)).await.unwrap(), [l1()]);
    assert_eq!(bench.store.document_lease(&due[0], (NOW, UNTIL)).await.unwrap(), []);
    assert_eq!(bench.due("2026-11-23T12:14:59.999Z").await, []);
    assert_eq!(bench.due(UNTIL).await.len(), 1);
    // A run that begins has the same time, and one that ends waits for nothing or for its next try.
    let begin = |document: &mut Document| {
        document.judgement_mut(&l1(), NOW).unwrap().begin(LATER);
    };
    bench.store.document_change(SHA, None, &Meter::default(), begin).await.unwrap();
    assert_eq!(bench.due(UNTIL).await, []);
    let found = bench.judgement().await;
    assert_eq!((found.tries, found.next_try_at.as_deref()), (1, Some(BEGUN)));
}

#[tokio::test]
async fn a_run_that_never_ends_is_due_again_and_can_be_asked_for() {
    let bench = Bench::with(|judgement| judgement.begin(UNTIL)).await;
    for (queue, waiting) in [(Queue::Unfinished, 1), (Queue::Parked, 0), (Queue::Quarantined, 0)] {
        assert_eq!(bench.store.attention_count(queue, 9).await.unwrap(), waiting, "{queue:?}");
    }
    // While it may still be running it is left alone.
    assert_eq!(bench.due(NOW).await, []);
    assert!(!bench.act(&Action::Reprocess, NOW).await.unwrap().1);
    assert!(bench.act(&Action::Retry, NOW).await.is_err());
    assert_eq!(bench.due(UNTIL).await.len(), 1);
    for action in [Action::Retry, Action::Reprocess] {
        let bench = Bench::with(|judgement| judgement.begin(UNTIL)).await;
        assert!(bench.act(&action, UNTIL).await.unwrap().1, "{action:?}");
        // What was asked for by hand is not sent by the sweep as well.
        assert_eq!(bench.due(UNTIL).await, [], "{action:?}");
        assert_eq!(bench.due(LATER).await.len(), 1, "{action:?}");
    }
}

#[tokio::test]
async fn what_was_asked_for_twice_is_asked_for_once() {
    let bench = Bench::with(parked).await;
    assert!(bench.act(&Action::Retry, NOW).await.unwrap().1);
    assert!(!bench.act(&Action::Retry, UNTIL).await.unwrap().1);
    let reject = |text| Action::Reject(Note::parse(text).unwrap());
    assert!(bench.act(&reject("a test"), NOW).await.unwrap().1);
    assert!(!bench.act(&reject("a test"), NOW).await.unwrap().1);
    let other = bench.act(&reject("another reason"), NOW).await;
    assert!(matches!(other, Err(ActionError::Refused { .. })), "{other:?}");
}

#[tokio::test]
async fn what_was_applied_in_part_is_not_given_up_but_read_again() {
    let bench = Bench::with(|judgement| {
        judgement.status = DocumentStatus::Quarantined;
        judgement.is_in_part = true;
    })
    .await;
    let reject = Action::Reject(Note::parse("a test").unwrap());
    let refused = bench.act(&reject, NOW).await.unwrap_err().to_string();
    assert!(refused.contains("applied in part"), "{refused}");
    let (document, asked) = bench.act(&Action::Reprocess, NOW).await.unwrap();
    assert!(asked && document.is_in_part());
}

#[tokio::test]
async fn a_call_for_a_list_reads_ten_pages_and_says_where_to_go_on() {
    let bench = Bench::with(parked).await;
    let count = u64::from(LIST_PAGES_MAX) * 201;
    for number in 0..count {
        let sha = format!("{number:064}");
        let document = Document::new(&sha, "epcis-xml-1", &l1(), NOW);
        let change = |_: &mut Document| {};
        let meter = Meter::default();
        bench.store.document_change(&sha, Some(&document), &meter, change).await.unwrap();
    }
    let of = (Some(DocumentStatus::Parked), None, None);
    let first = bench.store.document_list(of, 10, None).await.unwrap();
    assert_eq!(first.items, []);
    let rest = bench.store.document_list(of, 10, first.next.as_deref()).await.unwrap();
    assert_eq!(rest.items.len(), 1, "the oldest of all");
    // What is too old is not even read.
    let of = (Some(DocumentStatus::Parked), None, Some(NOW));
    let late = bench.store.document_list(of, 10, first.next.as_deref()).await.unwrap();
    assert_eq!((late.items.len(), late.next), (0, None));
}
