//! What the local cloud drops silently, or does not enforce, is asserted on the template's text.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::tidy_kit::{Template, attribute, functions, list, names, read, reference};

#[test]
fn the_table_is_protected_recoverable_encrypted_and_no_evidence_in_it_expires() {
    let template = Template::read();
    let tables = template.all("AWS::DynamoDB::Table");
    assert_eq!(tables.len(), 1);
    let (name, table) = tables[0];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(table["DeletionProtectionEnabled"], reference("DeletionProtection"));
    assert_eq!(template.at("/Parameters/DeletionProtection/Default"), "true");
    assert_eq!(
        table["TimeToLiveSpecification"],
        json!({ "AttributeName": "ttl", "Enabled": true })
    );
    // Only these write the attribute: minutes of lines and sessions of browsers.
    let writers: Vec<String> = names("shared/store/src")
        .into_iter()
        .filter(|name| {
            std::path::Path::new(name).extension().is_some_and(|end| end == "rs")
                && read(&format!("shared/store/src/{name}")).contains("(\"ttl\"")
        })
        .collect();
    assert_eq!(writers, ["line_item.rs", "session.rs"]);
    assert_eq!(template.resource(name)["DeletionPolicy"], "Retain");
    assert_eq!(template.resource(name)["UpdateReplacePolicy"], "Retain");
    for (at, index) in ["listing", "attention"].iter().enumerate() {
        assert_eq!(table["GlobalSecondaryIndexes"][at]["IndexName"], *index);
        assert_eq!(table["GlobalSecondaryIndexes"][at]["Projection"]["ProjectionType"], "ALL");
    }
}

