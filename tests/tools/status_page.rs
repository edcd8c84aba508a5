//! The status page, in a real browser and on the wire: what it says of a dark region, that it needs no mouse, no colours and no wide
//! screen, and that nobody else reads it.

use std::net::SocketAddr;
use std::path::Path;

use hickory_proto::rr::RecordType;
use rustls::SupportedCipherSuite;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::browser::{self, Browser};
use crate::support::client::ask_udp;
use crate::support::region::{Region, listen};
use crate::support::regions::{self, Regions};
use crate::support::secs;
use crate::support::wait::eventually;

/// A picture in the docs is worth no more octets than this.
const PICTURE: usize = 150 * 1024;
const DARK: &str = "region west is dark: connection refused";

/// The demo's regions, with traffic, and west stopped.
async fn one_dark() -> Regions {
    let mut regions = regions::three().await;
    let central = regions.of("central").dns();
    for label in ["central", "east", "west"] {
        ask_udp(central, &format!("busybox-0.busybox.{label}.svc.cluster.local"), RecordType::A).await;
    }
    drop(regions.take("west").stop());
    let seen = eventually(secs(30), || async {
        ask_udp(central, "dual.west.svc.cluster.local", RecordType::A).await;
        regions.of("central").get("/status").await.1.contains(DARK)
    });
    assert!(seen.await, "{}", regions.of("central").get("/status").await.1);
    ask_udp(central, "busybox-0.busybox.west.svc.cluster.local", RecordType::A).await;
    ask_udp(central, "web.wets.svc.cluster.local", RecordType::A).await;
    ask_udp(central, "www.example.com", RecordType::A).await;
    regions
}

fn admin(regions: &Regions) -> SocketAddr {
    regions.of("central").app().addresses().admin.unwrap()
}

