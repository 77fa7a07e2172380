//! Buckets and a queue in process: S3 and SQS as far as the hub uses them, below the SDK.
//!
//! A test that asks about the books, not about AWS, needs kept bytes and conditional puts, but no server for
//! them; with thousands of runs one would be most of the time. Here a request of the SDK is answered where it
//! would leave the process, so signatures aside everything of ours is exercised, and [`crate::Faults`] goes
//! around it as around a real connection. What is not used by the hub is refused, never invented. What AWS
//! really does is tested over the local cloud.

mod answers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use crate::TestClock;
use answers::{Asked, answer};

/// One version of an object.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) bytes: bytes::Bytes,
    /// Seconds since 1970.
    pub(crate) at: i64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Versions by bucket and key, the latest last.
    pub(crate) objects: BTreeMap<(String, String), Vec<Version>>,
    pub(crate) messages: VecDeque<String>,
    pub(crate) written: u64,
}

/// Buckets and a queue; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    state: Arc<Mutex<State>>,
    clock: TestClock,
}

impl Shelf {
    /// Empty; objects bear the time of `clock`.
    #[must_use]
    pub fn new(clock: &TestClock) -> Self {
        Self { state: Arc::default(), clock: clock.clone() }
    }

    /// What a client of S3 or SQS is made with; any endpoint will do.
    #[must_use]
    pub fn http(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Puts an object past everything; gives its version.
    #[expect(
        clippy::must_use_candidate,
        reason = "most tests put and do not ask which version it is"
    )]
    pub fn put(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> String {
        let at = self.clock.now().unix_timestamp();
        self.with(|state| state.put((bucket, key), bytes.into(), at))
    }

    /// The bytes of an object.
    #[must_use]
    pub fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.with(|state| state.latest((bucket, key)).map(|version| version.bytes.to_vec()))
    }

    /// Takes an object away with all its versions.
    pub fn remove(&self, bucket: &str, key: &str) {
        self.with(|state| state.objects.remove(&(bucket.to_owned(), key.to_owned())));
    }

    /// The keys of a bucket.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.with(|state| {
            let keys = state.objects.keys().filter(|(of, _)| of == bucket);
            keys.map(|(_, key)| key.clone()).collect()
        })
    }

    /// Takes the oldest message of the queue.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        self.with(|state| state.messages.pop_front())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    pub(crate) fn put(&mut self, of: (&str, &str), bytes: bytes::Bytes, at: i64) -> String {
        self.written = self.written.saturating_add(1);
        let id = format!("v{:08}", self.written);
        let place = (of.0.to_owned(), of.1.to_owned());
        let version = Version { id: id.clone(), bytes, at };
        self.objects.entry(place).or_default().push(version);
        id
    }

    pub(crate) fn latest(&self, (bucket, key): (&str, &str)) -> Option<&Version> {
        self.objects.get(&(bucket.to_owned(), key.to_owned()))?.last()
    }
}

impl HttpClient for Shelf {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Shelf {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let all = self.clone();
        HttpConnectorFuture::new(async move { all.serve(request).await })
    }
}

impl Shelf {
    async fn serve(&self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let body = std::mem::replace(request.body_mut(), SdkBody::taken());
        let body = ByteStream::new(body).collect().await;
        let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
        let asked = Asked::of(&request, body)
            .ok_or_else(|| ConnectorError::other("the shelf does not know this".into(), None))?;
        let at = self.clock.now().unix_timestamp();
        Ok(self.with(|state| answer(state, &asked, at)))
    }
}
