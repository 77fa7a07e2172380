//! The runbook, the alarms and the dashboard agree with each other, with the metrics, and with the commands
//! and routes that exist.

use std::collections::{BTreeMap, BTreeSet};

use clap::Parser as _;
use edge::metrics::{DIMENSION, NAMESPACE};
use edge::{Metric, Scope};
use pharmatrace::cli::Arguments;
use serde_json::{Value, json};

use crate::tidy_kit::{Template, functions, list, read, reference};

/// A section by its heading of the third level.
fn sections() -> BTreeMap<String, String> {
    let runbook = read("infra/runbook.md");
    let found: BTreeMap<String, String> = runbook
        .split("\n### ")
        .skip(1)
        .map(|section| {
            let (heading, text) = section.split_once('\n').unwrap();
            (heading.to_owned(), text.split("\n## ").next().unwrap().to_owned())
        })
        .collect();
    assert!(found.len() > 40, "{}", found.len());
    found
}

/// What stands in backticks, blocks line by line; a span may go over the end of a line.
fn code() -> Vec<String> {
    let runbook = read("infra/runbook.md");
    let mut found = Vec::new();
    for (number, part) in runbook.split("```").enumerate() {
        if number % 2 == 1 {
            found.extend(part.lines().map(str::to_owned));
        } else {
            let spans = part.split('`').skip(1).step_by(2);
            found.extend(spans.map(|span| span.replace("\n   ", " ").replace('\n', " ")));
        }
    }
    found
}

/// Names of alarms without the stack's, with their properties.
fn alarms(template: &Template) -> BTreeMap<String, &Value> {
    let name = |alarm: &Value| {
        let text = alarm["AlarmName"]["!Sub"].as_str().unwrap();
        text.strip_prefix("${AWS::StackName}-").unwrap().to_owned()
    };
    template
        .all("AWS::CloudWatch::Alarm")
        .into_iter()
        .map(|(_, alarm)| (name(alarm), alarm))
        .collect()
}

#[test]
fn every_alarm_has_a_section_that_says_what_to_do_and_no_section_is_left_over() {
    let template = Template::read();
    let mut described = BTreeSet::new();
    for (heading, text) in sections() {
        let names: Vec<&str> = heading.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            continue;
        }
        for part in ["**Means.**", "**See.**", "**Do.**", "**Call.**"] {
            assert!(text.contains(part), "{heading} has no {part}");
        }
        for name in names {
            assert!(described.insert(name.to_owned()), "{name} is described twice");
        }
    }
    let alarms: BTreeSet<String> = alarms(&template).into_keys().collect();
    assert_eq!(described, alarms);
}

#[test]
fn every_invariant_and_every_action_has_a_section() {
    let sections = sections();
    for number in 1..=12 {
        let heading = sections.keys().find(|heading| heading.starts_with(&format!("I{number} ")));
        let text = &sections[heading.unwrap_or_else(|| panic!("I{number} has no section"))];
        for part in ["**Shows.**", "**Audit.**", "**Do.**", "**Call.**"] {
            assert!(text.contains(part), "I{number} has no {part}");
        }
    }
    let anchors: BTreeSet<String> =
        sections.keys().map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    for action in [
        "poison-file",
        "lost-notification",
        "gone-object",
        "early-file",
        "stuck-sweep",
        "go-back",
        "leaked-credential",
        "throttling",
    ] {
        assert!(anchors.contains(action), "{action}");
    }
    for link in read("infra/runbook.md").split("](#").skip(1) {
        let anchor = link.split(')').next().unwrap();
        assert!(anchors.contains(anchor), "#{anchor} leads nowhere");
    }
}

