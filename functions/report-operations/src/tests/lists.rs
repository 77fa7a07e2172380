//! Pools, spaces, holds, reviews and balances as pages: what is shown, to whom, and that texts stay texts.

use domain::allocation::Transition;
use domain::bitmap::{BlockSet, Offset};
use domain::closing::Decision;
use domain::fact::Fact;
use domain::finding::Finding;
use domain::gln::Gln;
use domain::ids::{AllocationId, PoolId, RequestId};
use domain::ledger::{Claim, Draft, Terms};
use domain::policy::{AutoExtend, PoolPolicy, Reoffer};
use domain::pool::{PoolDraft, Scheme};
use domain::request::{Details, ReserveRequest};
use domain::space::{Alphabet, Characters, SpaceForm, SpaceId};
use store::allocation::Gain;
use store::block::Place;
use store::closing::{Closing, Effects, Hashes, content_sha256};
use store::kms::Kms;
use testkit::KeyService;

use super::page::Desk;
use super::*;

mod reviews;

const GTIN: &str = "00313000007772";
const LINE: &str = "0313000000018";
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

fn pool_id(n: u8) -> PoolId {
    PoolId::from_entropy([n; 17])
}

fn draft(n: u8, name: &str) -> PoolDraft {
    let from = u128::from(n).saturating_mul(1_000_000);
    PoolDraft {
        name: name.to_owned(),
        key: GTIN.parse().unwrap(),
        company_prefix_length: 7,
        scheme: Scheme::Sequential { width: 12 },
        eu_rules: false,
        from,
        to: from.saturating_add(99_999),
        max_request: 100_000,
        threshold: 0,
        policy: PoolPolicy::default(),
    }
}

fn request(id: &str, pool: u8, hold_minutes: Option<u32>) -> ReserveRequest {
    let details = Details { lot: Some("LOT42".to_owned()), ..Details::default() };
    ReserveRequest {
        requester: system("L1"),
        credential: None,
        request_id: RequestId::parse(id).unwrap(),
        key: GTIN.parse().unwrap(),
        quantity: 100,
        pool_id: Some(pool_id(pool)),
        system_id: None,
        line_gln: Some(Gln::parse(LINE).unwrap()),
        plant_gln: None,
        details,
        terms: domain::request::Terms { hold_minutes, ..domain::request::Terms::default() },
    }
}

impl Desk {
    async fn pool(&self, n: u8, draft: PoolDraft) {
        self.bench.store.pool_create(pool_id(n), draft, &at(0)).await.unwrap();
    }

    async fn reserved(&self, request: &ReserveRequest, now: &str) -> AllocationId {
        let pools = [request.pool_id.clone().unwrap()];
        let made = self.bench.store.reserve(request, &pools, now).await.unwrap();
        made.allocation.id
    }

    /// An allocation of which 90 numbers are on packs, and whose end waits for a review.
    async fn doubted(&self) -> AllocationId {
        let store = &self.bench.store;
        self.pool(1, draft(1, "one")).await;
        let id = self.reserved(&request("R1", 1, None), &at(1)).await;
        store.allocation_advance(&id, Transition::Activate, &at(1)).await.unwrap();
        let (sha, meter) = (sha(77), Meter::default());
        let place = Place { allocation: &id, block: 0, content_sha256: &sha };
        store.allocation_fill_widen(&id, (0, 0), &meter).await.unwrap();
        let fact = Fact::Commissioned;
        let claim = Claim { fact, lot: None, expiry: None, time_ms: 1, ordinal: 1, is_bare: false };
        let mut told = Draft::default();
        told.assert_all(&claim, &BlockSet::span(Offset::new(0).unwrap(), Offset::new(89).unwrap()));
        store.block_apply((place, &at(2)), &told, &Terms::default(), &meter).await.unwrap();
        let seen = store.closing_seen(&id).await.unwrap().unwrap();
        let json = content_sha256(b"no document");
        let code = Code::EobCountMismatch;
        let allocation_id = Some(id.to_string());
        let subject = Subject { code, provisional: false, allocation_id, gtin: None };
        let finding = Finding {
            samples: vec!["reported 91, commissioned 90".to_owned()],
            ..subject.finding((&json, "L1"), 1)
        };
        let raised = FindingRecord {
            content_sha256: json.clone(),
            system_id: system("L1"),
            at: at(3),
            finding,
        };
        let closing = Closing {
            allocation: id.clone(),
            number: 1,
            decision: Decision::Close,
            status: domain::allocation::AllocationStatus::PendingReview,
            at: at(3),
            actor: "L1/line".to_owned(),
            reason: Some(HOSTILE.to_owned()),
            request_hash: "h".to_owned(),
            request_key: None,
            document: Hashes { json, html: content_sha256(b"no page") },
            counted: Gain { used: 90, commissioned: 90 },
            findings: vec![raised.finding.id.clone()],
        };
        let effects = Effects { raised: &[raised], resolved: (&[], None) };
        assert!(store.closing_put(&seen, &closing, effects).await.unwrap());
        id
    }

