//! The tenant's webhook: one signed `POST` for each event, to an address that was allowed and that leads out of
//! every private network.
//!
//! The name is resolved here and every address judged before one is connected to, so that a name that changes
//! its mind in between gains nothing. Redirects are not followed, no proxy is asked, and of the answer only
//! its status is read.

use std::fmt;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::time::Duration as Wait;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use domain::webhook::{AllowedHosts, WebhookUrl, is_public};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use store::pool_event::PoolEvent;
use store::webhook::WebhookSecret;
use store::{Store, StoreError};
use time::OffsetDateTime;

/// A receiver that takes longer is one that has failed.
const ANSWER_MAX: Wait = Wait::from_secs(5);

/// Where events go, and how.
pub(crate) struct Target {
    url: WebhookUrl,
    secret: WebhookSecret,
    connector: Connector,
}

/// Why an event was not taken; in words, without the address's path, which may hold a secret.
pub(crate) struct NotTaken(pub(crate) String);

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the tenant wants its events; `Ok(None)` where there is no webhook, an error in words where there is one
/// that cannot be used.
pub(crate) async fn target(
    store: &Store,
    allowed: &AllowedHosts,
) -> Result<Option<Result<Target, NotTaken>>, StoreError> {
    let Some(webhook) = store.webhook_fetch().await? else { return Ok(None) };
    let Some(url) = &webhook.url else { return Ok(None) };
    let url = match WebhookUrl::parse(url, allowed) {
        Ok(url) => url,
        Err(error) => return Ok(Some(Err(NotTaken(format!("the address {error}"))))),
    };
    let Some(secret) = store.webhook_secret(&webhook).await? else {
        return Ok(Some(Err(NotTaken("the secret does not open".to_owned()))));
    };
    let connector = connector(&url);
    Ok(Some(Ok(Target { url, secret, connector })))
}

/// This machine is reached without TLS and without a name, where the configuration of the stack names it.
fn connector(url: &WebhookUrl) -> Connector {
    let builder = Connector::builder().proxy_config(ProxyConfig::disabled());
    if url.is_this_machine() {
        return builder.build_http();
    }
    builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_with_resolver(PublicOnly)
}

impl Target {
    /// Sends an event once.
    pub(crate) async fn send(
        &self,
        event: &PoolEvent,
        now: OffsetDateTime,
    ) -> Result<(), NotTaken> {
        let request = self.request(event, now)?;
        let answer = tokio::time::timeout(ANSWER_MAX, self.connector.call(request)).await;
        let answer = answer.map_err(|_| NotTaken("no answer within 5 s".to_owned()))?;
        let answer = answer.map_err(|error| NotTaken(causes(&error)))?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(NotTaken(format!("answered {status}"))) }
    }

    fn request(&self, event: &PoolEvent, now: OffsetDateTime) -> Result<HttpRequest, NotTaken> {
        let broken = |_| NotTaken("the address is none".to_owned());
        let timestamp = now.unix_timestamp().to_string();
        let signature = signature(self.secret.reveal(), &timestamp, &event.body);
        let mut request = HttpRequest::new(SdkBody::from(event.body.as_str()));
        request.set_method("POST").map_err(broken)?;
        request.set_uri(self.url.as_str()).map_err(broken)?;
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json");
        headers.insert("user-agent", "pharmatrace");
        headers.insert("pharmatrace-event", event.kind.clone());
        headers.insert("pharmatrace-event-id", event.id());
        headers.insert("pharmatrace-timestamp", timestamp);
        headers.insert("pharmatrace-signature", signature);
        Ok(request)
    }
}

/// `v1=` and the HMAC-SHA256, hexadecimal, of `<timestamp>.<body>` under the bytes of the secret.
pub(crate) fn signature(secret: &str, timestamp: &str, body: &str) -> String {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    format!("v1={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// An error and what lies below it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text = format!("{text}: {error}");
        below = error.source();
    }
    text
}

/// Resolves names as the machine does, and gives nothing if any address is not of the public internet.
#[derive(Debug, Clone, Copy)]
struct PublicOnly;

impl ResolveDns for PublicOnly {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let name = name.to_owned();
        DnsFuture::new(async move {
            let look_up = tokio::task::spawn_blocking(move || (name, 443).to_socket_addrs());
            let found = look_up.await.map_err(ResolveDnsError::new)?;
            let found = found.map_err(ResolveDnsError::new)?;
            judged(found.map(|address| address.ip()).collect())
                .ok_or_else(|| ResolveDnsError::new("the name leads into a private network"))
        })
    }
}

fn judged(addresses: Vec<IpAddr>) -> Option<Vec<IpAddr>> {
    let all_public = addresses.iter().all(|address| is_public(*address));
    (all_public && !addresses.is_empty()).then_some(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_what_a_receiver_computes() {
        // Computed with: printf '1795428060.{"a":1}' | openssl dgst -sha256 -hmac whsec_abc
        let expected = "v1=54a6e36e89588feab73e1e98d42a23b65664072999898a276835f073a55e5c19";
        assert_eq!(signature("whsec_abc", "1795428060", r#"{"a":1}"#), expected);
        assert_ne!(signature("whsec_abd", "1795428060", r#"{"a":1}"#), expected);
        assert_ne!(signature("whsec_abc", "1795428061", r#"{"a":1}"#), expected);
    }

    #[tokio::test]
    async fn names_that_lead_into_a_private_network_give_no_address() {
        assert!(PublicOnly.resolve_dns("localhost").await.is_err());
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(judged(addresses(&["8.8.8.8"])), Some(addresses(&["8.8.8.8"])));
        assert_eq!(judged(addresses(&["8.8.8.8", "10.0.0.1"])), None);
        assert_eq!(judged(Vec::new()), None);
    }

    #[tokio::test]
    async fn a_connection_to_a_private_address_is_never_made() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(format!("https://localhost:{port}/")).unwrap();
        let url = WebhookUrl::parse("https://a.example/", &AllowedHosts::parse("a.example"));
        // Whoever connects waits for a handshake that nobody answers.
        let call = tokio::time::timeout(ANSWER_MAX, connector(&url.unwrap()).call(request));
        let refused = call.await.expect("nobody was connected to").unwrap_err();
        assert!(causes(&refused).contains("leads into a private network"), "{}", causes(&refused));
        let nobody = listener.accept().unwrap_err();
        assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    }
}
