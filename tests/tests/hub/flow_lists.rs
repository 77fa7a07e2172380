//! The lists of the page in a real browser: pools, spaces, holds, reviews; and a run that somebody else than its
//! closer reviews by the form.

use pharmatrace::api::Api;
use serde_json::json;

use crate::flow_browser::Browser;
use crate::flow_kit::{ALLOCATIONS, GTIN, Hub, reservation, text};
use crate::flow_page::{looks_right_everywhere, sign_in};

/// A reservation that waits for a confirmation, and a run whose end waits for a review.
async fn waiting(hub: &Hub) -> (String, String) {
    let mut held = reservation("H1", 10);
    held["hold_minutes"] = json!(60);
    let held = made(&hub.api, &held).await;
    let doubtful = made(&hub.api, &reservation("D1", 10)).await;
    let report = json!({ "production": [{ "packaging_code": GTIN, "packaging_level": "EA",
        "quantity_reported": 5 }] });
    let path = format!("{ALLOCATIONS}/{doubtful}/close");
    let closed = hub.api.post(&path, &report).await.unwrap().json();
    assert_eq!(closed["status"], "pending_review", "{closed}");
    (held, doubtful)
}

async fn made(api: &Api, body: &serde_json::Value) -> String {
    let answer = api.post(ALLOCATIONS, body).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.json());
    text(&answer.json(), "allocation_id")
}

/// What the main part of the page says.
async fn said(browser: &Browser) -> String {
    let words = browser.ask("return document.querySelector('main').innerText").await;
    words.as_str().unwrap().to_owned()
}

async fn open(browser: &Browser, list: &str) {
    browser.click(&format!("header nav a[href$='{list}']")).await;
    browser.arrives(|address| address.ends_with(&format!("/operations/{list}"))).await;
    let current =
        "return document.querySelector('header [aria-current=page]').getAttribute('href')";
    assert_eq!(browser.ask(current).await, list);
    looks_right_everywhere(browser, list).await;
}

/// Begins and ends signed in at `page`, as the one who closed the run.
pub async fn lists_are_shown(browser: &Browser, page: &str, hub: &Hub) {
    let (held, doubtful) = waiting(hub).await;
    browser.go(page).await;
    assert!(said(browser).await.contains("1 run waits for a review"));
    open(browser, "pools").await;
    let first = "return document.querySelector('[data-pool] a').textContent";
    assert_eq!(browser.ask(first).await, "Small packs", "what runs low comes first");
    browser.click("[data-pool] a").await;
    browser.arrives(|address| address.contains("/operations/pools/")).await;
    looks_right_everywhere(browser, "pool").await;
    let ranges = "return document.querySelectorAll('[data-range]').length";
    assert_eq!(browser.ask(ranges).await, 1);
    open(browser, "spaces").await;
    assert!(said(browser).await.contains("No pool has random numbers."));
    open(browser, "holds").await;
    let shown = "return document.querySelector('[data-hold]').dataset.hold";
    assert_eq!(browser.ask(shown).await, held);
    open(browser, "reviews").await;
    browser.click("[data-review] a").await;
    browser.arrives(|address| address.ends_with(&doubtful)).await;
    assert!(said(browser).await.contains("You closed this run"));
    let review = browser.address().await;
    reviewed(browser, page, (hub, &review)).await;
    let after = hub.api.get(&format!("{ALLOCATIONS}/{doubtful}")).await.unwrap().json();
    assert_eq!(after["status"], "closed", "{after}");
    let token = hub.cloud.hub.credential.clone().unwrap().token;
    sign_in(browser, page, &token).await;
}

/// Somebody else accepts the end of the run by the form, and reads its document.
async fn reviewed(browser: &Browser, page: &str, (hub, review): (&Hub, &str)) {
    browser.click("header button").await;
    browser.arrives(|address| address.ends_with("/operations/sign-in")).await;
    let scopes = ["reports:read", "findings:write"];
    let quality = hub.credential("quality", &scopes, &[]).await;
    sign_in(browser, page, &quality.token).await;
    browser.go(review).await;
    looks_right_everywhere(browser, "review").await;
    let counts = "return [...document.querySelectorAll('main td.number')].map(n => n.innerText)";
    assert_eq!(browser.ask(counts).await, json!(["5", "0", "+5"]));
    browser.write("#reason", "the line had not started").await;
    browser.click("button[value=accept]").await;
    let done = "return document.querySelector('[role=alert]')?.innerText.includes('is accepted')";
    browser.until(done, |address| address.starts_with(review)).await;
    browser.click("main a[href*='batch-document']").await;
    let heading = browser.ask("return document.querySelector('h1').textContent").await;
    assert_eq!(heading, "Document of Serialization");
    browser.go(page).await;
    browser.click("header button").await;
    browser.arrives(|address| address.ends_with("/operations/sign-in")).await;
}
