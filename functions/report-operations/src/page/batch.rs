//! What a batch document says about the end of a run, and the document itself as a page.
//!
//! `GET /operations/allocations/{id}/batch-document/{revision}`: the page that was kept, byte for byte, if its
//! hash is the one that the decision names.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use domain::gln::Gln;
use domain::ids::AllocationId;
use edge::Problem;
use http::{HeaderValue, header};
use maud::{Markup, html};
use serde::Deserialize;
use service::store_problem;
use store::closing::{Closing, content_sha256};

use super::failed;
use super::words::number;
use crate::Hub;
use crate::session::Visitor;

/// The kept page brings its own style, loads nothing and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// What of a batch document the pages show.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    production: Option<Vec<Line>>,
    #[serde(rename = "yield")]
    pub(super) found: YieldFacts,
    issues: Vec<Issue>,
}

#[derive(Debug, Deserialize)]
struct Line {
    packaging_code: String,
    packaging_level: String,
    quantity_reported: u64,
    quantity_commissioned: Option<u64>,
}

/// The yield and what the product allows, thousandths.
#[derive(Debug, Deserialize)]
pub(super) struct YieldFacts {
    commissioned: u64,
    printed: u64,
    pub(super) thousandths: Option<u64>,
    min: u64,
    max: u64,
}

#[derive(Debug, Deserialize)]
struct Issue {
    code: String,
    detail: String,
}

/// Thousandths as hundredths with one decimal.
pub(super) fn number_of_thousandths(share: u64) -> String {
    format!("{}.{} %", share / 10, share % 10)
}

impl Account {
    /// What the document of a decision says; `None` if it is not what the decision says, or not there.
    pub(super) async fn read(hub: &Hub, closing: &Closing) -> Result<Option<Self>, Problem> {
        let bytes = hub.objects.batch_fetch(closing, false).await;
        let bytes = bytes.map_err(|error| store_problem(&error))?;
        let bytes = bytes.filter(|bytes| content_sha256(bytes) == closing.document.json);
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Reported and counted packs of the allocation's own level.
    pub(super) fn own(&self) -> Option<(u64, u64)> {
        let mut lines = self.production.iter().flatten();
        lines.find_map(|line| Some((line.quantity_reported, line.quantity_commissioned?)))
    }

    pub(super) fn view(&self) -> Markup {
        let found = &self.found;
        html! {
            h2 #quantities { "Reported and counted" }
            @match &self.production {
                None => p { "The line reported no quantities." },
                Some(lines) => div .scroll { (quantities(lines)) },
            }
            p {
                "Yield: "
                @match found.thousandths {
                    None => "nothing was printed",
                    Some(share) => {
                        strong { (number_of_thousandths(share)) } ", "
                        (number(found.commissioned)) " on packs of " (number(found.printed)) " printed"
                    },
                }
                ". The product allows " (number_of_thousandths(found.min)) " to "
                (number_of_thousandths(found.max)) "."
            }
            @if !self.issues.is_empty() {
                h2 #issues { "Not as it should be" }
                ul {
                    @for issue in &self.issues { li { strong { (issue.code) } ": " (issue.detail) } }
                }
            }
        }
    }
}

fn quantities(lines: &[Line]) -> Markup {
    html! {
        table .cards {
            caption { "Good packs by level, when the run was closed" }
            thead {
                tr {
                    th scope="col" { "Level" }
                    th .number scope="col" { "Reported" }
                    th .number scope="col" { "In the ledger" }
                    th .number scope="col" { "Difference" }
                }
            }
            tbody {
                @for line in lines {
                    tr {
                        th scope="row" { (line.packaging_level) " " span .soft { (line.packaging_code) } }
                        td .number data-name="Reported" { (number(line.quantity_reported)) }
                        @match line.quantity_commissioned {
                            None => {
                                td .number data-name="In the ledger" { "not counted" }
                                td .number data-name="Difference" { "–" }
                            },
                            Some(counted) => {
                                td .number data-name="In the ledger" { (number(counted)) }
                                td .number data-name="Difference" {
                                    (difference(line.quantity_reported, counted))
                                }
                            },
                        }
                    }
                }
            }
        }
    }
}

fn difference(reported: u64, counted: u64) -> String {
    let sign = match reported.cmp(&counted) {
        std::cmp::Ordering::Less => "−",
        std::cmp::Ordering::Equal => "",
        std::cmp::Ordering::Greater => "+",
    };
    format!("{sign}{}", number(reported.abs_diff(counted)))
}

pub(super) async fn show(
    State(hub): State<Hub>,
    visitor: Visitor,
    Path((id, revision)): Path<(String, String)>,
) -> Result<Response, Response> {
    let bytes = kept(&hub, &visitor, (&id, &revision)).await.map_err(failed)?;
    let mut response = Html(bytes).into_response();
    let policy = HeaderValue::from_static(POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

async fn kept(
    hub: &Hub,
    visitor: &Visitor,
    (id, revision): (&str, &str),
) -> Result<Vec<u8>, Problem> {
    let id = AllocationId::parse(id).map_err(|_| Problem::not_found())?;
    let revision = revision.parse().map_err(|_| Problem::not_found())?;
    let failed = |error: store::StoreError| store_problem(&error);
    let allocation = hub.store.allocation_fetch(&id).await.map_err(failed)?;
    // I8: what is on another line is not there.
    let line = allocation.as_ref().map(|a| a.line_gln.as_ref().map(Gln::as_str));
    if !line.is_some_and(|line| visitor.caller.may_use_line(line)) {
        return Err(Problem::not_found());
    }
    let closing = hub.store.closing_fetch(&id, revision).await.map_err(failed)?;
    let closing = closing.ok_or_else(Problem::not_found)?;
    let bytes = hub.objects.batch_fetch(&closing, true).await.map_err(failed)?;
    let bytes = bytes.filter(|bytes| content_sha256(bytes) == closing.document.html);
    bytes.ok_or_else(|| Problem::internal(&Broken(closing.object_key(true))))
}

/// A batch document that is not what its decision says.
#[derive(Debug)]
struct Broken(String);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the batch document {} is missing or was changed", self.0)
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Account, difference};

    #[test]
    fn counts_stand_beside_what_was_reported_and_texts_stay_texts() {
        let account: Account = serde_json::from_value(json!({
            "form": "x",
            "production": [
                { "packaging_code": "10313000007779", "packaging_level": "<b>",
                  "quantity_reported": 4, "quantity_commissioned": null },
                { "packaging_code": "00313000007772", "packaging_level": "EA",
                  "quantity_reported": 91, "quantity_commissioned": 90 },
            ],
            "yield": { "commissioned": 90, "printed": 96, "thousandths": 937, "min": 950, "max": 1000 },
            "issues": [{ "code": "YIELD_OUT_OF_TOLERANCE", "count": 1, "detail": "<i>" }],
        }))
        .unwrap();
        assert_eq!(account.own(), Some((91, 90)));
        let page = account.view().into_string();
        for words in
            ["&lt;b&gt;", "&lt;i&gt;", "not counted", ">+1<", "93.7 %", "95.0 % to 100.0 %"]
        {
            assert!(page.contains(words), "no {words}: {page}");
        }
    }

    #[test]
    fn a_difference_has_the_sign_of_what_is_reported_too_much() {
        assert_eq!(difference(91, 90), "+1");
        assert_eq!(difference(90, 1_090), "−1\u{202f}000");
        assert_eq!(difference(5, 5), "0");
    }
}