#[test]
fn every_command_in_the_runbook_is_understood() {
    let mut checked = 0;
    for line in code() {
        let line = line.split(" #").next().unwrap().trim();
        // The name alone is no command line.
        if line.starts_with("pharmatrace ") {
            let parsed = Arguments::try_parse_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{line}: {}", parsed.err().unwrap());
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked} commands only");
}

#[test]
fn every_route_in_the_runbook_is_in_the_api() {
    let api: Value = serde_json::from_str(&read("infra/openapi.json")).unwrap();
    let paths = api["paths"].as_object().unwrap();
    let mut checked = 0;
    for span in code() {
        let Some((method, path)) = span.split_once(' ') else { continue };
        if !["GET", "POST", "PATCH", "PUT", "DELETE"].contains(&method) {
            continue;
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let operation = paths
            .iter()
            .filter(|(pattern, _)| is_alike(pattern, path))
            .map(|(_, operations)| &operations[method.to_lowercase()])
            .find(|operation| operation.is_object());
        let operation = operation.unwrap_or_else(|| panic!("{method} {path} is no route"));
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let name = parameter.split('=').next().unwrap();
            let known = list(&operation["parameters"]).iter().any(|one| one["name"] == name);
            assert!(known, "{method} {path} has no parameter {name}");
        }
        checked += 1;
    }
    assert!(checked > 10, "{checked} routes only");
}

/// Whether two patterns are the same, however their variables are named.
fn is_alike(one: &str, other: &str) -> bool {
    let parts = |path: &str| {
        let hide = |part: &str| if part.starts_with('{') { "{}".into() } else { part.to_owned() };
        path.split('/').map(hide).collect::<Vec<String>>()
    };
    parts(one) == parts(other)
}

#[test]
fn the_scopes_that_can_be_given_are_those_that_routes_ask_for() {
    assert_eq!(pharmatrace::credential::SCOPES, Scope::ALL.map(Scope::as_str));
}

#[test]
fn every_function_raises_alarms_when_it_fails_and_when_it_is_throttled() {
    let template = Template::read();
    let alarms = alarms(&template);
    for function in functions() {
        for (metric, suffix) in [("Errors", "errors"), ("Throttles", "throttles")] {
            let alarm = alarms[&format!("{function}-{suffix}")];
            assert_eq!(
                (&alarm["Namespace"], &alarm["MetricName"]),
                (&json!("AWS/Lambda"), &json!(metric))
            );
            let dimension = &alarm["Dimensions"][0];
            let target = dimension["Value"]["!Ref"].as_str().unwrap();
            let name = &template.resource(target)["Properties"]["FunctionName"]["!Sub"];
            assert_eq!(name, &json!(format!("${{AWS::StackName}}-{function}")), "{function}");
        }
    }
}

/// DynamoDB publishes throttles of an index under the index alone: the table's alarms do not see them.
#[test]
fn the_table_and_each_of_its_indexes_raise_alarms_when_they_are_throttled() {
    let template = Template::read();
    let alarms = alarms(&template);
    let table = &template.resource("Table")["Properties"];
    let mut places = vec![("table".to_owned(), json!([]))];
    for index in list(&table["GlobalSecondaryIndexes"]) {
        let name = index["IndexName"].as_str().unwrap();
        let dimension = json!([{ "Name": "GlobalSecondaryIndexName", "Value": name }]);
        places.push((name.to_owned(), dimension));
    }
    assert_eq!(places.len(), 3);
    for (place, index) in places {
        for (kind, metric) in [("read", "ReadThrottleEvents"), ("write", "WriteThrottleEvents")] {
            let alarm = alarms[&format!("{place}-{kind}-throttles")];
            assert_eq!(alarm["MetricName"], metric, "{place}");
            let mut wanted = vec![json!({ "Name": "TableName", "Value": reference("Table") })];
            wanted.extend(list(&index).into_iter().cloned());
            assert_eq!(alarm["Dimensions"], json!(wanted), "{place}");
        }
    }
}

/// The gateway asks once for each header while it remembers the answer, so one client that repeats one
/// mistake counts seldom: one of the two alarms must ring for it all the same.
#[test]
fn one_client_that_repeats_one_mistake_raises_an_alarm() {
    let template = Template::read();
    let remembered = &template.resource("Authorizer")["Properties"]["AuthorizerResultTtlInSeconds"];
    let alarms = alarms(&template);
    let alarm = alarms["repeated-bad-credentials"];
    assert_eq!(alarm["MetricName"], "CredentialsBad");
    let period = alarm["Period"].as_u64().unwrap();
    // A client that calls once a minute is asked for once a minute.
    let counted = period / remembered.as_u64().unwrap().max(60);
    assert!(alarm["Threshold"].as_u64().unwrap() <= counted);
    assert!(alarm["EvaluationPeriods"].as_u64().unwrap() >= 2);
}

#[test]
fn alarms_notify_the_topic_that_the_tenant_names_and_watch_metrics_that_exist() {
    let template = Template::read();
    let actions = json!({ "!If": ["HasAlarmTopic", [reference("AlarmTopicArn")], reference("AWS::NoValue")] });
    let metrics: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let mut own = 0;
    for (name, alarm) in alarms(&template) {
        assert_eq!((&alarm["AlarmActions"], &alarm["OKActions"]), (&actions, &actions), "{name}");
        // Only silence itself is an alarm where no data came.
        let missing = if name == "sweep-silent" { "breaching" } else { "notBreaching" };
        assert_eq!(alarm["TreatMissingData"], missing, "{name}");
        if alarm["Namespace"] == NAMESPACE {
            let metric = alarm["MetricName"].as_str().unwrap();
            assert!(metrics.contains(metric), "{name} watches {metric}");
            let dimensions = json!([{ "Name": DIMENSION, "Value": reference("AWS::StackName") }]);
            assert_eq!(alarm["Dimensions"], dimensions, "{name}");
            own += 1;
        }
    }
    assert!(own >= 10, "{own}");
}

#[test]
fn the_dashboard_shows_every_metric_function_queue_and_alarm() {
    let template = Template::read();
    let dashboards = template.all("AWS::CloudWatch::Dashboard");
    assert_eq!(dashboards.len(), 1);
    let text = dashboards[0].1["DashboardBody"]["!Sub"].as_str().unwrap();
    let body: Value = serde_json::from_str(text).unwrap();
    let mut shown = BTreeSet::new();
    let mut watched = BTreeSet::new();
    for widget in list(&body["widgets"]) {
        let properties = &widget["properties"];
        for metric in list(&properties["metrics"]) {
            let words = list(metric).into_iter().filter_map(Value::as_str).map(str::to_owned);
            let words: Vec<String> = words.collect();
            if words[0] == NAMESPACE {
                assert_eq!(words[2..], [DIMENSION.to_owned(), "${AWS::StackName}".to_owned()]);
                shown.insert(words[1].clone());
            }
            watched.extend(words);
        }
        for alarm in list(&properties["alarms"]) {
            let (_, name) =
                alarm.as_str().unwrap().split_once(":alarm:${AWS::StackName}-").unwrap();
            watched.insert(name.to_owned());
        }
        let right = widget["x"].as_u64().unwrap() + widget["width"].as_u64().unwrap();
        assert!(right <= 24, "{widget} is wider than the page");
    }
    let metrics: BTreeSet<String> = Metric::ALL.iter().map(|one| one.name().to_owned()).collect();
    assert_eq!(shown, metrics);
    for (name, _) in template.all("AWS::Serverless::Function") {
        assert!(watched.contains(&format!("${{{name}}}")), "{name}");
    }
    for (name, _) in template.all("AWS::SQS::Queue") {
        assert!(watched.contains(&format!("${{{name}.QueueName}}")), "{name}");
    }
    for (name, _) in alarms(&template) {
        assert!(watched.contains(&name), "{name}");
    }
}
