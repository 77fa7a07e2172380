//! The body of an end of batch: everything that a 400 can say is said here.

use domain::closing::{CloseRequest, LINES_MAX, QUANTITY_MAX, Reported, Unused};
use domain::gtin::Gtin14;
use domain::serial::check_ai82;
use edge::Problem;
use edge::openapi::{Gtin, Lot, Reason};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::LEVELS;
use crate::openapi::{CodeType, Level, UnusedWord};
use crate::turn::check_reason;

/// The end of a batch as it is sent; without quantities the run is closed without comparing them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseBody {
    #[schema(value_type = Option<Lot>)]
    lot: Option<String>,
    /// The quantities of each packaging level; that of the allocation's GTIN is compared with the ledger.
    #[schema(min_items = 1, max_items = 20)]
    production: Option<Vec<ProductionBody>>,
    /// What becomes of numbers that were not used; `deactivate` when left out.
    #[schema(value_type = Option<UnusedWord>)]
    unused: Option<String>,
    #[schema(value_type = Option<Reason>)]
    reason: Option<String>,
}

/// The quantity of one packaging level.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductionLine)]
struct ProductionBody {
    #[schema(value_type = Option<CodeType>)]
    packaging_code_type: Option<String>,
    #[schema(value_type = Gtin)]
    packaging_code: String,
    #[schema(value_type = Level)]
    packaging_level: String,
    /// Good packs.
    #[schema(maximum = 10_000_000_000_u64)]
    quantity_reported: u64,
}

impl CloseBody {
    pub(crate) fn into_request(self) -> Result<CloseRequest, Problem> {
        self.reason.as_deref().map_or(Ok(()), check_reason)?;
        let reason = self.reason;
        let mut wrong: Vec<(String, String)> = Vec::new();
        if self.lot.as_deref().is_some_and(|lot| check_ai82(lot).is_err()) {
            let detail = "1 to 20 characters of the GS1 character set 82";
            wrong.push(("/lot".to_owned(), detail.to_owned()));
        }
        let unused = self.unused.as_deref().map_or(Some(Unused::default()), Unused::parse);
        if unused.is_none() {
            wrong.push(("/unused".to_owned(), "return or deactivate".to_owned()));
        }
        let lines = self.production.as_ref().map_or(1, Vec::len);
        if !(1..=LINES_MAX).contains(&lines) {
            wrong.push(("/production".to_owned(), format!("1 to {LINES_MAX} entries")));
        }
        let production = self.production.map(|lines| {
            let lines = lines.into_iter().take(LINES_MAX).enumerate();
            lines.filter_map(|(place, line)| line.reported(place, &mut wrong)).collect()
        });
        if wrong.is_empty() {
            let unused = unused.unwrap_or_default();
            return Ok(CloseRequest { lot: self.lot, production, unused, reason });
        }
        let problem = Problem::bad_request("The end of the batch is not valid.");
        Err(wrong.into_iter().fold(problem, |problem, (at, detail)| problem.violation(at, detail)))
    }
}

impl ProductionBody {
    fn reported(self, place: usize, wrong: &mut Vec<(String, String)>) -> Option<Reported> {
        let before = wrong.len();
        let mut say = |member: &str, detail: String| {
            wrong.push((format!("/production/{place}/{member}"), detail));
        };
        if self.packaging_code_type.as_deref().is_some_and(|kind| kind != "GTIN-14") {
            say("packaging_code_type", "GTIN-14".to_owned());
        }
        if !LEVELS.contains(&self.packaging_level.as_str()) {
            say("packaging_level", "one of EA, PK, CA, PL".to_owned());
        }
        if self.quantity_reported > QUANTITY_MAX {
            say("quantity_reported", format!("0 to {QUANTITY_MAX}"));
        }
        let gtin = Gtin14::parse_padded(&self.packaging_code);
        let gtin = gtin.map_err(|error| say("packaging_code", error.to_string())).ok()?;
        let (level, quantity) = (self.packaging_level, self.quantity_reported);
        (wrong.len() == before).then_some(Reported { gtin, level, quantity })
    }
}
