//! `GET` and `PUT /api/v1/l3/pools/webhook`: where events of pools are sent to.
//!
//! Each `PUT` makes a new secret and answers it this once; the one before ends at once. An address is taken only
//! if the stack allows its host (`WebhookHosts`).

use axum::Json;
use axum::extract::State;
use domain::webhook::WebhookUrl;
use edge::openapi::{Answer, Route, Time};
use edge::{Caller, JsonBody, Problem, ProblemKind, Scope};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::store_problem;
use store::time::rfc3339_ms;
use store::webhook::Webhook;
use utoipa::ToSchema;

use crate::Hub;

const WEBHOOK: &str = "/api/v1/l3/pools/webhook";

/// Where events are to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookSetting)]
pub(crate) struct WebhookBody {
    /// An address with `https`; null switches the webhook off.
    // A body that forgets it shall not switch it off.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, max_length = 500, pattern = "^https?://[!-~]+$")]
    url: Option<String>,
}

/// Where events are sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    /// Null while it is switched off.
    #[schema(required)]
    url: Option<String>,
    /// What events are signed with; only in the answer that made it.
    #[schema(required)]
    secret: Option<String>,
    #[schema(value_type = Time)]
    set_at: String,
    /// `<system>/<credential>` of who set it.
    set_by: String,
}

impl WebhookView {
    fn new(webhook: Webhook, secret: Option<String>) -> Self {
        let Webhook { url, set_at, set_by, .. } = webhook;
        Self { url, secret, set_at, set_by }
    }
}

/// `GET /api/v1/l3/pools/webhook`
pub(crate) async fn fetch(
    State(hub): State<Hub>,
    caller: Caller,
) -> Result<Json<WebhookView>, Problem> {
    caller.require(Scope::Operator)?;
    caller.require_line(None)?;
    let webhook = hub.store.webhook_fetch().await.map_err(|error| store_problem(&error))?;
    let webhook = webhook.ok_or_else(Problem::not_found)?;
    Ok(Json(WebhookView::new(webhook, None)))
}

/// `PUT /api/v1/l3/pools/webhook`
pub(crate) async fn put(
    State(hub): State<Hub>,
    caller: Caller,
    body: JsonBody,
) -> Result<Json<WebhookView>, Problem> {
    caller.require(Scope::Operator)?;
    caller.require_line(None)?;
    let body: WebhookBody = body.parse()?;
    if let Some(url) = &body.url {
        WebhookUrl::parse(url, &hub.webhook_hosts).map_err(|error| {
            Problem::unprocessable("Events cannot be sent there.")
                .violation("/url", error.to_string())
        })?;
    }
    let by = (caller.actor(), rfc3339_ms(hub.clock.now()));
    let set = hub.store.webhook_set(body.url.as_deref(), (&by.0, &by.1)).await;
    let (webhook, secret) = set.map_err(|error| store_problem(&error))?;
    tracing::info!(version = webhook.version, "webhook set");
    Ok(Json(WebhookView::new(webhook, secret.map(|secret| secret.reveal().to_owned()))))
}

/// What this function says of these routes.
pub(crate) fn routes() -> Vec<Route> {
    let operator = &[Scope::Operator];
    vec![
        Route::new(&Method::GET, WEBHOOK, "webhook_fetch", operator)
            .says("Fetch the webhook", "Without its secret.")
            .answers(Answer::json::<WebhookView>(200, "The webhook."))
            .refuses(&[ProblemKind::LineNotBound, ProblemKind::NotFound]),
        Route::new(&Method::PUT, WEBHOOK, "webhook_set", operator)
            .says(
                "Set the webhook",
                "Events of pools are sent there by POST, at least once each, until it answers 2xx, ten times at the \
                 most. `Pharmatrace-Signature` is `v1=` and the HMAC-SHA256 (hexadecimal) of \
                 `<Pharmatrace-Timestamp>.<body>` under the secret's bytes; `Pharmatrace-Event-Id` names the event, \
                 and is the same when it comes again. Each call makes a new secret.",
            )
            .body::<WebhookBody>(json!({ "url": "https://hooks.example.com/pharmatrace" }))
            .answers(Answer::json::<WebhookView>(200, "The webhook, with its secret."))
            .refuses(&[ProblemKind::LineNotBound, ProblemKind::Unprocessable]),
    ]
}
