//! The OpenAPI document as the functions say it, and as the tool shall see it: the same requests and
//! answers, and stricter.

use std::collections::{BTreeMap, BTreeSet};

use edge::openapi::{Part, whole};
use edge::{Clock, Entropy, TenantProfile};
use serde_json::{Value, json};
use store::client::{AwsSettings, dynamo, https, s3, sqs};
use store::jobs::Jobs;
use store::{Buckets, Objects, Store};

/// What each function says, by its name.
fn parts() -> Vec<(&'static str, Part)> {
    vec![
        ("manage-pools", manage_pools::openapi()),
        ("allocate-serials", allocate_serials::openapi()),
        ("export-allocation", export_allocation::openapi()),
        ("exchange-serials", exchange_serials::openapi()),
        ("ingest-telemetry", ingest_telemetry::openapi()),
        ("report-operations", report_operations::openapi()),
    ]
}

/// The document as the functions say it now.
pub fn document() -> Value {
    let parts = parts().into_iter().map(|(_, part)| part).collect();
    whole(parts, env!("CARGO_PKG_VERSION")).unwrap()
}

/// The routers of the same functions; what they would call is not there.
pub fn routers() -> BTreeMap<&'static str, axum::Router> {
    let nowhere = Some("http://127.0.0.1:1".to_owned());
    let settings = AwsSettings::new("us-east-1", nowhere, ("test", "test"), None);
    let store = Store::new(dynamo(&settings, &https()), "none");
    let name = || "none".into();
    let buckets = Buckets { inbound: name(), outbound: name(), documents: name() };
    let objects = Objects { s3: s3(&settings, &https()), buckets };
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let jobs = Jobs { sqs: sqs(&settings, &https()), url: "none".into() };
    let export = export_allocation::Hub {
        store: store.clone(),
        objects: objects.clone(),
        jobs: jobs.clone(),
        clock: clock.clone(),
    };
    let exchange = exchange_serials::Hub {
        objects: objects.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let pools = manage_pools::Hub {
        store: store.clone(),
        objects: objects.clone(),
        clock: clock.clone(),
        entropy,
        webhook_hosts: domain::webhook::AllowedHosts::default(),
    };
    let allocate = allocate_serials::Hub::new(store.clone(), objects.clone(), jobs, clock);
    let profile = TenantProfile::Manufacturer;
    let reports = report_operations::Hub {
        store: store.clone(),
        objects,
        queue: report_operations::JudgeQueue {
            sqs: sqs(&settings, &https()),
            url: "none".into(),
            patience: time::Duration::hours(1),
        },
        clock: Clock::system(),
        contact_email: None,
        sign_in: report_operations::SignIn { entropy: Entropy::system(), secure: true, profile },
    };
    let telemetry = ingest_telemetry::Hub { store, clock: Clock::system() };
    BTreeMap::from([
        ("manage-pools", manage_pools::router(pools)),
        ("allocate-serials", allocate_serials::router(allocate)),
        ("export-allocation", export_allocation::router(export)),
        ("exchange-serials", exchange_serials::router(exchange)),
        ("ingest-telemetry", ingest_telemetry::router(telemetry)),
        ("report-operations", report_operations::router(reports)),
    ])
}

/// Answers may have no member that is not described, and values that exist are tried as often as any other.
///
/// `known` are values by the name of their schema.
pub fn strict(mut document: Value, known: &[(&str, Vec<String>)]) -> Value {
    let bodies = request_schemas(&document);
    let composed = composed(&document);
    let schemas = document["components"]["schemas"].as_object_mut().unwrap();
    for (name, schema) in schemas.iter_mut() {
        if bodies.contains(name) {
            for (_, member) in
                schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten()
            {
                prefer(member, known);
            }
        } else if composed.contains(name) {
            // What it is a part of has more members.
        } else if schema["allOf"].is_array() {
            schema["unevaluatedProperties"] = false.into();
        } else if schema["properties"].is_object() {
            schema["additionalProperties"] = false.into();
        }
    }
    for operation in operations(&mut document) {
        for parameter in
            operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
        {
            prefer(&mut parameter["schema"], known);
        }
    }
    document
}

