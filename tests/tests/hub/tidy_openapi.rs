//! I12: the OpenAPI document, the routers, the template and the problems agree.

use std::collections::{BTreeMap, BTreeSet};

use edge::openapi::TEXT_FORMS;
use edge::{Clock, HttpEvent, ProblemKind, TenantProfile};
use serde_json::Value;

use crate::openapi_views::{document, routers};
use crate::tidy_kit::{Template, read, root};
use crate::tidy_routes::route;

const SNAPSHOT: &str = "infra/openapi.json";
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// The doors that need neither credential nor session.
const OPEN: [&str; 4] = [
    "GET /health",
    "GET /operations/icon.svg",
    "GET /operations/sign-in",
    "POST /operations/sign-in",
];

/// `METHOD path` of every operation and the function that says it.
fn operations(document: &Value) -> BTreeMap<String, (String, &Value)> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let function = operation["tags"][0].as_str().unwrap().to_owned();
            found.insert(format!("{} {path}", method.to_uppercase()), (function, operation));
        }
    }
    assert!(found.len() >= 16, "the document has only {} operations", found.len());
    found
}

#[test]
fn the_snapshot_is_what_the_functions_say() {
    let said = format!("{:#}\n", document());
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        std::fs::write(root().join(SNAPSHOT), &said).unwrap();
    }
    let kept = read(SNAPSHOT);
    let differing =
        said.lines().zip(kept.lines()).enumerate().find(|(_, (said, kept))| said != kept);
    assert!(
        said == kept,
        "{SNAPSHOT} is not what the functions say, first at {differing:?}; \
         UPDATE_SNAPSHOT=1 cargo test --profile local -p hub-tests tidy_openapi writes it again"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    let references: BTreeSet<&str> =
        text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() >= 50, "{references:?}");
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

/// The paths that a router was built with, as its debug form shows them.
fn paths(router: &axum::Router) -> BTreeSet<String> {
    let shown = format!("{router:?}");
    let paths: BTreeSet<String> = shown
        .split('"')
        .filter(|text| text.len() > 1 && text.starts_with('/') && !text.contains("__private"))
        .map(str::to_owned)
        .collect();
    assert!(!paths.is_empty(), "no path in {shown}");
    paths
}

#[tokio::test]
async fn the_routers_have_the_documented_operations_and_no_other() {
    let document = document();
    let documented: BTreeSet<(String, String)> = operations(&document)
        .into_iter()
        .map(|(operation, (function, _))| (function, operation))
        .collect();
    let mut served = BTreeSet::new();
    for (function, router) in routers() {
        let paths = paths(&router);
        let app = edge::app(router, TenantProfile::Manufacturer, Clock::system());
        for path in paths {
            let concrete = path.replace(['{', '}', '*'], "");
            for method in METHODS {
                let request = HttpEvent::new(method, &concrete).request().unwrap();
                let status = app.handle(request).await.status().as_u16();
                assert_ne!(status, 404, "{method} {path} of {function}");
                if status != 405 {
                    served.insert((function.to_owned(), format!("{method} {path}")));
                }
            }
        }
    }
    let silent: Vec<_> = served.difference(&documented).collect();
    let missing: Vec<_> = documented.difference(&served).collect();
    assert!(silent.is_empty() && missing.is_empty(), "silent: {silent:?}, missing: {missing:?}");
}

#[test]
fn the_gateway_brings_every_operation_to_its_function() {
    let document = document();
    let template = Template::read();
    let mut unused: BTreeSet<String> = template
        .all("AWS::ApiGatewayV2::Route")
        .into_iter()
        .map(|(_, route)| route["RouteKey"].as_str().unwrap().to_owned())
        .collect();
    for (operation, (function, _)) in operations(&document) {
        let (method, path) = operation.split_once(' ').unwrap();
        let (key, reached) = route(method, &path.replace(['{', '}'], ""));
        assert_eq!(reached, function, "{operation}");
        assert_ne!(key, "$default", "{operation} has no route of its own");
        unused.remove(key);
    }
    assert_eq!(unused, BTreeSet::from(["$default".to_owned()]), "routes without an operation");
}

