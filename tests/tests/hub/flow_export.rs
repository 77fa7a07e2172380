//! Exports that are written in the background: once, whole, and whoever dies meanwhile.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use pharmatrace::api::Answer;
use pharmatrace::system;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::flow_inbound::sha256;
use crate::flow_kit::{ALLOCATIONS, GTIN, Hub, NOW, POOLS, problem, text};
use crate::flow_reserve::serving;

mod cuts;

/// A system that asks for its numbers.
const ASKS: &str = "asks";
/// Rows of the file whose writer is killed.
const ROWS: u64 = 10_000_000;
/// How often a writer is killed until one is killed in the middle.
const KILLS_MAX: u32 = 3;
/// Rows of the compressed file, and of the one that is dropped.
const FEWER_ROWS: u64 = 200_000;
const PATIENCE: Duration = Duration::from_mins(3);
/// Memory that the writer may take, KiB.
const MEMORY_KIB_MAX: u64 = 64 * 1024;

/// A hub with an allocation, and its S3.
struct Exports {
    hub: Hub,
    s3: aws_sdk_s3::Client,
}

impl Exports {
    async fn start() -> Self {
        let hub = Hub::start().await;
        let pool = json!({
            "name": "large", "encoding": "SGTIN", "gtin": GTIN, "company_prefix_length": 7,
            "scheme": "sequential", "width": 12, "from": "0", "to": "999999999",
            "max_request": 100_000_000, "threshold": 0,
        });
        assert_eq!(hub.api.post(POOLS, &pool).await.unwrap().status, 201);
        // One whose lines ask for their numbers: nothing is dropped for it.
        let asks =
            system::Request { id: ASKS.to_owned(), kind: "sap".to_owned(), line_glns: vec![] };
        system::create(&hub.store, &asks, NOW).await.unwrap();
        let s3 = hub.cloud.hub.s3().await.unwrap();
        Self { hub, s3 }
    }

    /// The id and the first number of a new allocation.
    async fn reserve(&self, request: &str, quantity: u64) -> (String, u64) {
        self.reserve_for(ASKS, request, quantity).await
    }

