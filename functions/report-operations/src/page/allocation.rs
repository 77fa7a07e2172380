//! `GET /operations/allocations/{id}`: where every number of an allocation is, and what touched it.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::allocation::{Allocation, AllocationStatus};
use domain::gln::Gln;
use domain::ids::AllocationId;
use domain::ledger::{Balance, Bucket};
use edge::Problem;
use http::StatusCode;
use maud::{Markup, html};
use service::store_problem;
use store::closing::Closing;
use store::finding::FindingRecord;
use time::OffsetDateTime;

use super::reviews::document_path;
use super::words::{moment, number, short};
use super::{Links, chart, failed, layout, page};
use crate::Hub;
use crate::session::Visitor;

/// Documents shown at most.
const DOCUMENTS_MAX: usize = 50;
/// Documents whose findings are looked for at most.
const LOOKED_MAX: usize = 50;
/// Findings shown at most.
const FINDINGS_MAX: usize = 50;

pub(crate) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let found = fetch(&hub, &visitor, &id).await.map_err(failed)?;
    let links = Links::at("/operations/allocations/x");
    let body = view(&found, links, hub.clock.now());
    Ok(page(StatusCode::OK, layout::page("Allocation", links, &visitor, &body)))
}

struct Found {
    allocation: Allocation,
    balance: Balance,
    documents: Vec<String>,
    closings: Vec<Closing>,
    findings: Vec<FindingRecord>,
}

async fn fetch(hub: &Hub, visitor: &Visitor, id: &str) -> Result<Found, Problem> {
    let id = AllocationId::parse(id).map_err(|_| Problem::not_found())?;
    let failed = |error: store::StoreError| store_problem(&error);
    let allocation = hub.store.allocation_fetch(&id).await.map_err(failed)?;
    // I8: what is on another line is not there.
    let own = |a: &Allocation| visitor.caller.may_use_line(a.line_gln.as_ref().map(Gln::as_str));
    let allocation = allocation.filter(own).ok_or_else(Problem::not_found)?;
    let balance = hub.store.allocation_balance(&allocation).await.map_err(failed)?;
    let documents = hub.store.allocation_documents(&allocation.id).await.map_err(failed)?;
    let closings = hub.store.closing_list(&allocation.id).await.map_err(failed)?;
    // The findings of the end of a batch have its document for theirs.
    let ends = closings.iter().rev().map(|closing| &closing.document.json);
    let mut findings = Vec::new();
    for sha in ends.chain(&documents).take(LOOKED_MAX) {
        let mut found = hub.store.document_findings(sha).await.map_err(failed)?;
        found.retain(|one| one.finding.allocation_id.as_deref() == Some(allocation.id.as_str()));
        findings.extend(found);
    }
    findings.sort_by_key(|one| std::cmp::Reverse(one.finding.severity));
    Ok(Found { allocation, balance, documents, closings, findings })
}

fn view(found: &Found, links: Links, now: OffsetDateTime) -> Markup {
    let a = &found.allocation;
    let ends = a.serial_ends();
    html! {
        h1 { "Allocation " span .mono { (a.id) } }
        p { a href=(links.to("")) { "Back to what needs you" } }
        dl .facts {
            dt { "Status" } dd { (a.status.as_str()) }
            dt { (a.key.name()) } dd { (a.key) }
            dt { "Lot" } dd { (a.details.lot.as_deref().unwrap_or("–")) }
            dt { "Expiry" } dd { (a.details.expiry.as_deref().unwrap_or("–")) }
            dt { "Line" } dd { (a.line_gln.as_ref().map_or("no line", Gln::as_str)) }
            dt { "System" } dd { (a.system_id) }
            dt { "Pool" }
            dd { a .mono href=(links.to(&format!("pools/{}", a.pool_id))) { (a.pool_id) } }
            @if let Some(hold) = a.hold.as_ref().filter(|hold| hold.confirmed_at.is_none()) {
                dt { "Held until" } dd { (moment(&hold.ends_at, now)) }
            }
            @if a.status == AllocationStatus::PendingReview {
                dt { "Review" }
                dd { a href=(links.to(&format!("reviews/{}", a.id))) { "Reported and counted" } }
            }
            dt { "Request" } dd { (a.request_id.as_str()) }
            dt { "Made" } dd { (moment(&a.created_at, now)) }
            dt { "Numbers" } dd { (number(a.size)) }
            @if let Some((from, to)) = ends {
                dt { "From" } dd .mono { (from) }
                dt { "To" } dd .mono { (to) }
            } @else {
                dt { "Scheme" } dd { (a.scheme.as_str()) }
            }
        }
        (balance(found))
        (decisions(&found.closings, links, now))
        (findings(found, links))
        (documents(&found.documents, links))
        h2 #api { "Over the API" }
        ul {
            li { "Its numbers: " code { "GET /api/v1/l3/allocations/" (a.id) "/export" } }
            li { "The balance: " code { "GET /api/v1/l3/allocations/" (a.id) "/reconciliation" } }
        }
    }
}

