//! `pharmatrace local up`: the same stack on this machine, over the real AWS protocols.
//!
//! Everything lives under `target/local/`: the virtual environment, the zips, and a folder for each
//! running instance, so two instances share nothing but what was installed and built, which a file
//! lock guards. The local cloud listens on loopback only, has a clean environment, and ends with us.

pub(crate) mod build;
mod deploy;
mod logs;
pub(crate) mod process;
pub(crate) mod venv;
mod web;

use std::path::{Path, PathBuf};

pub use deploy::Release;

use deploy::Sources;
use tokio::signal::unix::{SignalKind, signal};

use crate::credential;
use crate::error::CommandError;
use crate::hub::{Hub, HubBuckets, HubCredential, HubKeys, HubQueues, HubSystem};
use crate::wiring::{env, now, print_line};

pub use logs::LogEvent;

/// The region that the local cloud plays.
pub const REGION: &str = "us-east-1";
/// The name of the stack.
pub const STACK: &str = "pharmatrace";
/// The system that the printed credential speaks for.
pub const SYSTEM: &str = "local";
/// Both halves of the only key the local cloud accepts for presigned addresses.
const KEY: &str = "test";
/// How often a free port is tried again after somebody else took it.
const PORT_ATTEMPTS: u32 = 5;

/// How the local cloud shall be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port on loopback; 0 takes a free one.
    pub port: u16,
    /// Where state is kept; `None`: nothing outlives the process.
    pub state: Option<PathBuf>,
    /// The tenant's profile.
    pub profile: String,
    /// Signatures are checked, and each function has the rights of its role and no others, as on AWS.
    pub enforce_rights: bool,
    /// Time limit of one document, in seconds; a delivery that was cut comes back half a minute later.
    pub document_seconds: u32,
}

/// The production value suits files of gigabytes; here a cut delivery shall come back while somebody is
/// watching.
pub const DOCUMENT_SECONDS: u32 = 120;

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            state: None,
            profile: "manufacturer".to_owned(),
            enforce_rights: true,
            document_seconds: DOCUMENT_SECONDS,
        }
    }
}

/// A running local cloud. Dropping it ends the process as well, only without waiting.
#[derive(Debug)]
pub struct LocalCloud {
    /// Everything one needs to use it.
    pub hub: Hub,
    process: process::Instance,
    sources: Sources,
    options: Options,
}

impl LocalCloud {
    /// Builds, starts, deploys, and makes the first credential.
    ///
    /// # Errors
    /// If a prerequisite is missing, or one of these steps fails.
    pub async fn start(options: &Options) -> Result<Self, CommandError> {
        let root = repository()?;
        if options.port != 0 {
            // Told before the build, which takes a while.
            process::port_is_free(options.port)?;
        }
        let sources = {
            let _lock = lock(&root)?;
            process::remove_leftovers(&home(&root));
            let python = venv::python(&root).await?;
            Sources { binaries: build::functions(&root).await?, python, root }
        };
        let mut attempt = 1;
        let mut process = loop {
            match process::Instance::start(&sources.root, &sources.python, options).await {
                Ok(process) => break process,
                Err(error) if options.port != 0 || attempt == PORT_ATTEMPTS => return Err(error),
                Err(error) => tracing::warn!("trying another port: {error}"),
            }
            attempt = attempt.saturating_add(1);
        };
        match ready(&sources, (&process, options)).await {
            Ok(hub) => Ok(Self { hub, process, sources, options: options.clone() }),
            Err(error) => {
                let detail = process.log_tail();
                tracing::debug!("{detail}");
                process.stop().await;
                Err(error)
            }
        }
    }

    /// Changes the running stack to another release, as `sam deploy` does on AWS.
    ///
    /// # Errors
    /// If the change is refused or fails.
    pub async fn upgrade(&self, release: &Release) -> Result<(), CommandError> {
        let to = (&*self.process.endpoint(), &self.options);
        deploy::run(&self.sources, release, to).await.map(|_| ())
    }

    /// Stops what was started and removes what need not stay.
    pub async fn stop(mut self) {
        self.process.stop().await;
    }

    /// Waits until the local cloud ends by itself, which it should not.
    pub async fn ended(&mut self) -> CommandError {
        self.process.ended().await
    }
}