fn text(browser: &mut Browser, selector: &str) -> String {
    let value = browser.eval(&format!("document.querySelector({selector:?}).innerText"));
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_dark_region_and_its_cause_are_the_first_thing_to_see() {
    let Some(mut browser) = browser::open("a_dark_region_and_its_cause_are_the_first_thing_to_see") else { return };
    let regions = one_dark().await;
    browser.size(960, 960);
    browser.visit(&format!("http://{}/", admin(&regions)));
    browser.until("document.querySelectorAll('#t-regions tbody tr').length === 3");
    let verdict = text(&mut browser, "#verdict");
    assert!(verdict.starts_with(&format!("✖ {DARK}")), "{verdict}");
    let regions_shown = text(&mut browser, "#t-regions tbody");
    assert!(regions_shown.contains("✖ dark: connection refused"), "{regions_shown}");
    assert!(regions_shown.contains("✔ up") && regions_shown.contains("✔ the same"), "{regions_shown}");
    let failures = text(&mut browser, "#t-failures tbody");
    for row in [
        "region west does not answer: connection refused",
        "no such region `wets`; known: central, east, west",
        "dual.west.svc.cluster.local. A",
    ] {
        assert!(failures.contains(row), "{row}: {failures}");
    }
    let traffic = text(&mut browser, "#t-traffic tbody");
    assert!(traffic.contains("NOERROR") && traffic.contains("SERVFAIL") && traffic.contains("west"), "{traffic}");
    // Rates are known from the second look on.
    browser.until("document.querySelector('#t-traffic td:nth-child(3)').innerText !== '–'");
    assert_eq!(browser.eval("document.title").as_str(), Some("✖ central – interlocal"));
    assert_eq!(browser.complaints(), Vec::<String>::new(), "its console");
    pictures(&mut browser);
}

/// With `INTERLOCAL_BLESS=1` the pictures of the docs are made anew; whatever is there is small.
fn pictures(browser: &mut Browser) {
    for scheme in ["light", "dark"] {
        browser.scheme(scheme);
        browser.until(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/images/status-page-{scheme}.png"));
        let picture = browser.screenshot();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() < PICTURE, "{scheme}: {} octets", picture.len());
        if std::env::var_os("INTERLOCAL_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, picture).unwrap();
        }
    }
    let colours = ["light", "dark"].map(|scheme| {
        browser.scheme(scheme);
        browser.eval("getComputedStyle(document.body).backgroundColor")
    });
    assert_ne!(colours[0], colours[1], "light and dark");
}

#[tokio::test]
async fn it_needs_neither_a_wide_screen_nor_a_mouse() {
    let Some(mut browser) = browser::open("it_needs_neither_a_wide_screen_nor_a_mouse") else { return };
    let regions = one_dark().await;
    browser.size(400, 800);
    browser.visit(&format!("http://{}/", admin(&regions)));
    browser.until("document.querySelectorAll('#t-regions tbody tr').length === 3");
    let widths = browser.eval("[innerWidth, document.documentElement.scrollWidth, document.body.scrollWidth]");
    assert_eq!(widths[0], 400, "{widths}");
    assert!(widths.as_array().unwrap().iter().all(|width| width.as_u64() <= Some(400)), "scrolls sideways: {widths}");
    // At this width each cell says by itself what it is.
    let heads = browser.eval("[...document.querySelectorAll('#t-regions td')].every(cell => cell.dataset.head)");
    assert_eq!(heads, Value::Bool(true));

    let focused = "document.activeElement.id || document.activeElement.className";
    browser.press("Tab", 9, "");
    assert_eq!(browser.eval(focused), "skip");
    browser.press("Tab", 9, "");
    assert_eq!(browser.eval(focused), "pause");
    browser.press("Enter", 13, "\r");
    browser.until("document.getElementById('pause').getAttribute('aria-pressed') === 'true'");
    assert_eq!(browser.complaints(), Vec::<String>::new(), "its console");
}

#[tokio::test]
async fn an_instance_that_is_gone_is_said_and_what_was_seen_stays() {
    let Some(mut browser) = browser::open("an_instance_that_is_gone_is_said_and_what_was_seen_stays") else { return };
    let region = Region::new("east").start().await;
    let (port, _) = (region.app().addresses().admin.unwrap(), browser.size(800, 600));
    browser.visit(&format!("http://{port}/"));
    browser.until("document.getElementById('verdict').innerText.includes('All is well')");
    drop(region.stop());
    browser.until("document.getElementById('verdict').innerText.startsWith('✖ This instance does not answer')");
    assert!(text(&mut browser, "#verdict").contains("What is below is of "));
    assert!(text(&mut browser, "#who").starts_with("east of cluster.local"));
}

/// Head and body, with these lines in the question.
async fn get(server: SocketAddr, path: &str, lines: &str) -> (String, String) {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn the_page_is_one_file_whose_policy_knows_its_script_by_its_hash() {
    let region = Region::new("east").start().await;
    let admin = region.app().addresses().admin.unwrap();
    let (head, page) = get(admin, "/", &format!("Host: {admin}\r\nAccept: text/html,*/*\r\n")).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/html"), "{head}");
    assert!(!head.contains("set-cookie"), "{head}");
    let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    for tag in ["script", "style"] {
        let inside = page.split_once(&format!("<{tag}>")).unwrap().1.split_once(&format!("</{tag}>")).unwrap().0;
        let wanted = format!("{tag}-src 'sha256-{}'", sha256(inside));
        assert!(policy.contains(&wanted.to_lowercase()), "src/server/admin/page.rs needs: {wanted}");
    }
    for outside in ["http:", "https:", "//cdn", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let (head, list) = get(admin, "/", &format!("Host: {admin}\r\nAccept: */*\r\n")).await;
    assert!(head.contains("text/plain") && list.contains("/failures"), "curl gets the list: {head}");
}

/// In base64 (RFC 4648 4).
fn sha256(text: &str) -> String {
    let suites = rustls::crypto::ring::default_provider().cipher_suites;
    let hash = suites.iter().find_map(|suite| match suite {
        SupportedCipherSuite::Tls13(suite) if suite.common.hash_provider.output_len() == 32 => {
            Some(suite.common.hash_provider.hash(text.as_bytes()))
        }
        _ => None,
    });
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |three: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
        let digit = |at: usize| digits[(bits >> (18 - 6 * at)) as usize & 63] as char;
        (0..4).map(|at| if at <= three.len() { digit(at) } else { '=' }).collect::<String>()
    };
    hash.expect("a suite with SHA-256").as_ref().chunks(3).map(encode).collect()
}

/// A site that gives its own name our address reads nothing in the browser of whoever reaches us, and names of questions are shown to
/// whoever is on the pod only.
#[tokio::test]
async fn names_of_questions_are_for_loopback_and_for_nobody_who_comes_by_another_name() {
    let any = "\"127.0.0.1:0\"";
    // A refusal is no failure of ours, a region that is not there is.
    let east = || Region::new("east").table("regions: {west: {endpoints: [\"127.0.0.1:1\"]}}\n");
    let open = east().key("listen", &listen([any, any, any, any, any, "\"0.0.0.0:0\""])).start().await;
    let closed = east().start().await;
    for region in [&open, &closed] {
        ask_udp(region.dns(), "secret.west.svc.cluster.local", RecordType::A).await;
    }
    let shut: SocketAddr = closed.app().addresses().admin.unwrap();
    let (head, body) = get(shut, "/failures", &format!("Host: {shut}\r\n")).await;
    assert!(
        head.starts_with("http/1.1 200") && body.contains("\"name\": \"secret.west.svc.cluster.local.\""),
        "{head}\n{body}"
    );
    for page in ["/", "/failures", "/status", "/peers", "/query?name=x", "/zone", "/cache?name=x"] {
        let (head, body) = get(shut, page, "Host: site.example:9154\r\nAccept: text/html\r\n").await;
        assert!(head.starts_with("http/1.1 403") && body.starts_with("ask by an address"), "{page}: {head}\n{body}");
    }
    let port = open.app().addresses().admin.unwrap().port();
    let reached = SocketAddr::from(([127, 0, 0, 1], port));
    let (head, body) = get(reached, "/failures", &format!("Host: {reached}\r\n")).await;
    assert!(head.starts_with("http/1.1 403") && !body.contains("secret"), "{head}\n{body}");
    for page in ["/", "/status", "/peers", "/metrics"] {
        let (head, body) = get(reached, page, &format!("Host: {reached}\r\n")).await;
        assert!(head.starts_with("http/1.1 200") && !body.contains("secret"), "{page}: {head}\n{body}");
    }
}
