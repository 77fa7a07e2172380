//! Request bodies and queries: form is checked here (400), rules between values by the domain
//! (422).

use std::str::FromStr;

use domain::gtin::Gtin14;
use domain::pool::{
    INDEX_LIMIT, MAX_REQUEST_DEFAULT, PoolDraft, PoolStatus, Scheme, check_max_request,
};
use edge::page::foreign_cursor;
use edge::{Page, Problem};
use serde::Deserialize;
use store::pool::{PoolChange, PoolError};

use crate::failure::pool_problem;

/// Body of `POST /api/v1/l3/pools`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolBody {
    name: String,
    encoding: Option<String>,
    gtin: String,
    company_prefix_length: u8,
    scheme: Option<String>,
    width: u8,
    from: String,
    to: String,
    max_request: Option<u64>,
    threshold: Option<u64>,
}

impl PoolBody {
    pub(crate) fn into_draft(self) -> Result<PoolDraft, Problem> {
        only("/encoding", self.encoding.as_deref(), "SGTIN")?;
        only("/scheme", self.scheme.as_deref(), "sequential")?;
        let gtin = Gtin14::parse_padded(&self.gtin)
            .map_err(|error| malformed("/gtin", &error.to_string()))?;
        let draft = PoolDraft {
            name: self.name,
            gtin,
            company_prefix_length: self.company_prefix_length,
            scheme: Scheme::Sequential { width: self.width },
            from: index("/from", &self.from)?,
            to: index("/to", &self.to)?,
            max_request: self.max_request.unwrap_or(MAX_REQUEST_DEFAULT),
            threshold: u128::from(self.threshold.unwrap_or(0)),
        };
        draft.check().map_err(|rule| pool_problem(PoolError::Rule(rule)))?;
        Ok(draft)
    }
}

/// Body of `PATCH /api/v1/l3/pools/{id}`; absent or null leaves a value as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolPatch {
    status: Option<String>,
    from: Option<String>,
    to: Option<String>,
    threshold: Option<u64>,
    max_request: Option<u64>,
}

impl PoolPatch {
    pub(crate) fn into_change(self) -> Result<PoolChange, Problem> {
        let status = self.status.map(|text| {
            PoolStatus::parse(&text).ok_or_else(|| malformed("/status", "active or suspended"))
        });
        if let Some(max_request) = self.max_request {
            check_max_request(max_request).map_err(|rule| pool_problem(PoolError::Rule(rule)))?;
        }
        Ok(PoolChange {
            status: status.transpose()?,
            from: self.from.map(|text| index("/from", &text)).transpose()?,
            to: self.to.map(|text| index("/to", &text)).transpose()?,
            threshold: self.threshold.map(u128::from),
            max_request: self.max_request,
        })
    }
}

/// Query of the lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

impl ListQuery {
    /// The number of items and the key to start after.
    pub(crate) fn into_page<K: FromStr>(self) -> Result<(i32, Option<K>), Problem> {
        let page = Page::parse(self.limit, self.cursor.as_deref())?;
        let limit = i32::try_from(page.limit).map_err(|error| Problem::internal(&error))?;
        let after = page.cursor.map(|text| text.parse().map_err(|_| foreign_cursor()));
        Ok((limit, after.transpose()?))
    }
}

fn only(pointer: &str, found: Option<&str>, expected: &str) -> Result<(), Problem> {
    match found {
        None => Ok(()),
        Some(found) if found == expected => Ok(()),
        Some(_) => Err(malformed(pointer, &format!("only {expected} is supported"))),
    }
}

/// An index is decimal text below 10^20.
fn index(pointer: &str, text: &str) -> Result<u128, Problem> {
    let digits = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    let index = if digits { text.parse().ok() } else { None };
    index
        .filter(|index| *index < INDEX_LIMIT)
        .ok_or_else(|| malformed(pointer, "a text of 1 to 20 decimal digits"))
}

fn malformed(pointer: &str, detail: &str) -> Problem {
    Problem::bad_request("A value does not have its form.").violation(pointer, detail)
}