/// Deploys to a started instance and fills in what a user of the hub needs.
async fn ready(sources: &Sources, of: (&process::Instance, &Options)) -> Result<Hub, CommandError> {
    let (process, options) = of;
    let endpoint = process.endpoint();
    let outputs = deploy::run(sources, &Release::default(), (&endpoint, options)).await?;
    let api_path = format!("/_aws/execute-api/{}/$default", outputs.api_id);
    let mut hub = Hub {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: Some(std::process::id()),
        api_url: format!("{endpoint}{api_path}"),
        endpoint_url: Some(endpoint),
        region: REGION.to_owned(),
        stack: STACK.to_owned(),
        table: outputs.table,
        buckets: HubBuckets {
            inbound: outputs.inbound_bucket,
            outbound: outputs.outbound_bucket,
            documents: outputs.documents_bucket,
        },
        queues: HubQueues {
            inbound: outputs.inbound_queue,
            inbound_dlq: outputs.inbound_dlq,
            jobs: outputs.jobs_queue,
            pool_events: outputs.pool_events_queue,
        },
        space_key: Some(outputs.space_key),
        aws: Some(HubKeys { access_key_id: KEY.to_owned(), secret_access_key: KEY.to_owned() }),
        credential: None,
        system: None,
    };
    let issued = credential::bootstrap(&hub.store().await?, SYSTEM, now()).await?;
    hub.system =
        Some(HubSystem { inbound_prefix: format!("inbound/{SYSTEM}/"), id: SYSTEM.to_owned() });
    hub.credential =
        Some(HubCredential { id: issued.id, secret: issued.secret, token: issued.token });
    smoke_test(process.port(), &api_path).await?;
    Ok(hub)
}

/// A function without code answers 200 with a mock: only our health page proves the deployment.
async fn smoke_test(port: u16, api_path: &str) -> Result<(), CommandError> {
    let answer = web::get(port, &format!("{api_path}/health")).await;
    match answer {
        Ok((200, body)) if body.contains("\"status\"") => Ok(()),
        Ok((status, body)) => {
            Err(CommandError::LocalCloud(format!("the health page answers {status}: {body}")))
        }
        Err(error) => Err(CommandError::LocalCloud(format!("the health page: {error}"))),
    }
}

/// `local up` itself: one JSON line, then wait for a signal.
///
/// # Errors
/// If it does not start, or ends by itself.
pub async fn up(options: Options) -> Result<bool, CommandError> {
    let on = |kind| signal(kind).map_err(CommandError::io("signals"));
    let mut interrupt = on(SignalKind::interrupt())?;
    let mut terminate = on(SignalKind::terminate())?;
    let mut cloud = tokio::select! {
        cloud = LocalCloud::start(&options) => cloud?,
        _ = interrupt.recv() => return Ok(true),
        _ = terminate.recv() => return Ok(true),
    };
    let line = serde_json::to_string(&cloud.hub)
        .map_err(|error| CommandError::LocalCloud(error.to_string()))?;
    print_line(&line)?;
    let failure = tokio::select! {
        error = cloud.ended() => Some(error),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    cloud.stop().await;
    failure.map_or(Ok(true), Err)
}

/// The root of the repository: where we were built, or above the working folder.
pub fn repository() -> Result<PathBuf, CommandError> {
    let is_root = |folder: &Path| folder.join("infra/local/deploy.py").is_file();
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if is_root(&built) {
        return built.canonicalize().map_err(CommandError::io("the repository"));
    }
    let here = std::env::current_dir().map_err(CommandError::io("the working folder"))?;
    here.ancestors()
        .find(|folder| is_root(folder))
        .map(Path::to_owned)
        .ok_or_else(|| CommandError::Missing("a checkout of the repository".to_owned()))
}

/// Where everything of the local cloud lives.
fn home(root: &Path) -> PathBuf {
    let target = env("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let target = if target.is_absolute() { target } else { root.join(target) };
    target.join("local-cloud")
}

/// One at a time installs and builds; released when the file is dropped.
fn lock(root: &Path) -> Result<std::fs::File, CommandError> {
    let folder = home(root);
    std::fs::create_dir_all(&folder).map_err(CommandError::io(folder.display().to_string()))?;
    let path = folder.join("lock");
    let named = || path.display().to_string();
    let file = std::fs::File::create(&path).map_err(CommandError::io(named()))?;
    file.lock().map_err(CommandError::io(named()))?;
    Ok(file)
}
