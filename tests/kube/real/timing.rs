//! How long a change takes from the event to the answer, in numbers: `cargo test --test kube real::timing -- --nocapture`. The
//! event is what a second watch, beside that of interlocal, reads; the answer is polled over UDP without a pause. Nothing here
//! depends on how fast the machine is: every change has to arrive, and the numbers are printed.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use http::Request;
use http_body_util::BodyExt;
use interlocal::clock;
use kube::Client;
use kube::client::Body;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use super::Instance;
use super::instance::LIMIT;
use super::objects::{NODE, account, namespace, pod, run, service};
use crate::support::apiserver::ApiServer;
use crate::support::client::Ask;
use crate::support::read::addresses;

const NAME: &str = "box.timing.svc.cluster.local";

fn slice(round: usize) -> String {
    format!(
        "{{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"metadata\": {{\"name\": \"box\", \
         \"namespace\": \"timing\", \"labels\": {{\"kubernetes.io/service-name\": \"box\"}}}}, \"addressType\": \"IPv4\", \
         \"endpoints\": [{{\"addresses\": [\"{}\"]}}]}}",
        address(round)
    )
}

fn address(round: usize) -> String {
    format!("10.200.{}.{}", round / 250, round % 250 + 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_change_is_an_answer_when_its_event_comes() {
    let Some(api) = ApiServer::shared("a_change_is_an_answer_when_its_event_comes").await else { return };
    api.apply(&[&namespace("timing"), "---\n", &service("timing", "box", "clusterIP: None")].concat()).await;
    api.apply(&slice(0)).await;
    let east = Instance::ready(&account(&api, "interlocal").await, "").await;
    east.resolves(NAME, &[&address(0)]).await;
    let client = client(&api).await;
    let events = events(client.clone()).await;
    let answers = answers(east.dns());

    // By kubectl, one at a time; then by a client that keeps its connection, back to back.
    const BY_KUBECTL: usize = 20;
    const ALL: usize = 220;
    for round in 1..=ALL {
        if round <= BY_KUBECTL {
            api.apply(&slice(round)).await;
        } else {
            patch(&client, round).await;
        }
        // The next one only after the answer: each change has an answer of its own to be seen in.
        east.resolves(NAME, &[&address(round)]).await;
    }
    let (events, answers) = (until(&events, ALL), until(&answers, ALL));
    for (what, rounds) in [("kubectl", 1..=BY_KUBECTL), ("client", BY_KUBECTL + 1..=ALL)] {
        let mut lags: Vec<Duration> = rounds.map(|round| seen(&answers, round) - seen(&events, round)).collect();
        lags.sort();
        let at = |share: usize| lags[(lags.len() * share / 100).min(lags.len() - 1)];
        println!(
            "event to answer, {} changes by {what}: p50 {:?}, p90 {:?}, p99 {:?}, most {:?}",
            lags.len(),
            at(50),
            at(90),
            at(99),
            lags[lags.len() - 1]
        );
    }
}

/// From the change of a Pod, through the EndpointSlice controller, to us: by the metric that CoreDNS has, too. The time that a
/// Pod changed is known in whole seconds only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_programming_duration_is_measured() {
    let Some(api) = ApiServer::shared("the_programming_duration_is_measured").await else { return };
    let east = Instance::ready(&account(&api, "interlocal").await, "").await;
    let headless = "clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]";
    let objects = [NODE, &namespace("programming"), "---\n", &service("programming", "db", headless)].concat();
    api.apply(&(objects + &pod("programming", "db-0", "db", ""))).await;
    for round in 1..=5 {
        let address = format!("10.201.0.{round}");
        // A Pod that became ready at the same second did not become ready.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        run(&api, "programming", "db-0", &[&address], true).await;
        east.resolves("db.programming.svc.cluster.local", &[&address]).await;
    }
    let name = "coredns_kubernetes_dns_programming_duration_seconds";
    let labels = "{service_kind=\"headless_with_selector\"}";
    let count = east.metric(&format!("{name}_count{labels}")).await;
    let sum = east.metric(&format!("{name}_sum{labels}")).await;
    println!("{name}: {count} slices, {:.1} ms each", sum * 1_000.0 / count);
    assert!(count >= 3.0, "{}", east.metrics().await);
    api.delete("programming", &["pod", "db-0"]).await;
}

/// When each round was seen first; a round that was never seen by itself came with the next one.
fn until(seen: &Receiver<(usize, Instant)>, last: usize) -> Vec<Option<Instant>> {
    let mut first = vec![None; last + 1];
    while first[last].is_none() {
        let (round, at) = seen.recv_timeout(LIMIT).expect("the last change is seen");
        first[round].get_or_insert(at);
    }
    first
}

fn seen(first: &[Option<Instant>], round: usize) -> Instant {
    first[round..].iter().flatten().min().copied().expect("the last change was seen")
}

/// Asks without a pause on a thread of its own, until nobody listens any more.
fn answers(server: SocketAddr) -> Receiver<(usize, Instant)> {
    let (to, answers) = channel();
    std::thread::spawn(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let question = Ask::new(NAME, RecordType::A).bytes();
        let mut buffer = [0; 1_500];
        let mut last = None;
        while socket.send(&question).is_ok() {
            let Ok(length) = socket.recv(&mut buffer) else { continue };
            let at = clock::now();
            let reply = Message::from_vec(&buffer[..length]).unwrap();
            let round = addresses(&reply).first().and_then(|address| round(&address.to_string()));
            if let Some(round) = round.filter(|round| last != Some(*round)) {
                last = Some(round);
                if to.send((round, at)).is_err() {
                    return;
                }
            }
        }
    });
    answers
}

/// The watch beside.
async fn events(client: Client) -> Receiver<(usize, Instant)> {
    let (to, events) = channel();
    let uri = "/apis/discovery.k8s.io/v1/namespaces/timing/endpointslices?watch=1";
    let mut body = client.send(Request::get(uri).body(Body::empty()).unwrap()).await.unwrap().into_body();
    tokio::spawn(async move {
        let mut line = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            let at = clock::now();
            line.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            while let Some(end) = line.iter().position(|octet| *octet == b'\n') {
                let rest = line.split_off(end + 1);
                let event: Value = serde_json::from_slice(&std::mem::replace(&mut line, rest)).unwrap();
                let address = event["object"]["endpoints"][0]["addresses"][0].as_str().and_then(round);
                if address.is_some_and(|round| to.send((round, at)).is_err()) {
                    return;
                }
            }
        }
    });
    events
}

fn round(address: &str) -> Option<usize> {
    let (high, low) = address.strip_prefix("10.200.")?.split_once('.')?;
    Some(high.parse::<usize>().ok()? * 250 + low.parse::<usize>().ok()? - 1)
}

async fn patch(client: &Client, round: usize) {
    let uri = "/apis/discovery.k8s.io/v1/namespaces/timing/endpointslices/box";
    let body = format!("{{\"endpoints\": [{{\"addresses\": [\"{}\"]}}]}}", address(round));
    let request = Request::patch(uri).header("content-type", "application/merge-patch+json");
    let response = client.send(request.body(Body::from(body.into_bytes())).unwrap()).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
}

async fn client(api: &ApiServer) -> Client {
    let kubeconfig = Kubeconfig::read_from(api.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}
