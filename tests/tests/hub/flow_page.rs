//! The scorecard and its page after a busy morning: every number counted again from the raw table, and
//! the page looked at in a real browser.

use edge::Clock;
use pharmatrace::local::SYSTEM;
use serde_json::{Value, json};
use store::Objects;

use crate::flow_browser::{Browser, Screen};
use crate::flow_kit::{ALLOCATIONS, GTIN, Hub, LINE, OTHER_LINE, POOLS, text};
use crate::flow_lists::lists_are_shown;
use crate::flow_plant::{commissioning, drop_file, settled, sha256};
use crate::flow_recount::Raw;

const SCORECARD: &str = "/api/v1/operations/scorecard";
const TELEMETRY: &str = "/api/v1/plant-floor/telemetry";
const PHONE: Screen = Screen { name: "phone", width: 390, height: 844, dark: false };
const DESK: Screen = Screen { name: "desktop", width: 1280, height: 900, dark: false };

/// Every text against what is painted behind it: the lowest contrast of the page (WCAG 2.2, 1.4.3).
const CONTRAST: &str = r"
const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = node => {
  for (; node; node = node.parentElement) {
    const color = rgb(getComputedStyle(node).backgroundColor);
    if (color.length === 3 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
let worst = [99, ''];
for (const node of document.body.querySelectorAll('*')) {
  const own = [...node.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || node.closest('svg') || !node.getClientRects().length) continue;
  const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < worst[0]) worst = [ratio, node.textContent.slice(0, 60)];
}
return worst;";

/// What a screen reader would miss; empty when it misses nothing.
const GAPS: &str = r"
const gaps = [];
const all = selector => [...document.querySelectorAll(selector)];
if (document.documentElement.lang !== 'en') gaps.push('no language');
if (all('h1').length !== 1) gaps.push('not one h1');
if (all('main').length !== 1) gaps.push('not one main');
let level = 0;
for (const heading of all('h1,h2,h3,h4')) {
  const now = Number(heading.tagName[1]);
  if (now > level + 1) gaps.push('skips to ' + heading.textContent);
  level = now;
}
for (const svg of all('svg'))
  if (svg.getAttribute('role') !== 'img' || !svg.querySelector('title')?.textContent)
    gaps.push('a chart without title');
for (const table of all('table')) {
  if (!table.caption?.textContent.trim()) gaps.push('a table without caption');
  if (!table.querySelector('th[scope=col]')) gaps.push('a table without headers');
}
for (const field of all('input:not([type=hidden]),textarea'))
  if (field.getClientRects().length && !field.labels?.length) gaps.push('a field without label');
for (const link of all('a')) if (!link.textContent.trim()) gaps.push('an empty link');
const ids = all('[id]').map(node => node.id);
if (new Set(ids).size !== ids.length) gaps.push('an id twice');
if (document.documentElement.scrollWidth > document.documentElement.clientWidth)
  gaps.push('wider than the screen');
return gaps;";

/// Everything that the keyboard can reach, in the order of the page.
const STOPS: &str = r"
const stops = [...document.querySelectorAll(
  'a[href],button,input:not([type=hidden]),textarea,summary')];
return stops.filter(node => node.getClientRects().length)
  .map(node => node.tagName + ' ' + (node.getAttribute('href') || node.textContent.trim()));";

const FOCUS: &str = r"
const node = document.activeElement;
const style = getComputedStyle(node);
const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
return [node.tagName + ' ' + (node.getAttribute('href') || node.textContent.trim()), seen];";

/// A hub after a busy morning.
struct Morning {
    hub: Hub,
    objects: Objects,
    token: String,
}

impl Morning {
    async fn pass() -> Self {
        let hub = Hub::start().await;
        hub.pool().await;
        let objects = hub.cloud.hub.objects().await.unwrap();
        let token = hub.cloud.hub.credential.clone().unwrap().token;
        let morning = Self { hub, objects, token };
        let small = morning.small_pool().await;
        let first = morning.reserve("R1", 100_000, Some(LINE), None).await;
        let second = morning.reserve("R2", 1_000, Some(OTHER_LINE), None).await;
        morning.reserve("R3", 400, None, Some(&small)).await;
        let closed = morning.reserve("R4", 50, Some(LINE), None).await;
        let voided = morning.reserve("R5", 60, Some(LINE), None).await;
        morning.end(&closed, "close").await;
        morning.end(&voided, "void").await;
        let exported = format!("{ALLOCATIONS}/{second}/export?format=csv");
        assert_eq!(morning.hub.api.get(&exported).await.unwrap().status, 200);
        morning.files().await;
        morning.heartbeats(&first).await;
        morning
    }

    /// A pool that has few numbers and ends soon.
    async fn small_pool(&self) -> String {
        let draft = json!({
            "name": "Small packs", "encoding": "SGTIN", "gtin": GTIN, "company_prefix_length": 7,
            "scheme": "sequential", "width": 12, "from": "2000000", "to": "2000499",
            "max_request": 500, "threshold": 200,
        });
        let made = self.hub.api.post(POOLS, &draft).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.json());
        text(&made.json(), "id")
    }

    async fn reserve(
        &self,
        id: &str,
        quantity: u64,
        line: Option<&str>,
        pool: Option<&str>,
    ) -> String {
        let mut body = json!({
            "request_id": id, "gtin": GTIN, "quantity": quantity, "lot": "LOT42",
            "expiry": "2028-10-31",
        });
        for (name, value) in [("line_gln", line), ("pool_id", pool)] {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        let answer = self.hub.api.post(ALLOCATIONS, &body).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json());
        text(&answer.json(), "allocation_id")
    }

    async fn end(&self, allocation: &str, verb: &str) {
        let path = format!("{ALLOCATIONS}/{allocation}/{verb}");
        let body = json!({"reason": "the morning is over"});
        let answer = self.hub.api.post(&path, &body).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.json());
    }

    /// Two good files with a gap, one with another lot, an early one, and two that are none.
    async fn files(&self) {
        let other_lot = String::from_utf8(commissioning(60_000, 5_000)).unwrap();
        let other_lot = other_lot.replace("LOT42", "LOT43").into_bytes();
        for (name, bytes) in [
            ("1.xml", commissioning(0, 40_000)),
            ("2.xml", commissioning(100_000, 300)),
            ("3.xml", other_lot),
            ("early.xml", commissioning(900_000, 12)),
            ("cut.xml", commissioning(0, 10)[..900].to_vec()),
            ("words.txt", b"these are words".to_vec()),
        ] {
            drop_file(&self.objects, name, &bytes).await;
            settled(&self.hub.api, &sha256(&bytes), 1).await;
        }
    }

    /// One line runs at 120 packs a minute; another one stopped talking an hour ago while it ran.
    async fn heartbeats(&self, allocation: &str) {
        let now = Clock::system().now();
        let at = |seconds: i64| store::time::rfc3339_ms(now - time::Duration::seconds(seconds));
        let mut batch: Vec<Value> = (0..10)
            .map(|n| {
                json!({
                    "line_id": "L1", "line_gln": LINE, "system_id": SYSTEM, "seq": n,
                    "ts": at((9 - n) * 30), "state": "EXECUTE", "mode": "PRODUCTION",
                    "speed": 120.0, "design_speed": 150.0, "consumed": 1_000 + 62 * n,
                    "processed": 1_000 + 60 * n, "defective": n, "serials_remaining": 55_000,
                    "allocation_id": allocation, "lot": "LOT42",
                })
            })
            .collect();
        batch.extend((0..3).map(|n| {
            json!({
                "line_id": "L2", "line_gln": OTHER_LINE, "system_id": SYSTEM, "seq": n,
                "ts": at(3_600 - n * 60), "state": "EXECUTE", "processed": 10 * n,
            })
        }));
        let answer = self.hub.api.post(TELEMETRY, &Value::Array(batch)).await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.json());
        assert_eq!(answer.json()["accepted"], 13, "{}", answer.json());
    }

    async fn card(&self) -> Value {
        let answer = self.hub.api.get(SCORECARD).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scorecard_is_what_the_table_says_and_the_page_is_the_scorecard() {
    let morning = Box::pin(Morning::pass()).await;
    let card = morning.card().await;
    assert_eq!(card["open_allocations"]["used"], 45_300, "{card}");
    assert_eq!((&card["lines"]["live"], &card["lines"]["offline"]), (&json!(1), &json!(1)));
    assert_eq!(card["lines"]["list"][1]["throughput_milli"], 120_000, "{}", card["lines"]);
    assert_eq!((&card["files"]["received"], &card["files"]["quarantined"]), (&json!(6), &json!(2)));
    Raw::scan(&morning.hub.store).await.agrees_with(&card);
    let browser = Browser::open().await;
    let page = format!("{}/operations", morning.hub.cloud.hub.api_url);
    sign_in(&browser, &page, &morning.token).await;
    charts_are_the_numbers(&browser, &card).await;
    looks_right_everywhere(&browser, "operations").await;
    keyboard_reaches_everything(&browser, &page).await;
    pages_are_linked(&browser, &page, &morning).await;
    sign_in(&browser, &other_address(&morning.hub), &morning.token).await;
    browser.click("tr[data-allocation] a").await;
    let heading = browser.ask("return document.querySelector('h1').textContent").await;
    assert!(heading.as_str().unwrap().starts_with("Allocation"), "{heading}");
    let page = other_address(&morning.hub);
    Box::pin(lists_are_shown(&browser, &page, &morning.hub)).await;
    assert_eq!(browser.console().await, Vec::<Value>::new());
    let port = morning.hub.port();
    for address in browser.requests().await {
        let ours = address.starts_with(&format!("http://127.0.0.1:{port}/"));
        assert!(ours || address == "data:,", "{address}");
    }
    drop(browser);
    Raw::scan(&morning.hub.store).await.agrees_with(&morning.card().await);
    assert_eq!(morning.hub.store.audit().await.unwrap().breaches, []);
    morning.hub.stop().await;
}

/// The page under the other path by which the local cloud reaches an API.
fn other_address(hub: &Hub) -> String {
    let api_id = hub.base_path();
    let api_id = api_id.split('/').find(|part| part.len() == 8).unwrap().to_owned();
    let endpoint = hub.cloud.hub.endpoint_url.clone().unwrap();
    format!("{endpoint}/restapis/{api_id}/$default/_user_request_/operations")
}

pub async fn sign_in(browser: &Browser, page: &str, token: &str) {
    browser.go(page).await;
    let address = browser.address().await;
    assert!(address.ends_with("/operations/sign-in"), "{address}");
    looks_right_everywhere(browser, "sign-in").await;
    browser.write("#token", token).await;
    browser.click("main button").await;
    browser.arrives(|address| address == page).await;
}

/// Reads the charts back and compares their geometry with the scorecard.
async fn charts_are_the_numbers(browser: &Browser, card: &Value) {
    let widths = "return [...document.querySelectorAll('[data-allocation]')].map(row => [
        row.dataset.allocation, ...['used', 'packed'].map(part =>
        Number(row.querySelector(`[data-chart=fill] .${part}`).getAttribute('width')))]);";
    let rows = card["open_allocations"]["oldest"].as_array().unwrap().iter();
    let length = |row: &Value, part: &str| {
        row[part].as_u64().unwrap() * 1_000 / row["reserved"].as_u64().unwrap()
    };
    let expected: Vec<Value> = rows
        .map(|row| json!([row["allocation_id"], length(row, "used"), length(row, "commissioned")]))
        .collect();
    assert_eq!(expected.len(), 3);
    assert_eq!(browser.ask(widths).await, json!(expected));
    let speeds =
        "return [...document.querySelectorAll('[data-line]')].map(row => [row.dataset.line,
        Number(row.querySelector('[data-chart=throughput] .packed').getAttribute('width'))]);";
    assert_eq!(browser.ask(speeds).await, json!([[OTHER_LINE, 0], [LINE, 1_000]]));
    let columns =
        "return [...document.querySelectorAll('[data-chart=findings] rect')].map(part => [
        part.dataset.hour, part.getAttribute('class').replace('-part', ''), ...['data-count', 'x',
        'y', 'height'].map(name => Number(part.getAttribute(name)))]);";
    let mut expected = Vec::new();
    let hours = card["findings"]["per_hour"].as_array().unwrap();
    let severities = ["critical", "error", "warning", "info"];
    let count = |hour: &Value, severity: &str| hour[severity].as_u64().unwrap();
    let sum = |hour: &Value| severities.iter().map(|severity| count(hour, severity)).sum::<u64>();
    let highest = hours.iter().map(sum).max().unwrap();
    assert!(highest > 0);
    for (place, hour) in hours.iter().enumerate() {
        let mut below = 0;
        for severity in severities {
            let own = count(hour, severity);
            if own > 0 {
                let (bottom, top) = (below * 1_000 / highest, (below + own) * 1_000 / highest);
                let x = place * 10 + 1;
                expected.push(json!([severity, own, x, 1_000 - top, top - bottom]));
            }
            below += own;
        }
    }
    let found = browser.ask(columns).await;
    let mut found: Vec<Value> = found.as_array().unwrap().clone();
    for part in &mut found {
        part.as_array_mut().unwrap().remove(0);
    }
    assert_eq!(found, expected);
    let text = browser.ask("return document.querySelector('main').innerText").await;
    let text = text.as_str().unwrap();
    let silent = format!("Line L2 ({OTHER_LINE}) went offline");
    for words in ["Small packs", "LOT_MISMATCH", "not-epcis", &silent, "2 files were refused"] {
        assert!(text.contains(words), "no {words}: {text}");
    }
    let first = browser.ask("return document.querySelector('.todo li').className").await;
    assert_eq!(first, "bad", "what is wrong comes first");
}

