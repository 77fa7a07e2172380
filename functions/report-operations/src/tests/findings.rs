//! What people do about findings, over HTTP.

use domain::finding::{Code, Subject};
use edge::{AuthorizerContext, HttpEvent, TenantProfile};
use serde_json::{Value, json};
use store::finding::FindingRecord;
use store::meter::Meter;

use super::{Bench, FINDINGS, at, bench, bench_of, bound, context, sha, slug, system};

const CASES: &str = "/api/v1/findings";

/// The id of the only finding of `sender` in the n-th document.
fn id_of(n: u8, sender: &str) -> String {
    let code = if sender == "L1" { Code::NotReserved } else { Code::MissingLot };
    let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
    subject.id(&sha(n), sender)
}

fn path_of(n: u8, sender: &str, verb: &str) -> String {
    let tail = if verb.is_empty() { String::new() } else { format!("/{verb}") };
    format!("{CASES}/{}{tail}", id_of(n, sender))
}

fn writer() -> AuthorizerContext {
    AuthorizerContext { credential: "c7".into(), ..context("findings:write reports:read") }
}

impl Bench {
    async fn post(&self, path: &str, body: &Value, by: &AuthorizerContext) -> (u16, Value) {
        self.send(HttpEvent::new("POST", path).json(body).caller(by)).await
    }

    async fn get(&self, path: &str, by: &AuthorizerContext) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        self.send(HttpEvent::get(path).query(query).caller(by)).await
    }

    /// A further finding of `L1` in the first document.
    async fn found(&self, code: Code, count: u64) -> String {
        let subject = Subject { code, provisional: false, allocation_id: None, gtin: None };
        let record = FindingRecord {
            content_sha256: sha(1),
            system_id: system("L1"),
            at: at(1),
            finding: subject.finding((&sha(1), "L1"), count),
        };
        self.store.finding_put(&record, &Meter::default()).await.unwrap();
        record.finding.id
    }
}

#[tokio::test]
async fn a_finding_is_acknowledged_assigned_commented_and_resolved_with_its_history() {
    let (bench, writer) = (bench().await, writer());
    for (verb, body, status, assignee) in [
        ("acknowledge", json!({"reason": "I look after it"}), "acknowledged", Value::Null),
        ("assign", json!({"assignee": "ada", "reason": "she knows"}), "acknowledged", json!("ada")),
        ("comment", json!({"text": "line 3\nagain"}), "acknowledged", json!("ada")),
        ("resolve", json!({"reason": "labels destroyed"}), "resolved", json!("ada")),
        ("comment", json!({"text": "for the record"}), "resolved", json!("ada")),
    ] {
        let path = path_of(1, "L1", verb);
        let (code, view) = bench.post(&path, &body, &writer).await;
        assert_eq!(code, 200, "{verb} {view}");
        assert_eq!((&view["status"], &view["assignee"]), (&json!(status), &assignee), "{verb}");
        assert_eq!(bench.post(&path, &body, &writer).await, (200, view.clone()), "twice {verb}");
        assert_eq!(bench.get(&path_of(1, "L1", ""), &writer).await, (200, view));
    }
    let (_, view) = bench.get(&path_of(1, "L1", ""), &writer).await;
    let history: Vec<String> = view["history"].as_array().unwrap().iter().map(line).collect();
    let expected = [
        "L1/c7 acknowledge \"open\">\"acknowledged\" \"I look after it\"",
        "L1/c7 assign null>\"ada\" \"she knows\"",
        "L1/c7 comment null>null \"line 3\\nagain\"",
        "L1/c7 resolve \"acknowledged\">\"resolved\" \"labels destroyed\"",
        "L1/c7 comment null>null \"for the record\"",
    ];
    assert_eq!(history, expected);
    assert_eq!((&view["comments"], &view["reason"]), (&json!(2), &json!("labels destroyed")));
    assert_eq!(view["changed_at"], "2026-11-23T10:00:00.000Z");
    assert_eq!((&view["at"], &view["content_sha256"]), (&json!(at(1)), &json!(sha(1))));
}

