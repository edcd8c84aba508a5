//! A real browser without a screen: Chromium, told what to do by its DevTools protocol over two pipes, so that a page is looked at as
//! an operator sees it: its size, its colours, its keys, its console. A machine without Chromium skips those tests aloud; they must not
//! be skipped under `INTERLOCAL_FULL=1`, since only `.ci/run full` installs a browser. Dropping it ends that one browser.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use interlocal::clock;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::secs;

/// Longer than a browser may take for anything on any machine.
const LIMIT: Duration = secs(120);
const PAUSE: Duration = Duration::from_millis(50);

/// One page.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    number: u64,
    session: Option<String>,
    /// What the console and the log of the page said, if it was no mere information.
    complaints: Vec<String>,
    _profile: TempDir,
}

/// An empty page; none without a browser. `INTERLOCAL_CHROMIUM` names another one than `chromium`.
pub fn open(test: &str) -> Option<Browser> {
    let program = std::env::var("INTERLOCAL_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    if let Err(error) = Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{program}: {error}");
        assert!(std::env::var_os("INTERLOCAL_FULL").is_none(), "{test} needs {program}, and INTERLOCAL_FULL is set");
        println!("SKIPPED {test}: needs {program} (INTERLOCAL_CHROMIUM names another one)");
        return None;
    }
    Some(Browser::start(&program))
}

impl Browser {
    fn start(program: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        // The protocol is spoken on descriptors 3 and 4.
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", program]);
        // Tests run as root, whom its sandbox refuses, and it sees nothing but our own page.
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.args(["--remote-debugging-pipe", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, out) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut message = Vec::new();
            // Each message ends with a zero octet.
            while out.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let value = serde_json::from_slice(&message).expect("the protocol is JSON");
                if sender.send(value).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let (session, complaints) = (None, Vec::new());
        let mut browser = Self { child, to, from, number: 0, session, complaints, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Runtime", "Log", "Page"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// One command, and what came of it.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let mut text = message.to_string().into_bytes();
        text.push(0);
        self.to.write_all(&text).unwrap();
        loop {
            let mut value = self.from.recv_timeout(LIMIT).expect("the browser answers");
            if value["id"] == self.number {
                assert!(value.get("error").is_none(), "{method}: {value}");
                return value["result"].take();
            }
            self.hear(&value);
        }
    }

    /// What the page says by itself.
    fn hear(&mut self, event: &Value) {
        let is = |level: &Value| ["error", "warning", "assert"].iter().any(|bad| level == bad);
        let params = &event["params"];
        let complains = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => is(&params["type"]),
            Some("Log.entryAdded") => is(&params["entry"]["level"]),
            _ => false,
        };
        if complains {
            self.complaints.push(params.to_string());
        }
    }

    pub fn visit(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url}));
    }

    /// The size of the window in CSS pixels.
    pub fn size(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// `light` or `dark`.
    pub fn scheme(&mut self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", features);
    }

    /// Presses a key and lets it go.
    pub fn press(&mut self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// The value of an expression, in the page.
    pub fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut result = self.call("Runtime.evaluate", asked);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].take()
    }

    /// Waits until the expression is true. A page that is not there yet may lack what it looks at.
    pub fn until(&mut self, expression: &str) {
        let end = clock::now() + LIMIT;
        let tried = format!("(() => {{ try {{ return {expression} }} catch {{ return false }} }})()");
        while self.eval(&tried) != Value::Bool(true) {
            assert!(clock::now() < end, "never: {expression}\n{}", self.eval("document.body?.innerText"));
            std::thread::sleep(PAUSE);
        }
    }

    /// What the window shows, as a PNG.
    pub fn screenshot(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": false}));
        base64(shot["data"].as_str().expect("a picture"))
    }

    /// Warnings and errors of the console, so far.
    pub fn complaints(&mut self) -> Vec<String> {
        self.eval("1");
        self.complaints.clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// RFC 4648 4.
fn base64(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut octets, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for digit in digits {
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            octets.push((bits >> held) as u8);
        }
    }
    octets
}
