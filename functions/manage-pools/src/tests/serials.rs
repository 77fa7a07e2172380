//! Numbers that are imported over the API.

use super::{Bench, POOLS, bench, context, slug, with};
use edge::HttpEvent;
use serde_json::{Value, json};

fn list_draft() -> Value {
    json!({
        "name": "from the owner of the licence", "gtin": "00313000007772",
        "company_prefix_length": 7, "scheme": "list"
    })
}

impl Bench {
    async fn list(&self) -> String {
        let (status, pool) = self.operator("POST", POOLS, Some(&list_draft())).await;
        assert_eq!(
            (status, &pool["scheme"], &pool["remaining"]),
            (201, &json!("list"), &json!("0"))
        );
        assert_eq!((&pool["from"], &pool["to"]), (&json!("1"), &json!("0")));
        format!("{POOLS}/{}/serials", pool["id"].as_str().unwrap())
    }

    async fn import(&self, path: &str, text: &str) -> (u16, Value) {
        let event = HttpEvent::new("POST", path).caller(&context("operator"));
        let event = event.header("content-type", "text/csv; charset=utf-8").body(text);
        self.send(&event).await
    }
}

#[tokio::test]
async fn a_file_is_imported_once_and_listed() {
    let bench = bench().await;
    let path = bench.list().await;
    let text = "SerialNumber,CryptoKey,CryptoCode\r\nA/1,k,c+/=\r\n007,,\r\n";
    let (status, answer) = bench.import(&path, text).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!((&answer["remaining"], &answer["import"]["count"]), (&json!("2"), &json!(2)));
    let (again, same) = bench.import(&path, text).await;
    assert_eq!((again, &same), (200, &answer));
    let (status, list) = bench.operator("GET", &path, None).await;
    assert_eq!((status, list), (200, json!({"items": [answer["import"]], "next_cursor": null})));
    let (_, pool) = bench.operator("GET", path.strip_suffix("/serials").unwrap(), None).await;
    assert_eq!((&pool["to"], &pool["remaining"]), (&json!("2"), &json!("2")));
}

#[tokio::test]
async fn wrong_lines_are_told_with_their_numbers() {
    let bench = bench().await;
    let path = bench.list().await;
    let (status, answer) = bench.import(&path, "serial\nA\nA\na b\n").await;
    assert_eq!((status, slug(&answer), &answer["wrong_lines"]), (422, "validation", &json!(2)));
    let expected = json!([
        {"line": 3, "serial": "A", "reason": "it is in line 2 already"},
        {"line": 4, "serial": "a b", "reason": "the character ' ' is not in the GS1 character set 82"},
    ]);
    assert_eq!(answer["lines"], expected);
    let (status, answer) = bench.import(&path, "serial,lot\nA,1\n").await;
    assert_eq!((status, &answer["violations"][0]["pointer"]), (422, &json!("line 1")));
    assert_eq!(bench.import(&path, "serial\n").await.0, 422);
    let none = format!("{POOLS}/{}/serials", "B".repeat(26));
    assert_eq!(bench.import(&none, "serial\nA\n").await.0, 404);
    let json = bench.operator("POST", &path, Some(&json!({}))).await;
    assert_eq!((json.0, slug(&json.1)), (415, "unsupported-media-type"));
}

#[tokio::test]
async fn a_list_says_nothing_that_follows_from_its_imports() {
    let bench = bench().await;
    for (name, value, status) in [
        ("width", json!(12), 400),
        ("length", json!(12), 400),
        ("from", json!("1"), 400),
        ("to", json!("5"), 400),
        ("eu_rules", json!(true), 422),
        ("auto_extend", json!({"by": 5, "ceiling": "100"}), 422),
    ] {
        let body = with(list_draft(), name, value);
        let (found, answer) = bench.operator("POST", POOLS, Some(&body)).await;
        assert_eq!(found, status, "{name}: {answer}");
    }
    let path = bench.list().await;
    let pool = path.strip_suffix("/serials").unwrap();
    // I1: what the pool claims are its imported texts, which no change of its bounds may forget.
    assert_eq!(bench.import(&path, "serial\nA1\n").await.0, 201);
    for change in [json!({"to": "5"}), json!({"auto_extend": {"by": 5, "ceiling": "100"}})] {
        let (status, answer) = bench.operator("PATCH", pool, Some(&change)).await;
        assert_eq!(status, 422, "{answer}");
    }
    assert_eq!(bench.operator("PATCH", pool, Some(&json!({"threshold": 5}))).await.0, 200);
}