    async fn page(&self, path: &str, cookie: &str) -> String {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let event = HttpEvent::get(path).query(query).header("cookie", cookie);
        let seen = self.send(event).await;
        assert_eq!(seen.status, 200, "{path}: {}", seen.body);
        assert!(!seen.body.contains("<img"), "{path}: a text is not shown as a text");
        seen.body
    }
}

/// The values of an attribute of a page, in their order.
fn values<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!("{name}=\"");
    page.split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn the_pool_that_needs_somebody_comes_first_and_the_rest_page_by_page() {
    let desk = Desk::open().await;
    let low = PoolDraft { threshold: 200_000, ..draft(3, "low one") };
    desk.pool(3, low).await;
    let ended = PoolDraft { to: 9_000_099, ..draft(9, HOSTILE) };
    desk.pool(9, ended).await;
    desk.reserved(&request("R9", 9, None), &at(1)).await;
    let units = PoolDraft {
        key: "0355555.1".parse().unwrap(),
        scheme: Scheme::Sequential { width: 9 },
        ..draft(20, "pallets")
    };
    desk.pool(20, units).await;
    for n in 30..140 {
        desk.pool(n, draft(n, &format!("pool {n}"))).await;
    }
    for n in [3, 9] {
        let pool = desk.bench.store.pool_fetch(&pool_id(n)).await.unwrap().unwrap().pool;
        desk.bench.store.pool_look(&pool, (&at(2), 1)).await.unwrap();
    }
    let cookie = desk.signed_in("lead").await;
    let mut shown = Vec::new();
    let mut path = "/operations/pools".to_owned();
    for _ in 0..3 {
        let page = desk.page(&path, &cookie).await;
        shown.extend(values(&page, "data-pool").into_iter().map(str::to_owned));
        let next = values(&page, "href").into_iter().find(|href| href.starts_with("?after="));
        let Some(next) = next else { break };
        path = format!("/operations/pools{next}");
    }
    assert_eq!(shown.len(), 113);
    assert_eq!(shown[..2], [pool_id(9).to_string(), pool_id(3).to_string()]);
    let unlike: std::collections::BTreeSet<&String> = shown.iter().collect();
    assert_eq!(unlike.len(), 113, "each is shown once");
    let first = desk.page("/operations/pools", &cookie).await;
    for words in ["113 pools", "exhausted", "pool.exhausted", "pool.low", "&lt;img src=x"] {
        assert!(first.contains(words), "no {words}: {first}");
    }
    for (find, expected) in [("PALLETS", 20), ("0355555", 20), (pool_id(9).as_str(), 9)] {
        let page = desk.page(&format!("/operations/pools?find={find}"), &cookie).await;
        assert_eq!(values(&page, "data-pool"), [pool_id(expected).as_str()], "{find}");
        assert!(page.contains("1 of 113 pools"), "{page}");
    }
    let none = desk.page("/operations/pools?find=%3Cimg%3E", &cookie).await;
    assert!(values(&none, "data-pool").is_empty() && none.contains("&lt;img&gt;"), "{none}");
    let odd = desk.page("/operations/pools?after=x&find=&what=1", &cookie).await;
    assert_eq!(values(&odd, "data-pool").len(), 100);
}

#[tokio::test]
async fn a_pool_has_a_page_with_its_policy_events_holds_and_ranges() {
    let desk = Desk::open().await;
    let policy = PoolPolicy {
        threshold_hours: Some(48),
        auto_extend: Some(AutoExtend { by: 1_000, ceiling: 1_500_000 }),
        reservation_events: true,
        reoffer: Reoffer::Returned,
    };
    desk.pool(1, PoolDraft { policy, threshold: 150_000, ..draft(1, HOSTILE) }).await;
    let pool = desk.bench.store.pool_fetch(&pool_id(1)).await.unwrap().unwrap().pool;
    desk.bench.store.pool_look(&pool, (&at(2), 1)).await.unwrap();
    for n in 0..55 {
        desk.reserved(&request(&format!("R{n}"), 1, None), &at(1)).await;
    }
    let held = desk.reserved(&request("H", 1, Some(600)), &at(1)).await;
    let cookie = desk.signed_in("lead").await;
    let path = format!("/operations/pools/{}", pool_id(1));
    let page = desk.page(&path, &cookie).await;
    for words in [
        "&lt;img src=x",
        "by 1\u{202f}000 at a time, up to 1\u{202f}500\u{202f}000",
        "returned ones",
        "pool.low",
        "12 digits, one after the other",
    ] {
        assert!(page.contains(words), "no {words}: {page}");
    }
    assert_eq!(values(&page, "data-hold"), [held.as_str()]);
    let ranges = values(&page, "data-range");
    assert_eq!((ranges.len(), ranges[0]), (50, "1005500"), "the newest first");
    let next = values(&page, "href").into_iter().find(|href| href.starts_with("?after=")).unwrap();
    let next = next.trim_end_matches("#ranges");
    let older = desk.page(&format!("{path}{next}"), &cookie).await;
    assert_eq!(values(&older, "data-range").last(), Some(&"1000000"));
    assert_eq!(values(&older, "data-range").len(), 6);
    for other in [pool_id(99).to_string(), "x".to_owned(), "..%2Fholds".to_owned()] {
        let seen = desk.get(&format!("/operations/pools/{other}"), &cookie).await;
        assert_eq!(seen.status, 404, "{other}");
    }
}

