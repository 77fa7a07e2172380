//! `pharmatrace system …`: the systems that deliver and receive, each with its own prefix.

use domain::gln::Gln;
use domain::ids::SystemId;
use serde::Serialize;
use serde_json::{Value, json};
use store::Store;
use store::system::{SYSTEM_KINDS, System};
use store::time::rfc3339_ms;
use time::OffsetDateTime;

use crate::error::CommandError;
use crate::wiring::actor;

/// What a new system shall be.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// Its kind, one of [`SYSTEM_KINDS`].
    pub kind: String,
    /// The lines it drives.
    pub line_glns: Vec<String>,
}

/// A system as commands show it.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The lines it drives.
    pub line_glns: Vec<String>,
    /// Where it drops its files in the inbound bucket.
    pub inbound_prefix: String,
    /// Where files for it are put in the outbound bucket.
    pub outbound_prefix: String,
    /// Rights for a principal of its own, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam: Option<Value>,
}

impl From<&System> for Shown {
    fn from(system: &System) -> Self {
        Self {
            id: system.id.to_string(),
            kind: system.kind.clone(),
            line_glns: system.line_glns.iter().map(ToString::to_string).collect(),
            inbound_prefix: system.inbound_prefix(),
            outbound_prefix: system.outbound_prefix(),
            iam: None,
        }
    }
}

/// Creates a system.
///
/// # Errors
/// If an argument is malformed or the id is taken.
pub async fn create(
    store: &Store,
    request: &Request,
    now: OffsetDateTime,
) -> Result<Shown, CommandError> {
    let id = SystemId::parse(&request.id)
        .map_err(|error| CommandError::Usage(format!("--id: {error}")))?;
    if !SYSTEM_KINDS.iter().any(|(kind, _)| *kind == request.kind) {
        let kinds: Vec<&str> = SYSTEM_KINDS.iter().map(|(kind, _)| *kind).collect();
        return Err(CommandError::Usage(format!(
            "--type {}: not one of {}",
            request.kind,
            kinds.join(", ")
        )));
    }
    let line_glns: Result<Vec<Gln>, CommandError> = request
        .line_glns
        .iter()
        .map(|line| {
            Gln::parse(line)
                .map_err(|error| CommandError::Usage(format!("--line-gln {line}: {error}")))
        })
        .collect();
    let system = System {
        id,
        kind: request.kind.clone(),
        line_glns: line_glns?,
        created_at: rfc3339_ms(now),
    };
    store.system_create(&system, &actor()).await?;
    Ok(Shown::from(&system))
}

/// All systems.
///
/// # Errors
/// If the table cannot be read.
pub async fn list(store: &Store) -> Result<Vec<Shown>, CommandError> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.system_list(after.as_deref()).await?;
        all.extend(page.items.iter().map(Shown::from));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

/// A policy for an IAM principal of the system's own, and the tag that the inbound bucket asks for.
#[must_use]
pub fn iam(system: &Shown, inbound_bucket: &str, outbound_bucket: &str) -> Value {
    let object = |bucket: &str, prefix: &str| format!("arn:aws:s3:::{bucket}/{prefix}*");
    json!({
        "principal_tags": { "pharmatrace-system": system.id },
        "policy": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Deliver",
                    "Effect": "Allow",
                    "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
                    "Resource": object(inbound_bucket, &system.inbound_prefix),
                },
                {
                    "Sid": "Fetch",
                    "Effect": "Allow",
                    "Action": ["s3:GetObject"],
                    "Resource": object(outbound_bucket, &system.outbound_prefix),
                },
                {
                    "Sid": "ListOwn",
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": format!("arn:aws:s3:::{outbound_bucket}"),
                    "Condition": {
                        "StringLike": { "s3:prefix": format!("{}*", system.outbound_prefix) }
                    },
                },
            ],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_reaches_only_the_systems_own_prefixes() {
        let shown = Shown {
            id: "L1".to_owned(),
            kind: "generic".to_owned(),
            line_glns: Vec::new(),
            inbound_prefix: "inbound/L1/".to_owned(),
            outbound_prefix: "outbound/L1/".to_owned(),
            iam: None,
        };
        let iam = iam(&shown, "in", "out");
        let statements = iam["policy"]["Statement"].as_array().unwrap();
        assert_eq!(statements[0]["Resource"], "arn:aws:s3:::in/inbound/L1/*");
        assert_eq!(statements[1]["Resource"], "arn:aws:s3:::out/outbound/L1/*");
        assert_eq!(iam["principal_tags"]["pharmatrace-system"], "L1");
    }
}
