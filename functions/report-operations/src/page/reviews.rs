//! `GET /operations/reviews`: runs whose end waits for a review, the oldest first. Query: `after`.
//!
//! `GET /operations/reviews/{id}`: one of them, with what the line reported next to what the ledger says.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::allocation::{Allocation, AllocationStatus};
use domain::gln::Gln;
use domain::ids::AllocationId;
use edge::{Problem, Scope};
use http::{StatusCode, Uri};
use maud::{Markup, html};
use service::store_problem;
use store::attention::Queue;
use store::closing::Closing;
use time::OffsetDateTime;

use super::batch::{Account, number_of_thousandths};
use super::query::ListQuery;
use super::words::{moment, number, short};
use super::{Links, failed, layout, page};
use crate::Hub;
use crate::session::Visitor;

/// Runs shown on one page: of each the decision and its document are read.
const ROWS_MAX: usize = 20;

/// A run whose end waits.
struct Waiting {
    allocation: Allocation,
    closing: Option<Closing>,
    account: Option<Account>,
}

impl Waiting {
    async fn read(hub: &Hub, allocation: Allocation) -> Result<Self, Problem> {
        let closing = hub.store.closing_last(&allocation.id).await;
        let closing = closing.map_err(|error| store_problem(&error))?;
        let account = match &closing {
            Some(closing) => Account::read(hub, closing).await?,
            None => None,
        };
        Ok(Self { allocation, closing, account })
    }

    fn name(&self) -> String {
        let lot = self.allocation.details.lot.as_deref();
        lot.map_or_else(
            || short(self.allocation.id.as_str()).to_owned(),
            |lot| format!("Lot {lot}"),
        )
    }
}

