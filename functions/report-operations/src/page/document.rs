//! `GET /operations/documents/{sha256}`: what became of a file, and why; and its three forms: retry,
//! reject and read again.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::finding::Note;
use edge::{Problem, ProblemKind, Scope};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use service::store_problem;
use store::arrival::Arrival;
use store::document::{Document, DocumentStatus};
use store::document_action::Action;
use store::finding::FindingRecord;
use time::OffsetDateTime;

use super::sign_in::Form;
use super::words::{counted, moment, number};
use super::{Links, failed, layout, page, see};
use crate::Hub;
use crate::documents::{actions, is_of, is_sha256, own_system, visible};
use crate::session::Visitor;

/// Arrivals and findings shown at most.
const ROWS_MAX: usize = 50;

struct Found {
    document: Document,
    arrivals: Vec<Arrival>,
    findings: Vec<FindingRecord>,
}

pub(crate) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path(sha256): Path<String>,
) -> Result<Response, Response> {
    shown(&hub, &visitor, &sha256, None).await.map_err(failed)
}

/// `POST /operations/documents/{sha256}/{verb}`: retry, reject or reprocess, and back to the file; what
/// its state forbids and a reason that is none are said on the page itself.
pub(crate) async fn act(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path((sha256, verb)): Path<(String, String)>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Response> {
    if !visitor.sent(&headers, form.field("form_token")) {
        return Err(failed(Problem::new(ProblemKind::Forbidden)));
    }
    visitor.caller.require(Scope::FindingsWrite).map_err(failed)?;
    // Browsers send the line breaks of a text area as CR LF.
    let reason = form.field("reason").unwrap_or_default().replace("\r\n", "\n");
    let action = match verb.as_str() {
        "retry" => Action::Retry,
        "reprocess" => Action::Reprocess,
        "reject" => {
            let Ok(note) = Note::parse(&reason) else {
                let notice = Some("Give a reason in 1 to 1,000 characters.");
                return shown(&hub, &visitor, &sha256, notice).await.map_err(failed);
            };
            Action::Reject(note)
        }
        _ => return Err(failed(Problem::not_found())),
    };
    match actions::act(&hub, &visitor.caller, &sha256, &action).await {
        Ok(_) => Ok(see(&format!("../{sha256}"))),
        Err(problem) if problem.kind() == ProblemKind::DocumentState => {
            let notice = Some("Not done: the file's status no longer allows it.");
            shown(&hub, &visitor, &sha256, notice).await.map_err(failed)
        }
        Err(problem) => Err(failed(problem)),
    }
}

async fn shown(
    hub: &Hub,
    visitor: &Visitor,
    sha256: &str,
    notice: Option<&str>,
) -> Result<Response, Problem> {
    let found = fetch(hub, visitor, sha256).await?;
    // The page of a refused form has the address of the form, one step below the file.
    let path = format!("/operations/documents/x{}", if notice.is_some() { "/y" } else { "" });
    let links = Links::at(&path);
    let body = html! {
        (view(&found, links, hub.clock.now()))
        @if visitor.caller.has(Scope::FindingsWrite) {
            (forms(&found.document, links, visitor, notice))
        }
    };
    let status = notice.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    Ok(page(status, layout::page("File", links, visitor, &body)))
}

/// What can be done about a file that waits.
fn forms(document: &Document, links: Links, visitor: &Visitor, notice: Option<&str>) -> Markup {
    let id = &document.content_sha256;
    let (retry, again, reject) = match (document.status(), &document.resolution) {
        (DocumentStatus::Parked, _) => (true, false, true),
        (DocumentStatus::Quarantined, None) => (false, true, !document.is_in_part()),
        (DocumentStatus::Quarantined, Some(_))
        | (DocumentStatus::Received | DocumentStatus::Applying, _) => (false, true, false),
        (DocumentStatus::Reconciled, _) => (false, false, false),
    };
    let form = |verb: &str, button: &str, needs_reason: bool| {
        html! {
            form .stack method="post" action=(links.to(&format!("documents/{id}/{verb}"))) {
                input type="hidden" name="form_token" value=(visitor.form_token);
                @if needs_reason {
                    label for=(verb) { "Why it is given up" }
                    textarea id=(verb) name="reason" rows="2" required maxlength="1000" {}
                }
                div { button type="submit" { (button) } }
            }
        }
    };
    html! {
        @if retry || again || reject || notice.is_some() {
            h2 #act { "Do something about it" }
            @if let Some(notice) = notice { p .notice role="alert" { (notice) } }
            @if retry { (form("retry", "Try again now", false)) }
            @if again { (form("reprocess", "Read it again", false)) }
            @if reject { (form("reject", "Reject it", true)) }
        }
    }
}

async fn fetch(hub: &Hub, visitor: &Visitor, sha256: &str) -> Result<Found, Problem> {
    if !is_sha256(sha256) {
        return Err(Problem::not_found());
    }
    let failed = |error: store::StoreError| store_problem(&error);
    let own = own_system(&visitor.caller)?;
    let found = hub.store.document_find(sha256).await.map_err(failed)?;
    // I8: what another system sent is not there.
    let is_own = |document: &Document| own.as_ref().is_none_or(|own| is_of(document, own));
    let document = found.filter(is_own).ok_or_else(Problem::not_found)?;
    let content = document.content_sha256.clone();
    let mut arrivals = hub.store.arrival_list(&content).await.map_err(failed)?;
    let mut findings = hub.store.document_findings(&content).await.map_err(failed)?;
    if let Some(own) = &own {
        arrivals.retain(|arrival| arrival.system_id == *own);
        findings.retain(|record| record.system_id == *own);
    }
    Ok(Found { document: visible(document, own.as_ref()), arrivals, findings })
}

/// What the one who looks at the file can do about it.
fn advice(document: &Document) -> &'static str {
    match document.status() {
        DocumentStatus::Received | DocumentStatus::Applying => {
            "It is being read, or waits to be. If that was cut short, it is sent again at its next try."
        }
        DocumentStatus::Reconciled => "Nothing is left to do but its findings.",
        DocumentStatus::Parked => {
            "It names numbers that are not reserved. Reserve them, and it is tried again by itself; or \
             reject it."
        }
        DocumentStatus::Quarantined if document.is_in_part() => {
            "Its reading was cut short: a part of it may be applied already. Have it read again, which \
             completes it; it cannot be rejected before."
        }
        DocumentStatus::Quarantined => {
            "Nothing of it was applied. Have it sent again, put right; or have it read again once \
             the cause is gone."
        }
    }
}