#[tokio::test]
async fn i8_pools_and_spaces_need_their_scope_and_holds_and_reviews_the_line() {
    let desk = Desk::open().await;
    let id = desk.doubted().await;
    let held = desk.reserved(&request("H", 1, Some(600)), &at(1)).await;
    let reader = desk.signed_in("reader").await;
    for path in ["pools", &format!("pools/{}", pool_id(1)), "spaces"] {
        let seen = desk.get(&format!("/operations/{path}"), &reader).await;
        assert_eq!(seen.status, 403, "{path}");
    }
    let page = desk.page("/operations", &reader).await;
    assert!(!page.contains("operations/pools"), "what is refused is not offered: {page}");
    assert!(page.contains("1 run waits for a review"), "{page}");
    let stranger = desk.signed_in("stranger").await;
    for (cookie, holds, reviews) in [(&reader, 1, 1), (&stranger, 0, 0)] {
        let page = desk.page("/operations/holds", cookie).await;
        assert_eq!(values(&page, "data-hold").len(), holds);
        let page = desk.page("/operations/reviews", cookie).await;
        assert_eq!(values(&page, "data-review").len(), reviews);
    }
    for path in [
        format!("reviews/{id}"),
        format!("allocations/{id}"),
        format!("allocations/{held}"),
        format!("allocations/{id}/batch-document/1"),
    ] {
        let seen = desk.get(&format!("/operations/{path}"), &stranger).await;
        assert_eq!(seen.status, 404, "{path}");
    }
    for path in [
        format!("reviews/{held}"),
        "reviews/x".to_owned(),
        format!("allocations/{id}/batch-document/2"),
        format!("allocations/{id}/batch-document/x"),
        format!("allocations/{}/batch-document/1", "A".repeat(26)),
    ] {
        let seen = desk.get(&format!("/operations/{path}"), &reader).await;
        assert_eq!(seen.status, 404, "{path}");
    }
    for path in ["pools", "spaces", "holds", "reviews"] {
        let seen = desk.get(&format!("/operations/{path}"), "").await;
        assert_eq!(
            (seen.status, seen.header("location")),
            (303, format!("sign-in?next={path}").as_str())
        );
    }
}

#[tokio::test]
async fn holds_end_in_order_and_what_nobody_gives_up_is_said() {
    let desk = Desk::open().await;
    desk.pool(1, draft(1, "one")).await;
    let later = desk.reserved(&request("A", 1, Some(600)), &at(1)).await;
    let sooner = desk.reserved(&request("B", 1, Some(570)), &at(1)).await;
    let cookie = desk.signed_in("lead").await;
    let page = desk.page("/operations/holds", &cookie).await;
    assert_eq!(values(&page, "data-hold"), [sooner.as_str(), later.as_str()]);
    assert!(page.contains("in 30 min") && !page.contains("overdue"), "{page}");
    desk.minutes.store(29, std::sync::atomic::Ordering::Relaxed);
    let cookie = desk.signed_in("lead").await;
    desk.minutes.store(33, std::sync::atomic::Ordering::Relaxed);
    let page = desk.page("/operations/holds", &cookie).await;
    assert_eq!(page.matches(">overdue<").count(), 1, "{page}");
    let page = desk.page("/operations", &cookie).await;
    assert!(page.contains("1 reservation was not confirmed and is not given up"), "{page}");
}

