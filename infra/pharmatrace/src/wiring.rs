//! What touches the process: clock, entropy, environment, logs, standard output.

use std::io::Write as _;

use data_encoding::{BASE32_NOPAD, Encoding, Specification};
use time::OffsetDateTime;

use crate::error::CommandError;

/// The time, read only here.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the clock of the command line; everything below takes times as arguments"
)]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// An environment variable that is set and not empty.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the environment of the command line is read only here"
)]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who works at this command line, for audit records; the login name, since AWS rights carry no person.
#[must_use]
pub fn actor() -> String {
    format!(
        "cli/{}",
        env("USER").or_else(|| env("LOGNAME")).unwrap_or_else(|| "unknown".to_owned())
    )
}

/// Random text, base32 in lower case: 5 bits a character.
///
/// # Errors
/// If the system has no entropy to give.
pub fn random_text(bytes: usize) -> Result<String, CommandError> {
    let mut buffer = vec![0_u8; bytes];
    getrandom::fill(&mut buffer).map_err(|error| CommandError::Entropy(error.to_string()))?;
    Ok(lower_base32().encode(&buffer))
}

fn lower_base32() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    // The symbols are right, so the alternative never comes to pass.
    specification.encoding().unwrap_or(BASE32_NOPAD)
}

/// Starts the logs: plain lines on stderr, filtered by `RUST_LOG` (default `info`).
pub fn logs() {
    let filter = tracing_subscriber::EnvFilter::try_new(
        env("RUST_LOG").unwrap_or_else(|| "warn,pharmatrace=info".to_owned()),
    )
    .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_level(false)
        .init();
}

/// Writes one line of machine output.
///
/// # Errors
/// If standard output is closed.
pub fn print_line(line: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|source| CommandError::Io { what: "standard output".to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_is_lower_case_base32_and_never_the_same() {
        let first = random_text(20).unwrap();
        assert_eq!(first.len(), 32);
        assert!(first.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')));
        assert_ne!(first, random_text(20).unwrap());
    }
}