fn line(change: &Value) -> String {
    let word = |name: &str| change[name].as_str().unwrap();
    let (before, after, reason) = (&change["before"], &change["after"], &change["reason"]);
    format!("{} {} {before}>{after} {reason}", word("actor"), word("action"))
}

#[tokio::test]
async fn what_the_state_of_a_finding_forbids_is_409() {
    let (bench, writer) = (bench().await, writer());
    let reason = |text: &str| json!({ "reason": text });
    for (verb, body, expected) in [
        ("acknowledge", reason("mine"), 200),
        ("acknowledge", reason("hers"), 409),
        ("resolve", reason("done"), 200),
        ("resolve", reason("void"), 409),
        ("acknowledge", reason("mine"), 409),
        ("assign", json!({"assignee": "ada"}), 409),
        ("assign", json!({"assignee": null}), 200),
    ] {
        let (status, view) = bench.post(&path_of(1, "L1", verb), &body, &writer).await;
        assert_eq!(status, expected, "{verb} {body} {view}");
        if expected == 409 {
            assert_eq!(slug(&view), "finding-state");
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_change_are_400_and_nothing_is_changed() {
    let (bench, writer) = (bench().await, writer());
    for (verb, body, pointer) in [
        ("acknowledge", json!({}), "/reason"),
        ("acknowledge", json!({"reason": ""}), "/reason"),
        ("acknowledge", json!({"reason": " \n"}), "/reason"),
        ("acknowledge", json!({"reason": "a\u{0}"}), "/reason"),
        ("acknowledge", json!({"reason": "é".repeat(1_001)}), "/reason"),
        ("acknowledge", json!({"reason": "x", "assignee": "ada"}), "/assignee"),
        ("resolve", json!({"reason": null}), "/reason"),
        ("resolve", json!({"reason": "é".repeat(1_001)}), "/reason"),
        ("assign", json!({}), "/assignee"),
        ("assign", json!({"assignee": ""}), "/assignee"),
        ("assign", json!({"assignee": "a\nb"}), "/assignee"),
        ("assign", json!({"assignee": "é".repeat(65)}), "/assignee"),
        ("assign", json!({"assignee": "ada", "reason": ""}), "/reason"),
        ("comment", json!({"text": ""}), "/text"),
        ("comment", json!({"text": "é".repeat(1_001)}), "/text"),
        ("comment", json!({"reason": "x"}), "/reason"),
    ] {
        let (status, view) = bench.post(&path_of(1, "L1", verb), &body, &writer).await;
        assert_eq!((status, slug(&view)), (400, "validation"), "{verb} {body}");
        assert_eq!(view["violations"][0]["pointer"], pointer, "{verb} {body} {view}");
    }
    let path = path_of(1, "L1", "comment");
    let longest = json!({ "text": "é".repeat(1_000) });
    assert_eq!(bench.post(&path, &longest, &writer).await.0, 200);
    let text = HttpEvent::new("POST", &path).body("text").caller(&writer);
    assert_eq!(bench.send(text).await.0, 415);
    assert_eq!(bench.get(&path, &writer).await.0, 405);
    let (_, view) = bench.get(&path_of(1, "L1", ""), &writer).await;
    assert_eq!(view["history"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn i8_a_line_sees_and_changes_its_own_systems_findings_only() {
    let bench = bench().await;
    let line = bound("findings:write documents:read", "L2");
    let bodies = [
        ("acknowledge", json!({"reason": "x"})),
        ("assign", json!({"assignee": "x"})),
        ("comment", json!({"text": "x"})),
        ("resolve", json!({"reason": "x"})),
    ];
    let unknown = format!("{CASES}/{}", "a".repeat(26));
    for (verb, body) in &bodies {
        let own = bench.post(&path_of(3, "L2", verb), body, &line).await;
        assert_eq!(own.0, 200, "{verb} {own:?}");
        for foreign in [path_of(3, "L1", verb), format!("{unknown}/{verb}")] {
            let (status, view) = bench.post(&foreign, body, &line).await;
            assert_eq!((status, slug(&view)), (404, "not-found"), "{foreign}");
        }
    }
    assert_eq!(bench.get(&path_of(3, "L2", ""), &line).await.0, 200);
    for foreign in [path_of(3, "L1", ""), path_of(1, "L1", "export?format=pdg"), unknown] {
        let (status, view) = bench.get(&foreign, &line).await;
        assert_eq!((status, slug(&view)), (404, "not-found"), "{foreign}");
    }
    for (query, expected) in [("", 2), ("system_id=L2", 2), ("system_id=L1", 0), ("system=L1", 0)] {
        let listed = bench.list(CASES, query, &line, "system_id").await;
        assert_eq!(listed, vec!["L2"; expected], "{query}");
    }
}

#[tokio::test]
async fn i8_each_route_refuses_callers_without_its_scope_and_other_profiles() {
    let bench = bench().await;
    let dispenser = bench_of(TenantProfile::Dispenser).await;
    let reads = [
        CASES.to_owned(),
        path_of(1, "L1", ""),
        path_of(1, "L1", "export?format=pdg&email=a@example.com"),
    ];
    let writes = [
        ("acknowledge", json!({"reason": "x"})),
        ("resolve", json!({"reason": "x"})),
        ("assign", json!({"assignee": null})),
        ("comment", json!({"text": "x"})),
    ];
    for path in &reads {
        for scope in ["documents:read", "reports:read", "operator"] {
            assert_eq!(bench.get(path, &context(scope)).await.0, 200, "{path} {scope}");
        }
        let (status, view) = bench.get(path, &context("findings:write")).await;
        assert_eq!((status, slug(&view)), (403, "forbidden"), "{path}");
        let (status, view) = dispenser.get(path, &context("operator")).await;
        assert_eq!((status, slug(&view)), (403, "capability-not-enabled"), "{path}");
        let anonymous = AuthorizerContext::default();
        assert_eq!(bench.get(path, &anonymous).await.0, 401, "{path}");
    }
    for (verb, body) in &writes {
        let path = path_of(1, "L1", verb);
        let readers = context("documents:read reports:read pools:write allocations:write");
        let (status, view) = bench.post(&path, body, &readers).await;
        assert_eq!((status, slug(&view)), (403, "forbidden"), "{path}");
        let (status, view) = dispenser.post(&path, body, &context("operator")).await;
        assert_eq!((status, slug(&view)), (403, "capability-not-enabled"), "{path}");
        assert_eq!(bench.post(&path, body, &AuthorizerContext::default()).await.0, 401);
    }
    let (_, view) = bench.get(&path_of(1, "L1", ""), &context("operator")).await;
    assert_eq!((&view["status"], &view["history"]), (&json!("open"), &json!([])));
}

#[tokio::test]
async fn the_list_has_two_addresses_and_filters_by_what_was_done() {
    let (bench, writer) = (bench().await, writer());
    bench.post(&path_of(1, "L1", "acknowledge"), &json!({"reason": "x"}), &writer).await;
    bench.post(&path_of(1, "L1", "assign"), &json!({"assignee": "ada"}), &writer).await;
    bench.post(&path_of(2, "L2", "resolve"), &json!({"reason": "x"}), &writer).await;
    for (query, expected) in [
        ("", vec![3, 3, 2, 1]),
        ("status=open", vec![3, 3]),
        ("status=acknowledged", vec![1]),
        ("status=resolved", vec![2]),
        ("assignee=ada", vec![1]),
        ("assignee=bob", vec![]),
        ("system_id=L2", vec![3, 2]),
        ("system=L2&status=open", vec![3]),
        ("status=open&since=2026-11-23T04:00:00Z", vec![]),
        ("gtin=00313000007772", vec![]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(sha).collect();
        for address in [CASES, FINDINGS] {
            let found = bench.list(address, query, &writer, "content_sha256").await;
            assert_eq!(found, expected, "{address}?{query}");
        }
    }
    for path in [CASES.to_owned(), format!("{CASES}?limit=1&status=open")] {
        let (_, first) = bench.get(&path, &writer).await;
        let (_, second) = bench.get(&path.replace("v1/", "v1/l3/"), &writer).await;
        assert_eq!(first, second, "{path}");
    }
    for query in ["assignee=", "assignee=a%00", "system_id=a%2Fb", "status=done", "order=up"] {
        let (status, view) = bench.get(&format!("{CASES}?{query}"), &writer).await;
        assert_eq!((status, slug(&view)), (400, "validation"), "{query}");
    }
}

#[tokio::test]
async fn ids_that_are_none_are_404_and_other_methods_405() {
    let (bench, writer) = (bench().await, writer());
    let id = id_of(1, "L1");
    let bad = ["x".to_owned(), id.to_uppercase(), format!("{id}a"), "..%2Fx".into(), "%00".into()];
    for id in bad {
        for tail in ["", "/acknowledge", "/export"] {
            let path = format!("{CASES}/{id}{tail}");
            let body = json!({ "reason": "x" });
            let (status, view) = match tail {
                "/acknowledge" => bench.post(&path, &body, &writer).await,
                "/export" => bench.get(&format!("{path}?format=pdg"), &writer).await,
                _ => bench.get(&path, &writer).await,
            };
            assert_eq!((status, slug(&view)), (404, "not-found"), "{path}");
        }
    }
    let (status, view) = bench.post(&path_of(1, "L1", ""), &json!({}), &writer).await;
    assert_eq!((status, slug(&view)), (405, "method-not-allowed"));
}

#[tokio::test]
async fn an_export_needs_a_format_somebody_to_answer_and_a_code_that_partners_know() {
    let (bench, writer) = (bench().await, writer());
    let export = path_of(1, "L1", "export");
    for (query, status, kind) in [
        ("", 400, "validation"),
        ("?format=xml", 400, "validation"),
        ("?format=pdg&email=", 400, "validation"),
        ("?format=pdg&email=a@b&po_number=%00", 400, "validation"),
        ("?format=pdg&mail=a@b", 400, "validation"),
        ("?format=pdg", 422, "validation"),
    ] {
        let (code, view) = bench.get(&format!("{export}{query}"), &writer).await;
        assert_eq!((code, slug(&view)), (status, kind), "{query}");
    }
    let by = "?format=pdg&email=quality@example.com&phone=%2B1-555&po_number=4711";
    let (code, report) = bench.get(&format!("{export}{by}"), &writer).await;
    assert_eq!(code, 200, "{report}");
    let sender = json!({"email": "quality@example.com", "phone": "+1-555"});
    assert_eq!((&report["sender_information"], &report["po_number"]), (&sender, &json!("4711")));
    for code in [Code::InternalGap, Code::DuplicateTransmission, Code::FindingsTruncated] {
        let id = bench.found(code, 3).await;
        let (status, view) = bench.get(&format!("{CASES}/{id}/export{by}"), &writer).await;
        assert_eq!((status, slug(&view)), (422, "not-exportable"), "{code:?}");
    }
}

#[tokio::test]
async fn sample_events_of_findings_are_answered() {
    let bench = bench().await;
    for event in [
        include_str!("../../../../events/report-operations/show-finding.json"),
        include_str!("../../../../events/report-operations/acknowledge-finding.json"),
        include_str!("../../../../events/report-operations/export-finding.json"),
    ] {
        let request = edge::event::request_of_json(event).unwrap();
        assert_eq!(bench.door.handle(request).await.status().as_u16(), 200);
    }
}
