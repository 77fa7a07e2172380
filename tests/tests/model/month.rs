//! A month of a plant: what is proved at its end is proved from the table and the documents alone.
//!
//! `MONTH_DAYS` and `MONTH_ORDERS` (orders a day) make it larger, `MODEL_SEED` another one.

use domain::ledger::Bucket;
use time::{Duration, OffsetDateTime};

use crate::doing::Doing;
use crate::draw::Draw;
use crate::op::{Death, Event, File, How, Kind, Op, PoolWish, Verb, Wish};
use crate::picture::{balance, differences, of_table};
use crate::reference::{Asked, EXPIRY, Status};

const GTIN: &str = crate::epcis::GTINS[0].0;
/// The first number of the plant's pool.
const FIRST: u64 = 1_000;

struct Month {
    doing: Doing,
    draw: Draw,
    /// Orders and files so far.
    number: u64,
    /// Files that will come some other day.
    late: Vec<(&'static str, File)>,
}

#[test]
fn the_books_of_a_month_are_proved_from_the_table_and_the_documents_alone() {
    let (days, orders) =
        (crate::set("MONTH_DAYS").unwrap_or(30), crate::set("MONTH_ORDERS").unwrap_or(1));
    let seed = crate::set("MODEL_SEED").unwrap_or(1);
    let started = std::time::Instant::now();
    let number = crate::runtime().block_on(Box::pin(run(days, orders, seed)));
    println!("{number} orders and files in {days} days, {:?}", started.elapsed());
}

/// Orders and files of a month.
async fn run(days: u64, orders: u64, seed: u64) -> u64 {
    let mut month =
        Month { doing: Doing::start().await, draw: Draw::new(seed), number: 0, late: Vec::new() };
    let wish = PoolWish::plain(GTIN, (FIRST, 99_999_999), 100_000);
    month.act(Op::CreatePool(wish)).await;
    for _ in 0..days {
        month.day(orders).await;
    }
    month.act(Op::Wait { minutes: 24 * 60 }).await;
    month.proved(days).await;
    month.number
}

impl Month {
    async fn act(&mut self, op: Op) {
        self.doing.pass(i64::try_from(self.draw.within(5, 60)).unwrap());
        // What may have come out differently is settled by the comparison at the end of the day.
        self.doing.model = Box::pin(self.doing.run(&op)).await.swap_remove(0);
    }

    /// Orders, files of other days, and the night, in which the day before is sealed.
    async fn day(&mut self, orders: u64) {
        for _ in 0..orders {
            Box::pin(self.order()).await;
        }
        for (sender, file) in std::mem::take(&mut self.late) {
            if self.draw.once_in(2) {
                self.send(sender, file).await;
            } else {
                self.late.push((sender, file));
            }
        }
        self.act(Op::Wait { minutes: 20 }).await;
        self.compared().await;
        let now = OffsetDateTime::from_unix_timestamp(self.doing.model.now).unwrap();
        let midnight = now.replace_time(time::Time::MIDNIGHT) + Duration::hours(25);
        let minutes = u64::try_from((midnight - now).whole_minutes()).unwrap() + 2;
        self.act(Op::Wait { minutes }).await;
    }

    async fn compared(&self) {
        let is = of_table(&self.doing.plant).await;
        let should = self.doing.model.picture();
        assert!(should == is, "the day ends otherwise:\n{}", differences(&should, &is));
    }

    /// An order from its reservation to its close.
    async fn order(&mut self) {
        self.number += 1;
        let (asker, id) = (self.draw.weighted(&[(3, "L1"), (1, "L2")]), self.number);
        let hold_minutes = Some(self.draw.within(5, 30)).filter(|_| self.draw.once_in(4));
        let wish = Wish { hold_minutes, ..Wish::plain(GTIN, self.draw.within(20, 120)) };
        let allocation = Asked { asker, id, wish: &wish, afresh: false }.allocation_id();
        self.act(Op::Reserve { asker, id, wish, how: How::Once }).await;
        if hold_minutes.is_some() {
            if self.draw.once_in(3) {
                return;
            }
            self.turn(&allocation, Verb::Confirm).await;
        }
        self.turn(&allocation, Verb::Export).await;
        if self.draw.once_in(10) {
            return self.turn(&allocation, Verb::Void).await;
        }
        Box::pin(self.reported(asker, &allocation)).await;
        if !self.draw.once_in(4) {
            self.turn(&allocation, Verb::Close).await;
        }
    }

