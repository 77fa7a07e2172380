//! The end of a stack. It is refused unless its name is typed, and while deliveries wait in its queues (I6).
//!
//! What is evidence stays: the template retains the table, its key, the three buckets and the logs, and the table
//! refuses deletion by itself. Nothing here removes them.

use std::io::{BufRead as _, IsTerminal as _};

use serde_json::json;

use super::environment::Environment;
use super::status::{self, Status};
use super::{repository, sam};
use crate::error::CommandError;
use crate::hub;
use crate::wiring::print_line;

/// How sure somebody is.
#[derive(Debug)]
pub struct Wish {
    /// `--yes`.
    pub yes: bool,
    /// The stack's name, typed.
    pub name: Option<String>,
    /// Waiting messages may go.
    pub drop_queued: bool,
}

/// The outputs that name what stays.
const RETAINED: [&str; 5] =
    ["TableName", "SpaceKeyArn", "InboundBucketName", "OutboundBucketName", "DocumentsBucketName"];

pub async fn run(of: &Environment, wish: Wish, json: bool) -> Result<bool, CommandError> {
    let status = status::of(&hub::aws(Some(of.region.clone())).await?, &of.stack).await?;
    let stays: Vec<String> =
        RETAINED.iter().filter_map(|name| status.outputs.get(*name).cloned()).collect();
    let logs = format!("/aws/lambda/{0}-*, /aws/apigateway/{0}", of.stack);
    if !json {
        print_line(&format!("{} goes; these stay:", of.stack))?;
        stays.iter().try_for_each(|name| print_line(&format!("  {name}")))?;
        print_line(&format!("  log groups {logs}"))?;
    }
    let typed = if wish.yes { wish.name.clone().or_else(typed) } else { None };
    refusal(of, &wish, typed.as_deref(), &status)?;
    sam::delete(&repository()?, of).await?;
    if json {
        let said = json!({ "stack": of.stack, "deleted": true, "retained": stays, "logs": logs });
        print_line(&said.to_string())?;
    } else {
        print_line(&format!(
            "{} is gone. A stack of this name cannot be made again while its buckets exist: restore into one \
             of another name (infra/restore.md).",
            of.stack
        ))?;
    }
    Ok(true)
}

/// What the person at the terminal types; nothing where there is none.
fn typed() -> Option<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return None;
    }
    tracing::info!("type the name of the stack:");
    let mut line = String::new();
    stdin.lock().read_line(&mut line).ok()?;
    Some(line.trim().to_owned())
}

fn refusal(
    of: &Environment,
    wish: &Wish,
    typed: Option<&str>,
    status: &Status,
) -> Result<(), CommandError> {
    let refused = |why: String| Err(CommandError::Usage(format!("nothing was deleted: {why}")));
    if !wish.yes {
        return refused("say --yes".to_owned());
    }
    if typed != Some(of.stack.as_str()) {
        return refused(format!("type the name of the stack, or give --name {}", of.stack));
    }
    if status.termination_protection {
        return refused(format!(
            "the stack is protected; `aws cloudformation update-termination-protection --stack-name {} \
             --no-enable-termination-protection` ends that",
            of.stack
        ));
    }
    if status.queued() > 0 && !wish.drop_queued {
        return refused(format!(
            "{} messages wait in its queues; wait until they are done, or give --drop-queued",
            status.queued()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::status::Queue;
    use super::*;

    fn refused(wish: &Wish, typed: Option<&str>, protected: bool, waiting: u64) -> String {
        let of = Environment {
            name: "acme".into(),
            stack: "pharmatrace-acme".into(),
            region: "eu-central-1".into(),
            architecture: "arm64".into(),
        };
        let status = Status {
            stack: of.stack.clone(),
            status: "UPDATE_COMPLETE".into(),
            reason: None,
            changed_at: None,
            version: None,
            command_line: "0",
            termination_protection: protected,
            outputs: BTreeMap::new(),
            queues: vec![Queue { name: "Inbound".into(), waiting, in_flight: 0, delayed: 0 }],
            alarms: 0,
            alarms_ringing: Vec::new(),
        };
        let outcome = refusal(&of, wish, typed, &status);
        outcome.map_or_else(|error| error.to_string(), |()| "goes".to_owned())
    }

    #[test]
    fn a_stack_goes_only_when_its_name_is_typed_and_nothing_waits() {
        let wish = |yes, drop_queued| Wish { yes, name: None, drop_queued };
        let right = Some("pharmatrace-acme");
        assert!(refused(&wish(false, true), right, false, 0).contains("--yes"));
        assert!(refused(&wish(true, true), None, false, 0).contains("type the name"));
        assert!(refused(&wish(true, true), Some("acme"), false, 0).contains("type the name"));
        assert!(refused(&wish(true, true), right, true, 0).contains("is protected"));
        assert!(refused(&wish(true, false), right, false, 3).contains("3 messages wait"));
        assert_eq!(refused(&wish(true, true), right, false, 3), "goes");
        assert_eq!(refused(&wish(true, false), right, false, 0), "goes");
    }
}
