//! One process of the local cloud, with folders of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{KEY, Options, REGION, home, web};
use crate::error::CommandError;

/// How long it may take to answer, and to stop.
const START_SECONDS_MAX: u64 = 60;
const STOP_SECONDS_MAX: u64 = 20;
/// How much of its log goes into an error.
const LOG_TAIL_BYTES: usize = 2_000;

/// A running process. It ends when its standard input closes, thus also when we are killed.
#[derive(Debug)]
pub struct Instance {
    child: Child,
    // Held apart from the child, whose `wait` would close it.
    lifeline: Option<ChildStdin>,
    port: u16,
    folder: PathBuf,
}

impl Instance {
    /// Starts the process and waits until it answers.
    pub async fn start(
        root: &Path,
        python: &Path,
        options: &Options,
    ) -> Result<Self, CommandError> {
        let port = port_for(options)?;
        port_is_free(port)?;
        let folder = home(root).join(format!("run-{}-{port}", std::process::id()));
        let state = options.state.as_deref().unwrap_or(&folder);
        std::fs::create_dir_all(state).map_err(CommandError::io(state.display().to_string()))?;
        let state = state.canonicalize().map_err(CommandError::io(state.display().to_string()))?;
        for path in [folder.join("tmp"), state.join("state"), state.join("s3")] {
            std::fs::create_dir_all(&path).map_err(CommandError::io(path.display().to_string()))?;
        }
        let log = folder.join("log");
        let log = std::fs::File::create(&log).map_err(CommandError::io("the log"))?;
        let errors = log.try_clone().map_err(CommandError::io("the log"))?;
        let mut command = Command::new(python);
        command
            .arg(root.join("infra/local/serve.py"))
            .env_clear()
            .envs(environment(python, port, (&folder, &state)))
            .current_dir(&folder)
            // A Ctrl-C in the terminal is ours alone; we stop the process in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors);
        if options.state.is_some() {
            command.env("PERSIST_STATE", "1").env("S3_PERSIST", "1");
        }
        if options.enforce_rights {
            command.env("AUTH", "true");
        }
        let mut child = command.spawn().map_err(CommandError::io("the local cloud"))?;
        let mut instance = Self { lifeline: child.stdin.take(), child, port, folder };
        match instance.answers().await {
            Ok(()) => Ok(instance),
            Err(error) => {
                instance.stop().await;
                Err(error)
            }
        }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    async fn answers(&mut self) -> Result<(), CommandError> {
        let mut tick = interval(Duration::from_millis(50));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let port = self.port;
        let healthy = async {
            loop {
                tick.tick().await;
                if let Ok((200, _)) = web::get(port, "/_ministack/health").await {
                    return;
                }
            }
        };
        let outcome = tokio::select! {
            status = self.child.wait() => Err(format!("it ended at once ({status:?})")),
            outcome = timeout(Duration::from_secs(START_SECONDS_MAX), healthy) => {
                outcome.map_err(|_| format!("no answer within {START_SECONDS_MAX} s"))
            }
        };
        outcome.map_err(|error| CommandError::LocalCloud(format!("{error}\n{}", self.log_tail())))
    }

    /// Waits until it ends, and says how.
    pub async fn ended(&mut self) -> CommandError {
        let status = self.child.wait().await;
        CommandError::LocalCloud(format!("it ended by itself: {status:?}\n{}", self.log_tail()))
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read(self.folder.join("log")).unwrap_or_default();
        let from = log.len().saturating_sub(LOG_TAIL_BYTES);
        String::from_utf8_lossy(log.get(from..).unwrap_or_default()).into_owned()
    }

    /// Stops it in order, by force if that takes too long, and removes its folder.
    pub async fn stop(&mut self) {
        drop(self.lifeline.take());
        let limit = Duration::from_secs(STOP_SECONDS_MAX);
        if timeout(limit, self.child.wait()).await.is_err() {
            tracing::warn!("the local cloud does not stop; killing it");
            if let Err(error) = self.child.kill().await {
                tracing::warn!("the local cloud: {error}");
            }
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!("{}: {error}", self.folder.display());
        }
    }
}

/// The whole environment of the process, which every function inherits.
fn environment(
    python: &Path,
    port: u16,
    folders: (&Path, &Path),
) -> Vec<(&'static str, std::ffi::OsString)> {
    let (folder, state) = folders;
    let bin = python.parent().unwrap_or(Path::new("/")).display();
    let endpoint = format!("http://127.0.0.1:{port}");
    vec![
        ("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin").into()),
        ("HOME", folder.into()),
        ("LANG", "C.UTF-8".into()),
        ("PYTHONUNBUFFERED", "1".into()),
        // Loopback only; the other two listeners would be open to the network.
        ("BIND_HOST", "127.0.0.1".into()),
        ("MINISTACK_HOST", "127.0.0.1".into()),
        ("IOT_MTLS_ENABLED", "0".into()),
        ("SFTP_ENABLED", "0".into()),
        ("GATEWAY_PORT", port.to_string().into()),
        ("AWS_ENDPOINT_URL", endpoint.into()),
        ("AWS_ACCESS_KEY_ID", KEY.into()),
        ("AWS_SECRET_ACCESS_KEY", KEY.into()),
        ("AWS_DEFAULT_REGION", REGION.into()),
        ("AWS_REGION", REGION.into()),
        ("STATE_DIR", state.join("state").into()),
        ("S3_DATA_DIR", state.join("s3").into()),
        ("TMPDIR", folder.join("tmp").into()),
    ]
}