/// Phone and desktop, light and dark: nothing is cut off, faint or mute; pictures are kept.
pub async fn looks_right_everywhere(browser: &Browser, name: &str) {
    for screen in [PHONE, DESK] {
        for dark in [false, true] {
            let screen = Screen { dark, ..screen };
            browser.show_on(screen).await;
            let at = format!("{name}-{}-{}", screen.name, if dark { "dark" } else { "light" });
            browser.picture(&at).await;
            assert_eq!(browser.ask(GAPS).await, json!([]), "{at}");
            // A phone shows a page that is too wide in a smaller scale.
            assert_eq!(browser.ask("return innerWidth").await, screen.width, "{at}");
            let worst = browser.ask(CONTRAST).await;
            assert!(worst[0].as_f64().unwrap() >= 4.5, "{at}: {worst}");
        }
    }
    browser.show_on(DESK).await;
}

/// The tabulator goes through everything in the order of the page, and one sees where it is.
async fn keyboard_reaches_everything(browser: &Browser, page: &str) {
    browser.go(page).await;
    let stops = browser.ask(STOPS).await;
    let stops = stops.as_array().unwrap();
    assert!(stops.len() > 15, "{stops:?}");
    assert_eq!(stops[0], "A #main");
    for stop in stops {
        browser.press("\u{E004}").await;
        assert_eq!(browser.ask(FOCUS).await, json!([stop, true]));
    }
    browser.go(page).await;
    browser.press("\u{E004}").await;
    browser.press("\u{E007}").await;
    assert_eq!(browser.ask("return document.activeElement.id").await, "main");
}