fn balance(found: &Found) -> Markup {
    let count = |bucket| found.balance.buckets.get(bucket);
    let unused = count(Bucket::Outstanding).saturating_add(count(Bucket::Deactivated));
    let used = found.balance.reserved.saturating_sub(unused);
    let title = format!(
        "{} of {} used, {} on packs",
        number(used),
        number(found.balance.reserved),
        number(count(Bucket::Commissioned)),
    );
    html! {
        h2 #balance { "Where the numbers are" }
        p { (title) "." }
        (chart::fill(found.balance.reserved, used, count(Bucket::Commissioned), &title))
        table {
            caption { "Every number is in one place; together they are what was reserved" }
            thead { tr { th scope="col" { "Place" } th .number scope="col" { "Numbers" } } }
            tbody {
                @for bucket in Bucket::ALL {
                    tr data-place=(bucket.as_str()) data-count=(count(bucket)) {
                        th scope="row" { (bucket.as_str()) }
                        td .number { (number(count(bucket))) }
                    }
                }
                tr .sum data-place="reserved" data-count=(found.balance.reserved) {
                    th scope="row" { "reserved" }
                    td .number { (number(found.balance.reserved)) }
                }
            }
        }
        @if !found.balance.holds() {
            p .notice {
                "The places do not add up to what was reserved. Run " code { "pharmatrace audit" } "."
            }
        }
    }
}

fn decisions(closings: &[Closing], links: Links, now: OffsetDateTime) -> Markup {
    html! {
        @if !closings.is_empty() {
            h2 #decisions { "Decisions about its end" }
            ol {
                @for closing in closings {
                    li {
                        (moment(&closing.at, now)) ": " strong { (closing.decision.as_str()) } " by "
                        (closing.actor) ", " (closing.status.as_str()) ", "
                        a href=(links.to(&document_path(closing))) { "batch document " (closing.number) }
                        @if let Some(reason) = &closing.reason { ": " q { (reason) } }
                    }
                }
            }
        }
    }
}

fn findings(found: &Found, links: Links) -> Markup {
    let looked = found.documents.len().saturating_add(found.closings.len());
    html! {
        h2 #findings { "Findings about it: " (number(found.findings.len())) }
        ul {
            @for record in found.findings.iter().take(FINDINGS_MAX) {
                @let finding = &record.finding;
                li {
                    span .tag.(finding.severity.as_str()) { (finding.severity.as_str()) } " "
                    a href=(links.to(&format!("findings/{}", finding.id))) { (finding.code.as_str()) }
                    ", " (finding.status.as_str()) ", " (number(finding.count))
                }
            }
        }
        @if found.findings.len() > FINDINGS_MAX { p .soft { "The first " (FINDINGS_MAX) " are shown." } }
        @if looked > LOOKED_MAX {
            p .soft { "Looked for in " (LOOKED_MAX) " of " (number(looked)) " documents." }
        }
    }
}

fn documents(documents: &[String], links: Links) -> Markup {
    html! {
        h2 #documents { "Files that touched it: " (number(documents.len())) }
        ul {
            @for sha in documents.iter().take(DOCUMENTS_MAX) {
                li { a .mono href=(links.to(&format!("documents/{sha}"))) { (short(sha)) } }
            }
        }
        @if documents.len() > DOCUMENTS_MAX { p .soft { "The first " (DOCUMENTS_MAX) " are shown." } }
    }
}
