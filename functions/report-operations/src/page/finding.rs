//! `GET /operations/findings/{id}` and its two forms: acknowledge and resolve.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::finding::{Change, Code, FindingStatus, Note, Severity};
use domain::ids::AllocationId;
use edge::{Problem, ProblemKind, Scope};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use service::store_problem;
use store::StoreError;
use store::audit_record::AuditRecord;
use store::closing::Closing;
use store::finding::{Asked, FindingCase, FindingError};
use store::time::rfc3339_ms;
use time::OffsetDateTime;

use super::reviews::document_path;
use super::sign_in::Form;
use super::words::{moment, number, short};
use super::{Links, failed, layout, page, see};
use crate::Hub;
use crate::documents::own_system;
use crate::session::Visitor;

/// Ranges shown at most.
const RANGES_MAX: usize = 50;
/// Characters of a reason that the form takes.
const REASON_MAX: usize = 1_000;

pub(crate) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let case = fetch(&hub, &visitor, &id).await.map_err(failed)?;
    shown(&hub, &visitor, &case, None).await.map_err(failed)
}

/// `POST /operations/findings/{id}/acknowledge`
pub(crate) async fn acknowledge(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Response> {
    let sent = visitor.sent(&headers, form.field("form_token"));
    change(&hub, &visitor, &id, (sent, &form, Change::Acknowledge)).await.map_err(failed)
}

/// `POST /operations/findings/{id}/resolve`
pub(crate) async fn resolve(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Response> {
    let sent = visitor.sent(&headers, form.field("form_token"));
    change(&hub, &visitor, &id, (sent, &form, Change::Resolve)).await.map_err(failed)
}

/// Makes the change that a form asks for and leads back to the finding; a reason that is none and a
/// change that the status forbids are said on the page itself.
async fn change(
    hub: &Hub,
    visitor: &Visitor,
    id: &str,
    (sent, form, change): (bool, &Form, fn(Note) -> Change),
) -> Result<Response, Problem> {
    if !sent {
        return Err(Problem::new(ProblemKind::Forbidden));
    }
    visitor.caller.require(Scope::FindingsWrite)?;
    let case = fetch(hub, visitor, id).await?;
    // Browsers send the line breaks of a text area as CR LF.
    let reason = form.field("reason").unwrap_or_default().replace("\r\n", "\n");
    let Ok(note) = Note::parse(&reason) else {
        return shown(hub, visitor, &case, Some("Give a reason in 1 to 1,000 characters.")).await;
    };
    let now = rfc3339_ms(hub.clock.now());
    let actor = visitor.caller.actor();
    let asked = Asked { actor: &actor, now: &now, reason: None };
    match hub.store.finding_change(id, &change(note), asked).await {
        Ok(_) => Ok(see(&format!("../{id}"))),
        Err(FindingError::Refused(refusal)) => {
            shown(hub, visitor, &case, Some(&format!("Not done: {refusal}."))).await
        }
        Err(FindingError::Store(error)) => Err(store_problem(&error)),
    }
}

async fn fetch(hub: &Hub, visitor: &Visitor, id: &str) -> Result<FindingCase, Problem> {
    if id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Problem::not_found());
    }
    let own = own_system(&visitor.caller)?;
    let found = hub.store.finding_find(id).await.map_err(|error| store_problem(&error))?;
    // I8: what was found for another system is not there.
    let is_own = |case: &FindingCase| own.as_ref().is_none_or(|own| case.record.system_id == *own);
    found.filter(is_own).ok_or_else(Problem::not_found)
}

/// Whether findings of this code are about the end of a run: their document is that of the batch, and there is no
/// file.
pub(super) fn is_of_a_batch(code: &str) -> bool {
    [Code::EobCountMismatch, Code::YieldOutOfTolerance].iter().any(|one| one.as_str() == code)
}

/// The decision about the end of a run that the finding was made by.
async fn end_of(hub: &Hub, case: &FindingCase) -> Result<Option<Closing>, StoreError> {
    let finding = &case.record.finding;
    let id = finding.allocation_id.as_deref().and_then(|id| AllocationId::parse(id).ok());
    let Some(id) = id.filter(|_| is_of_a_batch(finding.code.as_str())) else {
        return Ok(None);
    };
    let closings = hub.store.closing_list(&id).await?;
    Ok(closings.into_iter().find(|one| one.document.json == case.record.content_sha256))
}

async fn shown(
    hub: &Hub,
    visitor: &Visitor,
    case: &FindingCase,
    notice: Option<&str>,
) -> Result<Response, Problem> {
    let failed = |error: store::StoreError| store_problem(&error);
    let history = hub.store.finding_history(case).await.map_err(failed)?;
    let end = end_of(hub, case).await.map_err(failed)?;
    // The page of a refused form has the address of the form, one step below the finding.
    let path = format!("/operations/findings/x{}", if notice.is_some() { "/y" } else { "" });
    let links = Links::at(&path);
    let now = hub.clock.now();
    let body = html! {
        (view(case, end.as_ref(), links, now))
        (done(&history, now))
        @if visitor.caller.has(Scope::FindingsWrite) { (forms(case, links, visitor, notice)) }
    };
    let status = notice.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    Ok(page(status, layout::page("Finding", links, visitor, &body)))
}

