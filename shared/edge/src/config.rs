//! The environment of a function, read once at start.

use std::fmt;

use thiserror::Error;

use crate::profile::TenantProfile;

/// A text that must not reach a log: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What the template gives every function.
#[derive(Clone, Debug)]
pub struct Config {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `INBOUND_BUCKET`
    pub inbound_bucket: String,
    /// `OUTBOUND_BUCKET`
    pub outbound_bucket: String,
    /// `DOCUMENTS_BUCKET`
    pub documents_bucket: String,
    /// `INBOUND_QUEUE_URL`
    pub inbound_queue_url: String,
    /// `INBOUND_VISIBILITY_SECONDS`: how long a message of that queue is hidden while it is worked on
    pub inbound_visibility_seconds: u32,
    /// `JOBS_QUEUE_URL`
    pub jobs_queue_url: String,
    /// `SPACE_KEY_ARN`: the key that wraps the keys of spaces
    pub space_key_arn: String,
    /// `POOL_EVENTS_QUEUE_URL`
    pub pool_events_queue_url: String,
    /// `WEBHOOK_HOSTS`: hosts that events may be sent to, separated by commas; absent when there are none
    pub webhook_hosts: Option<String>,
    /// `TENANT_PROFILE`
    pub profile: TenantProfile,
    /// `CONTACT_EMAIL`: whom trading partners may answer; absent when the tenant names nobody
    pub contact_email: Option<String>,
    /// `STACK_NAME`
    pub stack_name: String,
    /// `AWS_REGION`
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`
    pub secret_access_key: Secret,
    /// `AWS_SESSION_TOKEN`, absent for long-lived keys
    pub session_token: Option<Secret>,
    /// `AWS_ENDPOINT_URL`; set means a local cloud, so S3 uses path style
    pub endpoint_url: Option<String>,
    /// `AWS_ENDPOINT_URL_KMS`: where the key service is, if elsewhere than the others
    pub kms_endpoint_url: Option<String>,
    /// `RUST_LOG`, default `info`
    pub log_filter: String,
}

/// The environment does not describe a function.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("environment: missing [{}], invalid [{}]", missing.join(", "), invalid.join(", "))]
pub struct ConfigError {
    /// Names that are absent or empty, all of them at once.
    pub missing: Vec<&'static str>,
    /// Names whose value is not usable, with the reason.
    pub invalid: Vec<String>,
}

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// Names every missing and every unusable variable at once.
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the same names from `lookup`. An empty value counts as absent.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut missing = Vec::new();
        let mut invalid = Vec::new();
        let optional = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let mut required = |name: &'static str| {
            optional(name).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let profile_text = required("TENANT_PROFILE");
        let profile = profile_text.parse().unwrap_or_else(|unknown| {
            if !profile_text.is_empty() {
                invalid.push(format!("TENANT_PROFILE {unknown}"));
            }
            TenantProfile::Dispenser
        });
        let visibility_text = required("INBOUND_VISIBILITY_SECONDS");
        let inbound_visibility_seconds = visibility_text.parse().unwrap_or_else(|_| {
            if !visibility_text.is_empty() {
                invalid.push("INBOUND_VISIBILITY_SECONDS is no number of seconds".to_owned());
            }
            0
        });
        let config = Self {
            table_name: required("TABLE_NAME"),
            inbound_bucket: required("INBOUND_BUCKET"),
            outbound_bucket: required("OUTBOUND_BUCKET"),
            documents_bucket: required("DOCUMENTS_BUCKET"),
            inbound_queue_url: required("INBOUND_QUEUE_URL"),
            inbound_visibility_seconds,
            jobs_queue_url: required("JOBS_QUEUE_URL"),
            pool_events_queue_url: required("POOL_EVENTS_QUEUE_URL"),
            space_key_arn: required("SPACE_KEY_ARN"),
            profile,
            webhook_hosts: optional("WEBHOOK_HOSTS"),
            contact_email: optional("CONTACT_EMAIL"),
            stack_name: required("STACK_NAME"),
            region: required("AWS_REGION"),
            access_key_id: required("AWS_ACCESS_KEY_ID"),
            secret_access_key: Secret(required("AWS_SECRET_ACCESS_KEY")),
            session_token: optional("AWS_SESSION_TOKEN").map(Secret),
            endpoint_url: optional("AWS_ENDPOINT_URL"),
            kms_endpoint_url: optional("AWS_ENDPOINT_URL_KMS"),
            log_filter: optional("RUST_LOG").unwrap_or_else(|| "info".to_owned()),
        };
        if missing.is_empty() && invalid.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError { missing, invalid })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn value(name: &str) -> Option<String> {
        match name {
            "TENANT_PROFILE" => Some("manufacturer".into()),
            "AWS_ENDPOINT_URL" | "AWS_ENDPOINT_URL_KMS" | "AWS_SESSION_TOKEN" | "RUST_LOG" => None,
            "INBOUND_VISIBILITY_SECONDS" => Some("5400".into()),
            other => Some(format!("value of {other}")),
        }
    }

    #[test]
    fn all_missing_names_are_reported_together() {
        let error = Config::from_lookup(|_| None).unwrap_err();
        assert_eq!(error.missing.len(), 14);
        assert!(error.to_string().contains("TABLE_NAME"));
        assert!(error.to_string().contains("AWS_REGION"));
    }

    #[test]
    fn an_empty_value_is_missing_and_an_unknown_profile_is_invalid() {
        let error = Config::from_lookup(|name| match name {
            "TABLE_NAME" => Some(String::new()),
            "TENANT_PROFILE" => Some("pharmacy".into()),
            other => value(other),
        })
        .unwrap_err();
        assert_eq!(error.missing, ["TABLE_NAME"]);
        assert_eq!(error.invalid.len(), 1);
    }

    #[test]
    fn debug_hides_the_secret_key() {
        let config = Config::from_lookup(value).unwrap();
        assert_eq!(config.log_filter, "info");
        assert!(!format!("{config:?}").contains("value of AWS_SECRET_ACCESS_KEY"));
    }
}
