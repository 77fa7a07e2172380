//! The arguments, and which command they call.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::bench::{self, BenchCommand};
use crate::error::CommandError;
use crate::hub::{Hub, HubArguments};
use crate::tenant::{self, TenantCommand};
use crate::wiring::{now, print_line};
use crate::{audit, credential, demo, inspect, local, system};

/// Serial numbers of medicines: reserve, export, commission, reconcile.
#[derive(Debug, Parser)]
#[command(name = "pharmatrace", version, about)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Target {
    /// The line printed by `local up`: a file, or `-` for standard input; else the file that `PHARMATRACE_HUB` names
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "stack")]
    hub: Option<String>,
    /// A stack on AWS, found through its outputs
    #[arg(long, global = true, value_name = "NAME")]
    stack: Option<String>,
    /// The region of that stack
    #[arg(long, global = true, value_name = "REGION", requires = "stack")]
    region: Option<String>,
    /// Machine-readable output
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The hub on this machine
    #[command(subcommand)]
    Local(Local),
    /// Run the main job on a local cloud and check every number
    Demo {
        /// Drop these files too and print their reports
        #[arg(long, num_args = 1.., value_name = "FILE")]
        epcis: Vec<PathBuf>,
    },
    /// Describe EPCIS files, offline; one JSON line a file
    Inspect {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Prove the invariants of a hub from its table and documents
    Audit {
        /// Look at the table alone and read no kept document again: quick, but blind to changed bytes
        #[arg(long)]
        table_only: bool,
    },
    /// Credentials of the HTTP API
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Connected systems
    #[command(subcommand)]
    System(SystemCommand),
    /// One stack a tenant: deploy, look after, restore, destroy
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// What the hub promises in figures: measured, and judged by the budget
    #[command(subcommand)]
    Bench(BenchCommand),
}

#[derive(Debug, Subcommand)]
enum Local {
    /// Start it, print one JSON line when ready, stay until SIGINT or SIGTERM
    Up {
        /// Port on loopback; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Keep the state in this folder; without it nothing outlives the process
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
        /// The tenant's profile
        #[arg(long, default_value = "manufacturer",
              value_parser = ["manufacturer", "prepackager", "wholesaler", "dispenser"])]
        profile: String,
        /// Check no signature and no right: without this each function has the rights of its role only
        #[arg(long)]
        without_rights: bool,
    },
}

#[derive(Debug, Subcommand)]
enum CredentialCommand {
    /// The first credential: all scopes; needs AWS rights on the table
    Bootstrap {
        /// The system it speaks for, created if absent
        #[arg(long, default_value = "operator")]
        system: String,
    },
    /// A credential for a system; its secret is shown this once
    Create {
        /// The system it speaks for
        #[arg(long)]
        system: String,
        /// What it may do; repeat for more
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// Bind it to a line; repeat for more
        #[arg(long = "line-gln")]
        line_glns: Vec<String>,
        /// When it ends, RFC 3339
        #[arg(long)]
        expires: Option<String>,
    },
    /// A second secret for a credential; the older one lives on for a while
    Rotate {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
        /// How long the older secret lives on, such as 24h, 30m, 7d; 0s ends it now, though the
        /// gateway may let it in for 30 seconds more
        #[arg(long, default_value = "24h", value_parser = credential::grace)]
        grace: time::Duration,
        /// A new end of the credential, RFC 3339
        #[arg(long)]
        expires: Option<String>,
        /// If two secrets are live, end the older one now instead of refusing
        #[arg(long)]
        force: bool,
    },
    /// End a credential; done twice, the first time stands
    Revoke {
        /// Its id
        #[arg(value_name = "ID", required_unless_present = "id")]
        positional: Option<String>,
        /// Its id
        #[arg(long)]
        id: Option<String>,
        /// Why, for the audit record
        #[arg(long)]
        reason: Option<String>,
    },
    /// All credentials without secrets: what is in use, and what ends soon
    List,
}

#[derive(Debug, Subcommand)]
enum SystemCommand {
    /// Connect a system
    Create {
        /// Its id: also the name of its prefix
        #[arg(long)]
        id: String,
        /// Its kind
        #[arg(long = "type", default_value = "generic")]
        kind: String,
        /// A line it drives; repeat for more
        #[arg(long = "line-gln")]
        line_glns: Vec<String>,
        /// Also print an IAM policy for a principal that reaches only this system's prefixes
        #[arg(long)]
        iam_policy: bool,
    },
    /// All systems
    List,
}

/// Runs the command; `false` means it ran and found something wrong.
///
/// # Errors
/// If it could not run.
pub async fn run(arguments: Arguments) -> Result<bool, CommandError> {
    let json = arguments.target.json;
    let target = HubArguments {
        hub: arguments.target.hub,
        stack: arguments.target.stack,
        region: arguments.target.region,
    };
    match arguments.command {
        Command::Local(Local::Up { port, state, profile, without_rights }) => {
            let enforce_rights = !without_rights;
            let document_seconds = local::DOCUMENT_SECONDS;
            let options = local::Options { port, state, profile, enforce_rights, document_seconds };
            local::up(options).await
        }
        Command::Demo { epcis } => demo::run(&epcis, json).await,
        Command::Inspect { files } => inspect::run(&files),
        Command::Audit { table_only } => {
            audit::run(&Hub::find(&target).await?, table_only, json).await
        }
        Command::Credential(command) => run_credential(command, &target, json).await,
        Command::System(command) => run_system(command, &target, json).await,
        Command::Tenant(command) => tenant::run(command, &target, json).await,
        Command::Bench(command) => bench::run(command, &target, json).await,
    }
}

