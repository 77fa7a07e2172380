//! A bare function, to compare ours with: one route, and a client of each service that it is told to
//! make, as the documentation of the SDK makes them. It is never deployed.
//!
//! `pharmatrace bench cold` starts it beside every function.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use axum::Router;
use axum::routing::get;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "a bare function has no configuration of its own")]
async fn main() -> Result<(), lambda_http::Error> {
    let region = Region::new(std::env::var("AWS_REGION")?);
    let (key, secret) =
        (std::env::var("AWS_ACCESS_KEY_ID")?, std::env::var("AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(key, secret, None, None, "environment");
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |service: &str| wanted.iter().any(|name| name == service);
    let dynamodb = is_wanted("dynamodb").then(|| {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .http_client(http.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    });
    let s3 = is_wanted("s3").then(|| {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .http_client(http.clone());
        aws_sdk_s3::Client::from_conf(config.build())
    });
    let sqs = is_wanted("sqs").then(|| {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .http_client(http.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    });
    let state = (dynamodb, s3, sqs);
    lambda_http::run(Router::new().route("/", get(async || "probe")).with_state(state)).await
}
