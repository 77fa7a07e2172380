//! A key service that speaks the wire protocol of AWS KMS, as far as the hub uses it.
//!
//! It stands for a service of AWS that does not run in process, not for a store of ours. Like that of the
//! local cloud its blobs are an XOR pad: what was tampered with decrypts to another key. So a test that
//! finds a tampered blob refused has shown that our own seal refuses it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use data_encoding::BASE64;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The ARN of the one key.
const KEY: &str = "arn:aws:kms:eu-central-1:000000000000:key/1f2e3d4c-0000-4000-8000-5b6a79881726";

/// A key service of one test with one key. It stops when dropped.
#[derive(Debug)]
pub struct KeyService {
    endpoint: String,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<String>,
    failures: VecDeque<(u16, &'static str)>,
}

impl KeyService {
    /// Starts a service on a free loopback port, on a thread of its own.
    ///
    /// # Panics
    /// When the machine grants no port or thread: a test cannot go on without.
    #[expect(clippy::expect_used, reason = "a test that cannot start its server must fail here")]
    pub async fn start() -> Self {
        let (ready, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let state = Arc::<Mutex<State>>::default();
        let of_thread = state.clone();
        let thread = std::thread::Builder::new()
            .name("kms".into())
            .spawn(move || serve(&of_thread, ready, stopped))
            .expect("a thread");
        let endpoint = format!("http://{}", address.await.expect("the server listens"));
        Self { endpoint, state, stop: Some(stop), thread: Some(thread) }
    }

    /// Where the service listens, `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The ARN of the key.
    #[must_use]
    pub fn key_arn(&self) -> &'static str {
        KEY
    }

    /// The next calls are answered with these statuses and error types.
    pub fn fail(&self, failures: &[(u16, &'static str)]) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).failures.extend(failures);
    }

    /// The operations that were called until now, those that failed included.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }
}

impl Drop for KeyService {
    fn drop(&mut self) {
        // Dropping the sender ends the server; the thread then ends by itself and is not waited for.
        drop(self.stop.take());
        drop(self.thread.take());
    }
}

#[expect(clippy::expect_used, reason = "the test waiting for the address fails with it")]
fn serve(
    state: &Arc<Mutex<State>>,
    ready: oneshot::Sender<SocketAddr>,
    mut stopped: oneshot::Receiver<()>,
) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        ready.send(listener.local_addr().expect("an address")).expect("the test waits");
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted.expect("a connection").0,
                _ = &mut stopped => return,
            };
            let state = state.clone();
            let service = service_fn(move |request| answer(state.clone(), request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (target, signature) = (header("x-amz-target"), header("authorization"));
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    let body: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    let failure = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls.push(target.trim_start_matches("TrentService.").to_owned());
        state.failures.pop_front()
    };
    // Its own region, its own name, and what must be signed; the signature itself is AWS's to verify.
    let signed = signature.contains("/eu-central-1/kms/aws4_request")
        && ["host", "x-amz-date", "x-amz-target"].iter().all(|name| signature.contains(name));
    let field = |name| body.get(name).and_then(Value::as_str);
    let outcome = match (failure, target.as_str()) {
        (Some((status, kind)), _) => Err((status, kind)),
        _ if !signed => Err((400, "IncompleteSignature")),
        _ if field("KeyId") != Some(KEY) => Err((400, "NotFoundException")),
        (None, "TrentService.GenerateDataKey") if field("KeySpec") == Some("AES_256") => {
            Ok(made(&body))
        }
        (None, "TrentService.Decrypt") => opened(&body).ok_or((400, "InvalidCiphertextException")),
        (None, _) => Err((400, "UnknownOperationException")),
    };
    let (status, answer) = match outcome {
        Ok(answer) => (200, answer),
        Err((status, kind)) => (status, json!({ "__type": kind, "message": "as the test wants" })),
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}

/// `GenerateDataKey`: the blob is the hash of the context, a nonce, and the key under a pad.
fn made(body: &Value) -> Value {
    let context = Sha256::digest(body["EncryptionContext"].to_string());
    let (key, nonce) = (drawn(0), drawn(1));
    let blob = [context.as_slice(), &nonce, &padded(&key, &nonce)].concat();
    json!({
        "KeyId": KEY,
        "Plaintext": BASE64.encode(&key),
        "CiphertextBlob": BASE64.encode(&blob),
    })
}

/// `Decrypt`; `None` for another context.
fn opened(body: &Value) -> Option<Value> {
    let blob = BASE64.decode(body["CiphertextBlob"].as_str()?.as_bytes()).ok()?;
    let (context, rest) = blob.split_at_checked(32)?;
    let (nonce, padded_key) = rest.split_at_checked(32)?;
    let same = context == Sha256::digest(body["EncryptionContext"].to_string()).as_slice();
    let key = padded(padded_key, nonce);
    same.then(|| json!({ "KeyId": KEY, "Plaintext": BASE64.encode(&key) }))
}

fn padded(bytes: &[u8], nonce: &[u8]) -> Vec<u8> {
    bytes.iter().zip(Sha256::digest(nonce)).map(|(byte, pad)| byte ^ pad).collect()
}

/// 32 bytes that were not drawn before: the clock and a count are random enough for a test.
fn drawn(which: u8) -> [u8; 32] {
    use std::hash::{BuildHasher as _, RandomState};
    let seed = RandomState::new().hash_one(which);
    Sha256::digest(seed.to_be_bytes()).into()
}
