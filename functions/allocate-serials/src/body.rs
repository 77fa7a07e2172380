//! The body of a request for numbers: everything that a 400 or 422 can say is said here.

use domain::gln::Gln;
use domain::ids::{PoolId, RequestId, SystemId};
use domain::object_key::ObjectKey;
use domain::pool::MAX_REQUEST_LIMIT;
use domain::request::{Details, HOLD_MINUTES_MAX, Mode, ReserveRequest, Terms};
use domain::serial::check_ai82;
use edge::openapi::{
    CompanyPrefix, Date as DateForm, Gln as GlnForm, Gtin, Lot, PlainText, PoolId as PoolIdForm,
    RequestId as RequestIdForm, SystemId as SystemIdForm,
};
use edge::{Caller, Problem, ProblemKind};
use serde::Deserialize;
use service::object_key::KeyFields;
use time::Date;
use time::macros::format_description;
use utoipa::ToSchema;

use crate::openapi::{ChoiceWord, Encoding, Level};

/// The longest of the texts that are only carried along, characters.
const TEXT_CHARACTERS_MAX: usize = 64;
/// Packaging levels.
pub(crate) const LEVELS: [&str; 4] = ["EA", "PK", "CA", "PL"];

/// A request for numbers as it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReserveBody {
    #[schema(value_type = Option<RequestIdForm>)]
    request_id: Option<String>,
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
    /// How many; the pool's `max_request` may be lower.
    #[schema(minimum = 1, maximum = 100_000_000)]
    quantity: u64,
    #[schema(value_type = Option<ChoiceWord>)]
    mode: Option<String>,
    /// Whether fewer numbers than asked for will do when fewer are left.
    allow_partial: Option<bool>,
    /// The numbers are given up after so many minutes unless they are confirmed.
    #[schema(minimum = 1, maximum = 43_200)]
    hold_minutes: Option<u32>,
    #[schema(value_type = Option<PoolIdForm>)]
    pool_id: Option<String>,
    #[schema(value_type = Option<Level>)]
    packaging_level: Option<String>,
    /// The EPC filter value.
    #[schema(maximum = 7)]
    filter_value: Option<u8>,
    #[schema(value_type = Option<Lot>)]
    lot: Option<String>,
    #[schema(value_type = Option<DateForm>)]
    expiry: Option<String>,
    #[schema(value_type = Option<DateForm>)]
    manufactured: Option<String>,
    #[schema(value_type = Option<PlainText>)]
    work_order: Option<String>,
    #[schema(value_type = Option<PlainText>)]
    po_number: Option<String>,
    #[schema(value_type = Option<PlainText>)]
    po_line: Option<String>,
    #[schema(value_type = Option<PlainText>)]
    reference_id: Option<String>,
    /// The system whose line prints; the caller's own when left out.
    #[schema(value_type = Option<SystemIdForm>)]
    system_id: Option<String>,
    #[schema(value_type = Option<PlainText>)]
    line_id: Option<String>,
    #[schema(value_type = Option<GlnForm>)]
    line_gln: Option<String>,
    #[schema(value_type = Option<GlnForm>)]
    plant_gln: Option<String>,
}

