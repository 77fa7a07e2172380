//! `pharmatrace tenant …`: one stack a tenant, from its deployment to its end.
//!
//! Thin wrappers of [`sam`](https://docs.aws.amazon.com/serverless-application-model/): they check what sam
//! does not (that the functions are built, and for the right processor), call it, and say what is left to
//! do. An environment of `samconfig.toml` is a tenant; its name is the only thing to remember.
//! `AWS_ENDPOINT_URL` leads all of them, sam included, to a local cloud.

mod alarms;
mod destroy;
pub mod environment;
pub mod package;
pub mod restore;
mod sam;
pub mod status;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::error::CommandError;
use crate::hub::{Hub, HubArguments};
use crate::local::repository;
use crate::wiring::{now, print_line};
use crate::{credential, hub};
use environment::Environment;
use restore::{Copy, Source};

/// What one can do with a tenant.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Check the built functions, then `sam deploy`; also upgrades a stack that exists
    Deploy {
        /// The environment of samconfig.toml
        #[arg(long, value_name = "NAME")]
        env: String,
        /// Do not ask before the change set is executed
        #[arg(long)]
        yes: bool,
    },
    /// The state of the stack: outputs, queue depths, alarms that ring, versions
    Status {
        /// The environment of samconfig.toml; else --stack and --region
        #[arg(long, value_name = "NAME")]
        env: Option<String>,
    },
    /// `sam delete`; the table, the buckets and the logs stay
    Destroy(Destroy),
    /// Fill a new, empty stack from the table and the buckets of another one
    Restore(Restore),
}

/// How a stack is destroyed.
#[derive(Debug, Args)]
pub struct Destroy {
    /// The environment of samconfig.toml
    #[arg(long, value_name = "NAME")]
    env: String,
    /// Yes, delete it
    #[arg(long)]
    yes: bool,
    /// The name of its stack, typed to be sure; asked for in a terminal
    #[arg(long, value_name = "STACK")]
    name: Option<String>,
    /// Also when deliveries or jobs wait in its queues, which end with it
    #[arg(long)]
    drop_queued: bool,
}

/// Where a stack is restored from.
#[derive(Debug, Args)]
pub struct Restore {
    /// The stack that is restored, in the same region
    #[arg(long, value_name = "STACK", required_unless_present = "from_hub")]
    from_stack: Option<String>,
    /// The same as the file that `local up` printed
    #[arg(long, value_name = "FILE", conflicts_with = "from_stack")]
    from_hub: Option<String>,
    /// Its table as restored to a point in time, instead of the one it has now
    #[arg(long, value_name = "TABLE")]
    from_table: Option<String>,
    /// Numbers to skip in every pool: what it may have handed out after that point; 0 if nothing
    #[arg(long, value_name = "COUNT")]
    skip: u64,
    /// A folder with room for the largest object
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// Runs a command; `false` means it ran and found something wrong.
///
/// # Errors
/// If it could not run.
pub async fn run(
    command: TenantCommand,
    target: &HubArguments,
    json: bool,
) -> Result<bool, CommandError> {
    match command {
        TenantCommand::Deploy { env, yes } => deploy(&Environment::read(&env)?, yes, json).await,
        TenantCommand::Status { env } => show_status(env.as_deref(), target, json).await,
        TenantCommand::Destroy(Destroy { env, yes, name, drop_queued }) => {
            let wish = destroy::Wish { yes, name, drop_queued };
            destroy::run(&Environment::read(&env)?, wish, json).await
        }
        TenantCommand::Restore(arguments) => fill(arguments, target, json).await,
    }
}

async fn deploy(environment: &Environment, yes: bool, json: bool) -> Result<bool, CommandError> {
    let root = repository()?;
    let wrong = package::problems(&root, &environment.architecture)?;
    if !wrong.is_empty() {
        for line in &wrong {
            tracing::error!("{line}");
        }
        return Err(CommandError::Missing(format!(
            "functions for {0}; build them with `cargo lambda build --release{1}`",
            environment.architecture,
            if environment.architecture == "arm64" { " --arm64" } else { "" }
        )));
    }
    sam::deploy(&root, environment, yes).await?;
    let found = Hub::find(&environment.target()).await?;
    let live = credential::list(&found.store().await?, now()).await?;
    let bootstrapped = !live.is_empty();
    if json {
        let said = serde_json::json!({
            "stack": found.stack, "region": found.region, "api_url": found.api_url,
            "bootstrapped": bootstrapped,
        });
        print_line(&said.to_string())?;
    } else {
        print_line(&format!("{}  {}", found.stack, found.api_url))?;
        if !bootstrapped {
            print_line(&format!(
                "no credential yet; make the first one with\n  pharmatrace --stack {} --region {} \
                 credential bootstrap",
                found.stack, found.region
            ))?;
        }
    }
    Ok(true)
}

async fn show_status(
    env: Option<&str>,
    target: &HubArguments,
    json: bool,
) -> Result<bool, CommandError> {
    let named = match (env, &target.stack) {
        (Some(env), _) => Environment::read(env)?.target(),
        (None, Some(_)) => target.clone(),
        (None, None) => {
            return Err(CommandError::Usage(
                "give --env NAME or --stack NAME --region R".to_owned(),
            ));
        }
    };
    let stack = named.stack.clone().unwrap_or_default();
    let status = status::of(&hub::aws(named.region).await?, &stack).await?;
    if json {
        let line = serde_json::to_string(&status);
        print_line(&line.map_err(|error| CommandError::Failed(error.to_string()))?)?;
    } else {
        status.lines().iter().try_for_each(|line| print_line(line))?;
    }
    Ok(status.is_well())
}

async fn fill(arguments: Restore, target: &HubArguments, json: bool) -> Result<bool, CommandError> {
    let from = HubArguments {
        hub: arguments.from_hub,
        stack: arguments.from_stack,
        region: target.region.clone(),
    };
    let (from, to) = (Hub::find(&from).await?, Hub::find(target).await?);
    // A stack restored into itself would deliver its own files to itself and skip live numbers.
    let place = |hub: &Hub| (hub.endpoint_url.clone(), hub.region.clone(), hub.stack.clone());
    if place(&from) == place(&to) {
        return Err(CommandError::Usage("a stack cannot be restored into itself".to_owned()));
    }
    let source = Source::of(&from, arguments.from_table.as_deref()).await?;
    let copy = Copy {
        source,
        to: (to.store().await?, to.objects().await?),
        scratch: arguments.scratch.unwrap_or_else(std::env::temp_dir),
    };
    let done = copy.run(arguments.skip, now()).await?;
    if json {
        let line = serde_json::to_string(&done);
        print_line(&line.map_err(|error| CommandError::Failed(error.to_string()))?)?;
    } else {
        print_line(&format!(
            "{} items, {} objects of {} bytes; {} numbers skipped in {} pools",
            done.items, done.objects, done.bytes, done.skipped, done.pools
        ))?;
        done.remarks().iter().try_for_each(|remark| print_line(remark))?;
        print_line("now run `pharmatrace audit` on the new stack")?;
    }
    Ok(true)
}
