//! One start of one process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::runtime::{Runtime, Seen};
use crate::error::CommandError;

/// A function that has not asked for work by then does not start.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one start showed.
#[derive(Debug)]
pub(super) struct Start {
    /// From before the process was made to its first request for work, without open warm-up calls.
    pub init: Duration,
    /// The same with them.
    pub whole: Duration,
    /// Time on a processor, all threads.
    pub on_cpu: Duration,
    /// Memory at its highest, in kilobytes.
    pub memory_kb: u64,
    /// The services that were called.
    pub services: BTreeSet<&'static str>,
}

/// Starts `program` and ends it at its first request for work.
pub(super) fn run(
    runtime: &Runtime,
    program: &Path,
    environment: &[(String, String)],
    arguments: &[&str],
) -> Result<Start, CommandError> {
    let name = program.file_name().unwrap_or_default();
    let address = runtime.address();
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", name)
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    runtime.forget();
    let begun = Instant::now();
    let mut child = command.spawn().map_err(CommandError::io(program.display().to_string()))?;
    let seen = runtime.first_request(PATIENCE);
    let read = seen.as_ref().map(|_| (on_cpu(&child), memory_kb(&child)));
    end(&mut child)?;
    let (Some(seen), Some((on_cpu, memory_kb))) = (seen, read) else {
        let name = name.to_string_lossy();
        return Err(CommandError::Failed(format!("{name} never asked for work")));
    };
    let whole = seen.asked.saturating_duration_since(begun);
    let init = whole.saturating_sub(open(&seen));
    Ok(Start { init, whole, on_cpu: on_cpu?, memory_kb: memory_kb?, services: seen.services() })
}

/// How long at least one warm-up call was open.
fn open(seen: &Seen) -> Duration {
    let mut calls: Vec<(Instant, Instant)> =
        seen.calls.iter().map(|call| (call.from, call.to)).collect();
    calls.sort();
    let mut sum = Duration::ZERO;
    let mut covered: Option<Instant> = None;
    for (from, to) in calls {
        let from = covered.map_or(from, |covered| covered.max(from));
        sum = sum.saturating_add(to.saturating_duration_since(from));
        covered = Some(covered.map_or(to, |covered| covered.max(to)));
    }
    sum
}

fn end(child: &mut Child) -> Result<(), CommandError> {
    // It may have ended by itself, then there is nothing to kill.
    drop(child.kill());
    child.wait().map(|_| ()).map_err(CommandError::io("the end of a function"))
}

/// The scheduler's account, which counts nanoseconds.
fn on_cpu(child: &Child) -> Result<Duration, CommandError> {
    let tasks = PathBuf::from(format!("/proc/{}/task", child.id()));
    let mut sum: u64 = 0;
    for task in std::fs::read_dir(&tasks).map_err(CommandError::io("/proc"))? {
        let task = task.map_err(CommandError::io("/proc"))?;
        let text = read(&task.path().join("schedstat"))?;
        let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<u64>().ok());
        sum = sum.saturating_add(nanoseconds.unwrap_or(0));
    }
    Ok(Duration::from_nanos(sum))
}

fn memory_kb(child: &Child) -> Result<u64, CommandError> {
    let text = read(&PathBuf::from(format!("/proc/{}/status", child.id())))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.ok_or_else(|| CommandError::Failed("the system does not tell VmHWM".to_owned()))
}

fn read(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(CommandError::io(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::runtime::Call;
    use super::*;

    #[test]
    fn calls_that_overlap_are_counted_once() {
        let zero = Instant::now();
        let at = |ms: u64| zero + Duration::from_millis(ms);
        let call = |from, to| Call { service: "s3", from: at(from), to: at(to) };
        let calls = vec![call(10, 20), call(1, 3), call(15, 30), call(16, 18)];
        let seen = Seen { asked: at(40), calls };
        assert_eq!(open(&seen), Duration::from_millis(22));
    }
}