/// Gathers everything that is wrong, so that the caller can mend it in one go.
struct Violations(Vec<(&'static str, String)>);

impl Violations {
    fn take<T, E: ToString>(&mut self, pointer: &'static str, outcome: Result<T, E>) -> Option<T> {
        outcome.map_err(|error| self.0.push((pointer, error.to_string()))).ok()
    }

    fn optional<T, E: ToString>(
        &mut self,
        pointer: &'static str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        text.and_then(|text| self.take(pointer, parse(text)))
    }

    fn need(&mut self, pointer: &'static str, holds: bool, detail: &str) {
        if !holds {
            self.0.push((pointer, detail.to_owned()));
        }
    }

    fn problem(self) -> Option<Problem> {
        if self.0.is_empty() {
            return None;
        }
        let problem = Problem::bad_request("The request for numbers is not valid.");
        Some(
            self.0.into_iter().fold(problem, |problem, (at, detail)| problem.violation(at, detail)),
        )
    }
}

impl ReserveBody {
    /// The request this body means for this caller.
    pub(crate) fn into_request(
        self,
        caller: &Caller,
        idempotency_key: Option<&str>,
    ) -> Result<ReserveRequest, Problem> {
        let terms = self.terms()?;
        let mut wrong = Violations(Vec::new());
        self.check_words(&mut wrong);
        let requester = wrong.take("", SystemId::parse(caller.system()));
        let request_id = self.request_id(idempotency_key, &mut wrong);
        let key = self.key(&mut wrong);
        let pool_id = wrong.optional("/pool_id", self.pool_id.as_deref(), PoolId::parse);
        let system_id = wrong.optional("/system_id", self.system_id.as_deref(), SystemId::parse);
        let line_gln = wrong.optional("/line_gln", self.line_gln.as_deref(), Gln::parse);
        let plant_gln = wrong.optional("/plant_gln", self.plant_gln.as_deref(), Gln::parse);
        let quantity = self.quantity;
        let details = self.details(&mut wrong);
        if let Some(problem) = wrong.problem() {
            return Err(problem);
        }
        let (Some(requester), Some(request_id), Some(key)) = (requester, request_id, key) else {
            return Err(Problem::bad_request("The request for numbers is not valid."));
        };
        Ok(ReserveRequest {
            requester,
            credential: Some(caller.credential().to_owned()),
            request_id,
            key,
            quantity,
            pool_id,
            system_id,
            line_gln,
            plant_gln,
            details,
            terms,
        })
    }

    fn key(&self, wrong: &mut Violations) -> Option<ObjectKey> {
        let key = KeyFields {
            encoding: self.encoding.as_deref(),
            gtin: self.gtin.as_deref(),
            company_prefix: self.company_prefix.as_deref(),
            extension_digit: self.extension_digit,
        };
        key.key().map_err(|field| wrong.0.push(field)).ok()
    }

    fn terms(&self) -> Result<Terms, Problem> {
        let refused = |pointer: &str, detail: &str| {
            Problem::new(ProblemKind::ModeNotAllowed).violation(pointer, detail)
        };
        let mode = match self.mode.as_deref() {
            None => Mode::default(),
            Some(word) => {
                Mode::parse(word).ok_or_else(|| refused("/mode", "range, list or random"))?
            }
        };
        let allow_partial = self.allow_partial.unwrap_or_default();
        Ok(Terms { mode, allow_partial, hold_minutes: self.hold_minutes })
    }

    fn request_id(&self, header: Option<&str>, wrong: &mut Violations) -> Option<RequestId> {
        let text = match (header, self.request_id.as_deref()) {
            (Some(header), Some(body)) if header != body => {
                wrong.need("/request_id", false, "equal to Idempotency-Key when both are given");
                return None;
            }
            (header, body) => header.or(body),
        };
        let Some(text) = text else {
            wrong.need("/request_id", false, "needed, here or as Idempotency-Key");
            return None;
        };
        wrong.take("/request_id", RequestId::parse(text))
    }

    fn check_words(&self, wrong: &mut Violations) {
        let quantity = (1..=MAX_REQUEST_LIMIT).contains(&self.quantity);
        wrong.need("/quantity", quantity, "1 to the pool's max_request, never above 100000000");
        let level = self.packaging_level.as_deref().is_none_or(|level| LEVELS.contains(&level));
        wrong.need("/packaging_level", level, "one of EA, PK, CA, PL");
        let hold = self.hold_minutes.is_none_or(|held| (1..=HOLD_MINUTES_MAX).contains(&held));
        wrong.need("/hold_minutes", hold, "1 to 43200");
        let filter = self.filter_value.is_none_or(|filter| filter <= 7);
        wrong.need("/filter_value", filter, "0 to 7");
        let lot = self.lot.as_deref().is_none_or(|lot| check_ai82(lot).is_ok());
        wrong.need("/lot", lot, "1 to 20 characters of the GS1 character set 82");
        let texts = [
            ("/work_order", &self.work_order),
            ("/po_number", &self.po_number),
            ("/po_line", &self.po_line),
            ("/reference_id", &self.reference_id),
            ("/line_id", &self.line_id),
        ];
        for (pointer, text) in texts {
            let fits = text.as_deref().is_none_or(is_plain_text);
            wrong.need(pointer, fits, "1 to 64 characters, none of them a control character");
        }
        for (pointer, date) in [("/expiry", &self.expiry), ("/manufactured", &self.manufactured)] {
            let fits = date.as_deref().is_none_or(is_date);
            wrong.need(pointer, fits, "a date as YYYY-MM-DD");
        }
    }

    fn details(self, wrong: &mut Violations) -> Details {
        let dates = self.manufactured.as_deref().zip(self.expiry.as_deref());
        let in_order = dates.is_none_or(|(made, ends)| made <= ends);
        wrong.need("/expiry", in_order, "not before the date of manufacture");
        Details {
            lot: self.lot,
            expiry: self.expiry,
            manufactured: self.manufactured,
            work_order: self.work_order,
            po_number: self.po_number,
            po_line: self.po_line,
            reference_id: self.reference_id,
            line_id: self.line_id,
            packaging_level: self.packaging_level,
            filter_value: self.filter_value.map(|filter| filter.to_string()),
        }
    }
}

fn is_plain_text(text: &str) -> bool {
    (1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_date(text: &str) -> bool {
    // Years below 2000 cannot be told in AI (17), which has two digits for the year.
    text.starts_with("20") && Date::parse(text, format_description!("[year]-[month]-[day]")).is_ok()
}