pub(super) async fn list(
    State(hub): State<Hub>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, Response> {
    let query = ListQuery::of(&uri);
    // I8: what is on another line is not there.
    let own = |a: &Allocation| {
        a.status == AllocationStatus::PendingReview
            && visitor.caller.may_use_line(a.line_gln.as_ref().map(Gln::as_str))
    };
    let place = (ROWS_MAX, query.after.as_deref());
    let found = hub.store.waiting_page(Queue::OpenAllocation, place, own).await;
    let found = found.map_err(|error| failed(store_problem(&error)))?;
    let mut rows = Vec::with_capacity(found.items.len());
    for allocation in found.items {
        rows.push(Box::pin(Waiting::read(&hub, allocation)).await.map_err(failed)?);
    }
    let links = Links::at("/operations/reviews");
    let body = list_view(&rows, (&query, found.next.as_deref()), links, hub.clock.now());
    Ok(page(StatusCode::OK, layout::page("Reviews", links, &visitor, &body)))
}

fn list_view(
    rows: &[Waiting],
    (query, next): (&ListQuery, Option<&str>),
    links: Links,
    now: OffsetDateTime,
) -> Markup {
    html! {
        h1 { "Ends of runs that wait for a review" }
        p .soft {
            "What the line reports is not what the ledger says, or the yield is not what the product allows. \
             Somebody else than who closed the run looks at it."
        }
        @if query.after.is_some() { p { a href="reviews" { "From the beginning" } } }
        @if rows.is_empty() && next.is_none() { p { "Nothing waits." } }
        @if !rows.is_empty() {
            div .scroll {
                table .cards {
                    caption { "By the time of the reservation, the oldest first" }
                    thead {
                        tr {
                            th scope="col" { "Run" }
                            th scope="col" { "Closed" }
                            th .number scope="col" { "Reported" }
                            th .number scope="col" { "In the ledger" }
                            th .number scope="col" { "Yield" }
                            th scope="col" { "Line" }
                            th scope="col" { "Document" }
                        }
                    }
                    tbody { @for row in rows { (list_row(row, links, now)) } }
                }
            }
        }
        @if let Some(next) = next {
            @if rows.is_empty() { p { "None among those looked at." } }
            p { a href=(query.next(next)) { "Look further" } }
        }
    }
}

fn list_row(row: &Waiting, links: Links, now: OffsetDateTime) -> Markup {
    let a = &row.allocation;
    let own = row.account.as_ref().and_then(Account::own);
    html! {
        tr data-review=(a.id) {
            th scope="row" {
                a href=(links.to(&format!("reviews/{}", a.id))) { (row.name()) }
                br; span .soft { (a.key.name()) " " (a.key) }
            }
            td .when data-name="Closed" {
                @match &row.closing {
                    None => "–",
                    Some(closing) => span { (moment(&closing.at, now)) br; (closing.actor) },
                }
            }
            @match own {
                None => { td .number data-name="Reported" { "–" } td .number data-name="In the ledger" { "–" } },
                Some((reported, counted)) => {
                    td .number data-name="Reported" { (number(reported)) }
                    td .number data-name="In the ledger" { (number(counted)) }
                },
            }
            td .number data-name="Yield" {
                @match row.account.as_ref().and_then(|account| account.found.thousandths) {
                    None => "–",
                    Some(share) => (number_of_thousandths(share)),
                }
            }
            td data-name="Line" {
                span { (a.line_gln.as_ref().map_or("no line", Gln::as_str)) br; (a.system_id) }
            }
            td data-name="Document" {
                @match &row.closing {
                    None => "–",
                    Some(closing) => a href=(links.to(&document_path(closing))) {
                        "revision " (closing.number)
                    },
                }
            }
        }
    }
}

/// Where the pages show a batch document.
pub(super) fn document_path(closing: &Closing) -> String {
    format!("allocations/{}/batch-document/{}", closing.allocation, closing.number)
}

pub(super) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Response> {
    let (waiting, changed) = Box::pin(fetch(&hub, &visitor, &id)).await.map_err(failed)?;
    let links = Links::at("/operations/reviews/x");
    let body = html! {
        (view(&waiting, changed, links, hub.clock.now()))
        @if let Some((word, notice)) = outcome(&uri) {
            p .notice[word != "done"] role="alert" { (notice) }
        }
        (next_step(&waiting, &visitor, links))
    };
    Ok(page(StatusCode::OK, layout::page("Review", links, &visitor, &body)))
}

/// The run, and whether its ledger has changed since it was counted.
async fn fetch(hub: &Hub, visitor: &Visitor, id: &str) -> Result<(Waiting, bool), Problem> {
    let id = AllocationId::parse(id).map_err(|_| Problem::not_found())?;
    let failed = |error: store::StoreError| store_problem(&error);
    let allocation = hub.store.allocation_fetch(&id).await.map_err(failed)?;
    // I8: what is on another line is not there.
    let own = |a: &Allocation| visitor.caller.may_use_line(a.line_gln.as_ref().map(Gln::as_str));
    let allocation = allocation.filter(own).ok_or_else(Problem::not_found)?;
    let waiting = Waiting::read(hub, allocation).await?;
    let Some(closing) = &waiting.closing else { return Err(Problem::not_found()) };
    let fill = hub.store.allocation_fill(&id).await.map_err(failed)?;
    let changed = fill.sums != closing.counted;
    Ok((waiting, changed))
}

fn view(waiting: &Waiting, changed: bool, links: Links, now: OffsetDateTime) -> Markup {
    let a = &waiting.allocation;
    html! {
        h1 { "End of the run: " (waiting.name()) }
        p { a href=(links.to("reviews")) { "Back to all reviews" } }
        dl .facts {
            dt { "Status" } dd { (a.status.as_str()) }
            dt { "Allocation" }
            dd { a .mono href=(links.to(&format!("allocations/{}", a.id))) { (a.id) } }
            dt { (a.key.name()) } dd { (a.key) }
            dt { "Line" } dd { (a.line_gln.as_ref().map_or("no line", Gln::as_str)) }
            dt { "Numbers" } dd { (number(a.size)) }
            @if let Some(closing) = &waiting.closing { (decision(closing, links, now)) }
        }
        @if changed {
            p .notice {
                "A file has changed the ledger since these were counted. A review counts again."
            }
        }
        @match &waiting.account {
            None => p .notice {
                "The batch document is missing or was changed. Run " code { "pharmatrace audit" } "."
            },
            Some(account) => (account.view()),
        }
    }
}

fn decision(closing: &Closing, links: Links, now: OffsetDateTime) -> Markup {
    html! {
        dt { "Last decision" }
        dd { (closing.decision.as_str()) ", " (moment(&closing.at, now)) " by " (closing.actor) }
        @if let Some(reason) = &closing.reason { dt { "Reason" } dd { q { (reason) } } }
        dt { "Document" }
        dd { a href=(links.to(&document_path(closing))) { "Batch document, revision " (closing.number) } }
        @if !closing.findings.is_empty() {
            dt { "Findings" }
            dd {
                @for (place, id) in closing.findings.iter().enumerate() {
                    @if place > 0 { ", " }
                    a .mono href=(links.to(&format!("findings/{id}"))) { (short(id)) }
                }
            }
        }
    }
}

/// What came of the form, in words of ours: the address names one of them, and any other is as if it were none.
fn outcome(uri: &Uri) -> Option<(&'static str, &'static str)> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut told = query.filter_map(|(name, word)| match (name.as_ref(), word.as_ref()) {
        ("done", "accept") => Some(("done", "Done: the end of the run is accepted.")),
        ("done", "reopen") => Some(("done", "Done: the run goes on.")),
        ("refused", "eyes") => Some((
            "refused",
            "Not done: who closed the run cannot review it. Somebody else has to sign in with another credential.",
        )),
        ("refused", "reason") => Some(("refused", "Not done: give a reason in 1 to 1,000 characters.")),
        ("refused", "scope") => {
            Some(("refused", "Not done: your credential needs the scope findings:write."))
        }
        ("refused", "state") => Some(("refused", "Not done: the run no longer waits for a review.")),
        ("refused", "busy") => Some(("refused", "Not done: the hub is busy. Try again in a moment.")),
        ("refused", "form") => {
            Some(("refused", "Not done: the form was not sent from this page. Send it again."))
        }
        ("refused", _) => Some(("refused", "Not done. Try again, and tell who runs the hub if it stays so.")),
        _ => None,
    });
    told.next()
}

/// The form of the review; it is taken by the function that decides about runs.
fn next_step(waiting: &Waiting, visitor: &Visitor, links: Links) -> Markup {
    let id = &waiting.allocation.id;
    let own =
        waiting.closing.as_ref().is_some_and(|closing| closing.actor == visitor.caller.actor());
    html! {
        h2 #act { "Review" }
        @if waiting.allocation.status != AllocationStatus::PendingReview {
            p { "It does not wait for a review." }
        } @else if own {
            p { "You closed this run: somebody else has to review it, with another credential." }
        } @else if !visitor.caller.has(Scope::FindingsWrite) {
            p { "To review it your credential needs the scope " code { "findings:write" } "." }
        } @else {
            form .stack method="post" action=(links.to(&format!("reviews/{id}"))) {
                input type="hidden" name="form_token" value=(visitor.form_token);
                label for="reason" { "Why it is in order, or why the run goes on" }
                textarea #reason name="reason" rows="3" required maxlength="1000" {}
                p .soft {
                    "Accepted: the run is over and unused numbers are deactivated. Going on: it can be closed \
                     again, with other quantities."
                }
                div .choice {
                    button type="submit" name="decision" value="accept" { "Accept the end" }
                    button .quiet type="submit" name="decision" value="reopen" { "Let the run go on" }
                }
            }
        }
    }
}
