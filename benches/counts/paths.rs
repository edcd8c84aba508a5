//! The ways, each a question and the same steps that a UDP worker takes with it: read, route, answer, count. The instance is one
//! as the binary starts it.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, ensure};

use interlocal::app::{App, Input};
use interlocal::clock;
use interlocal::config::{Overrides, UnknownKeys, file};
use interlocal::metrics::{Family, Recorder};
use interlocal::route::Door;
use interlocal::server::asking::{Asking, Transport};
use interlocal::server::core::View;
use interlocal::server::question::Outcome;
use interlocal::wire::rtype;

use crate::support::questions::{Question, question};
use crate::support::upstream;
use crate::support::world;

/// Answers of one count, so that what happens once hardly counts.
pub const TIMES: usize = 1_000;
/// How the function below is called by callgrind.
pub const FUNCTION: &str = "counts::paths::counted_answers";

/// Each way with its question.
fn ways() -> Vec<(&'static str, Question)> {
    let web = "web-7.shop.svc.cluster.local";
    let searched = format!("www.{}.shop.svc.cluster.local", world::OUTSIDE);
    let srv = "_sql._tcp.db.shop.svc.cluster.local";
    vec![
        ("cluster IP, A", question(web, rtype::A, Some((0, 1)))),
        ("headless, A of 3", question("db.shop.svc.cluster.local", rtype::A, Some((0, 3)))),
        ("search path, NXDOMAIN", question(&searched, rtype::A, Some((3, 0)))),
        ("cluster IP, AAAA, no data", question(web, rtype::AAAA, Some((0, 0)))),
        ("SRV of 3, with glue", question(srv, rtype::SRV, Some((0, 3)))),
        ("remembered, A", question(&format!("www.{}", world::OUTSIDE), rtype::A, Some((0, 1)))),
        ("refused", question("www.example.org", rtype::A, Some((5, 0)))),
    ]
}

pub fn names() -> Vec<&'static str> {
    ways().into_iter().map(|(name, _)| name).collect()
}

/// Goes all ways, each a few times before it is counted.
pub fn walk() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let app = runtime.block_on(start(folder.path()))?;
    let core = app.core();
    let view = View::load(core);
    let door = Door::Pods { server: 0 };
    let mut recorder = core.recorders.worker(door, Family::V4);
    let mut out = vec![0; 1_232];
    for (name, question) in ways() {
        ask(&app, &question).context(name)?;
        let asking = Asking {
            core,
            view: &view,
            door,
            transport: Transport::Udp,
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 53_000,
            now: clock::now(),
            rotation: 0,
        };
        for _ in 0..3 {
            let done = one(&asking, &question.message, &mut out, &mut recorder);
            let said = (out[3] & 15, u16::from_be_bytes([out[6], out[7]]));
            ensure!(done && question.expected == Some(said), "{name}: {said:?}");
        }
        counted_answers(&asking, &question.message, &mut out, &mut recorder);
    }
    Ok(())
}

/// What is counted.
#[inline(never)]
fn counted_answers(asking: &Asking<'_>, message: &[u8], out: &mut [u8], recorder: &mut Recorder) {
    for _ in 0..TIMES {
        std::hint::black_box(one(asking, std::hint::black_box(message), out, recorder));
    }
}

#[inline(always)]
fn one(asking: &Asking<'_>, message: &[u8], out: &mut [u8], recorder: &mut Recorder) -> bool {
    let Outcome::Reply(done) = asking.answer(message, out) else { return false };
    recorder.answered(&done.answered(message.len()));
    recorder.end_batch(Duration::from_nanos(500));
    true
}

async fn start(folder: &std::path::Path) -> anyhow::Result<App> {
    let upstream = upstream::start_udp()?;
    let manifests = folder.join("manifests.yaml");
    let objects: Vec<String> = world::objects().iter().map(ToString::to_string).collect();
    std::fs::write(&manifests, objects.join("\n---\n"))?;
    let text = format!(
        "listen: {{peers: [], health: '', ready: '', metrics: '', admin: ''}}\npeers: {{file: ''}}\nworkers: 1\n\
         forward: [{{zone: {}, to: ['{upstream}']}}]\ncache: {{max_ttl: 1h}}\n",
        world::OUTSIDE
    );
    let overrides =
        Overrides { listen: Some(vec!["127.0.0.1:0".into()]), manifests: Some(manifests), ..Overrides::default() };
    let parsed = file::parse(&text, &folder.join("interlocal.yaml"), UnknownKeys::Refuse, &overrides);
    let config = parsed.map_err(|errors| anyhow::anyhow!("{errors:?}"))?.value;
    let app = App::start(Input { config, file: None, kind: Default::default(), overrides, log: None, adjust: None })?;
    app.ready().await;
    Ok(app)
}

/// Over the socket, so that what can be remembered is.
fn ask(app: &App, question: &Question) -> anyhow::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    socket.send_to(&question.message, app.addresses().dns[0])?;
    let mut reply = [0; 4_096];
    socket.recv(&mut reply)?;
    Ok(())
}
