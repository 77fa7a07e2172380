//! Request bodies and queries: form is checked here (400), rules between values by the domain
//! (422).

use std::str::FromStr;

use domain::ids::PoolId;
use domain::object_key::ObjectKey;
use domain::pool::{
    INDEX_LIMIT, MAX_REQUEST_DEFAULT, PoolDraft, PoolStatus, check_max_request, check_threshold,
};
use edge::openapi::{CompanyPrefix, Cursor, Gtin, Index, Limit};
use edge::page::foreign_cursor;
use edge::{Page, Problem};
use serde::Deserialize;
use service::object_key::KeyFields;
use store::pool::{PoolChange, PoolError};
use utoipa::{IntoParams, ToSchema};

use crate::failure::pool_problem;
use crate::openapi::{Encoding, PoolName, PoolStatusWord, ReofferWord, SchemeWord};
use crate::policy::{ExtendBody, PolicyFields};
use crate::scheme::{AlphabetBody, SchemeFields, bounds};

/// Body of `POST /api/v1/l3/pools`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolBody {
    #[schema(value_type = PoolName)]
    name: String,
    /// SGTIN when left out.
    #[schema(value_type = Option<Encoding>)]
    encoding: Option<String>,
    /// Of SGTINs only.
    #[schema(value_type = Option<Gtin>)]
    gtin: Option<String>,
    /// Of SSCCs only.
    #[schema(value_type = Option<CompanyPrefix>)]
    company_prefix: Option<String>,
    /// Of SSCCs only.
    #[schema(minimum = 0, maximum = 9)]
    extension_digit: Option<u8>,
    /// The digits of the GS1 company prefix in the GTIN; needed for URNs. Of SGTINs only.
    #[schema(minimum = 6, maximum = 12)]
    company_prefix_length: Option<u8>,
    #[schema(value_type = Option<SchemeWord>)]
    scheme: Option<String>,
    /// Sequential only: the characters of a serial number. Of SGTINs only.
    #[schema(minimum = 1, maximum = 20)]
    width: Option<u8>,
    /// Randomised only: the characters of the random part; digits and upper-case letters without those that look
    /// alike when left out.
    alphabet: Option<AlphabetBody>,
    /// Randomised only: how many random characters a number has.
    #[schema(minimum = 2, maximum = 20)]
    length: Option<u8>,
    /// Randomised only: what every number begins with; nothing when left out.
    #[schema(max_length = 18, pattern = "^[0-9A-Za-z]*$")]
    prefix: Option<String>,
    /// Whether packs fall under Delegated Regulation (EU) 2016/161: randomised only, and all pools of the space together
    /// have fewer numbers than one text in ten thousand. False when left out.
    eu_rules: Option<bool>,
    /// The first number. May be left out for randomised numbers: 0.
    #[schema(value_type = Option<Index>)]
    from: Option<String>,
    /// The last number. May be left out for randomised numbers: a million from the first on, or what the rules leave.
    #[schema(value_type = Option<Index>)]
    to: Option<String>,
    /// The largest quantity of one request; 500,000 when left out.
    #[schema(minimum = 1, maximum = 100_000_000)]
    max_request: Option<u64>,
    /// `below_threshold` is said when fewer numbers than this remain; 0 when left out.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    threshold: Option<u64>,
    /// The pool is low when what is left lasts fewer hours than this at its burn rate of the last 24 hours; 0 or left out for never.
    #[schema(minimum = 0, maximum = 8_760)]
    threshold_hours: Option<u32>,
    /// The hub extends the pool when it is low; never when left out.
    auto_extend: Option<ExtendBody>,
    /// Whether each reservation is told as an EPCIS event, an object of the documents bucket; false when left out.
    reservation_events: Option<bool>,
    /// Which numbers are offered again: those that are returned unused, those of void ranges that no line ever had.
    /// `void` for lists, else `never`, when left out.
    #[schema(value_type = Option<ReofferWord>)]
    reoffer: Option<String>,
}