/// Only the answer of a closed door: whatever is asked, nothing but `status` comes back. Doors that need
/// neither credential nor session are left out.
pub fn closed(mut document: Value, status: &str) -> Value {
    for operation in operations(&mut document) {
        if operation["security"].as_array().is_none_or(Vec::is_empty) {
            *operation = Value::Null;
            continue;
        }
        let responses = operation["responses"].as_object_mut().unwrap();
        responses.retain(|known, _| known == status);
        assert_eq!(responses.len(), 1, "{responses:?}");
    }
    without_nulls(document)
}

/// Only the pages for people, or only the rest.
pub fn pages(mut document: Value, wanted: bool) -> Value {
    let paths = document["paths"].as_object_mut().unwrap();
    paths.retain(|path, _| path.starts_with("/operations") == wanted);
    assert!(!paths.is_empty());
    document
}

fn without_nulls(mut document: Value) -> Value {
    for (_, item) in document["paths"].as_object_mut().unwrap() {
        item.as_object_mut().unwrap().retain(|_, operation| !operation.is_null());
    }
    let paths = document["paths"].as_object_mut().unwrap();
    paths.retain(|_, item| !item.as_object().unwrap().is_empty());
    assert!(!paths.is_empty());
    document
}

/// Only operations that need one of the other scopes.
pub fn beyond(mut document: Value, scope: &str) -> Value {
    for operation in operations(&mut document) {
        let opens = operation["security"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["bearer"].as_array())
            .any(|scopes| scopes.is_empty() || scopes.iter().any(|one| one == scope));
        if opens {
            operation["security"] = json!([]);
        }
    }
    document
}

fn operations(document: &mut Value) -> Vec<&mut Value> {
    let paths = document["paths"].as_object_mut().unwrap();
    paths.iter_mut().flat_map(|(_, item)| item.as_object_mut().unwrap().values_mut()).collect()
}

fn name_of(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// A value of this form, or one of those that exist.
fn prefer(schema: &mut Value, known: &[(&str, Vec<String>)]) {
    if let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        for choice in choices {
            prefer(choice, known);
        }
        return;
    }
    let values = known.iter().find(|(name, _)| Some(*name) == name_of(schema));
    if let Some((_, values)) = values {
        *schema = json!({ "anyOf": [{ "type": "string", "enum": values }, schema.clone()] });
    }
}

/// The schemas that bodies of requests refer to.
fn request_schemas(document: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, item) in document["paths"].as_object().unwrap() {
        for (_, operation) in item.as_object().unwrap() {
            let content = &operation["requestBody"]["content"]["application/json"]["schema"];
            names.extend(name_of(content).map(str::to_owned));
        }
    }
    assert!(names.len() >= 5, "{names:?}");
    names
}

/// The schemas that are parts of others.
fn composed(document: &Value) -> BTreeSet<String> {
    let schemas = document["components"]["schemas"].as_object().unwrap().values();
    let responses = document["components"]["responses"].as_object().unwrap().values();
    let problems = responses.flat_map(|response| {
        let contents = response["content"].as_object().into_iter().flatten();
        contents.map(|(_, content)| &content["schema"])
    });
    schemas
        .chain(problems)
        .flat_map(|schema| schema["allOf"].as_array().into_iter().flatten())
        .chain(schemas_of_choices(document))
        .filter_map(|part| name_of(part).map(str::to_owned))
        .collect()
}

/// Choices are told apart by their members already.
fn schemas_of_choices(document: &Value) -> impl Iterator<Item = &Value> {
    let schemas = document["components"]["schemas"].as_object().unwrap().values();
    schemas.flat_map(|schema| schema["anyOf"].as_array().into_iter().flatten())
}
