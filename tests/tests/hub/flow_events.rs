//! The sample events of `events/` against the deployed functions: each is a payload that its function
//! takes, so it also works with `cargo lambda invoke`.

use pharmatrace::api::Api;
use serde_json::Value;

use crate::flow_kit::Hub;
use crate::tidy_kit::{functions, names, read};

#[tokio::test]
async fn every_sample_event_is_taken_by_its_function() {
    // The invocations below are not signed.
    let hub = Hub::without_rights().await;
    let stack = hub.cloud.hub.stack.clone();
    let lambda = Api::new(hub.cloud.hub.endpoint_url.as_deref().unwrap(), None);
    let mut invoked = 0;
    for function in functions() {
        for case in names(&format!("events/{function}")) {
            let event: Value =
                serde_json::from_str(&read(&format!("events/{function}/{case}"))).unwrap();
            let path = format!("/2015-03-31/functions/{stack}-{function}/invocations");
            let answer = lambda.post(&path, &event).await.unwrap();
            let about = format!("{function}/{case}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(answer.status, 200, "{about}");
            assert!(answer.header("x-amz-function-error").is_none(), "{about}");
            taken(&function, &answer.json(), &about);
            invoked += 1;
        }
    }
    assert!(invoked >= 12, "{invoked} events only");
    hub.cloud.stop().await;
}

/// What no other code than ours answers.
fn taken(function: &str, answer: &Value, about: &str) {
    match function {
        "authorize-request" => assert_eq!(answer["isAuthorized"], true, "{about}"),
        // A delivery of an object that is not there is a finding, not a failure of the batch.
        "quarantine-deliveries" | "reconcile-commissioning" | "write-exports" => {
            assert!(answer["batchItemFailures"].is_array(), "{about}");
        }
        "sweep-reservations" => assert_eq!(answer["failed"], 0, "{about}"),
        _ => {
            let status = answer["statusCode"].as_u64().unwrap();
            assert!((200..500).contains(&status), "{about}");
            let says = answer["body"].as_str().is_some_and(|body| !body.is_empty());
            assert!(says || status == 303, "{about}");
        }
    }
}