    async fn reserve_for(&self, system: &str, request: &str, quantity: u64) -> (String, u64) {
        let body = json!({
            "request_id": request, "gtin": GTIN, "quantity": quantity, "system_id": system,
        });
        let answer = self.hub.api.post(ALLOCATIONS, &body).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json());
        let answer = answer.json();
        let from = text(&answer["range"], "from");
        (text(&answer, "allocation_id"), from.parse().unwrap())
    }

    async fn ask(&self, id: &str, query: &str) -> Answer {
        self.hub.api.get(&format!("{ALLOCATIONS}/{id}/export?{query}")).await.unwrap()
    }

    /// Asks until the file is there, and shows each answer before to `seen`; gives the 303.
    async fn until_there(&self, id: &str, query: &str, mut seen: impl FnMut(&Value)) -> Answer {
        let started = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            let answer = self.ask(id, query).await;
            if answer.status == 303 {
                return answer;
            }
            assert_eq!(answer.status, 202, "{}", answer.json());
            seen(&answer.json());
            assert!(started.elapsed() < PATIENCE, "never written: {}", answer.json());
        }
    }

    async fn outbound(&self, key: &str) -> Option<Vec<u8>> {
        let bucket = &self.hub.cloud.hub.buckets.outbound;
        let object = self.s3.get_object().bucket(bucket).key(key).send().await.ok()?;
        Some(object.body.collect().await.unwrap().to_vec())
    }

    /// One version of the object was ever put, and no upload was left.
    async fn is_written_once(&self, key: &str) {
        let bucket = &self.hub.cloud.hub.buckets.outbound;
        let versions = self.s3.list_object_versions().bucket(bucket).prefix(key);
        let versions = versions.send().await.unwrap().versions.unwrap_or_default();
        let of_key = versions.iter().filter(|version| version.key() == Some(key)).count();
        assert_eq!(of_key, 1, "{key}");
        let uploads =
            self.s3.list_multipart_uploads().bucket(bucket).prefix(key).send().await.unwrap();
        assert_eq!(uploads.uploads.unwrap_or_default(), [], "{key}");
    }

    /// What the manifest of a file says, which must be true of its bytes.
    async fn manifest(&self, key: &str, bytes: &[u8]) -> Value {
        let manifest = self.outbound(&format!("{key}.manifest.json")).await.unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(text(&manifest, "sha256"), sha256(bytes), "{key}");
        manifest
    }

    /// The log lines of the writer with this message.
    async fn told(&self, message: &str) -> Vec<Value> {
        let logs = self.hub.cloud.logs().await.unwrap();
        let of_writer = logs.iter().filter(|event| event.group.ends_with("write-exports"));
        let lines = of_writer.filter_map(|event| serde_json::from_str(&event.message).ok());
        lines.filter(|line: &Value| line["message"] == message).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_files_are_written_once_in_the_background() {
    let exports = Exports::start().await;
    // A writer may be too quick to be killed in the middle.
    let mut went_on = false;
    for attempt in 0..KILLS_MAX {
        went_on =
            went_on || a_killed_writer_is_followed_by_one_that_goes_on(&exports, attempt).await;
    }
    assert!(went_on, "no writer was killed in the middle");
    a_compressed_file_is_the_same_file(&exports).await;
    a_system_that_takes_files_gets_a_large_one(&exports).await;
    a_job_that_was_given_up_is_told(&exports).await;
    cuts::a_crash_at_any_call_is_healed(&exports).await;
    cuts::a_file_that_another_release_began_is_begun_anew(&exports).await;
    cuts::what_an_invocation_cannot_finish_is_handed_on(&exports).await;
    let audit = pharmatrace::audit::quiet(&exports.hub.cloud.hub).await.unwrap();
    assert_eq!(audit.breaches, []);
    exports.hub.stop().await;
}

/// The hash of a bare file, computed from nothing but its definition.
fn hash_of_bare(first: u64, rows: u64) -> String {
    let (mut hash, mut text) = (Sha256::new(), String::new());
    for index in first..first + rows {
        write!(text, "{index:012}\r\n").unwrap();
        if text.len() > 1_000_000 {
            hash.update(&text);
            text.clear();
        }
    }
    hash.update(&text);
    HEXLOWER.encode(&hash.finalize())
}

/// Whether one was killed in the middle; what it wrote is right in any case.
async fn a_killed_writer_is_followed_by_one_that_goes_on(exports: &Exports, attempt: u32) -> bool {
    let (id, first) = exports.reserve(&format!("killed-{attempt}"), ROWS).await;
    let query = "profile=bare&format=csv";
    let asked = exports.ask(&id, query).await;
    assert_eq!(asked.status, 202, "{}", asked.json());
    let own = format!("{ALLOCATIONS}/{id}/export?format=csv&profile=bare");
    assert_eq!(asked.header("location"), Some(own.as_str()));
    assert!(asked.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!((&asked.json()["rows"], &asked.json()["row_count"]), (&json!(0), &json!(ROWS)));
    let mut killed = BTreeSet::new();
    let mut rows = Vec::new();
    let port = exports.hub.port();
    let there = exports.until_there(&id, query, |view| {
        rows.push(view["rows"].as_u64().unwrap());
        if view["rows"] != 0 && killed.is_empty() {
            killed = serving(port, "write-exports");
            for process in &killed {
                let kill = ["-KILL", &process.to_string()];
                assert!(std::process::Command::new("kill").args(kill).status().unwrap().success());
            }
        }
    });
    let there = there.await;
    assert!(rows.is_sorted(), "nothing is written twice: {rows:?}");
    let bytes =
        exports.hub.api.get_presigned(there.header("location").unwrap()).await.unwrap().body;
    assert_eq!(sha256(&bytes), hash_of_bare(first, ROWS));
    let key = text(&there.json(), "key");
    assert_eq!(exports.manifest(&key, &bytes).await["row_count"], ROWS);
    exports.is_written_once(&key).await;
    let own = |line: &&Value| line["allocation.id"] == *id;
    let written = exports.told("export written").await;
    let written = written.iter().find(own).unwrap();
    let memory = written["vm_hwm_kib"].as_u64().unwrap();
    assert!(memory <= MEMORY_KIB_MAX, "{memory} KiB");
    let went_on = exports.told("goes on").await;
    let Some(went_on) = went_on.iter().rfind(own).filter(|_| !killed.is_empty()) else {
        eprintln!("not killed in the middle: {rows:?}");
        return false;
    };
    let row = went_on["row"].as_u64().unwrap();
    assert!(row > 0 && row < ROWS, "{went_on}");
    eprintln!("went on from row {row}; {written}");
    true
}

async fn a_compressed_file_is_the_same_file(exports: &Exports) {
    let (id, first) = exports.reserve("gzip", FEWER_ROWS).await;
    let there = exports.until_there(&id, "gzip=true", |_| {}).await;
    let bytes =
        exports.hub.api.get_presigned(there.header("location").unwrap()).await.unwrap().body;
    let key = text(&there.json(), "key");
    assert!(key.ends_with(&format!("{id}.full.csv.gz")));
    exports.manifest(&key, &bytes).await;
    exports.is_written_once(&key).await;
    let mut csv = String::new();
    flate2::read::MultiGzDecoder::new(&*bytes).read_to_string(&mut csv).unwrap();
    let mut rows = csv.split_terminator("\r\n").skip(1);
    for index in first..first + FEWER_ROWS {
        let serial =
            format!("\"{GTIN}\",\"{index:012}\",\"urn:epc:id:sgtin:0313000.000777.{index:012}\",");
        assert!(rows.next().unwrap().starts_with(&serial), "{index}");
    }
    assert_eq!(rows.next(), None);
    // A small one is an answer, compressed as well.
    let small = exports.ask(&id, "gzip=true&profile=range").await;
    assert_eq!((small.status, small.header("content-type")), (200, Some("application/gzip")));
    let mut csv = String::new();
    flate2::read::MultiGzDecoder::new(&*small.body).read_to_string(&mut csv).unwrap();
    assert_eq!(csv.lines().count(), 2);
}

async fn a_system_that_takes_files_gets_a_large_one(exports: &Exports) {
    exports.hub.credential("L2", &["allocations:read"], &[]).await;
    let (id, first) = exports.reserve_for("L2", "dropped", FEWER_ROWS).await;
    let key = format!("outbound/L2/{id}.full.csv");
    let started = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    while exports.outbound(&format!("{key}.manifest.json")).await.is_none() {
        tick.tick().await;
        assert!(started.elapsed() < PATIENCE, "{key} was never dropped");
    }
    let csv = exports.outbound(&key).await.unwrap();
    assert_eq!(exports.manifest(&key, &csv).await["row_count"], FEWER_ROWS);
    let last = format!("\"{:012}\"", first + FEWER_ROWS - 1);
    assert!(
        String::from_utf8(csv).unwrap().trim_end().rsplit('\n').next().unwrap().contains(&last)
    );
    exports.is_written_once(&key).await;
}

async fn a_job_that_was_given_up_is_told(exports: &Exports) {
    use store::export_job::{ExportJob, ExportState};
    let (id, _) = exports.reserve("failed", FEWER_ROWS).await;
    let now = pharmatrace::wiring::now();
    let mut job = ExportJob::new(&id.parse().unwrap(), "full.json", now);
    job.end(ExportState::Failed, now);
    exports.hub.store.export_put(&mut job).await.unwrap();
    let answer = exports.ask(&id, "format=json").await;
    assert_eq!((answer.status, problem(&answer.json()).as_str()), (409, "export-failed"));
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() > 500);
    assert!(text(&answer.json(), "retry_at") > text(&answer.json(), "failed_at"));
    // Another file of the same numbers is another job.
    assert_eq!(exports.until_there(&id, "format=csv", |_| {}).await.status, 303);
}
