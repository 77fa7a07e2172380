//! `GET /operations/allocations/{id}`: where every number of an allocation is, and what touched it.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::allocation::Allocation;
use domain::gln::Gln;
use domain::ids::AllocationId;
use domain::ledger::{Balance, Bucket};
use edge::Problem;
use http::StatusCode;
use maud::{Markup, html};
use service::store_problem;
use time::OffsetDateTime;

use super::words::{moment, number, short};
use super::{Links, chart, failed, layout, page};
use crate::Hub;
use crate::session::Visitor;

/// Documents shown at most.
const DOCUMENTS_MAX: usize = 50;

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
    Ok(Found { allocation, balance, documents })
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
        (documents(&found.documents, links))
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
            caption { "Every number is in one place" }
            thead { tr { th scope="col" { "Place" } th .number scope="col" { "Numbers" } } }
            tbody {
                @for bucket in Bucket::ALL.into_iter().filter(|bucket| count(*bucket) > 0) {
                    tr {
                        th scope="row" { (bucket.as_str()) }
                        td .number { (number(count(bucket))) }
                    }
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
