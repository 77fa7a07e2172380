//! The state of a stack: what CloudFormation says of it, what waits in its queues, which alarms ring.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_cloudformation::types::TemplateStage;
use aws_sdk_sqs::types::QueueAttributeName;
use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::alarms;
use crate::error::CommandError;

/// Digits that tell one deployed template from another.
const VERSION_DIGITS: usize = 12;

/// The state of a stack.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Its name.
    pub stack: String,
    /// In the words of CloudFormation.
    pub status: String,
    /// Why, if it says so.
    pub reason: Option<String>,
    /// When it was made or changed last, RFC 3339.
    pub changed_at: Option<String>,
    /// The beginning of the SHA-256 of the deployed template, which names the code of each function by its
    /// hash: two stacks with one version run the same.
    pub version: Option<String>,
    /// The version of this command line.
    pub command_line: &'static str,
    /// CloudFormation refuses to delete the stack.
    pub termination_protection: bool,
    /// The outputs.
    pub outputs: BTreeMap<String, String>,
    /// The queues.
    pub queues: Vec<Queue>,
    /// How many alarms there are.
    pub alarms: usize,
    /// Those that ring.
    pub alarms_ringing: Vec<String>,
}

/// A queue of the stack.
#[derive(Debug, Serialize)]
pub struct Queue {
    /// The name of its output.
    pub name: String,
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that are being worked on.
    pub in_flight: u64,
    /// Messages that may not be taken yet.
    pub delayed: u64,
}

impl Status {
    /// Whether there is nothing to do about it.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let done =
            matches!(&*self.status, "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE");
        done && self.alarms_ringing.is_empty()
    }

    /// Messages in the queues, whatever becomes of them.
    #[must_use]
    pub fn queued(&self) -> u64 {
        let all = |queue: &Queue| {
            queue.waiting.saturating_add(queue.in_flight).saturating_add(queue.delayed)
        };
        self.queues.iter().map(all).fold(0, u64::saturating_add)
    }

    /// The same for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}  {}", self.stack, self.status)];
        lines.extend(self.reason.clone());
        let changed = self.changed_at.as_deref().unwrap_or("–");
        let version = self.version.as_deref().unwrap_or("–");
        lines.push(format!("changed {changed}  version {version}"));
        lines.extend(self.outputs.iter().map(|(name, value)| format!("  {name:<20} {value}")));
        lines.extend(self.queues.iter().map(|queue| {
            let Queue { name, waiting, in_flight, delayed } = queue;
            format!("  {name:<20} {waiting} waiting, {in_flight} at work, {delayed} delayed")
        }));
        lines.push(match self.alarms_ringing.as_slice() {
            [] => format!("none of {} alarms rings", self.alarms),
            ringing => format!("ALARM  {}", ringing.join(", ")),
        });
        lines
    }
}

/// Asks for the state of a stack.
///
/// # Errors
/// If there is no such stack, or AWS does not answer.
pub async fn of(config: &SdkConfig, stack: &str) -> Result<Status, CommandError> {
    let failed = |detail: String| CommandError::Stack { stack: stack.to_owned(), detail };
    let cfn = aws_sdk_cloudformation::Client::new(config);
    let answer = cfn.describe_stacks().stack_name(stack).send().await;
    let answer = answer.map_err(|error| failed(told(&error)))?;
    let found = answer.stacks().first().ok_or_else(|| failed("does not exist".to_owned()))?;
    let outputs: BTreeMap<String, String> = found
        .outputs()
        .iter()
        .filter_map(|one| Some((one.output_key()?.to_owned(), one.output_value()?.to_owned())))
        .collect();
    let template = cfn.get_template().stack_name(stack).template_stage(TemplateStage::Original);
    let template = template.send().await.map_err(|error| failed(told(&error)))?;
    let version = template.template_body().map(|body| {
        let mut text = HEXLOWER.encode(&Sha256::digest(body.as_bytes()));
        text.truncate(VERSION_DIGITS);
        text
    });
    let changed = found.last_updated_time().or(found.creation_time());
    let (alarms, alarms_ringing) = alarms::of(config, stack).await.map_err(failed)?;
    Ok(Status {
        stack: stack.to_owned(),
        status: found.stack_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: found.stack_status_reason().map(str::to_owned).filter(|text| !text.is_empty()),
        changed_at: changed.map(ToString::to_string),
        version,
        command_line: env!("CARGO_PKG_VERSION"),
        termination_protection: found.enable_termination_protection().unwrap_or_default(),
        queues: queues(config, &outputs).await.map_err(failed)?,
        outputs,
        alarms,
        alarms_ringing,
    })
}

async fn queues(
    config: &SdkConfig,
    outputs: &BTreeMap<String, String>,
) -> Result<Vec<Queue>, String> {
    use QueueAttributeName as Name;
    let sqs = aws_sdk_sqs::Client::new(config);
    let counts = [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ];
    let mut queues = Vec::new();
    let addresses =
        outputs.iter().filter(|(name, _)| name.ends_with("QueueUrl") || name.ends_with("DlqUrl"));
    for (name, url) in addresses {
        let call = sqs.get_queue_attributes().queue_url(url);
        let call = call.set_attribute_names(Some(counts.to_vec()));
        let answer = call.send().await.map_err(|error| told(&error))?;
        let count = |name: &Name| {
            let text = answer.attributes().and_then(|all| all.get(name));
            text.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        let [waiting, in_flight, delayed] = &counts;
        queues.push(Queue {
            name: name.trim_end_matches("Url").to_owned(),
            waiting: count(waiting),
            in_flight: count(in_flight),
            delayed: count(delayed),
        });
    }
    Ok(queues)
}

/// The account of a failed call.
fn told<E: ProvideErrorMetadata + std::error::Error>(error: &E) -> String {
    error.message().map_or_else(|| DisplayErrorContext(error).to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: &str, ringing: &[&str]) -> Status {
        Status {
            stack: "hub".into(),
            status: status.into(),
            reason: None,
            changed_at: None,
            version: None,
            command_line: "0",
            termination_protection: false,
            outputs: BTreeMap::new(),
            queues: vec![Queue { name: "Inbound".into(), waiting: 1, in_flight: 2, delayed: 3 }],
            alarms: 4,
            alarms_ringing: ringing.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn only_a_finished_stack_without_alarms_is_well() {
        assert!(status("UPDATE_COMPLETE", &[]).is_well());
        assert!(!status("UPDATE_ROLLBACK_COMPLETE", &[]).is_well());
        assert!(!status("UPDATE_COMPLETE", &["inbound-dlq"]).is_well());
    }

    #[test]
    fn all_messages_of_the_queues_count() {
        let status = status("UPDATE_COMPLETE", &["inbound-dlq"]);
        assert_eq!(status.queued(), 6);
        assert_eq!(status.lines().last().unwrap(), "ALARM  inbound-dlq");
    }
}
