//! Schemathesis plays our own OpenAPI document against the local cloud: no 5xx, no answer that the document
//! does not describe, with and without credentials (I8, I12).
//!
//! It is deterministic: a seed, no memory of former runs, a bounded number of cases.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use pharmatrace::local::SYSTEM;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::flow_kit::{ALLOCATIONS, GTIN, Hub, LINE, OTHER_LINE, reservation, text};
use crate::flow_plant::{commissioning, drop_file, settled, sha256};
use crate::openapi_views::{beyond, closed, document, pages, strict};
use crate::tidy_kit::{read, root};

const REQUIREMENTS: &str = "infra/local/schemathesis.txt";
/// What an answer must be, whoever asks.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// A GTIN that no pool serves.
const OTHER_GTIN: &str = "00313000007789";

/// One run of the tool.
struct Play {
    name: &'static str,
    document: Value,
    header: Option<String>,
    checks: String,
    phases: &'static str,
    mode: &'static str,
    cases: u32,
}

/// The tool in a virtual environment of its own, installed again only when its pins changed.
async fn tool() -> PathBuf {
    let folder = root().join("target/schemathesis");
    let (stamp, program) = (folder.join("installed.txt"), folder.join("bin/st"));
    let wanted = read(REQUIREMENTS);
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return program;
    }
    let run = async |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let at = folder.display().to_string();
    run(Path::new("python3"), &["-m", "venv", "--clear", &at]).await;
    let requirements = root().join(REQUIREMENTS).display().to_string();
    let quiet =
        ["install", "--quiet", "--no-input", "--disable-pip-version-check", "--requirement"];
    run(&folder.join("bin/pip"), &[&quiet[..], &[requirements.as_str()]].concat()).await;
    std::fs::write(stamp, wanted).unwrap();
    program
}

impl Play {
    /// A run that asks only whether the answers are described.
    fn reading(name: &'static str, document: Value, header: Option<String>) -> Self {
        let checks = CHECKS.to_owned();
        let phases = "examples,fuzzing";
        Self { name, document, header, checks, phases, mode: "all", cases: 4 }
    }

    /// A run before a closed door. What has not the form of a path of ours is nowhere, for everybody, so
    /// only well-formed requests are sent.
    fn closed(name: &'static str, document: Value, header: Option<String>) -> Self {
        Self { mode: "positive", ..Self::reading(name, document, header) }
    }

    async fn run(&self, hub: &Hub, tool: &Path) {
        let folder = root().join("target/tmp/schemathesis").join(self.name);
        std::fs::create_dir_all(&folder).unwrap();
        let (document, config) = (folder.join("openapi.json"), folder.join("schemathesis.toml"));
        std::fs::write(&document, self.document.to_string()).unwrap();
        std::fs::write(&config, CONFIG).unwrap();
        let mut command = Command::new(tool);
        command
            .current_dir(&folder)
            .arg("--config-file")
            .arg(&config)
            .arg("run")
            .arg(&document)
            .args(["--url", &hub.cloud.hub.api_url, "--checks", &self.checks])
            .args([
                "--mode",
                self.mode,
                "--phases",
                self.phases,
                "--max-examples",
                &self.cases.to_string(),
            ])
            .args(["--seed", "2026", "--generation-deterministic"])
            .args(["--workers", "1", "--request-timeout", "30", "--no-color", "--no-shrink"])
            .args(["--continue-on-failure", "--max-redirects", "0"]);
        if let Some(header) = &self.header {
            command.args(["--header", header]);
        }
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        std::fs::write(folder.join("output.txt"), said.as_bytes()).unwrap();
        let end = said.rfind("SUMMARY").map_or("", |at| &said[at..]);
        eprintln!("{}: {end}", self.name);
        assert!(output.status.success(), "{}: {said}", self.name);
    }
}

/// Settings that are no options.
const CONFIG: &str = "
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 423, 429]
";