    async fn turn(&mut self, allocation: &str, verb: Verb) {
        let how = self.how(4);
        self.act(Op::Turn { allocation: allocation.to_owned(), verb, how }).await;
    }

    fn how(&mut self, calls: u64) -> How {
        match self.draw.below(12) {
            0 => How::Twice,
            1 => {
                let call = usize::try_from(self.draw.within(1, calls)).unwrap();
                How::Dies(Death { call, served: self.draw.once_in(2) })
            }
            _ => How::Once,
        }
    }

    /// What the line says of an order: commissioned in parts, some of it ended, some of it corrected.
    async fn reported(&mut self, sender: &'static str, allocation: &str) {
        let one = &self.doing.model.allocations[allocation];
        let (start, end) = (one.start, one.start + one.size);
        let middle = start + self.draw.within(5, one.size - 5);
        let packed = self.draw.within(middle, end - 1);
        for (first, last) in [(start, middle - 1), (middle, packed)] {
            self.file(sender, Kind::Commission, (first, last), false).await;
        }
        if self.draw.once_in(3) {
            let kind = self.draw.weighted(&[(1, Kind::Sample), (1, Kind::Destroy)]);
            self.file(sender, kind, (start, start + 2), false).await;
        }
        if self.draw.once_in(6) {
            self.file(sender, Kind::Commission, (middle, middle + 1), true).await;
        }
        if self.draw.once_in(12) {
            // The line went on printing.
            self.file(sender, Kind::Commission, (end - 1, end + 2), false).await;
        }
    }

    async fn file(&mut self, sender: &'static str, kind: Kind, run: (u64, u64), error: bool) {
        self.number += 1;
        let event = Event {
            kind,
            gtin: GTIN,
            space: None,
            runs: vec![run],
            time: self.doing.model.now,
            lot: Some("LOT42"),
            expiry: Some(EXPIRY),
            error,
        };
        let file = File { number: self.number, events: vec![event], broken: false };
        if self.draw.once_in(7) {
            self.late.push((sender, file));
        } else {
            self.send(sender, file).await;
        }
    }

    async fn send(&mut self, sender: &'static str, file: File) {
        let how = self.how(40);
        self.act(Op::Send { sender, file, how }).await;
    }

    /// Every identity, from the table and the documents alone; and that they are those of the month.
    async fn proved(&self, days: u64) {
        let (live, model) = (&self.doing.live, &self.doing.model);
        let audit = pharmatrace::audit::books(&live.store, &live.objects).await.unwrap();
        assert_eq!(audit.breaches, []);
        let count = |len: usize| u64::try_from(len).unwrap();
        assert_eq!(audit.allocations, count(model.allocations.len()));
        assert_eq!(audit.documents, count(model.documents.len()));
        // Every end of a batch has its document too, for machines and for people.
        let closed = model.allocations.values().filter(|one| one.status == Status::Closed);
        let kept = audit.documents + 2 * count(closed.count());
        assert_eq!(audit.objects, kept, "every document is read again");
        assert_eq!(count(audit.seals.len()), days + 1);
        let sealed: u64 = audit.seals.iter().map(|seal| seal.records).sum();
        assert!(sealed > 0 && sealed <= audit.records, "{sealed} of {}", audit.records);
        let void = model.pools.values().flat_map(|pool| pool.ranges.values());
        let void: u64 = void.filter(|range| range.void.is_some()).map(|range| range.size).sum();
        assert_eq!(audit.void, u128::from(void));
        for (id, one) in &model.allocations {
            let path = format!("/api/v1/l3/allocations/{id}/reconciliation");
            let answer = live.ask(one.system, ("GET", &path), None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.body["balanced"], true, "{id}");
            let buckets = Bucket::ALL.map(Bucket::as_str);
            let said = buckets.map(|word| (word, answer.body[word].as_u64().unwrap()));
            assert_eq!(balance(said), balance(model.balance(id)), "{id}");
        }
    }
}
