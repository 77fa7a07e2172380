//! What this function says of its route.

use edge::openapi::{
    AllocationId, Answer, CompanyPrefix, Date, Gln, Gtin14, Lot, Part, PlainText, Route, part,
};
use edge::{ProblemKind, Scope};
use http::Method;
use linefiles::{Format, Profile};
use utoipa::ToSchema;

use crate::ExportQuery;
use crate::background::{ExportPlace, ExportProgress};

edge::words! {
    FormatWord = Format::ALL.map(Format::as_str), "`csv` when left out, unless `Accept` asks for JSON.";
    ProfileWord = Profile::ALL.map(Profile::as_str),
        "`full`: every column; `bare`: numbers only; `range`: one row. `full` when left out.";
}

/// The file as JSON; it is written by the crate that knows the files of lines.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ExportFile {
    #[schema(value_type = AllocationId)]
    allocation_id: String,
    /// Of SGTINs only.
    #[schema(nullable = false, value_type = Option<Gtin14>)]
    gtin: Option<String>,
    /// Of SSCCs only.
    #[schema(nullable = false, value_type = Option<CompanyPrefix>)]
    company_prefix: Option<String>,
    /// Of SSCCs only.
    #[schema(nullable = false, minimum = 0, maximum = 9)]
    extension_digit: Option<u8>,
    quantity: u64,
    /// The first number.
    from: String,
    /// The last number.
    to: String,
    #[schema(required, value_type = Option<Gln>)]
    line_gln: Option<String>,
    #[schema(required, value_type = Option<Lot>)]
    lot: Option<String>,
    #[schema(required, value_type = Option<Date>)]
    expiry: Option<String>,
    #[schema(required, value_type = Option<PlainText>)]
    work_order: Option<String>,
    /// Absent in the profile `range`.
    #[schema(required = false)]
    serials: Vec<ExportedSerial>,
}

/// One number: an object in the profile `full`, text in the profile `bare`.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum ExportedSerial {
    Full { serial: String, epc: String, ai: String },
    Sscc { sscc: String, epc: String, ai: String },
    Bare(String),
}

/// The route of [`crate::router`] as OpenAPI.
#[must_use]
pub fn openapi() -> Part {
    let path = "/api/v1/l3/allocations/{id}/export";
    part(
        "export-allocation",
        "The numbers of an allocation as a file.",
        vec![
            Route::new(&Method::GET, path, "allocation_export", &[Scope::AllocationsRead])
                .says(
                    "Export the numbers of an allocation",
                    "The bytes of an export never change; the first one makes a reserved allocation \
                     `exported`.",
                )
                .path::<AllocationId>("id", "The allocation.")
                .query::<ExportQuery>()
                .answers(
                    Answer::empty(200, "The file, up to 4,000,000 bytes before it is compressed.")
                        .text("text/csv")
                        .text("application/gzip")
                        .or_json::<ExportFile>(),
                )
                .answers(
                    Answer::json::<ExportProgress>(202, "A larger file, which is being written.")
                        .with_header("Location", "This address; ask again.")
                        .with_header("Retry-After", "Seconds until then."),
                )
                .answers(
                    Answer::json::<ExportPlace>(303, "A larger file, and its manifest beside it.")
                        .with_header("Location", "The file, for 15 minutes."),
                )
                .refuses(&[ProblemKind::AllocationState, ProblemKind::ExportFailed]),
        ],
    )
}
