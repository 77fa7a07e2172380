//! A reservation that is told as an event is no commissioning, wherever that document goes.

use domain::ledger::Bucket;

use crate::bench::{Bench, commission, document, serials};

#[tokio::test]
async fn i4_a_reservation_told_as_an_event_commissions_nothing() {
    let bench = Bench::start().await;
    for quantity in [5, 1_001] {
        let allocation = bench.reserve(&format!("R{quantity}"), "L1", quantity).await;
        let report = bench.send("L1", &store::reservation_event::document(&allocation)).await;
        assert_eq!(report.lines(), [""; 0]);
        assert_eq!((report.unmatched, report.provisional), (0, 0));
        let outstanding = bench.count(&allocation, Bucket::Outstanding).await;
        assert_eq!(outstanding, quantity);
        // Its numbers are commissioned as ever afterwards.
        let epcs = serials(allocation.start, allocation.start + 4);
        bench.send("L1", &document(&[commission(epcs)])).await;
        assert_eq!(bench.count(&allocation, Bucket::Commissioned).await, 5);
    }
}