/// The problem types of a response, by resolving its reference.
fn types_of(document: &Value, response: &Value) -> Vec<String> {
    let name = response["$ref"].as_str().unwrap_or_default();
    let name = name.strip_prefix("#/components/responses/").unwrap_or_default();
    let schema = &document["components"]["responses"][name]["content"]["application/problem+json"]
        ["schema"]["allOf"][1]["properties"];
    let types = schema["type"]["enum"].as_array().cloned().unwrap_or_default();
    types.iter().map(|uri| uri.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_operation_lists_its_credential_and_its_refusals() {
    let document = document();
    let known: BTreeSet<(u16, String)> =
        ProblemKind::ALL.iter().map(|kind| (kind.status().as_u16(), kind.type_uri())).collect();
    let mut named = BTreeSet::new();
    for (operation, (_, said)) in operations(&document) {
        let responses = said["responses"].as_object().unwrap();
        let open = OPEN.contains(&operation.as_str());
        assert_eq!(said["security"].as_array().is_none_or(Vec::is_empty), open, "{operation}");
        if operation.contains(" /operations") {
            pages_answer_pages(&operation, said);
            continue;
        }
        let mut needed = vec!["500"];
        if !open {
            needed.extend(["401", "403", "503"]);
        }
        if operation.contains('{') {
            needed.push("404");
        }
        if said["requestBody"].is_object() {
            needed.extend(["400", "413", "415"]);
        }
        for status in needed {
            assert!(responses.contains_key(status), "{operation} does not say {status}");
        }
        for (status, response) in responses {
            let status: u16 = status.parse().unwrap();
            if status < 400 {
                assert!(response["description"].is_string(), "{operation} {status}");
                continue;
            }
            let types = types_of(&document, response);
            assert!(!types.is_empty(), "{operation} {status} names no problem");
            for uri in types {
                assert!(known.contains(&(status, uri.clone())), "{operation}: {status} {uri}");
                named.insert((status, uri));
            }
        }
    }
    // The door itself says this one, where no operation is.
    let silent: Vec<_> = known.difference(&named).map(|(status, _)| *status).collect();
    assert_eq!(silent, [405], "problems that no operation names");
}

/// Pages answer HTML, their refusals included.
fn pages_answer_pages(operation: &str, said: &Value) {
    let session = serde_json::json!([{ "session": [] }]);
    assert!(said["security"].is_null() || said["security"] == session, "{operation}");
    for (status, response) in said["responses"].as_object().unwrap() {
        let kinds: Vec<&String> =
            response["content"].as_object().into_iter().flat_map(|all| all.keys()).collect();
        let page = match status.as_str() {
            "404" => kinds == ["application/problem+json", "text/html"],
            _ => kinds.is_empty() || kinds == ["text/html"] || kinds == ["image/svg+xml"],
        };
        assert!(page, "{operation} {status} {kinds:?}");
    }
}

#[test]
fn bodies_refuse_unknown_fields_and_every_text_and_number_has_a_limit() {
    let document = document();
    for (operation, (_, said)) in operations(&document) {
        if operation.contains(" /operations") {
            continue;
        }
        let content = &said["requestBody"]["content"]["application/json"];
        if said["requestBody"].is_null() {
            continue;
        }
        let text = &said["requestBody"]["content"]["text/csv"];
        if content.is_null() && !text.is_null() {
            assert!(text["schema"]["maxLength"].is_u64(), "{operation}: {text}");
            continue;
        }
        let mut bodies = vec![&content["schema"]];
        let mut examples = 0;
        while let Some(body) = bodies.pop() {
            let body = resolved(&document, body);
            if let Some(choices) = body["oneOf"].as_array() {
                bodies.extend(choices);
                continue;
            }
            if body["type"] == "array" {
                assert!(body["maxItems"].is_u64(), "{operation}: {body}");
                continue;
            }
            assert_eq!(body["additionalProperties"], false, "{operation}: {body}");
            let members = body["properties"].as_object().unwrap();
            for (name, member) in members {
                assert!(
                    is_bounded(&document, member),
                    "{operation}: {name} has no limit: {member}"
                );
            }
            let example = content["example"].as_object().unwrap();
            examples += i32::from(example.keys().all(|name| members.contains_key(name)));
        }
        assert!(examples > 0, "{operation}: its example has other members");
    }
}

/// What a reference leads to.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str();
    reference.map_or(schema, |reference| document.pointer(&reference[1..]).unwrap())
}

fn is_bounded(document: &Value, schema: &Value) -> bool {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().all(|choice| is_bounded(document, choice));
    }
    let kind = &schema["type"];
    let kinds = kind.as_array().map_or(std::slice::from_ref(kind), Vec::as_slice);
    let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
    !kinds.is_empty()
        && kinds.into_iter().all(|kind| match kind {
            "string" => {
                schema["maxLength"].is_u64()
                    || schema["enum"].is_array()
                    || schema["format"].is_string()
            }
            "integer" | "number" => schema["minimum"].is_number() || schema["maximum"].is_number(),
            "null" | "boolean" => true,
            "array" => schema["maxItems"].is_u64(),
            "object" => {
                let members = schema["properties"].as_object();
                schema["additionalProperties"] == false
                    && members.is_some_and(|members| {
                        members.values().all(|member| is_bounded(document, member))
                    })
            }
            _ => false,
        })
}

