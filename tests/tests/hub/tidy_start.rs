//! What functions do while they start.

use serde_json::Value;

use crate::tidy_kit::{Template, functions, list, read};

/// A start whose first calls are denied would warm nothing that a request uses, and leave denials behind
/// that somebody has to explain.
#[test]
fn what_a_function_calls_while_it_starts_is_among_its_rights() {
    let template = Template::read();
    let (mut buckets, mut queues) = (0, 0);
    for function in functions() {
        let main = read(&format!("functions/{function}/src/main.rs"));
        let role = template.resource(&format!("{}Role", camel(&function)));
        let document = &role["Properties"]["Policies"][0]["PolicyDocument"];
        let may = |action: &str, resource: &str| {
            list(&document["Statement"]).iter().any(|one| {
                list(&one["Action"]).iter().any(|allowed| *allowed == action)
                    && list(&one["Resource"]).iter().any(|one| one["!GetAtt"] == resource)
            })
        };
        assert!(
            !main.contains("store.warm_up") || may("dynamodb:GetItem", "Table.Arn"),
            "{function}"
        );
        if main.contains("objects.warm_up") {
            for (word, bucket) in [
                ("inbound", "InboundBucket.Arn"),
                ("outbound", "OutboundBucket.Arn"),
                ("documents", "DocumentsBucket.Arn"),
            ] {
                if words(&main).any(|found| found == word) {
                    assert!(may("s3:ListBucket", bucket), "{function}: {bucket}");
                    buckets += 1;
                }
            }
        }
        if main.contains("warm_up_queue(") {
            let queue =
                if main.contains("&jobs.url") { "JobsQueue.Arn" } else { "InboundQueue.Arn" };
            assert!(may("sqs:GetQueueAttributes", queue), "{function}: {queue}");
            queues += 1;
        }
    }
    // Fewer would mean that this test no longer finds them.
    assert!(buckets >= 8 && queues >= 3, "{buckets} buckets, {queues} queues");
}

/// The authorizer reads credentials and nothing else: the first read of all functions is one of those.
#[test]
fn the_first_read_of_a_start_is_one_that_every_role_may_make() {
    let template = Template::read();
    let statements =
        &template.resource("AuthorizeRequestRole")["Properties"]["Policies"][0]["PolicyDocument"];
    let keys: Vec<&Value> = list(&statements["Statement"])
        .into_iter()
        .filter(|one| list(&one["Action"]).iter().any(|action| *action == "dynamodb:GetItem"))
        .map(|one| &one["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
        .collect();
    assert_eq!(keys, [&serde_json::json!(["CREDENTIAL#*"])]);
    assert!(read("shared/store/src/warm_up.rs").contains("Pk::Credential("));
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}

fn camel(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