/// What a severity means for the one on shift.
fn meaning(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "A pack may carry a number it must not carry. Hold the packs.",
        Severity::Error => "The file is wrong. Have it put right before the lot is released.",
        Severity::Warning => "Look at it before the lot is released.",
        Severity::Info => "Nothing to do.",
    }
}

fn view(case: &FindingCase, end: Option<&Closing>, links: Links, now: OffsetDateTime) -> Markup {
    let (record, finding) = (&case.record, &case.record.finding);
    let severity = finding.severity.as_str();
    html! {
        h1 { (finding.code.as_str()) }
        p { a href=(links.to("")) { "Back to what needs you" } }
        p { span .tag.(severity) { (severity) } " " (meaning(finding.severity)) }
        dl .facts {
            dt { "Status" } dd { (finding.status.as_str()) }
            @if let Some(assignee) = &case.handling.assignee { dt { "Assigned to" } dd { (assignee) } }
            dt { "Serials" } dd { (number(finding.count)) }
            dt { "Found" } dd { (moment(&record.at, now)) }
            @if !is_of_a_batch(finding.code.as_str()) {
                dt { "File" }
                dd {
                    a .mono href=(links.to(&format!("documents/{}", record.content_sha256))) {
                        (short(&record.content_sha256))
                    }
                    " of " (record.system_id)
                }
            } @else if let Some(closing) = end {
                dt { "Document" }
                dd {
                    a href=(links.to(&document_path(closing))) {
                        "Batch document, revision " (closing.number)
                    }
                    " of " (record.system_id)
                }
                dt { "Review" }
                dd { a href=(links.to(&format!("reviews/{}", closing.allocation))) { "Reported and counted" } }
            }
            @if let Some(id) = &finding.allocation_id {
                dt { "Allocation" }
                dd { a .mono href=(links.to(&format!("allocations/{id}"))) { (id) } }
            }
            @if let Some(gtin) = &finding.gtin { dt { "GTIN" } dd { (gtin) } }
            @if finding.provisional { dt { "Provisional" } dd { "A later reservation may settle it." } }
        }
        @if !finding.ranges.is_empty() {
            h2 #serials { "Serials" }
            ul .mono {
                @for range in finding.ranges.iter().take(RANGES_MAX) {
                    li { (range.from) @if range.to != range.from { " to " (range.to) } }
                }
            }
            @if finding.ranges.len() > RANGES_MAX {
                p .soft { "The first " (RANGES_MAX) " of " (number(finding.ranges.len())) " ranges." }
            }
        }
        @if !finding.indexes.is_empty() {
            h2 #indexes { "Random serials, by their place in the pool" }
            ul .mono {
                @for (first, last) in finding.indexes.iter().flat_map(|of| &of.runs).take(RANGES_MAX) {
                    li { (first) @if last != first { " to " (last) } }
                }
            }
        }
        @if !finding.samples.is_empty() {
            h2 #samples { @if finding.indexes.is_empty() { "As received" } @else { "Some of them" } }
            ul .mono { @for sample in &finding.samples { li { (sample) } } }
        }
    }
}

fn done(history: &[AuditRecord], now: OffsetDateTime) -> Markup {
    html! {
        h2 #history { "What was done about it" }
        @if history.is_empty() { p { "Nothing yet." } }
        ol {
            @for record in history {
                li {
                    (moment(&record.at, now)) ": " strong { (record.action) } " by " (record.actor)
                    @if let Some(reason) = &record.reason { ": " q { (reason) } }
                }
            }
        }
    }
}

fn forms(case: &FindingCase, links: Links, visitor: &Visitor, notice: Option<&str>) -> Markup {
    let status = case.record.finding.status;
    let steps = [
        ("acknowledge", "Acknowledge", "What you do about it", FindingStatus::Open),
        ("resolve", "Resolve", "How it was put right", FindingStatus::Acknowledged),
    ];
    let id = &case.record.finding.id;
    html! {
        @if status != FindingStatus::Resolved {
            h2 #act { "Do something about it" }
            @if let Some(notice) = notice { p .notice role="alert" { (notice) } }
            @for (step, button, label, latest) in steps {
                @if status == FindingStatus::Open || status == latest {
                    form .stack method="post" action=(links.to(&format!("findings/{id}/{step}"))) {
                        input type="hidden" name="form_token" value=(visitor.form_token);
                        label for=(step) { (label) }
                        textarea id=(step) name="reason" rows="2" required maxlength=(REASON_MAX) {}
                        div { button type="submit" { (button) } }
                    }
                }
            }
        }
    }
}
