//! I12: the template, the crates, their configuration, the routes and the sample events agree.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::tidy_kit::{Template, functions, names, read, reference};

/// Every route of the API and the function behind it.
const ROUTES: [(&str, &str); 22] = [
    ("ANY /api/v1/l3/pools", "manage-pools"),
    ("ANY /api/v1/l3/pools/{proxy+}", "manage-pools"),
    ("ANY /api/v1/l3/allocations", "allocate-serials"),
    ("ANY /api/v1/l3/allocations/{proxy+}", "allocate-serials"),
    ("GET /api/v1/l3/allocations/{id}/export", "export-allocation"),
    ("ANY /api/v1/l3/uploads", "exchange-serials"),
    ("ANY /api/v1/plant-floor/{proxy+}", "ingest-telemetry"),
    ("GET /api/v1/l3/documents", "report-operations"),
    ("ANY /api/v1/l3/documents/{proxy+}", "report-operations"),
    ("ANY /api/v1/findings", "report-operations"),
    ("ANY /api/v1/findings/{proxy+}", "report-operations"),
    ("GET /api/v1/l3/findings", "report-operations"),
    ("GET /openapi.json", "report-operations"),
    ("GET /api/v1/operations/scorecard", "report-operations"),
    ("GET /api/v1/audit", "report-operations"),
    ("GET /api/v1/audit/seals", "report-operations"),
    ("ANY /operations", "report-operations"),
    ("ANY /operations/{proxy+}", "report-operations"),
    ("POST /operations/reviews/{id}", "allocate-serials"),
    ("GET /health", "report-operations"),
    ("$default", "report-operations"),
    ("(authorizer)", "authorize-request"),
];

/// The routes that the gateway lets through without a credential; the page verifies its own session.
const OPEN: [&str; 5] = [
    "GET /health",
    "$default",
    "ANY /operations",
    "ANY /operations/{proxy+}",
    "POST /operations/reviews/{id}",
];

fn logical(function: &str) -> String {
    let words = function.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<String>() + "Function"
}

#[test]
fn every_function_crate_is_deployed_under_its_own_name() {
    let template = Template::read();
    let deployed: BTreeSet<&str> =
        template.all("AWS::Serverless::Function").into_iter().map(|(name, _)| name).collect();
    let expected: BTreeSet<String> = functions().iter().map(|name| logical(name)).collect();
    assert_eq!(deployed, expected.iter().map(String::as_str).collect());
    for function in functions() {
        let properties = &template.resource(&logical(&function))["Properties"];
        assert_eq!(properties["FunctionName"]["!Sub"], format!("${{AWS::StackName}}-{function}"));
        assert_eq!(properties["CodeUri"], format!("../target/lambda/{function}/"));
    }
    let globals = template.at("/Globals/Function");
    assert_eq!(globals["Runtime"], "provided.al2023");
    assert_eq!(globals["Architectures"], serde_json::json!([reference("Architecture")]));
    assert_eq!(template.at("/Parameters/Architecture/Default"), "arm64");
}

#[test]
fn the_template_gives_exactly_the_variables_that_the_configuration_reads() {
    let template = Template::read();
    let given: BTreeSet<String> = template
        .at("/Globals/Function/Environment/Variables")
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let source = read("shared/edge/src/config.rs");
    let wiring = source.split("#[cfg(test)]").next().unwrap();
    let mut wanted = BTreeSet::new();
    for call in ["required(\"", "optional(\""] {
        for rest in wiring.split(call).skip(1) {
            wanted.insert(rest.split('"').next().unwrap().to_owned());
        }
    }
    // These come from the runtime.
    wanted.retain(|name| !name.starts_with("AWS_"));
    assert!(wanted.len() >= 7, "{wanted:?}");
    assert_eq!(given, wanted);
}