/// What is in the hub, so that calls meet something.
async fn fill(hub: &Hub) -> Vec<(&'static str, Vec<String>)> {
    let pool = hub.pool().await;
    hub.credential("line-1", &["allocations:write"], &[]).await;
    let mut body = reservation("R1", 100);
    body["line_gln"] = LINE.into();
    let first = hub.api.post(ALLOCATIONS, &body).await.unwrap().json();
    let second = hub.api.post(ALLOCATIONS, &reservation("R2", 5)).await.unwrap().json();
    // One serial beyond what is reserved, so that there is a finding.
    let bytes = commissioning(50, 60);
    let objects = hub.cloud.hub.objects().await.unwrap();
    drop_file(&objects, "run.xml", &bytes).await;
    let report = settled(&hub.api, &sha256(&bytes), 1).await;
    let beat = json!({
        "line_gln": LINE, "ts": "2026-11-03T10:00:00Z", "seq": 1, "state": "EXECUTE",
        "consumed": 5, "processed": 5, "defective": 0
    });
    let heard = hub.api.post("/api/v1/plant-floor/telemetry", &beat).await.unwrap();
    assert!([202, 422].contains(&heard.status), "{}", heard.json());
    let finding = text(&report["findings"][0], "id");
    let id = |allocation: &Value| text(allocation, "allocation_id");
    vec![
        ("PoolId", vec![pool]),
        ("AllocationId", vec![id(&first), id(&second)]),
        ("Sha256", vec![sha256(&bytes)]),
        ("FindingId", vec![finding]),
        ("Gtin", vec![GTIN.to_owned(), OTHER_GTIN.to_owned()]),
        ("Gln", vec![LINE.to_owned(), OTHER_LINE.to_owned()]),
        ("SystemId", vec![SYSTEM.to_owned(), "line-1".to_owned()]),
        ("Index", vec!["5000000".to_owned(), "5000999".to_owned(), "6000000".to_owned()]),
        ("RequestId", vec!["R1".to_owned(), "R9".to_owned()]),
        ("Date", vec!["2026-11-01".to_owned(), "2028-10-31".to_owned()]),
    ]
}

/// The cookie of a browser that has signed in.
async fn session(hub: &Hub, token: &str) -> String {
    let request = Request::post(format!("{}/operations/sign-in", hub.cloud.hub.api_url))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(format!("token={token}&next="))));
    let answer = hub.api.send("sign-in", request.unwrap()).await.unwrap();
    assert_eq!(answer.status, 303);
    let cookie = answer.header("set-cookie").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_answered_as_the_document_does_not_say_with_and_without_credentials() {
    let tool = tool().await;
    let hub = Hub::start().await;
    let served = hub.api.get("/openapi.json").await.unwrap();
    assert_eq!((served.status, served.json()), (200, document()), "what is served is the document");
    let known = fill(&hub).await;
    let token = hub.cloud.hub.credential.clone().unwrap().token;
    let cookie = session(&hub, &token).await;
    let strange = hub.credential("line-1", &["telemetry:write"], &[]).await.token;
    let said = strict(document(), &known);
    let (api, people) = (pages(said.clone(), false), pages(said, true));
    let judging = "negative_data_rejection,missing_required_header,unsupported_method,\
                   allow_header_conformance";
    let plays = [
        Play {
            name: "operator",
            document: api.clone(),
            header: Some(format!("Authorization: Bearer {token}")),
            checks: format!("{CHECKS},{judging}"),
            phases: "examples,coverage,fuzzing,stateful",
            mode: "all",
            cases: 20,
        },
        Play::reading("visitor", people.clone(), Some(format!("Cookie: {cookie}"))),
        Play::closed("nobody", closed(api.clone(), "401"), None),
        Play::closed("no-visitor", closed(people, "303"), None),
        Play::closed(
            "other-scope",
            closed(beyond(api, "telemetry:write"), "403"),
            Some(format!("Authorization: Bearer {strange}")),
        ),
    ];
    for play in &plays {
        play.run(&hub, &tool).await;
    }
    // Whatever was made on the way, the books are right.
    let audit = hub.store.audit().await.unwrap();
    assert_eq!(audit.breaches, []);
    assert!(audit.numbers > 105, "the runs reserved nothing");
    hub.stop().await;
}
