//! The lines against the rules of CloudWatch's embedded metric format.

use super::{METRICS_PER_LINE_MAX, Measures, Metric, NAMESPACE};
use serde_json::Value;

const UNITS: [&str; 2] = ["Count", "Milliseconds"];

/// The rules of the format for a line with whole numbers: names, lengths, members, ranges.
fn check(line: &Value) {
    let members = line.as_object().unwrap();
    let about = line["_aws"].as_object().unwrap();
    assert_eq!(about.len(), 2);
    assert!(about["Timestamp"].as_i64().unwrap() > 1_600_000_000_000);
    let directives = about["CloudWatchMetrics"].as_array().unwrap();
    assert!(!directives.is_empty());
    for directive in directives {
        assert_eq!(directive.as_object().unwrap().len(), 3);
        assert_eq!(directive["Namespace"], NAMESPACE);
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=METRICS_PER_LINE_MAX).contains(&metrics.len()));
        for metric in metrics {
            let name = metric["Name"].as_str().unwrap();
            assert!((1..=1_024).contains(&name.len()) && name != "_aws");
            assert!(UNITS.contains(&metric["Unit"].as_str().unwrap()));
            assert!(members[name].is_u64(), "{name} has no number in {line}");
        }
        for dimensions in directive["Dimensions"].as_array().unwrap() {
            let dimensions = dimensions.as_array().unwrap();
            assert!(dimensions.len() <= 30);
            for dimension in dimensions {
                let value = members[dimension.as_str().unwrap()].as_str().unwrap();
                assert!((1..=1_024).contains(&value.len()) && value.is_ascii());
            }
        }
    }
    assert!(line.to_string().len() < 256 * 1_024, "a log event has at most 256 KiB");
    assert!(!line.to_string().contains('\n'));
}

#[test]
fn a_line_with_every_metric_keeps_the_rules_of_the_format() {
    let all = Metric::ALL.iter().fold(Measures::of("test"), |measures, metric| {
        measures.with(*metric, u64::MAX).about("route", "/a\nb")
    });
    let line = all.line("pharmatrace-acme", 1_795_428_000_000);
    check(&line);
    assert_eq!(line["work"], "test");
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().len(), 33);
}

#[test]
fn a_property_is_no_metric_and_no_dimension() {
    let line = Measures::of("request")
        .with(Metric::RequestLatency, 12_u32)
        .about("route", "/api/v1/l3/pools/{id}")
        .line("hub", 1_795_428_000_000);
    check(&line);
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Dimensions"], serde_json::json!([["Stack"]]));
    assert_eq!(directive["Metrics"][0]["Name"], "RequestLatency");
    assert_eq!((&line["Stack"], &line["RequestLatency"]), (&"hub".into(), &12.into()));
}

#[test]
fn the_first_value_of_a_metric_stays_and_a_flag_counts_as_one() {
    let measures = Measures::of("x").with(Metric::Documents, 1_u8).with(Metric::Documents, 2_u8);
    assert_eq!(measures.line("hub", 1_795_428_000_000)["Documents"], 1);
    let failed = Measures::of("x").with(Metric::ServerErrors, true);
    assert_eq!(failed.line("hub", 1_795_428_000_000)["ServerErrors"], 1);
}

/// CloudWatch's price of a metric is that of 33 of them: about 10 US dollars a stack and month.
#[test]
fn there_are_few_metrics_and_their_names_differ() {
    let mut names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    assert!(names.len() <= 33, "each costs its monthly price in every stack");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Metric::ALL.len());
}
