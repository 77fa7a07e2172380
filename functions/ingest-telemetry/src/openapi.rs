//! What this function says of its routes.

use std::borrow::Cow;

use domain::telemetry::{LineStatus, Mode, State};
use edge::openapi::{Answer, Gln, Part, Route, part};
use edge::{ProblemKind, Scope};
use http::Method;
use serde_json::{Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::delivery::HEARTBEATS_MAX;
use crate::heartbeat;
use crate::lines::ListQuery;
use crate::telemetry::Receipt;
use crate::view::{HourView, LineView, MinuteView};
use crate::window::{HoursQuery, MinutesQuery};

edge::words! {
    StateWord = State::ALL.iter().map(|state| state.as_str()), "A state of PackML.";
    ModeWord = Mode::ALL.iter().map(|mode| mode.as_str()), "A mode of PackML.";
    LineStatusWord = LineStatus::ALL.map(LineStatus::as_str),
        "Live; stale after three of its intervals without a heartbeat; offline after ten.";
}

/// What is wrong on a line, in its words.
#[derive(Debug, ToSchema)]
#[schema(min_length = 1, max_length = 200, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$")]
pub(crate) struct AlarmText(#[expect(dead_code, reason = "only its schema is used")] String);

/// A body: one heartbeat, or a batch in either of two forms. What the heartbeats of a batch look like is
/// judged one by one, so the schema says nothing of them.
struct Telemetry;

impl PartialSchema for Telemetry {
    fn schema() -> RefOr<Schema> {
        let batch = || {
            ArrayBuilder::new()
                .items(ObjectBuilder::new().schema_type(SchemaType::AnyValue))
                .description(Some("Heartbeats; wrong ones come back in `rejected`."))
                .min_items(Some(1))
                .max_items(Some(HEARTBEATS_MAX))
        };
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("heartbeats", batch())
            .required("heartbeats")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        OneOfBuilder::new()
            .item(Ref::from_schema_name(heartbeat::Body::name()))
            .item(batch())
            .item(object)
            .into()
    }
}

impl ToSchema for Telemetry {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Telemetry")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((heartbeat::Body::name().into_owned(), heartbeat::Body::schema()));
        heartbeat::Body::schemas(schemas);
    }
}

const TELEMETRY: &str = "/api/v1/plant-floor/telemetry";
const LINES: &str = "/api/v1/plant-floor/lines";
const LINE: &str = "/api/v1/plant-floor/lines/{gln}";
const MINUTES: &str = "/api/v1/plant-floor/lines/{gln}/minutes";
const HOURS: &str = "/api/v1/plant-floor/lines/{gln}/hours";

/// The routes of [`crate::router`] as OpenAPI.
#[must_use]
pub fn openapi() -> Part {
    let read = &[Scope::ReportsRead];
    let gln = "The line.";
    part(
        "ingest-telemetry",
        "Heartbeats of packaging lines, and what follows from them. A credential bound to lines reports for \
         its own lines and sees no others.",
        vec![
            Route::new(&Method::POST, TELEMETRY, "telemetry_ingest", &[Scope::TelemetryWrite])
                .says(
                    "Report heartbeats",
                    "One, or 1 to 500 in any order and of any lines. A heartbeat that is known already \
                     changes nothing. One that is wrong alone is refused; in a batch it is `rejected`.",
                )
                .body::<Telemetry>(heartbeat_example())
                .answers(Answer::json::<Receipt>(202, "What came of them."))
                .refuses(&[ProblemKind::LineNotBound, ProblemKind::Unprocessable]),
            Route::new(&Method::GET, LINES, "line_list", read)
                .says("List lines", "By GLN; those that were ever heard.")
                .query::<ListQuery>()
                .answers(Answer::list::<LineView>("One page.")),
            Route::new(&Method::GET, LINE, "line_fetch", read)
                .says("Fetch a line", "")
                .path::<Gln>("gln", gln)
                .answers(Answer::json::<LineView>(200, "The line.")),
            Route::new(&Method::GET, MINUTES, "line_minutes", read)
                .says(
                    "List the minutes of a line",
                    "In order; minutes without a heartbeat are left out. Kept for 35 days.",
                )
                .path::<Gln>("gln", gln)
                .query::<MinutesQuery>()
                .answers(Answer::list::<MinuteView>("One page.")),
            Route::new(&Method::GET, HOURS, "line_hours", read)
                .says("List the hours of a line", "In order; sums of the minutes, 48 hours at most.")
                .path::<Gln>("gln", gln)
                .query::<HoursQuery>()
                .answers(Answer::list::<HourView>("The hours, on one page.")),
        ],
    )
}

fn heartbeat_example() -> Value {
    json!({
        "line_id": "L001", "line_gln": "0313000000018", "system_id": "guardian-line-3",
        "ts": "2026-11-23T07:40:00Z", "seq": 18231, "state": "EXECUTE", "mode": "PRODUCTION",
        "speed": 118.0, "design_speed": 150.0, "consumed": 51010, "processed": 50980,
        "defective": 30, "blocked": false, "starved": false, "serials_remaining": 1200,
        "allocation_id": "MFRGGZDFMZTWQ2LKNNWG23TPOB", "lot": "LOT42", "work_order": "WO-1",
        "alarm": null, "software": "Guardian 3.2"
    })
}