/// Whether the hub itself reads a text of this form; `None` for forms of answers only.
fn reads(form: &str, text: &str) -> Option<bool> {
    use domain::{gln, gtin, ids, serial};
    Some(match form {
        "Gtin" => has_form(&gtin::Gtin14::parse_padded(text)),
        "Gtin14" => has_form(&gtin::Gtin14::parse(text)),
        "CompanyPrefix" => domain::sscc::SsccPrefix::parse(text, 0).is_ok(),
        "Gln" => gln::Gln::parse(text) != Err(gln::GlnError::Form),
        "PoolId" => ids::PoolId::parse(text).is_ok(),
        "AllocationId" => ids::AllocationId::parse(text).is_ok(),
        "AuditActor" => store::audit_list::is_actor(text),
        "SystemId" => ids::SystemId::parse(text).is_ok(),
        "RequestId" => ids::RequestId::parse(text).is_ok(),
        "Lot" => serial::check_ai82(text).is_ok(),
        "Time" => {
            store::time::parse_rfc3339(text).is_some_and(|at| store::time::rfc3339_ms(at) == text)
        }
        _ => return None,
    })
}

/// The check digit is beyond what a pattern says.
fn has_form(read: &Result<domain::gtin::Gtin14, domain::gtin::GtinError>) -> bool {
    use domain::gtin::GtinError;
    !matches!(read, Err(GtinError::Length(_) | GtinError::NotDigits))
}

#[test]
fn forms_are_those_that_the_parsers_read() {
    let document = document();
    let samples = [
        "",
        "0",
        "00313000007772",
        "0313000007772",
        "313000007772",
        "0313000000018",
        "12345678",
        "123456789",
        "1234567890123456789012",
        "LOT42",
        "lot 42",
        "a\nb",
        "-x",
        ".x",
        "x.y_z-1",
        "é",
        "#",
        "a#b",
        "a/b",
        "K5XW6YTCOVZWKY3UNFXW4YLSMU",
        "k5xw6ytcovzwky3unfxw4ylsmu",
        "K5XW6YTCOVZWKY3UNFXW4YLSM1",
        "2026-11-23T07:40:00.000Z",
        "2026-11-23T07:40:00Z",
        "2026-11-23T07:40:00.000+00:00",
        "!\"%&'()*+,-./_:;<=>?",
        "$",
        "@",
        "A B",
        "00313000007773",
    ];
    let mut compared = 0;
    for (form, pattern) in TEXT_FORMS {
        let Some(schema) = document.pointer(&format!("/components/schemas/{form}")) else {
            continue;
        };
        let limits = ["minLength", "maxLength"].map(|limit| schema[limit].as_u64().unwrap());
        let pattern = regex_lite::Regex::new(pattern).unwrap();
        for text in samples {
            let length = u64::try_from(text.chars().count()).unwrap();
            let fits = (limits[0]..=limits[1]).contains(&length) && pattern.is_match(text);
            if let Some(reads) = reads(form, text) {
                assert_eq!(fits, reads, "{form}: {text:?}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 8 * samples.len(), "only {compared} compared");
}