/// From the list of what is wrong to a finding, which is acknowledged and resolved; to its file and its
/// allocation; and out.
async fn pages_are_linked(browser: &Browser, page: &str, morning: &Morning) {
    browser.click(".todo a[href^='operations/findings/']").await;
    let finding = browser.address().await;
    looks_right_everywhere(browser, "finding").await;
    for (step, status) in [("acknowledge", "acknowledged"), ("resolve", "resolved")] {
        browser.write(&format!("#{step}"), "seen at the line, packs held").await;
        browser.click(&format!("form[action$='{step}'] button")).await;
        let shown = "return document.querySelector('.facts')?.innerText.includes";
        browser.until(&format!("{shown}('{status}')"), |address| address == finding).await;
    }
    let history = browser.ask("return document.querySelector('main ol').innerText").await;
    assert!(history.as_str().unwrap().contains("packs held"), "{history}");
    browser.click("main a[href^='../documents/']").await;
    looks_right_everywhere(browser, "document").await;
    browser.go(page).await;
    browser.click(".todo a[href^='operations/documents/']").await;
    let refused = browser.address().await;
    browser.write("#reject", "a test file").await;
    browser.click("form[action$='reject'] button").await;
    let done = "return !document.querySelector('#reject')";
    browser.until(done, |address| address == refused).await;
    assert_eq!(morning.card().await["files"]["refused"]["total"], 1);
    browser.go(page).await;
    browser.click("tr[data-allocation] a").await;
    looks_right_everywhere(browser, "allocation").await;
    let card = morning.card().await;
    let used = card["open_allocations"]["oldest"][0]["used"].as_u64().unwrap();
    let width = "return document.querySelector('[data-chart=fill] .used').getAttribute('width')";
    assert_eq!(browser.ask(width).await, (used * 1_000 / 100_000).to_string());
    browser.click("header button").await;
    browser.arrives(|address| address.ends_with("/operations/sign-in")).await;
    browser.go(&finding).await;
    browser.arrives(|address| address.contains("/operations/sign-in?next=findings/")).await;
}