#[tokio::test]
async fn a_balance_adds_up_and_leads_to_decisions_documents_and_findings() {
    let desk = Desk::open().await;
    let id = desk.doubted().await;
    let cookie = desk.signed_in("lead").await;
    let page = desk.page(&format!("/operations/allocations/{id}"), &cookie).await;
    let places = values(&page, "data-place");
    let counts: Vec<u64> =
        values(&page, "data-count").into_iter().map(|count| count.parse().unwrap()).collect();
    assert_eq!((places.len(), places.last()), (10, Some(&"reserved")));
    let (sum, parts) = counts.split_last().unwrap();
    assert_eq!((*sum, parts.iter().sum::<u64>()), (100, 100), "I4");
    let count = |name: &str| counts[places.iter().position(|place| *place == name).unwrap()];
    assert_eq!((count("commissioned"), count("outstanding")), (90, 10));
    for words in [
        &format!("href=\"../allocations/{id}/batch-document/1\""),
        &format!("href=\"../reviews/{id}\""),
        &format!("href=\"../pools/{}\"", pool_id(1)),
        "EOB_COUNT_MISMATCH",
        "&lt;img src=x",
    ] {
        assert!(page.contains(words), "no {words}: {page}");
    }
}

/// The document that such a finding names is that of the batch: there is no file of this hash.
#[tokio::test]
async fn findings_of_the_end_of_a_run_lead_to_its_document_and_to_no_file() {
    let desk = Desk::open().await;
    let id = desk.doubted().await;
    let cookie = desk.signed_in("lead").await;
    let page = desk.page(&format!("/operations/allocations/{id}"), &cookie).await;
    let finding = values(&page, "href").into_iter().find(|href| href.contains("findings/"));
    let finding = finding.unwrap().trim_start_matches("../");
    let page = desk.page(&format!("/operations/{finding}"), &cookie).await;
    assert!(!page.contains("documents/"), "{page}");
    let document = format!("href=\"../allocations/{id}/batch-document/1\"");
    assert!(page.contains(&document), "{page}");
    let dashboard = desk.page("/operations", &cookie).await;
    let file = format!("documents/{}", content_sha256(b"no document"));
    assert!(dashboard.contains("EOB_COUNT_MISMATCH") && !dashboard.contains(&file), "{dashboard}");
}

/// The bench's S3 answers every object with other bytes than the decision names.
#[tokio::test]
async fn a_document_that_is_not_what_its_decision_names_is_not_shown() {
    let desk = Desk::open().await;
    let id = desk.doubted().await;
    let cookie = desk.signed_in("lead").await;
    let page = desk.page(&format!("/operations/reviews/{id}"), &cookie).await;
    for words in ["missing or was changed", "&lt;img src=x", "L1/line", "pending_review"] {
        assert!(page.contains(words), "no {words}: {page}");
    }
    let seen = desk.get(&format!("/operations/allocations/{id}/batch-document/1"), &cookie).await;
    assert_eq!(seen.status, 500, "{}", seen.body);
    assert!(!seen.body.contains("newly_commissioned"), "{}", seen.body);
}

#[tokio::test]
async fn spaces_tell_their_form_and_density_and_the_bound_of_the_european_rules() {
    let desk = Desk::open().await;
    let alphabet = Alphabet::of(&[Characters::Digits, Characters::Upper], false).unwrap();
    let form = SpaceForm::new("X", alphabet, 8).unwrap();
    let gtin = GTIN.parse().unwrap();
    let space = SpaceId::of(&gtin, &form);
    let service = KeyService::start().await;
    let endpoint = Some(service.endpoint().to_owned());
    let settings = AwsSettings::new("eu-central-1", endpoint, ("test", "test"), None);
    let kms = Kms::new(&settings, &https(), service.key_arn());
    let store = desk.bench.store.clone().with_kms(kms);
    for (n, name) in [(0, "first"), (1, HOSTILE)] {
        let scheme = Scheme::Randomised { space, form };
        let draft = PoolDraft { scheme, eu_rules: n == 1, ..draft(n, name) };
        store.pool_create(pool_id(n), draft, &at(0)).await.unwrap();
    }
    let cookie = desk.signed_in("lead").await;
    let page = desk.page("/operations/spaces", &cookie).await;
    assert_eq!(values(&page, "data-space"), [space.as_str()]);
    let limit = domain::space::density_limit(form.capacity()).to_string();
    for words in [
        "8 random characters: digits, capital letters without I J L O Q U",
        "200\u{202f}000",
        "kept",
        "&lt;img src=x",
        GTIN,
    ] {
        assert!(page.contains(words), "no {words}: {page}");
    }
    assert!(page.replace('\u{202f}', "").contains(&format!("at most {limit}")), "{page}");
    let none = desk.page("/operations/spaces?find=0999", &cookie).await;
    assert!(values(&none, "data-space").is_empty() && none.contains("0 of 1 space"), "{none}");
}
