//! Requests of any kind to every route, over a real table: never a panic, never a failure of ours, and the
//! same answer when asked twice.
//!
//! A request is text: method and path, content type, one more header, and then the body. Names in braces
//! stand for what is there: `{pool}`, `{allocation}`, `{finding}`, `{document}`, `{session}`, `{form}`.

#[path = "world.rs"]
mod world;

use std::sync::{LazyLock, Mutex};

use data_encoding::BASE64;
use edge::event::request_of_json;
use edge::{AuthorizerContext, HttpEvent};
use serde_json::{Value, json};

use world::World;

/// Requests until the table is made anew.
const REQUESTS_MAX: u32 = 4_000;

static WORLD: LazyLock<Mutex<Option<(World, u32)>>> = LazyLock::new(Mutex::default);

/// The status of the first answer, if the gateway would let the request through.
pub fn holds(bytes: &[u8]) -> Option<u16> {
    let request = Request::parse(bytes)?;
    let mut world = WORLD.lock().unwrap();
    let (world, asked) = world.get_or_insert_with(|| (World::start(), 0));
    if *asked >= REQUESTS_MAX {
        (*world, *asked) = (World::start(), 0);
    }
    *asked += 2;
    let first = request.ask(world)?;
    let second = request.ask(world)?;
    request.compare(&first, &second);
    Some(first.status)
}

struct Request {
    method: String,
    path: String,
    query: String,
    content_type: String,
    header: Option<(String, String)>,
    body: Vec<u8>,
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    content_type: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Request {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
        let mut line = || lines.next().and_then(|line| std::str::from_utf8(line).ok());
        let (target, content_type, header) = (line()?, line()?, line()?);
        let (method, target) = target.split_once(' ')?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = header.split_once(": ").map(|(name, value)| {
            // What the gateway sends in lower case; a second content type would hide the first.
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            content_type: content_type.to_owned(),
            header: header.filter(|(name, _)| name != "content-type"),
            body: lines.next().unwrap_or_default().to_vec(),
        })
    }

    /// The answer, or nothing where the gateway itself would refuse the request.
    fn ask(&self, world: &World) -> Option<Answer> {
        let filled = |text: &str| world.filled(text);
        let caller = AuthorizerContext {
            system: "L1".to_owned(),
            scopes: "operator".to_owned(),
            ..AuthorizerContext::default()
        };
        let mut event = HttpEvent::new(&self.method, &filled(&self.path))
            .query(&filled(&self.query))
            .caller(&caller);
        if !self.content_type.is_empty() {
            event = event.header("content-type", &self.content_type);
        }
        if let Some((name, value)) = &self.header {
            event = event.header(name, &filled(value));
        }
        let mut event = event.to_json();
        event["body"] = match std::str::from_utf8(&self.body) {
            Ok(text) => filled(text).into(),
            Err(_) => BASE64.encode(&self.body).into(),
        };
        event["isBase64Encoded"] = json!(std::str::from_utf8(&self.body).is_err());
        let request = request_of_json(&event.to_string()).ok()?;
        let (status, content_type, body) = world.handle(request);
        let answer = Answer { status, content_type, body };
        // Neither buckets nor queues are here; whatever needs them says so.
        let needs_buckets = ["/documents/", "/close", "/review", "/return", "/batch-document"];
        let reaches_out =
            status == 503 && needs_buckets.iter().any(|part| self.path.contains(part));
        assert!(status < 500 || reaches_out, "{}", self.told(&answer));
        self.check(&answer);
        Some(answer)
    }

    fn check(&self, answer: &Answer) {
        let is_problem = answer.content_type == "application/problem+json";
        let is_page = answer.content_type.starts_with("text/html");
        assert!(is_problem || is_page || answer.status < 400, "{}", self.told(answer));
        if is_problem {
            let problem = answer.json();
            assert_eq!(problem["status"], answer.status, "{}", self.told(answer));
            let kind = problem["type"].as_str().unwrap_or_default();
            assert!(kind.starts_with("https://pharmatrace.dev/problems/"), "{}", self.told(answer));
        }
    }

    fn compare(&self, first: &Answer, second: &Answer) {
        let path = self.path.as_str();
        let told = || format!("{}\nthen {}", self.told(first), self.told(second));
        let taken =
            (200..300).contains(&first.status) && ["POST", "PATCH"].contains(&self.method.as_str());
        match path {
            // A pool that was made is in the way of the next one; an upload has an address of its own.
            "/api/v1/l3/pools" | "/api/v1/l3/uploads" if taken => {}
            "/api/v1/l3/allocations" if taken => {
                assert!((200..300).contains(&second.status), "{}", told());
                let id = |answer: &Answer| answer.json()["allocation_id"].clone();
                assert!(id(first).is_string() && id(first) == id(second), "{}", told());
            }
            "/api/v1/plant-floor/telemetry" if taken => {
                assert_eq!(second.status, first.status, "{}", told());
                let (first, second) = (first.json(), second.json());
                assert_eq!(second["accepted"], 0, "{}", told());
                assert_eq!(second["rejected"], first["rejected"], "{}", told());
            }
            // What a form did is told by the page it leads to, and what is over is over.
            _ if path.starts_with("/operations/") => {}
            _ => assert_eq!(first, second, "{}", told()),
        }
    }

    fn told(&self, answer: &Answer) -> String {
        let body = String::from_utf8_lossy(&answer.body);
        format!("{} {}: {} {body}", self.method, self.path, answer.status)
    }
}
