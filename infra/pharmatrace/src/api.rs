//! A client of the hub's HTTP API and of presigned addresses: plain HTTP for the local cloud, else HTTPS.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::error::CommandError;

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A client that speaks with one token.
#[derive(Debug, Clone)]
pub struct Api {
    transport: Transport,
    base: String,
    token: Option<String>,
}

#[derive(Debug, Clone)]
enum Transport {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl Api {
    /// A client of the API at `base` on the local cloud.
    #[must_use]
    pub fn new(base: &str, token: Option<&str>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let token = token.map(str::to_owned);
        Self { transport: Transport::Plain(client), base: base.to_owned(), token }
    }

    /// A client of the API at `base`, wherever that is.
    ///
    /// # Errors
    /// If the address is one of HTTPS and this machine trusts nobody.
    pub fn connect(base: &str, token: Option<&str>) -> Result<Self, CommandError> {
        let plain = Self::new(base, token);
        if !base.starts_with("https://") {
            return Ok(plain);
        }
        let roots = HttpsConnectorBuilder::new().with_native_roots();
        let roots = roots.map_err(CommandError::io("trusted certificates"))?;
        let connector = roots.https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { transport: Transport::Tls(client), ..plain })
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// Calls a path of the API with our token.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, CommandError> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(Full::new(bytes)).map_err(|error| failed(path, &error))?;
        self.send(path, request).await
    }

    /// `GET` of a path of the API.
    pub async fn get(&self, path: &str) -> Result<Answer, CommandError> {
        self.call(Method::GET, path, None).await
    }

    /// `POST` to a path of the API.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, CommandError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Puts bytes at a presigned address, without our token.
    pub async fn put_presigned(&self, url: &str, bytes: Bytes) -> Result<Answer, CommandError> {
        let request = Request::put(url).body(Full::new(bytes));
        self.send("a presigned address", request.map_err(|error| failed(url, &error))?).await
    }

    /// Fetches a presigned address, without our token.
    pub async fn get_presigned(&self, url: &str) -> Result<Answer, CommandError> {
        let request = Request::get(url).body(Full::default());
        self.send("a presigned address", request.map_err(|error| failed(url, &error))?).await
    }

    /// Sends any request as it is.
    pub async fn send(
        &self,
        what: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, CommandError> {
        let response = match &self.transport {
            Transport::Plain(client) => client.request(request).await,
            Transport::Tls(client) => client.request(request).await,
        };
        let response = response.map_err(|error| failed(what, &error))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| failed(what, &error))?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

fn failed(what: &str, error: &dyn std::error::Error) -> CommandError {
    let mut text = format!("{what}: {error}");
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    CommandError::Failed(text)
}
