//! A headless Chromium, driven by WebDriver (<https://www.w3.org/TR/webdriver2/>).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one window. It is closed when this is dropped.
pub struct Browser {
    driver: Child,
    session: String,
}

/// What a window looks like.
#[derive(Clone, Copy)]
pub struct Window {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

impl Browser {
    /// Starts chromedriver on a port of its own choice, and a browser with it.
    pub fn start(window: Window) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver: apt-get install chromium chromium-driver");
        let said = BufReader::new(driver.stdout.take().expect("a pipe"));
        let port = said.lines().map_while(Result::ok).find_map(|line| {
            let port = line.split("started successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = format!("http://127.0.0.1:{}", port.expect("chromedriver says its port"));
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let started = post(&format!("{address}/session"), &wanted);
        let id = started["sessionId"].as_str().expect("a session");
        let browser = Self { driver, session: format!("{address}/session/{id}") };
        browser.chrome(
            "Emulation.setDeviceMetricsOverride",
            &json!({
                "width": window.width, "height": window.height,
                "deviceScaleFactor": 1, "mobile": window.width < 600,
            }),
        );
        let scheme = if window.dark { "dark" } else { "light" };
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        browser.chrome("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
        browser
    }

    /// Opens a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        post(&format!("{}/url", self.session), &json!({"url": url}));
    }

    /// Runs a script in the page: a function's body, with its `return`.
    pub fn run(&self, script: &str) -> Value {
        post(&format!("{}/execute/sync", self.session), &json!({"script": script, "args": []}))
    }

    /// Presses keys with an element in focus: that which a selector finds first.
    pub fn press(&self, selector: &str, keys: &str) {
        let found = post(
            &format!("{}/element", self.session),
            &json!({"using": "css selector", "value": selector}),
        );
        // The key under which WebDriver hands an element over.
        let element = found["element-6066-11e4-a52e-4f735466cecf"].as_str().expect("an element");
        post(&format!("{}/element/{element}/value", self.session), &json!({"text": keys}));
    }

    /// What the console has been told so far that is an error.
    pub fn errors(&self) -> Vec<Value> {
        let said = post(&format!("{}/se/log", self.session), &json!({"type": "browser"}));
        let said = said.as_array().expect("a list").clone();
        said.into_iter().filter(|one| one["level"] == "SEVERE").collect()
    }

    /// A command of Chrome's own protocol.
    fn chrome(&self, command: &str, parameters: &Value) {
        let body = json!({"cmd": command, "params": parameters});
        post(&format!("{}/goog/cdp/execute", self.session), &body);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Nothing more can be done if the browser is gone already.
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Asks the driver for something, and gives back its value.
fn post(address: &str, body: &Value) -> Value {
    let request = ureq::post(address).config().http_status_as_error(false).build();
    let mut answer = request.send_json(body).unwrap_or_else(|error| panic!("{address}: {error}"));
    let answer: Value = answer.body_mut().read_json().expect("JSON");
    let value = &answer["value"];
    assert!(value.get("error").is_none(), "{address}: {} {}", value["error"], value["message"]);
    value.clone()
}
