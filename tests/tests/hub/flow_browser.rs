//! A real Chromium without a window, driven over the `WebDriver` protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use http::Method;
use pharmatrace::api::Api;
use serde_json::{Value, json};

use crate::tidy_kit::root;

const ADVICE: &str = "no Chromium to test the page in: apt-get install -y chromium chromium-driver";
const PATIENCE: Duration = Duration::from_secs(20);
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window. It ends when dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    api: Api,
    session: String,
}

/// What the page is shown on.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    pub name: &'static str,
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

impl Browser {
    pub async fn open() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|_| panic!("{ADVICE}"));
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let mut started = lines.map_while(Result::ok).filter_map(|line| {
            let port = line.split("successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = started.next().unwrap_or_else(|| panic!("{ADVICE}"));
        let api = Api::new(&format!("http://127.0.0.1:{port}"), None);
        let mut browser = Self { driver, port, api, session: String::new() };
        // The sandbox needs rights that a container does not give; what is opened is our own page.
        let options = json!({"args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--no-first-run", "--no-default-browser-check",
        ]});
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let made = browser.api.post("/session", &capabilities).await.unwrap().json();
        let session = made["value"]["sessionId"].as_str();
        session.unwrap_or_else(|| panic!("{ADVICE} ({made})")).clone_into(&mut browser.session);
        browser
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let path = format!("/session/{}/{path}", self.session);
        let answer = self.api.call(method, &path, body).await.unwrap();
        let value = answer.json()["value"].clone();
        assert_eq!(answer.status, 200, "{path}: {value}");
        value
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A command of Chromium's own protocol.
    pub async fn command(&self, name: &str, parameters: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({"cmd": name, "params": parameters})).await
    }

    pub async fn go(&self, address: &str) {
        self.post("url", &json!({"url": address})).await;
    }

    /// The address of the page that is shown.
    pub async fn address(&self) -> String {
        self.call(Method::GET, "url", None).await.as_str().unwrap().to_owned()
    }

    /// Waits until the browser has come to an address: a click answers before the form does.
    pub async fn arrives(&self, wanted: impl Fn(&str) -> bool) {
        self.until("return true", wanted).await;
    }

    /// Waits until a script in the page returns true at an address.
    pub async fn until(&self, script: &str, wanted: impl Fn(&str) -> bool) {
        let started = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            let address = self.address().await;
            let loaded = self.ask("return document.readyState").await == "complete";
            if loaded && wanted(&address) && self.ask(script).await == true {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "the browser came to {address}: no {script}");
        }
    }

    /// What a script in the page returns.
    pub async fn ask(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({"script": script, "args": []})).await
    }

    async fn element(&self, selector: &str) -> String {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.post("element", &wanted).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    pub async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("element/{element}/click"), &json!({})).await;
    }

    pub async fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("element/{element}/value"), &json!({"text": text})).await;
    }

    /// Presses and releases a key, such as `\u{E004}` for the tabulator.
    pub async fn press(&self, key: &str) {
        let strokes = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]});
        self.post("actions", &actions).await;
    }

    pub async fn show_on(&self, screen: Screen) {
        let metrics = json!({
            "width": screen.width, "height": screen.height, "deviceScaleFactor": 1,
            "mobile": screen.width < 600,
        });
        self.command("Emulation.setDeviceMetricsOverride", &metrics).await;
        let scheme = if screen.dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.command("Emulation.setEmulatedMedia", &media).await;
    }

    /// Keeps the whole page as `target/screenshots/<name>.png`.
    pub async fn picture(&self, name: &str) {
        let whole = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.command("Page.captureScreenshot", &whole).await;
        let bytes = BASE64.decode(picture["data"].as_str().unwrap().as_bytes()).unwrap();
        let folder: PathBuf = root().join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// What the console has said since the last call.
    pub async fn console(&self) -> Vec<Value> {
        let entries = self.post("se/log", &json!({"type": "browser"})).await;
        entries.as_array().unwrap().clone()
    }

    /// The addresses that were asked for since the last call.
    pub async fn requests(&self) -> Vec<String> {
        let entries = self.post("se/log", &json!({"type": "performance"})).await;
        let sent = entries.as_array().unwrap().iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let event = &message["message"];
            let url = event["params"]["request"]["url"].as_str()?;
            (event["method"] == "Network.requestWillBeSent").then(|| url.to_owned())
        });
        sent.collect()
    }
}

impl Drop for Browser {
    /// Ends the session, which ends Chromium, and then the driver, by its own process id.
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let request = format!(
                "DELETE /session/{} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
                self.session
            );
            // The first byte of the answer says that it is done; the driver keeps the connection open.
            drop(stream.set_read_timeout(Some(Duration::from_secs(10))));
            if stream.write_all(request.as_bytes()).is_ok() {
                drop(stream.read_exact(&mut [0]));
            }
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