#[test]
fn buckets_are_versioned_encrypted_private_kept_and_tidied_up() {
    let template = Template::read();
    let buckets = template.all("AWS::S3::Bucket");
    assert_eq!(buckets.len(), 3);
    for (name, bucket) in buckets {
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled", "{name}");
        let rules = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"];
        assert_eq!(rules[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256", "{name}");
        let block = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
        assert_eq!(block.len(), 4, "{name}");
        assert!(block.values().all(|value| value == true), "{name}");
        let rules = list(&bucket["LifecycleConfiguration"]["Rules"]);
        assert!(rules.iter().all(|rule| rule["Status"] == "Enabled"), "{name}");
        assert!(
            rules.iter().any(|rule| rule["AbortIncompleteMultipartUpload"].is_object()),
            "{name}"
        );
        // Bytes that came in are evidence: no rule removes a current version.
        assert!(rules.iter().all(|rule| rule.get("ExpirationInDays").is_none()), "{name}");
        assert_eq!(template.resource(name)["DeletionPolicy"], "Retain", "{name}");
    }
}

#[test]
fn plain_http_is_refused_unless_a_parameter_says_otherwise() {
    let template = Template::read();
    assert_eq!(template.at("/Parameters/RequireTls/Default"), "yes");
    assert_eq!(
        template.at("/Conditions/TlsRequired"),
        &json!({ "!Equals": [reference("RequireTls"), "yes"] })
    );
    let refuses = |statements: &[&Value]| {
        statements.iter().any(|statement| {
            let conditional = &statement["!If"];
            let deny = &conditional[1];
            conditional[0] == "TlsRequired"
                && deny["Effect"] == "Deny"
                && deny["Principal"] == "*"
                && deny["Condition"]["Bool"]["aws:SecureTransport"] == "false"
        })
    };
    for (name, _) in template.all("AWS::S3::Bucket") {
        let statements = template.policy_statements("AWS::S3::BucketPolicy", "Bucket", name);
        assert!(refuses(&statements), "{name}");
    }
    for name in ["InboundQueue", "JobsQueue", "PoolEventsQueue"] {
        let statements = template.policy_statements("AWS::SQS::QueuePolicy", "Queues", name);
        assert!(refuses(&statements), "{name}");
    }
}

#[test]
fn only_the_signing_function_and_tagged_principals_write_to_the_inbound_bucket() {
    let template = Template::read();
    let statements = template.policy_statements("AWS::S3::BucketPolicy", "Bucket", "InboundBucket");
    let own = statements
        .iter()
        .find(|statement| statement["Sid"] == "DenyWritesOutsideOwnPrefix")
        .unwrap();
    assert_eq!(own["Effect"], "Deny");
    assert_eq!(
        own["NotResource"]["!Sub"],
        "${InboundBucket.Arn}/inbound/${!aws:PrincipalTag/pharmatrace-system, 'nobody'}/*"
    );
    // The second is nobody but while a stack is restored.
    let restoring =
        json!({ "!If": ["IsRestoring", reference("RestoreRoleArn"), reference("AWS::NoValue")] });
    assert_eq!(
        own["Condition"]["ArnNotEquals"]["aws:PrincipalArn"],
        json!([attribute("ExchangeSerialsRole", "Arn"), restoring])
    );
    assert_eq!(template.at("/Parameters/RestoreRoleArn/Default"), "");
    assert!(statements.iter().any(|statement| {
        statement["Effect"] == "Deny"
            && statement["NotResource"]["!Sub"] == "${InboundBucket.Arn}/inbound/*"
    }));
}

/// A right in a role is worth nothing where the bucket refuses it, and the local cloud does not tell.
#[test]
fn the_documents_bucket_takes_from_each_function_what_its_role_lets_it_write() {
    let template = Template::read();
    let mut writers: BTreeMap<bool, Vec<Value>> = BTreeMap::new();
    for (name, role) in template.all("AWS::IAM::Role") {
        for statement in list(&role["Policies"][0]["PolicyDocument"]["Statement"]) {
            let puts = list(&statement["Action"]).iter().any(|action| *action == "s3:PutObject");
            let places = list(&statement["Resource"]);
            let texts: Vec<&str> = places.iter().filter_map(|one| one["!Sub"].as_str()).collect();
            for place in texts.iter().filter(|text| puts && text.contains("DocumentsBucket")) {
                let of = writers.entry(place.ends_with("/anchors/*")).or_default();
                if !of.contains(&attribute(name, "Arn")) {
                    of.push(attribute(name, "Arn"));
                }
            }
        }
    }
    let statements =
        template.policy_statements("AWS::S3::BucketPolicy", "Bucket", "DocumentsBucket");
    for (sid, anchors) in [("DenyWritesByOthers", false), ("DenyAnchorsByOthers", true)] {
        let deny = statements.iter().find(|one| one["Sid"] == sid).unwrap();
        let place = if anchors { "Resource" } else { "NotResource" };
        assert_eq!(deny[place]["!Sub"], "${DocumentsBucket.Arn}/anchors/*");
        let mut allowed: Vec<Value> =
            deny["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].as_array().unwrap().clone();
        assert!(allowed.pop().unwrap()["!If"].is_array(), "whoever restores comes last");
        allowed.sort_by_key(ToString::to_string);
        let wanted = writers.get_mut(&anchors).unwrap();
        wanted.sort_by_key(ToString::to_string);
        assert_eq!(allowed, *wanted, "{sid}");
    }
}

#[test]
fn deliveries_reach_the_inbound_queue_and_only_from_the_own_bucket() {
    let template = Template::read();
    let bucket = &template.resource("InboundBucket")["Properties"];
    let notice = &bucket["NotificationConfiguration"]["QueueConfigurations"][0];
    assert_eq!(notice["Event"], "s3:ObjectCreated:*");
    assert_eq!(notice["Queue"], attribute("InboundQueue", "Arn"));
    assert_eq!(
        notice["Filter"]["S3Key"]["Rules"][0],
        json!({ "Name": "prefix", "Value": "inbound/" })
    );
    let statements = template.policy_statements("AWS::SQS::QueuePolicy", "Queues", "InboundQueue");
    let allow = statements.iter().find(|one| one["Sid"] == "AllowInboundBucket").unwrap();
    assert_eq!(allow["Principal"]["Service"], "s3.amazonaws.com");
    assert!(allow["Condition"]["ArnEquals"]["aws:SourceArn"]["!Sub"].is_string());
    assert!(allow["Condition"]["StringEquals"]["aws:SourceAccount"].is_object());
}

#[test]
fn every_queue_mapping_reports_partial_batches_and_its_queue_has_a_dlq() {
    let template = Template::read();
    for (name, mapping) in template.all("AWS::Lambda::EventSourceMapping") {
        assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{name}");
        let source = mapping["EventSourceArn"]["!GetAtt"].as_str().unwrap();
        assert_eq!(mapping["BatchSize"], 1, "{name}");
        assert!(mapping["ScalingConfig"]["MaximumConcurrency"].as_i64().unwrap() >= 2, "{name}");
        // Nothing comes behind the consumer of what died: a record that it fails on comes back to it.
        if source == "InboundDlq.Arn" {
            continue;
        }
        let queue = &template.resource(source.strip_suffix(".Arn").unwrap())["Properties"];
        assert!(queue["RedrivePolicy"]["deadLetterTargetArn"].is_object(), "{name}");
        // A passing fault comes back after 30 s: twenty of them outlast a fault of ten minutes.
        assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 20, "{name}");
    }
    // Six times the time limit, so that throttled deliveries do not use up the receive count.
    let limit = template.at("/Parameters/ReconcileTimeoutSeconds/Default").as_i64().unwrap();
    let hidden = template.at("/Parameters/InboundVisibilitySeconds/Default").as_i64().unwrap();
    assert!(hidden >= 6 * limit);
    let queue = &template.resource("InboundQueue")["Properties"];
    assert_eq!(queue["VisibilityTimeout"], reference("InboundVisibilitySeconds"));
    let dead = &template.resource("InboundDlq")["Properties"];
    assert_eq!(dead["VisibilityTimeout"], reference("InboundVisibilitySeconds"));
    let function = &template.resource("ReconcileCommissioningFunction")["Properties"];
    assert_eq!(function["Timeout"], reference("ReconcileTimeoutSeconds"));
    assert_eq!(function["MemorySize"], 1769);
    // The writer of exports hides its messages itself; the queue's time counts only until it begins.
    let limit =
        template.resource("WriteExportsFunction")["Properties"]["Timeout"].as_i64().unwrap();
    let hidden = &template.resource("JobsQueue")["Properties"]["VisibilityTimeout"];
    assert!(hidden.as_i64().unwrap() >= 6 * limit);
}

#[test]
fn queues_are_encrypted_and_every_dlq_raises_an_alarm() {
    let template = Template::read();
    let alarms = template.all("AWS::CloudWatch::Alarm");
    for (name, queue) in template.all("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{name}");
        if name.ends_with("Dlq") {
            let watched = alarms.iter().any(|(_, alarm)| {
                alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
                    && alarm["Threshold"] == 1
                    && alarm["Dimensions"][0]["Value"] == attribute(name, "QueueName")
            });
            assert!(watched, "{name} has no alarm");
        } else {
            assert!(queue["RedrivePolicy"].is_object(), "{name} has no DLQ");
            // A message keeps its first day in both queues: what is left of the DLQ's days is the difference.
            assert_eq!(queue["MessageRetentionPeriod"], 7 * 86_400, "{name}");
            let dlq = format!("{}Dlq", name.strip_suffix("Queue").unwrap());
            let dead = &template.resource(&dlq)["Properties"];
            assert_eq!(dead["MessageRetentionPeriod"], 14 * 86_400, "{dlq}");
        }
    }
}

#[test]
fn no_policy_allows_a_wildcard_and_each_function_has_a_role_of_its_own() {
    let template = Template::read();
    let functions = functions();
    let mut roles: Vec<&Value> = Vec::new();
    for (name, function) in template.all("AWS::Serverless::Function") {
        assert!(function["Policies"].is_null(), "{name}: rights belong into its role");
        roles.push(&function["Role"]);
    }
    roles.sort_by_key(ToString::to_string);
    roles.dedup();
    assert_eq!(roles.len(), functions.len());
    for (name, role) in template.all("AWS::IAM::Role") {
        assert!(role["ManagedPolicyArns"].is_null(), "{name}");
        for policy in list(&role["Policies"]) {
            for statement in list(&policy["PolicyDocument"]["Statement"]) {
                assert_eq!(statement["Effect"], "Allow", "{name}");
                for action in list(&statement["Action"]) {
                    assert!(!action.as_str().unwrap().contains('*'), "{name}: {action}");
                }
                assert!(!list(&statement["Resource"]).is_empty(), "{name}");
                for resource in list(&statement["Resource"]) {
                    assert!(bounded(resource), "{name}: {resource}");
                }
            }
        }
    }
}

/// I8, I11: each function writes only under the partition keys of its own work. Nobody writes systems, and of
/// credentials nobody more than the last use: who could write those could let anybody in.
#[test]
fn each_function_writes_under_its_own_partition_keys_only() {
    let template = Template::read();
    let mut rights = BTreeMap::new();
    for (name, role) in template.all("AWS::IAM::Role") {
        for statement in list(&role["Policies"][0]["PolicyDocument"]["Statement"]) {
            for action in list(&statement["Action"]) {
                let action = action.as_str().unwrap();
                let Some(write @ ("PutItem" | "UpdateItem" | "DeleteItem")) =
                    action.strip_prefix("dynamodb:")
                else {
                    // A write of many items at once has no condition here, so nobody has it.
                    assert!(!action.starts_with("dynamodb:BatchWrite"), "{name}");
                    continue;
                };
                assert_eq!(statement["Resource"], attribute("Table", "Arn"), "{name}");
                let mut limits = statement["Condition"]["ForAllValues:StringLike"].clone();
                let keys = limits["dynamodb:LeadingKeys"].take();
                let keys: Vec<&str> = list(&keys).iter().map(|key| key.as_str().unwrap()).collect();
                if keys == ["CREDENTIAL#*"] {
                    assert_eq!(
                        (write, &limits["dynamodb:Attributes"]),
                        ("UpdateItem", &json!(["pk", "sk", "used_*"])),
                        "{name}"
                    );
                }
                for key in &keys {
                    // No key of another kind begins like one of these, which end at the delimiter.
                    assert!(key.ends_with("#*") || !key.contains('*'), "{name}: {key}");
                }
                let role = name.strip_suffix("Role").unwrap();
                assert_eq!(rights.insert(format!("{role} {write}"), keys.join(" ")), None);
            }
        }
    }
    let rights: Vec<(&str, &str)> =
        rights.iter().map(|(who, keys)| (who.as_str(), keys.as_str())).collect();
    assert_eq!(
        rights,
        [
            ("AllocateSerials PutItem", "ALLOC#* BLOCK#* DOC#* EXPORT#* FINDING#* POOL#*"),
            ("AllocateSerials UpdateItem", "ALLOC#* POOL#*"),
            ("AuthorizeRequest UpdateItem", "CREDENTIAL#*"),
            ("ExportAllocation PutItem", "ALLOC#* EXPORT#*"),
            ("ExportAllocation UpdateItem", "ALLOC#*"),
            ("IngestTelemetry PutItem", "LINE#* LINES"),
            ("ManagePools DeleteItem", "GTIN#* SSCC"),
            ("ManagePools PutItem", "GTIN#* POOL#* PRODUCT#* REGISTRY SSCC WEBHOOK"),
            ("ManagePools UpdateItem", "POOL#*"),
            ("QuarantineDeliveries PutItem", "ARRIVAL#* DOC#* FINDING#*"),
            ("ReconcileCommissioning DeleteItem", "DOC#* FINDING#*"),
            (
                "ReconcileCommissioning PutItem",
                "ALLOC#* ARRIVAL#* BLOCK#* DOC#* FINDING#* POOL#* RAW#* RUN#* SUBJECT#*"
            ),
            ("ReconcileCommissioning UpdateItem", "ALLOC#* POOL#*"),
            ("ReportOperations DeleteItem", "SESSION#*"),
            ("ReportOperations PutItem", "DOC#* FINDING#* SESSION#*"),
            ("ReportOperations UpdateItem", "CREDENTIAL#*"),
            ("SweepReservations DeleteItem", "GTIN#* SSCC"),
            ("SweepReservations PutItem", "ALLOC#* ARRIVAL#* DOC#* GTIN#* POOL#* SEALS SSCC SWEEP"),
            ("SweepReservations UpdateItem", "ALLOC#* POOL#*"),
            ("WriteExports PutItem", "EXPORT#*"),
        ]
    );
}

/// S3 answers 403 for an object version that is not there to whoever may not list versions.
#[test]
fn who_reads_one_version_of_an_object_may_list_versions() {
    let template = Template::read();
    let mut readers = Vec::new();
    for (name, role) in template.all("AWS::IAM::Role") {
        let statements = list(&role["Policies"][0]["PolicyDocument"]["Statement"]);
        let has = |right: &str| {
            statements.iter().any(|one| list(&one["Action"]).iter().any(|action| *action == right))
        };
        if has("s3:GetObjectVersion") {
            assert!(has("s3:ListBucketVersions"), "{name}");
            readers.push(name);
        }
    }
    assert_eq!(readers.len(), 2, "{readers:?}");
}

/// Names one resource of the stack, or what lies under a prefix of it.
fn bounded(resource: &Value) -> bool {
    if resource["!GetAtt"].is_string() {
        return true;
    }
    let text = resource["!Sub"].as_str().unwrap_or("*");
    let (owner, below) = text.split_once('/').unwrap_or((text, ""));
    let named = owner.starts_with("${") || owner.contains(":log-group:");
    named && (below.is_empty() || below.trim_end_matches('*').len() > 1)
}

#[test]
fn every_log_group_has_a_retention_and_every_function_writes_to_its_own() {
    let template = Template::read();
    for (name, group) in template.all("AWS::Logs::LogGroup") {
        assert_eq!(group["RetentionInDays"], reference("LogRetentionDays"), "{name}");
    }
    for (name, function) in template.all("AWS::Serverless::Function") {
        let stem = name.strip_suffix("Function").unwrap();
        assert_eq!(
            function["LoggingConfig"]["LogGroup"],
            reference(&format!("{stem}Logs")),
            "{name}"
        );
    }
}

#[test]
fn the_api_is_throttled_and_its_log_holds_no_secret() {
    let template = Template::read();
    for (name, stage) in template.all("AWS::ApiGatewayV2::Stage") {
        let defaults = &stage["DefaultRouteSettings"];
        assert_eq!(defaults["ThrottlingRateLimit"], reference("ThrottleRate"), "{name}");
        assert_eq!(defaults["ThrottlingBurstLimit"], reference("ThrottleBurst"), "{name}");
        let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
        for word in ["header", "queryString", "$context.path"] {
            assert!(!format.contains(word), "{name} logs {word}");
        }
    }
}

#[test]
fn schedules_are_named_after_the_stack() {
    let template = Template::read();
    for (name, schedule) in template.all("AWS::Scheduler::Schedule") {
        let text = schedule["Name"]["!Sub"].as_str().unwrap();
        assert!(text.starts_with("${AWS::StackName}-"), "{name}");
    }
}
