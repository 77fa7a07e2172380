//! The numbers of an allocation as a file: inline, or from S3 once it is written there.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::sleep;

use crate::api::Api;
use crate::error::CommandError;

/// How long a file may take to be written, seconds.
const FILE_SECONDS_MAX: u64 = 120;
const POLL: Duration = Duration::from_millis(250);

/// The way that the file came, and its bytes.
pub(super) async fn file(line: &Api, path: &str) -> Result<(&'static str, Bytes), CommandError> {
    let started = Instant::now();
    loop {
        let answer = line.get(path).await?;
        match (answer.status, answer.header("location")) {
            (200, _) => return Ok(("inline", answer.body)),
            (303, Some(address)) => {
                return Ok(("from S3", line.get_presigned(address).await?.body));
            }
            (202, _) if started.elapsed() < Duration::from_secs(FILE_SECONDS_MAX) => {}
            (status, _) => {
                let said = String::from_utf8_lossy(&answer.body);
                return Err(CommandError::Failed(format!("{path}: {status} {said}")));
            }
        }
        sleep(POLL).await;
    }
}
