//! `GET /operations/documents/{sha256}`: what became of a file, and why.

use axum::extract::{Path, State};
use axum::response::Response;
use edge::Problem;
use http::StatusCode;
use maud::{Markup, html};
use service::store_problem;
use store::arrival::Arrival;
use store::document::{Document, DocumentStatus};
use store::finding::FindingRecord;
use time::OffsetDateTime;

use super::words::{moment, number};
use super::{Links, failed, layout, page};
use crate::Hub;
use crate::documents::{is_of, is_sha256, own_system, visible};
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
    let found = fetch(&hub, &visitor, &sha256).await.map_err(failed)?;
    let links = Links::at("/operations/documents/x");
    let body = view(&found, links, hub.clock.now());
    Ok(page(StatusCode::OK, layout::page("File", links, &visitor, &body)))
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
fn advice(status: DocumentStatus) -> &'static str {
    match status {
        DocumentStatus::Received | DocumentStatus::Applying => {
            "It is being read. If it stays so for an hour, it is sent again by itself."
        }
        DocumentStatus::Reconciled => "Nothing is left to do but its findings.",
        DocumentStatus::Parked => {
            "It names numbers that are not reserved. Reserve them, and it is tried again by itself, \
             or at once with retry; or reject it."
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
    html! {
        h1 { "File of " (d.system_id) }
        p { a href=(links.to("")) { "Back to what needs you" } }
        p { span .tag.(status.as_str()) { (status.as_str()) } " " (advice(status)) }
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
        h2 #arrivals { "How it came in: " (number(arrivals.len())) " times" }
        ul {
            @for arrival in arrivals.iter().take(ROWS_MAX) {
                li { span .mono { (arrival.key) } ", " (moment(&arrival.at, now)) }
            }
        }
    }
}
