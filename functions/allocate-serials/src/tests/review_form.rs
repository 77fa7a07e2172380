//! The review by the form of the page: who may, from where, and what is told of a refusal.

use domain::fact::Fact;
use domain::ids::{AllocationId, SystemId};
use edge::HttpEvent;
use serde_json::json;
use service::session::sha256;
use store::credential::Credential;
use store::session::Session;

use super::*;

const NOW: &str = "2026-11-23T10:00:00.000Z";

/// A browser of somebody who has signed in.
struct Browser {
    cookie: String,
    form_token: String,
}

impl World {
    async fn signed_in(&self, id: &str, scopes: &str, lines: &[&str]) -> Browser {
        let system = SystemId::parse("L1").unwrap();
        let credential = Credential {
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            ..Credential::new(id, system, [7; 32], NOW)
        };
        self.store.credential_create(&credential, "test").await.unwrap();
        let now = datetime!(2026-11-23 10:00 UTC);
        let token = format!("{id:a<52}");
        let session = Session {
            token_sha256: sha256(&token),
            credential_id: id.to_owned(),
            secret_fingerprint: credential.live_secrets(now).next().unwrap().fingerprint(),
            created_at: NOW.to_owned(),
            expires_at: "2026-11-23T10:30:00.000Z".to_owned(),
        };
        self.store.session_create(&session).await.unwrap();
        let form_token = sha256(&format!("form {token}"));
        Browser { cookie: format!("pharmatrace_session={token}"), form_token }
    }

    /// Sends a form as a browser would; where it is led to.
    async fn form(&self, id: &str, by: &Browser, site: &str, form: &str) -> String {
        let event = HttpEvent::new("POST", &format!("/operations/reviews/{id}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .header("cookie", &by.cookie)
            .body(form);
        let response = self.app.handle(event.request().unwrap()).await;
        assert_eq!(response.status(), 303, "{form}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    /// An allocation that waits for a review, closed by `L1/c`.
    async fn doubtful(&self, request: &str) -> AllocationId {
        let id = self.reserved_some(request, 100).await;
        self.told(&id, Fact::Commissioned, (0, 89)).await;
        let production = json!({ "production": [{ "packaging_code": "00313000007772",
            "packaging_level": "EA", "quantity_reported": 91 }] });
        let (_, closed) = self.close(&id, &production).await;
        assert_eq!(closed["status"], "pending_review", "{closed}");
        id
    }

    async fn status(&self, id: &AllocationId) -> &'static str {
        self.store.allocation_fetch(id).await.unwrap().unwrap().status.as_str()
    }
}

fn form(by: &Browser, decision: &str, reason: &str) -> String {
    format!("form_token={}&decision={decision}&reason={reason}", by.form_token)
}

#[tokio::test]
async fn i8_a_form_that_is_not_of_the_page_or_not_allowed_decides_nothing() {
    let world = world().await;
    let id = world.doubtful("R1").await;
    let lead = world.signed_in("lead", "reports:read findings:write", &[]).await;
    let own = world.signed_in("c", "operator", &[]).await;
    let reader = world.signed_in("reader", "reports:read", &[]).await;
    let stranger = "reports:read findings:write";
    let stranger = world.signed_in("stranger", stranger, &[OTHER_LINE]).await;
    let nobody = Browser { cookie: "pharmatrace_session=x".into(), form_token: String::new() };
    let other = Browser { cookie: lead.cookie.clone(), form_token: reader.form_token.clone() };
    let good = form(&lead, "accept", "counted");
    let long = form(&lead, "accept", &"a".repeat(20_000));
    for (by, site, form, expected) in [
        (&lead, "cross-site", good.clone(), "refused=form"),
        (&lead, "same-site", good.clone(), "refused=form"),
        (&other, "same-origin", form(&other, "accept", "counted"), "refused=form"),
        (&lead, "same-origin", "decision=accept&reason=a".to_owned(), "refused=form"),
        (&lead, "same-origin", form(&lead, "close", "a"), "refused=form"),
        (&lead, "same-origin", form(&lead, "%3Cb%3E", "a"), "refused=form"),
        (&lead, "same-origin", long, "refused=form"),
        (&lead, "same-origin", form(&lead, "accept", "+"), "refused=reason"),
        (&reader, "same-origin", form(&reader, "accept", "a"), "refused=scope"),
        (&own, "same-origin", form(&own, "accept", "a"), "refused=eyes"),
        (&stranger, "same-origin", form(&stranger, "accept", "a"), "refused=state"),
    ] {
        let location = world.form(id.as_str(), by, site, &form).await;
        assert_eq!(location, format!("{id}?{expected}"), "{form}");
    }
    let location = world.form(id.as_str(), &nobody, "same-origin", &good).await;
    assert_eq!(location, format!("../sign-in?next=reviews/{id}"));
    let location = world.form("%22%3E", &lead, "same-origin", &good).await;
    assert_eq!(location, "../reviews");
    assert_eq!(world.status(&id).await, "pending_review");
}

#[tokio::test]
async fn somebody_else_accepts_or_reopens_by_the_form_once() {
    let world = world().await;
    let lead = world.signed_in("lead", "reports:read findings:write", &[LINE]).await;
    for (request, decision, status) in [("R1", "accept", "closed"), ("R2", "reopen", "active")] {
        let id = world.doubtful(request).await;
        let sent = form(&lead, decision, "counted%0D%0Aby+hand");
        for _ in 0..2 {
            let location = world.form(id.as_str(), &lead, "same-origin", &sent).await;
            assert_eq!(location, format!("{id}?done={decision}"), "done twice it is done once");
        }
        assert_eq!(world.status(&id).await, status);
        let closings = world.store.closing_list(&id).await.unwrap();
        assert_eq!(closings.len(), 2);
        assert_eq!(closings[1].reason.as_deref(), Some("counted\nby hand"));
        assert_eq!(closings[1].actor, "L1/lead");
        let other = form(&lead, decision, "something+else");
        let location = world.form(id.as_str(), &lead, "same-origin", &other).await;
        assert_eq!(location, format!("{id}?refused=state"));
    }
    world.holds().await;
}

#[tokio::test]
async fn sample_event_is_led_to_the_sign_in() {
    let world = world().await;
    let event = include_str!("../../../../events/allocate-serials/review-form.json");
    let request = edge::event::request_of_json(event).unwrap();
    let response = world.app.handle(request).await;
    let location = format!("../sign-in?next=reviews/{}", "A".repeat(26));
    assert_eq!(response.headers()["location"], location.as_str());
}