fn view(found: &Found, links: Links, now: OffsetDateTime) -> Markup {
    let d = &found.document;
    let (status, serials) = (d.status(), d.serials());
    let advice = advice(d);
    html! {
        h1 { "File of " (d.system_id) }
        p { a href=(links.to("")) { "Back to what needs you" } }
        p { span .tag.(status.as_str()) { (status.as_str()) } " " (advice) }
        @if let Some(error) = d.refusal() {
            p .notice {
                strong { (error.code) } ": " (error.message)
                @if let Some(line) = error.line { ", line " (number(line)) }
                @if let Some(column) = error.column { ", column " (number(column)) }
                "."
            }
        }
        dl .facts {
            dt { "SHA-256 of the content" } dd .mono { (d.content_sha256) }
            @if let Some(raw) = &d.raw_sha256 { dt { "As received" } dd .mono { (raw) } }
            dt { "Kind" } dd { (d.kind) }
            dt { "Received" } dd { (moment(&d.received_at, now)) }
            @if let Some(at) = d.reconciled_at() { dt { "Reconciled" } dd { (moment(at, now)) } }
            @if let Some(at) = d.next_try_at() { dt { "Next try" } dd { (moment(at, now)) } }
            dt { "Events" } dd { (number(d.events)) }
            dt { "Serials named" } dd { (number(serials.named)) }
            dt { "Of these reserved" } dd { (number(serials.matched)) }
            dt { "Commissioned by it" } dd { (number(serials.newly_commissioned)) }
            dt { "Known before" } dd { (number(serials.repeated)) }
            dt { "Not reserved yet" } dd { (number(serials.provisional)) }
        }
        (findings(&found.findings, links))
        (arrivals(&found.arrivals, now))
    }
}

fn findings(findings: &[FindingRecord], links: Links) -> Markup {
    html! {
        h2 #findings { "Findings: " (number(findings.len())) }
        @if !findings.is_empty() {
            table .cards {
                caption { "The worst first" }
                thead {
                    tr {
                        th scope="col" { "Finding" }
                        th scope="col" { "Severity" }
                        th scope="col" { "Status" }
                        th .number scope="col" { "Serials" }
                    }
                }
                tbody {
                    @for record in findings.iter().take(ROWS_MAX) {
                        @let finding = &record.finding;
                        tr {
                            th scope="row" {
                                a href=(links.to(&format!("findings/{}", finding.id))) {
                                    (finding.code.as_str())
                                }
                            }
                            td data-name="Severity" {
                                span .tag.(finding.severity.as_str()) { (finding.severity.as_str()) }
                            }
                            td data-name="Status" { (finding.status.as_str()) }
                            td .number data-name="Serials" { (number(finding.count)) }
                        }
                    }
                }
            }
        }
    }
}

fn arrivals(arrivals: &[Arrival], now: OffsetDateTime) -> Markup {
    html! {
        h2 #arrivals { "How it came in: " (counted(arrivals.len(), "time", "times")) }
        ul {
            @for arrival in arrivals.iter().take(ROWS_MAX) {
                li { span .mono { (arrival.key) } ", " (moment(&arrival.at, now)) }
            }
        }
    }
}