/// The port to listen on. The local cloud keeps the addresses of its queues with their ports, so a state
/// folder belongs to the port it was made on.
fn port_for(options: &Options) -> Result<u16, CommandError> {
    let Some(state) = &options.state else {
        return if options.port == 0 { free_port() } else { Ok(options.port) };
    };
    let file = state.join("port");
    let named = || file.display().to_string();
    let kept: Option<u16> =
        std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    match (options.port, kept) {
        (0, Some(kept)) => Ok(kept),
        (wanted, Some(kept)) if wanted != kept => Err(CommandError::Usage(format!(
            "--state {} was made on port {kept} and works on that one only",
            state.display()
        ))),
        (wanted, _) => {
            let port = if wanted == 0 { free_port()? } else { wanted };
            std::fs::create_dir_all(state).map_err(CommandError::io(named()))?;
            std::fs::write(&file, port.to_string()).map_err(CommandError::io(named()))?;
            Ok(port)
        }
    }
}

/// Removes the folders of instances whose owner was killed. Only where the system tells who lives.
pub fn remove_leftovers(home: &Path) {
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return;
    }
    for entry in std::fs::read_dir(home).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix("run-")?.split('-').next());
        if owner.is_some_and(|owner| !processes.join(owner).exists())
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::debug!("{}: {error}", entry.path().display());
        }
    }
}

/// Refuses a port that another process listens on: it could be another hub, and would answer as ours.
///
/// # Errors
/// If the port is taken.
pub fn port_is_free(port: u16) -> Result<(), CommandError> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port));
    let taken = |error| CommandError::LocalCloud(format!("port {port} is taken: {error}"));
    listener.map(drop).map_err(taken)
}

fn free_port() -> Result<u16, CommandError> {
    let failed = || CommandError::io("a free port");
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(failed())?;
    Ok(listener.local_addr().map_err(failed())?.port())
}

/// Runs a program to its end and returns what it printed.
pub async fn checked(program: &'static str, mut command: Command) -> Result<Vec<u8>, CommandError> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(CommandError::io(program))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let from = said.len().saturating_sub(LOG_TAIL_BYTES);
    let tail = said.get(from..).unwrap_or(&said).trim();
    Err(CommandError::Program {
        program,
        status: output.status.to_string(),
        detail: format!("\n{tail}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_listens_on_is_refused() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let refused = port_is_free(port).unwrap_err().to_string();
        assert!(refused.contains(&format!("port {port} is taken")), "{refused}");
    }
}
