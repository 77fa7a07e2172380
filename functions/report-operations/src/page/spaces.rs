//! `GET /operations/spaces`: the forms of random numbers, product by product, and how dense they are.
//!
//! Counted from the pools, each with its ceiling. Whether the key of a space can be opened is not asked here.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use domain::pool::{Pool, Scheme};
use domain::space::{GUESS_ODDS, SpaceForm, density_limit};
use edge::Scope;
use http::{StatusCode, Uri};
use maud::{Markup, html};
use service::store_problem;
use store::scorecard::Reading;

use super::pools::search;
use super::query::ListQuery;
use super::words::{counted, form_words, number};
use super::{Links, failed, layout, page};
use crate::Hub;
use crate::session::Visitor;

/// Spaces shown on one page.
const ROWS_MAX: usize = 100;
/// Pools named of one space.
const POOLS_MAX: usize = 10;

/// A space and what its pools take of it.
struct Share {
    form: SpaceForm,
    /// Whether one of its pools asks for the European rules, which then hold for all.
    eu_rules: bool,
    claimed: u128,
    reserved: u128,
    /// Ids and names.
    pools: Vec<(String, String)>,
}

/// Product and id of a space: the order of the list.
type Place = (String, String);

pub(super) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, Response> {
    visitor.caller.require(Scope::PoolsRead).map_err(failed)?;
    let query = ListQuery::of(&uri);
    let pools = hub.store.scorecard_pools().await;
    let pools = pools.map_err(|error| failed(store_problem(&error)))?;
    let links = Links::at("/operations/spaces");
    let body = view(&pools, &query, links);
    Ok(page(StatusCode::OK, layout::page("Spaces", links, &visitor, &body)))
}

fn shares(pools: &[Pool]) -> BTreeMap<Place, Share> {
    let mut shares = BTreeMap::new();
    for pool in pools {
        let draft = &pool.draft;
        let (space, form) = match draft.scheme {
            Scheme::Sequential { .. } | Scheme::List { .. } => continue,
            Scheme::Randomised { space, form } => (space, form),
        };
        let place = (draft.key.to_string(), space.as_str().to_owned());
        let share: &mut Share = shares.entry(place).or_insert_with(|| Share {
            form,
            eu_rules: false,
            claimed: 0,
            reserved: 0,
            pools: Vec::new(),
        });
        share.eu_rules |= draft.eu_rules;
        share.claimed = share.claimed.saturating_add(draft.share().ceiling);
        share.reserved = share.reserved.saturating_add(pool.reserved());
        share.pools.push((pool.id.to_string(), draft.name.clone()));
    }
    shares
}

fn view(pools: &Reading<Pool>, query: &ListQuery, links: Links) -> Markup {
    let mut shares = shares(&pools.items);
    let all = shares.len();
    if let Some(find) = &query.find {
        shares
            .retain(|(gtin, id), _| gtin.contains(find.as_str()) || id.eq_ignore_ascii_case(find));
    }
    let fitting = shares.len();
    if let Some((gtin, id)) = query.after.as_deref().and_then(|after| after.split_once('.')) {
        let after = (gtin.to_owned(), id.to_owned());
        shares.retain(|place, _| *place > after);
    }
    let more = shares.len() > ROWS_MAX;
    let shown: Vec<(&Place, &Share)> = shares.iter().take(ROWS_MAX).collect();
    let next = shown.last().filter(|_| more).map(|((gtin, id), _)| format!("{gtin}.{id}"));
    html! {
        h1 { "Spaces of random numbers" }
        p .soft {
            "A space is a form of a product's numbers with its key. The European rules allow fewer than one \
             number in " (number(GUESS_ODDS)) " texts."
        }
        (search("spaces", "GTIN", query))
        @if pools.truncated {
            p .notice { "There are more pools than are read; sums are at least these." }
        }
        p role="status" {
            @if query.find.is_some() { (number(fitting)) " of " }
            (counted(all, "space", "spaces")) "."
            @if query.find.is_some() || query.after.is_some() {
                " " a href="spaces" { "Show all from the beginning" }
            }
        }
        @if all == 0 { p { "No pool has random numbers." } }
        @if !shown.is_empty() { div .scroll { (table(&shown, links)) } }
        @if let Some(next) = next { p { a href=(query.next(&next)) { "More spaces" } } }
    }
}

fn table(shown: &[(&Place, &Share)], links: Links) -> Markup {
    html! {
        table .cards {
            caption { "By GTIN" }
            thead {
                tr {
                    th scope="col" { "GTIN and form" }
                    th scope="col" { "Pools" }
                    th .number scope="col" { "Texts" }
                    th .number scope="col" { "May be given out" }
                    th .number scope="col" { "Given out" }
                    th .number scope="col" { "A guess hits one in" }
                    th scope="col" { "European rules" }
                }
            }
            tbody { @for (place, share) in shown { (row(place, share, links)) } }
        }
    }
}

fn row((gtin, id): &Place, share: &Share, links: Links) -> Markup {
    let capacity = share.form.capacity();
    let one_in = capacity.checked_div(share.claimed);
    html! {
        tr data-space=(id) {
            th scope="row" { (gtin) br; span .soft { (form_words(&share.form)) } }
            td data-name="Pools" {
                span {
                    @for (place, (id, name)) in share.pools.iter().take(POOLS_MAX).enumerate() {
                        @if place > 0 { ", " }
                        a href=(links.to(&format!("pools/{id}"))) { (name) }
                    }
                    @if share.pools.len() > POOLS_MAX { " and " (number(share.pools.len().saturating_sub(POOLS_MAX))) " more" }
                }
            }
            td .number data-name="Texts" { (number(capacity)) }
            td .number data-name="May be given out" { (number(share.claimed)) }
            td .number data-name="Given out" { (number(share.reserved)) }
            td .number data-name="A guess hits one in" {
                @match one_in { None => "–", Some(texts) => (number(texts)) }
            }
            td data-name="European rules" { span { (european(share)) } }
        }
    }
}

/// The bound of the European rules, and how the space stands to it.
fn european(share: &Share) -> Markup {
    let limit = density_limit(share.form.capacity());
    html! {
        @if share.eu_rules && share.claimed <= limit {
            span .tag.reconciled { "kept" } " "
        } @else if share.eu_rules {
            span .tag.quarantined { "broken" } " "
        } @else {
            "not asked for; "
        }
        "at most " (number(limit))
    }
}
