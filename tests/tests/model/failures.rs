//! What the model has found: each failure in as few steps as show it.

use crate::doing::Doing;
use crate::op::{Event, File, How, Kind, Op, PoolWish, Wish};
use crate::reference::EXPIRY;

const GTIN: &str = crate::epcis::GTINS[0].0;

/// Does some operations with a pool and an allocation of ten numbers from 1,000, comparing after each.
async fn after(files: Vec<Vec<Event>>) -> Doing {
    let mut doing = Doing::start().await;
    let wish = PoolWish::plain(GTIN, (1_000, 1_999), 100);
    let reserve = Op::Reserve { asker: "L1", id: 1, wish: Wish::plain(GTIN, 10), how: How::Once };
    let mut ops = vec![Op::CreatePool(wish), reserve];
    for (number, events) in (0..).zip(files) {
        let file = File { number, events, broken: false };
        ops.push(Op::Send { sender: "L1", file, how: How::Once });
    }
    ops.push(Op::Wait { minutes: 1 });
    for op in ops {
        doing.pass(10);
        Box::pin(crate::step_on(&mut doing, &op)).await;
    }
    doing
}

/// An event of a minute of the day before.
fn event(kind: Kind, minute: i64, error: bool) -> Event {
    let time = 1_795_348_800 + minute * 60;
    let (lot, expiry) = (Some("LOT42"), Some(EXPIRY));
    Event { kind, gtin: GTIN, space: None, runs: vec![(1_003, 1_005)], time, lot, expiry, error }
}

/// The end of a pack was declared an error before the file that tells of it came: the file's pack was found
/// to be commissioned after its end, and was not when the two came the other way round (decision 28).
#[tokio::test]
async fn end_that_was_taken_back_before_it_was_told_breaks_nothing_whichever_came_first() {
    let told = vec![event(Kind::Destroy, 1, false), event(Kind::Commission, 2, false)];
    let back = vec![event(Kind::Destroy, 1, true)];
    for files in [vec![told.clone(), back.clone()], vec![back, told]] {
        let doing = after(files).await;
        let open = doing.model.findings.iter().filter(|(_, (_, open))| *open);
        let codes: Vec<&str> = open.map(|(finding, _)| finding.code.as_str()).collect();
        assert_eq!(codes, Vec::<&str>::new());
    }
}
