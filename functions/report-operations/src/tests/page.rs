//! The page: who gets in, for how long, and what a form needs to be taken.
#![expect(clippy::arithmetic_side_effects, reason = "the numbers of tests are small")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::ids::SystemId;
use http::HeaderMap;
use sha2::{Digest, Sha256};
use store::credential::{Credential, Rotation};

use super::*;

pub(super) const SECRET: &str = "secretsecretsecretsecret";

/// A bench whose clock a test can move, and the credential `good` with its secret.
pub(super) struct Desk {
    pub(super) bench: Bench,
    pub(super) minutes: Arc<AtomicI64>,
}

pub(super) struct Seen {
    pub(super) status: u16,
    headers: HeaderMap,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The cookie as a browser would send it back.
    fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }
}

fn credential(id: &str, scopes: &str) -> Credential {
    let secret = Sha256::digest(SECRET.as_bytes()).into();
    Credential {
        scopes: scopes.split(' ').map(str::to_owned).collect(),
        ..Credential::new(id, SystemId::parse("L1").unwrap(), secret, &at(0))
    }
}

impl Desk {
    pub(super) async fn open() -> Self {
        let minutes = Arc::new(AtomicI64::new(0));
        let moved = minutes.clone();
        let clock = Clock::from_fn(move || {
            datetime!(2026-11-23 10:00 UTC) + time::Duration::minutes(moved.load(Ordering::Relaxed))
        });
        let bench = bench_at(TenantProfile::Manufacturer, clock).await;
        for (id, scopes) in [
            ("good", "reports:read findings:write"),
            ("lead", "reports:read findings:write pools:read"),
            ("reader", "reports:read"),
            ("other", "documents:read"),
        ] {
            let stored = bench.store.credential_create(&credential(id, scopes), "test").await;
            stored.unwrap();
        }
        let lines = vec!["0313000000025".to_owned()];
        let stranger =
            Credential { lines, ..credential("stranger", "reports:read findings:write") };
        bench.store.credential_create(&stranger, "test").await.unwrap();
        Self { bench, minutes }
    }

