//! What this function says of the routes of findings.

use edge::openapi::{Answer, Route};
use edge::{ProblemKind, Scope};
use http::Method;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::change::{AssignBody, CommentBody, ReasonBody};
use super::export::ExportQuery;
use super::pdg::Report;
use super::view::{FindingDetails, FoundFinding};
use super::{FINDING, FINDINGS, FINDINGS_OF_LINES, ListQuery};

/// The id of a finding.
#[derive(Debug, ToSchema)]
#[schema(as = FindingId, min_length = 26, max_length = 26, pattern = "^[a-z2-7]{26}$")]
pub(crate) struct FindingIdForm(#[expect(dead_code, reason = "only its schema is used")] String);

/// A reason or a comment; not only blanks, line breaks are allowed.
#[derive(Debug, ToSchema)]
#[schema(
    as = Note,
    min_length = 1,
    max_length = 1000,
    pattern = "^[^\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f]\
        [^\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f]*$"
)]
pub(crate) struct NoteForm(#[expect(dead_code, reason = "only its schema is used")] String);

/// Who looks after a finding: a name or an address.
#[derive(Debug, ToSchema)]
#[schema(
    as = Assignee,
    min_length = 1,
    max_length = 64,
    pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f]\
        [^\\u0000-\\u001f\\u007f-\\u009f]*$"
)]
pub(crate) struct AssigneeForm(#[expect(dead_code, reason = "only its schema is used")] String);

/// The routes of findings.
pub(crate) fn routes() -> Vec<Route> {
    let get = Method::GET;
    let read = &[Scope::DocumentsRead, Scope::ReportsRead];
    let list = |path: &str, id: &str| {
        Route::new(&get, path, id, read)
            .says(
                "List findings",
                "Newest first; may lag a moment. A page may hold fewer items than its limit although \
                 more follow.",
            )
            .query::<ListQuery>()
            .answers(Answer::list::<FoundFinding>("One page."))
    };
    let because = || json!({ "reason": "the labels were destroyed" });
    vec![
        list(FINDINGS, "finding_list"),
        list(FINDINGS_OF_LINES, "finding_list_of_lines"),
        Route::new(&get, FINDING, "finding_fetch", read)
            .says("Fetch a finding and its history", "")
            .path::<FindingIdForm>("id", "The finding.")
            .answers(Answer::json::<FindingDetails>(200, "The finding.")),
        change::<ReasonBody>("acknowledge", "Look after a finding", because()),
        change::<ReasonBody>("resolve", "Be done with a finding", because()),
        change::<AssignBody>("assign", "Give a finding to somebody", json!({ "assignee": "ada" })),
        change::<CommentBody>("comment", "Comment a finding", json!({ "text": "line 3 again" })),
        Route::new(&get, &format!("{FINDING}/export"), "finding_export", read)
            .says(
                "Export a finding as a PDG exception report",
                "The report is the same until the finding changes. What the format cannot say is 422.",
            )
            .path::<FindingIdForm>("id", "The finding.")
            .query::<ExportQuery>()
            .answers(Answer::json::<Report>(200, "The report."))
            .refuses(&[ProblemKind::NotExportable, ProblemKind::Unprocessable]),
    ]
}

fn change<T: ToSchema>(verb: &str, summary: &str, example: Value) -> Route {
    let path = format!("{FINDING}/{verb}");
    Route::new(&Method::POST, &path, &format!("finding_{verb}"), &[Scope::FindingsWrite])
        .says(summary, "Done again for the same reason it changes nothing.")
        .path::<FindingIdForm>("id", "The finding.")
        .body::<T>(example)
        .answers(Answer::json::<FindingDetails>(200, "The finding as it is now."))
        .refuses(&[ProblemKind::FindingState])
}
