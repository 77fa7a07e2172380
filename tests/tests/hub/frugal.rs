//! What the hub asks of AWS, operation by operation: the real handlers over a real table and the local
//! cloud's buckets and queues, every call counted. The outcome is `infra/costs.md`, which
//! `UPDATE_SNAPSHOT=1` writes again.

#![expect(
    clippy::float_arithmetic,
    clippy::large_futures,
    reason = "units of capacity are fractions, and a test may keep its futures on the stack"
)]

mod bench;
mod costs;
mod files;
mod idle;
mod operations;

use std::path::Path;

use bench::Bench;
use costs::Costs;

/// The table, relative to the repository.
const TABLE: &str = "infra/costs.md";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_costs_what_the_table_says() {
    let bench = Bench::start().await;
    let mut costs = Costs::default();
    operations::measure(&bench, &mut costs).await;
    files::measure(&bench, &mut costs).await;
    idle::measure(&bench, &mut costs).await;
    bench.stop().await;
    let found = costs.to_markdown();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(TABLE);
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let changed = costs::differences(&kept, &found);
    assert!(changed.is_empty(), "UPDATE_SNAPSHOT=1 writes {TABLE} again:\n{}", changed.join("\n"));
}