    pub(super) async fn send(&self, event: HttpEvent) -> Seen {
        let response = self.bench.door.handle(event.request().unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Seen {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn post(&self, path: &str, cookie: &str, site: &str, form: &str) -> Seen {
        let event = HttpEvent::new("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .header("cookie", cookie);
        self.send(event.body(form)).await
    }

    pub(super) async fn get(&self, path: &str, cookie: &str) -> Seen {
        self.send(HttpEvent::get(path).header("cookie", cookie)).await
    }

    async fn sign_in(&self, id: &str) -> Seen {
        let form = format!("token=tp_{id}_{SECRET}&next=");
        self.post("/operations/sign-in", "", "same-origin", &form).await
    }

    pub(super) async fn signed_in(&self, id: &str) -> String {
        let seen = self.sign_in(id).await;
        assert_eq!((seen.status, seen.header("location")), (303, "../operations"), "{}", seen.body);
        seen.cookie()
    }

    /// The token that the forms of a page carry.
    pub(super) async fn form_token(&self, cookie: &str) -> String {
        let page = self.get("/operations", cookie).await.body;
        let rest = page.split("name=\"form_token\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn i8_without_a_session_every_page_leads_to_the_sign_in_and_back() {
    let desk = Desk::open().await;
    for cookie in ["", "pharmatrace_session=", "pharmatrace_session=x", "other=1"] {
        for (path, expected) in [
            ("/operations", "operations/sign-in"),
            ("/operations/findings/abc", "../sign-in?next=findings/abc"),
            ("/operations/documents/ab", "../sign-in?next=documents/ab"),
            ("/operations/allocations/AB", "../sign-in?next=allocations/AB"),
        ] {
            let seen = desk.get(path, cookie).await;
            assert_eq!((seen.status, seen.header("location")), (303, expected), "{path}");
        }
        for path in ["/operations/sign-out", "/operations/findings/abc/resolve"] {
            let seen = desk.post(path, cookie, "same-origin", "reason=x").await;
            assert_eq!(seen.status, 303, "{path}");
        }
    }
    let form = desk.send(HttpEvent::get("/operations/sign-in").query("next=findings/abc")).await;
    assert!(form.body.contains("name=\"next\" value=\"findings/abc\""), "{}", form.body);
}

#[tokio::test]
async fn i8_a_session_is_closed_by_time_by_sign_out_and_by_revocation() {
    let desk = Desk::open().await;
    let seen = desk.sign_in("good").await;
    let cookie = seen.header("set-cookie").to_owned();
    for part in ["Max-Age=1800", "HttpOnly", "SameSite=Strict", "Secure"] {
        assert!(cookie.split("; ").any(|one| one == part), "{cookie}");
    }
    assert!(!cookie.contains("Path") && !cookie.contains("Domain"), "{cookie}");
    let cookie = seen.cookie();
    assert_eq!(desk.get("/operations", &cookie).await.status, 200);
    desk.minutes.store(29, Ordering::Relaxed);
    assert_eq!(desk.get("/operations", &cookie).await.status, 200);
    desk.minutes.store(30, Ordering::Relaxed);
    assert_eq!(desk.get("/operations", &cookie).await.status, 303);
    let cookie = desk.signed_in("good").await;
    let token = desk.form_token(&cookie).await;
    let form = format!("form_token={token}");
    let out = desk.post("/operations/sign-out", &cookie, "same-origin", &form).await;
    assert_eq!((out.status, out.header("location")), (303, "sign-in"));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(desk.get("/operations", &cookie).await.status, 303);
    let cookie = desk.signed_in("good").await;
    let store = &desk.bench.store;
    store.credential_revoke("good", &at(9), ("test", None)).await.unwrap();
    assert_eq!(desk.get("/operations", &cookie).await.status, 303);
}

/// A secret that leaked is replaced; whoever signed in with it is out with it.
#[tokio::test]
async fn i8_a_session_ends_with_the_secret_it_was_opened_with() {
    let desk = Desk::open().await;
    let store = &desk.bench.store;
    let start = datetime!(2026-11-23 10:00 UTC);
    let rotated = async |secret: &str, minutes: i64, force: bool| {
        let rotation = Rotation {
            sha256: Sha256::digest(secret.as_bytes()).into(),
            older_ends_at: start + time::Duration::minutes(minutes),
            expires_at: None,
            force,
            now: start,
            actor: "test".to_owned(),
        };
        store.credential_rotate("good", &rotation).await.unwrap();
    };
    let cookie = desk.signed_in("good").await;
    rotated("the second secret", 10, false).await;
    assert_eq!(desk.get("/operations", &cookie).await.status, 200, "within its grace");
    desk.minutes.store(10, Ordering::Relaxed);
    assert_eq!(desk.get("/operations", &cookie).await.status, 303, "after its grace");
    desk.minutes.store(0, Ordering::Relaxed);
    assert_eq!(desk.get("/operations", &cookie).await.status, 200);
    rotated("the third secret", 10, true).await;
    assert_eq!(desk.get("/operations", &cookie).await.status, 303, "ended by force");
}

#[tokio::test]
async fn i8_refused_tokens_are_answered_alike_and_set_no_cookie() {
    let desk = Desk::open().await;
    let store = &desk.bench.store;
    let gone = credential("gone", "reports:read");
    store.credential_create(&gone, "test").await.unwrap();
    store.credential_revoke("gone", &at(9), ("test", None)).await.unwrap();
    let past = Credential { expires_at: Some(at(9)), ..credential("past", "operator") };
    store.credential_create(&past, "test").await.unwrap();
    let good = format!("tp_good_{SECRET}");
    let mut bodies = Vec::new();
    for (token, site) in [
        (format!("tp_good_{}", "x".repeat(24)), "same-origin"),
        (format!("tp_nobody_{SECRET}"), "same-origin"),
        (format!("tp_gone_{SECRET}"), "same-origin"),
        (format!("tp_past_{SECRET}"), "same-origin"),
        (format!("tp_other_{SECRET}"), "same-origin"),
        ("nonsense".to_owned(), "same-origin"),
        (String::new(), "same-origin"),
        (good.clone(), "cross-site"),
        (good.clone(), "same-site"),
    ] {
        let form = format!("token={token}");
        let seen = desk.post("/operations/sign-in", "", site, &form).await;
        assert_eq!((seen.status, seen.header("set-cookie")), (403, ""), "{token} {site}");
        bodies.push(seen.body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(!bodies[0].contains(SECRET));
    // A browser that tells its origin but not whether it is ours is not believed.
    let event = HttpEvent::new("POST", "/operations/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://evil.example")
        .body(format!("token={good}"));
    assert_eq!(desk.send(event).await.status, 403);
    let json = HttpEvent::new("POST", "/operations/sign-in").json(&json!({"token": good}));
    assert_eq!(desk.send(json).await.status, 415);
    let long = format!("token={}", "a".repeat(20_000));
    let long = desk.post("/operations/sign-in", "", "same-origin", &long).await;
    assert_eq!(long.status, 413);
}

#[tokio::test]
async fn a_form_is_taken_only_with_the_token_of_its_session_and_from_our_own_page() {
    let desk = Desk::open().await;
    let (good, reader) = (desk.signed_in("good").await, desk.signed_in("reader").await);
    let (mine, theirs) = (desk.form_token(&good).await, desk.form_token(&reader).await);
    assert_ne!(mine, theirs);
    let page = desk.get("/operations", &good).await.body;
    let link = page.split("href=\"operations/findings/").nth(1).unwrap();
    let id = link.split('"').next().unwrap();
    let path = format!("/operations/findings/{id}/acknowledge");
    let status = async |cookie: &str, site: &str, form: &str| {
        desk.post(&path, cookie, site, form).await.status
    };
    let form = |token: &str, reason: &str| format!("form_token={token}&reason={reason}");
    assert_eq!(status(&good, "cross-site", &form(&mine, "a")).await, 403);
    assert_eq!(status(&good, "same-origin", &form(&theirs, "a")).await, 403);
    assert_eq!(status(&good, "same-origin", "reason=a").await, 403);
    assert_eq!(status(&reader, "same-origin", &form(&theirs, "a")).await, 403, "no findings:write");
    assert_eq!(status(&good, "same-origin", &form(&mine, "+")).await, 422);
    let seen = desk.post(&path, &good, "same-origin", &form(&mine, "I+look%0D%0Ainto+it")).await;
    assert_eq!((seen.status, seen.header("location")), (303, format!("../{id}").as_str()));
    let case = desk.bench.store.finding_find(id).await.unwrap().unwrap();
    assert_eq!(case.record.finding.status.as_str(), "acknowledged");
    assert_eq!(case.handling.reason.as_deref(), Some("I look\ninto it"));
    let history = desk.bench.store.finding_history(&case).await.unwrap();
    assert_eq!(history.last().unwrap().actor, "L1/good");
    let page = desk.get(&format!("/operations/findings/{id}"), &good).await.body;
    assert!(page.contains("acknowledged") && !page.contains(">Acknowledge</button>"), "{page}");
}

#[tokio::test]
async fn a_file_is_given_up_by_its_form_and_its_status_may_forbid_it() {
    let desk = Desk::open().await;
    let cookie = desk.signed_in("good").await;
    let token = desk.form_token(&cookie).await;
    let path = |n: u8, verb: &str| format!("/operations/documents/{}/{verb}", sha(n));
    let form = |reason: &str| format!("form_token={token}&reason={reason}");
    let send =
        async |path: String, form: String| desk.post(&path, &cookie, "same-origin", &form).await;
    for (path, form, status) in [
        (path(2, "reject"), "reason=a".to_owned(), 403),
        (path(2, "reject"), form(""), 422),
        (path(2, "retry"), form(""), 422),
        (path(2, "burn"), form("a"), 404),
        (path(9, "reject"), form("a"), 404),
    ] {
        let seen = send(path.clone(), form).await;
        assert_eq!(seen.status, status, "{path}");
        let back = status != 422 || seen.body.contains("href=\"../../../operations\"");
        assert!(back, "the links of a refused form lead from where it is: {}", seen.body);
    }
    let seen = send(path(2, "reject"), form("not+ours")).await;
    assert_eq!((seen.status, seen.header("location")), (303, format!("../{}", sha(2)).as_str()));
    let document = desk.bench.store.document_fetch(&sha(2)).await.unwrap().unwrap();
    assert!(document.resolution.is_some());
    let page = desk.get(&format!("/operations/documents/{}", sha(2)), &cookie).await.body;
    assert!(!page.contains("Reject it") && page.contains("Read it again"), "{page}");
}

#[tokio::test]
async fn every_page_forbids_the_browser_all_it_does_not_need() {
    let desk = Desk::open().await;
    let cookie = desk.signed_in("good").await;
    let document = format!("/operations/documents/{}", sha(2));
    for (path, status) in [
        ("/operations", 200),
        ("/operations/sign-in", 200),
        ("/operations/icon.svg", 200),
        (document.as_str(), 200),
        ("/operations/findings/nothing", 404),
        ("/operations/allocations/AAAAAAAAAAAAAAAAAAAAAAAAAA", 404),
        ("/operations/documents/x", 404),
    ] {
        let seen = desk.get(path, &cookie).await;
        assert_eq!(seen.status, status, "{path}");
        let policy = seen.header("content-security-policy");
        for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(seen.header("cache-control"), "no-store", "{path}");
        assert_eq!(seen.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(seen.header("referrer-policy"), "no-referrer", "{path}");
        for word in ["<script", "style=\"", " onclick", "http://", "https://"] {
            let body = seen.body.replace("http://www.w3.org/2000/svg", "");
            assert!(!body.contains(word), "{path} has {word}");
        }
    }
    let refused = desk.get(&document, &cookie).await.body;
    assert!(refused.contains("truncated") && refused.contains("line 3, column 14"), "{refused}");
}

#[tokio::test]
async fn texts_from_outside_are_shown_as_text() {
    let desk = Desk::open().await;
    let nasty = Document { kind: "<b onclick=x>&\"".into(), ..document(60, "L1") };
    desk.bench.put(nasty, &[("L1", DocumentStatus::Reconciled)]).await;
    let cookie = desk.signed_in("good").await;
    let page = desk.get(&format!("/operations/documents/{}", sha(60)), &cookie).await.body;
    assert!(page.contains("&lt;b onclick=x&gt;&amp;"), "{page}");
}

#[tokio::test]
async fn other_profiles_have_no_page() {
    let clock = Clock::fixed(datetime!(2026-11-23 10:00 UTC));
    let minutes = Arc::default();
    let desk = Desk { bench: bench_at(TenantProfile::Dispenser, clock).await, minutes };
    let stored = credential("good", "operator");
    desk.bench.store.credential_create(&stored, "test").await.unwrap();
    assert_eq!(desk.sign_in("good").await.status, 403);
    assert_eq!(desk.get("/operations", "").await.status, 403);
}