#[test]
fn the_routes_are_the_documented_ones_and_all_but_the_open_need_a_credential() {
    let template = Template::read();
    let mut found = BTreeMap::new();
    for (name, route) in template.all("AWS::ApiGatewayV2::Route") {
        let key = route["RouteKey"].as_str().unwrap();
        let target = route["Target"]["!Sub"].as_str().unwrap();
        let integration = target.strip_prefix("integrations/${").unwrap().trim_end_matches('}');
        let uri = &template.resource(integration)["Properties"]["IntegrationUri"]["!GetAtt"];
        found.insert(key.to_owned(), uri.as_str().unwrap().trim_end_matches(".Arn").to_owned());
        if OPEN.contains(&key) {
            assert_eq!(route["AuthorizationType"], "NONE", "{name}");
        } else {
            assert_eq!(route["AuthorizationType"], "CUSTOM", "{name}");
            assert_eq!(route["AuthorizerId"], reference("Authorizer"), "{name}");
        }
    }
    let expected: BTreeMap<String, String> = ROUTES
        .iter()
        .filter(|(key, _)| !key.starts_with('('))
        .map(|(key, function)| ((*key).to_owned(), logical(function)))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_gateway_may_call_each_function_for_its_routes_only() {
    let template = Template::read();
    let mut allowed = BTreeSet::new();
    for (name, permission) in template.all("AWS::Lambda::Permission") {
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com", "{name}");
        let source = permission["SourceArn"]["!Sub"].as_str().unwrap();
        let path = source.split("${Api}/").nth(1).unwrap().to_owned();
        let function = permission["FunctionName"]["!Ref"].as_str().unwrap().to_owned();
        allowed.insert((function, path));
    }
    let expected: BTreeSet<(String, String)> = ROUTES
        .iter()
        .map(|(key, function)| {
            let path = match key.split_once(' ') {
                Some(("ANY", path)) => format!("*/*{path}"),
                Some((method, path)) => format!("*/{method}{path}"),
                None if key.starts_with('(') => "authorizers/${Authorizer}".to_owned(),
                None => format!("*/{key}"),
            };
            (logical(function), path)
        })
        .collect();
    assert_eq!(allowed, expected);
}

#[test]
fn the_authorizer_speaks_payload_2_and_forgets_within_a_minute() {
    let template = Template::read();
    let authorizers = template.all("AWS::ApiGatewayV2::Authorizer");
    let (_, authorizer) = authorizers[0];
    assert_eq!(authorizers.len(), 1);
    assert_eq!(authorizer["AuthorizerPayloadFormatVersion"], "2.0");
    assert_eq!(authorizer["EnableSimpleResponses"], true);
    assert_eq!(authorizer["IdentitySource"], serde_json::json!(["$request.header.Authorization"]));
    assert!(authorizer["AuthorizerResultTtlInSeconds"].as_i64().unwrap() <= 60);
}

#[test]
fn every_function_has_sample_events_that_reach_it() {
    assert_eq!(names("events"), functions());
    for function in functions() {
        let cases = names(&format!("events/{function}"));
        assert!(!cases.is_empty(), "{function} has no sample event");
        for case in cases {
            let path = format!("events/{function}/{case}");
            let event: Value = serde_json::from_str(&read(&path)).unwrap();
            match event["rawPath"].as_str() {
                Some(_) if function == "authorize-request" => {}
                Some(raw_path) => {
                    let method = event["requestContext"]["http"]["method"].as_str().unwrap();
                    assert_eq!(route(method, raw_path).1, function, "{path}");
                }
                None => assert!(no_http(&function), "{path} is no HTTP event"),
            }
        }
    }
}

fn no_http(function: &str) -> bool {
    let queued = ["quarantine-deliveries", "reconcile-commissioning", "write-exports"];
    queued.contains(&function) || function == "sweep-reservations"
}

/// The route that the gateway's rules choose, and its function: the most specific route wins.
pub fn route(method: &str, path: &str) -> (&'static str, &'static str) {
    ROUTES
        .iter()
        .filter_map(|(key, function)| {
            let (verb, pattern) = key.split_once(' ')?;
            (verb == "ANY" || verb == method)
                .then(|| score(pattern, path))
                .flatten()
                .map(|score| (score, (*key, *function)))
        })
        .max()
        .map_or(("$default", "report-operations"), |(_, route)| route)
}

/// How specific a match is; a literal segment counts more than a variable, that more than the rest.
fn score(pattern: &str, path: &str) -> Option<Vec<u8>> {
    let mut score = Vec::new();
    let mut segments = path.split('/');
    for part in pattern.split('/') {
        let segment = segments.next()?;
        match part {
            "{proxy+}" => {
                score.push(0);
                return Some(score);
            }
            variable if variable.starts_with('{') => score.push(1),
            literal if literal == segment => score.push(2),
            _ => return None,
        }
    }
    segments.next().is_none().then_some(score)
}