impl PoolBody {
    pub(crate) fn into_draft(self, id: &PoolId) -> Result<PoolDraft, Problem> {
        let key = KeyFields {
            encoding: self.encoding.as_deref(),
            gtin: self.gtin.as_deref(),
            company_prefix: self.company_prefix.as_deref(),
            extension_digit: self.extension_digit,
        };
        let key = key.key().map_err(|(pointer, detail)| malformed(pointer, &detail))?;
        let company_prefix_length = prefix_length(key, self.company_prefix_length)?;
        let policy = PolicyFields {
            threshold_hours: self.threshold_hours,
            auto_extend: self.auto_extend,
            reservation_events: self.reservation_events,
            reoffer: self.reoffer,
        };
        let scheme = SchemeFields {
            scheme: self.scheme,
            width: self.width,
            alphabet: self.alphabet,
            length: self.length,
            prefix: self.prefix,
        };
        let (scheme, eu_rules) = (scheme.into_scheme((key, id))?, self.eu_rules.unwrap_or(false));
        let (from, to) = bounds((scheme, eu_rules), self.from.as_deref(), self.to.as_deref())?;
        let draft = PoolDraft {
            name: self.name,
            key,
            company_prefix_length,
            scheme,
            eu_rules,
            from,
            to,
            max_request: self.max_request.unwrap_or(MAX_REQUEST_DEFAULT),
            threshold: u128::from(self.threshold.unwrap_or(0)),
            policy: policy.into_policy(scheme)?,
        };
        draft.check().map_err(|rule| pool_problem(PoolError::Rule(rule)))?;
        Ok(draft)
    }
}

/// Body of `PATCH /api/v1/l3/pools/{id}`; absent or null leaves a value as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolPatch {
    #[schema(value_type = Option<PoolStatusWord>)]
    status: Option<String>,
    /// The first number; only while none was reserved.
    #[schema(value_type = Option<Index>)]
    from: Option<String>,
    /// The last number.
    #[schema(value_type = Option<Index>)]
    to: Option<String>,
    /// `below_threshold` is said when fewer numbers than this remain.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    threshold: Option<u64>,
    /// The largest quantity of one request.
    #[schema(minimum = 1, maximum = 100_000_000)]
    max_request: Option<u64>,
    /// The pool is low when what is left lasts fewer hours than this at its burn rate of the last 24 hours; 0 for never.
    #[schema(minimum = 0, maximum = 8_760)]
    threshold_hours: Option<u32>,
    /// The hub extends the pool when it is low.
    auto_extend: Option<ExtendBody>,
    /// Whether each reservation is told as an EPCIS event, those made before as well.
    reservation_events: Option<bool>,
    /// Which numbers are offered again, of those that are returned or become void from then on.
    #[schema(value_type = Option<ReofferWord>)]
    reoffer: Option<String>,
}

impl PoolPatch {
    pub(crate) fn into_change(self) -> Result<PoolChange, Problem> {
        let status = self.status.map(|text| {
            PoolStatus::parse(&text).ok_or_else(|| malformed("/status", "active or suspended"))
        });
        if let Some(max_request) = self.max_request {
            check_max_request(max_request).map_err(|rule| pool_problem(PoolError::Rule(rule)))?;
        }
        let threshold = self.threshold.map(u128::from);
        if let Some(threshold) = threshold {
            check_threshold(threshold).map_err(|rule| pool_problem(PoolError::Rule(rule)))?;
        }
        let policy = PolicyFields {
            threshold_hours: self.threshold_hours,
            auto_extend: self.auto_extend,
            reservation_events: self.reservation_events,
            reoffer: self.reoffer,
        };
        Ok(PoolChange {
            status: status.transpose()?,
            from: self.from.map(|text| index("/from", &text)).transpose()?,
            to: self.to.map(|text| index("/to", &text)).transpose()?,
            threshold,
            max_request: self.max_request,
            policy: policy.into_change()?,
            extend: false,
        })
    }
}

/// Query of the lists.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<Limit>)]
    limit: Option<u32>,
    #[param(value_type = Option<Cursor>)]
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

/// A GTIN does not tell where its company prefix ends; of SSCCs the prefix itself is said.
fn prefix_length(key: ObjectKey, said: Option<u8>) -> Result<u8, Problem> {
    let pointer = "/company_prefix_length";
    match (key, said) {
        (ObjectKey::Gtin(_), Some(length)) => Ok(length),
        (ObjectKey::Gtin(_), None) => Err(malformed(pointer, "is missing")),
        (ObjectKey::Sscc(prefix), None) => Ok(prefix.company_prefix_length()),
        (ObjectKey::Sscc(_), Some(_)) => Err(malformed(pointer, "belongs to the encoding SGTIN")),
    }
}

/// An index is decimal text below 10^20.
pub(crate) fn index(pointer: &str, text: &str) -> Result<u128, Problem> {
    let digits = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    let index = if digits { text.parse().ok() } else { None };
    index
        .filter(|index| *index < INDEX_LIMIT)
        .ok_or_else(|| malformed(pointer, "a text of 1 to 20 decimal digits"))
}

pub(crate) fn malformed(pointer: &str, detail: &str) -> Problem {
    Problem::bad_request("A value does not have its form.").violation(pointer, detail)
}
