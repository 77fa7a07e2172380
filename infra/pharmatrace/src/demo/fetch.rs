//! The numbers of an allocation as a file: inline, or from S3 once it is written there.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, interval};

use crate::api::{Answer, Api};
use crate::error::CommandError;

/// How long a file may take to be written.
const PATIENCE: Duration = Duration::from_mins(2);
/// When to ask again where the hub does not say.
const POLL: Duration = Duration::from_secs(1);

/// The way that the file came, and its bytes.
pub(super) async fn file(line: &Api, path: &str) -> Result<(&'static str, Bytes), CommandError> {
    let started = Instant::now();
    let mut turns = interval(POLL);
    loop {
        turns.tick().await;
        let answer = line.get(path).await?;
        match (answer.status, answer.header("location")) {
            (200, _) => return Ok(("inline", answer.body)),
            (303, Some(address)) => {
                return Ok(("from S3", line.get_presigned(address).await?.body));
            }
            (202, _) if started.elapsed() < PATIENCE => turns.reset_after(pause(&answer)),
            (status, _) => {
                let said = String::from_utf8_lossy(&answer.body);
                return Err(CommandError::Failed(format!("{path}: {status} {said}")));
            }
        }
    }
}

/// As long as the hub asks for, within our patience.
fn pause(answer: &Answer) -> Duration {
    let seconds = answer.header("retry-after").and_then(|text| text.parse().ok());
    seconds.map_or(POLL, |seconds| Duration::from_secs(seconds).clamp(POLL, PATIENCE))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn the_hub_says_when_to_ask_again() {
        for (said, seconds) in [("7", 7), ("0", 1), ("86400", 120), ("soon", 1), ("", 1)] {
            let headers: HeaderMap =
                [(http::header::RETRY_AFTER, said.parse().unwrap())].into_iter().collect();
            let answer = Answer { status: 202, headers, body: Bytes::new() };
            assert_eq!(pause(&answer), Duration::from_secs(seconds), "{said}");
        }
        let answer = Answer { status: 202, headers: HeaderMap::new(), body: Bytes::new() };
        assert_eq!(pause(&answer), POLL);
    }
}