async fn run_credential(
    command: CredentialCommand,
    target: &HubArguments,
    json: bool,
) -> Result<bool, CommandError> {
    let store = Hub::find(target).await?.store().await?;
    match command {
        CredentialCommand::Bootstrap { system } => {
            let issued = credential::bootstrap(&store, &system, now()).await?;
            show(json, &issued, || issued.token.clone())?;
        }
        CredentialCommand::Create { system, scopes, line_glns, expires } => {
            let request = credential::Request { system, scopes, line_glns, expires };
            let issued = credential::create(&store, &request, now()).await?;
            show(json, &issued, || issued.token.clone())?;
        }
        CredentialCommand::Rotate { id, grace, expires, force } => {
            let request = credential::RotateRequest { id, grace, expires, force };
            let rotated = credential::rotate(&store, &request, now()).await?;
            show(json, &rotated, || rotated.issued.token.clone())?;
        }
        CredentialCommand::Revoke { positional, id, reason } => {
            let id = id.or(positional).unwrap_or_default();
            credential::revoke(&store, &id, reason.as_deref(), now()).await?;
            let answer = serde_json::json!({ "id": id, "revoked": true });
            show(json, &answer, || format!("{id} is revoked"))?;
        }
        CredentialCommand::List => {
            let all = credential::list(&store, now()).await?;
            show_list(json, &all, credential::Listed::text)?;
        }
    }
    Ok(true)
}

async fn run_system(
    command: SystemCommand,
    target: &HubArguments,
    json: bool,
) -> Result<bool, CommandError> {
    let hub = Hub::find(target).await?;
    let store = hub.store().await?;
    match command {
        SystemCommand::Create { id, kind, line_glns, iam_policy } => {
            let request = system::Request { id, kind, line_glns };
            let mut shown = system::create(&store, &request, now()).await?;
            if iam_policy {
                let buckets = &hub.buckets;
                shown.iam = Some(system::iam(&shown, &buckets.inbound, &buckets.outbound));
            }
            show(json, &shown, || describe(&shown))?;
        }
        SystemCommand::List => {
            let all = system::list(&store).await?;
            show_list(json, &all, describe)?;
        }
    }
    Ok(true)
}

fn describe(system: &system::Shown) -> String {
    let mut text = format!(
        "{}  {}  {}  lines: {}",
        system.id,
        system.kind,
        system.inbound_prefix,
        system.line_glns.join(" ")
    );
    if let Some(iam) = &system.iam {
        text = format!("{text}\n{iam:#}");
    }
    text
}

fn show<T: Serialize>(
    json: bool,
    value: &T,
    plain: impl Fn() -> String,
) -> Result<(), CommandError> {
    if json {
        let line = serde_json::to_string(value)
            .map_err(|error| CommandError::Failed(error.to_string()))?;
        print_line(&line)
    } else {
        print_line(&plain())
    }
}

fn show_list<T: Serialize>(
    json: bool,
    values: &[T],
    plain: impl Fn(&T) -> String,
) -> Result<(), CommandError> {
    if json {
        return show(true, &serde_json::json!({ "items": values }), String::new);
    }
    values.iter().try_for_each(|value| print_line(&plain(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_documented_command_lines_are_understood() {
        for line in [
            "pharmatrace local up --port 5002 --state x --profile dispenser --without-rights",
            "pharmatrace system create --id L1 --type generic --line-gln 0313000000018 --json",
            "pharmatrace credential create --system L1 --scope allocations:write --hub - --json",
            "pharmatrace --stack hub --region eu-central-1 audit --json",
            "pharmatrace audit --table-only --hub hub.json",
            "pharmatrace demo --epcis a.xml b.json",
            "pharmatrace credential revoke abc --reason leaked",
            "pharmatrace credential rotate abc --grace 90s --force --expires 2027-01-31T00:00:00Z",
            "pharmatrace inspect a b",
            "pharmatrace bench cold --starts 5 --json",
            "pharmatrace bench documents --serials 1000000 --form dense --form unusual --json",
            "pharmatrace bench load --stack s --region r --write-into s --rate 50 --p99-ms 900 --audit",
            "pharmatrace tenant deploy --env acme-pharma --yes",
            "pharmatrace tenant status --env acme-pharma --json",
            "pharmatrace --stack s --region r tenant status",
            "pharmatrace tenant destroy --env acme-pharma --yes --name pharmatrace-acme-pharma",
            "pharmatrace --stack new --region r tenant restore --from-stack old --from-table t --skip 5",
        ] {
            Arguments::try_parse_from(line.split(' ')).expect(line);
        }
        assert!(Arguments::try_parse_from(["pharmatrace", "audit", "--region", "x"]).is_err());
    }
}
