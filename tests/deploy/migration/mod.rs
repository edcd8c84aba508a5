//! From CoreDNS to interlocal and back, as `docs/eks.md` says, with three real API servers on one machine. In each region pods ask
//! all along for names of their own cluster, of the other regions, and of neither, through what stands for the cluster's Service; no
//! question may fail at any moment. At each stage every region finds every other one: three with CoreDNS, two, one, none.

mod guide;
mod kubelet;
mod pod;
mod region;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use self::guide::Guide;
use self::region::{OUTSIDE, PODS, REGIONS, Region, pod_name};
use crate::support::apiserver::ApiServer;
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::process;
use crate::support::read::{addresses, extended_errors};
use crate::support::server::ScriptServer;
use crate::support::steady::{Clients, Steady, Tally};
use crate::support::wait::eventually;
use crate::support::{ip, ms, secs};

const TEST: &str = "a_person_who_follows_the_guide_loses_no_question";

struct Fleet {
    guide: Guide,
    regions: Vec<Region>,
}

impl Fleet {
    /// None on a machine without the programs.
    async fn start(upstream: &ScriptServer) -> Option<Self> {
        let coredns = CoreDns::program(TEST)?;
        let mut servers = Vec::new();
        for _ in REGIONS {
            servers.push(ApiServer::stopped(TEST, &[])?);
        }
        let [first, second, third] = &mut servers[..] else { unreachable!("three of them") };
        tokio::join!(first.start_again(), second.start_again(), third.start_again());
        let labelled: Vec<_> = REGIONS.into_iter().zip(&servers).collect();
        let guide = Guide::open(&labelled);
        let table = guide.read("fleet/peers.yaml");
        let mut regions = Vec::new();
        for (number, api) in servers.into_iter().enumerate() {
            let row = table.lines().find(|line| line.trim_start().starts_with(REGIONS[number])).expect("a row");
            let (_, host) = row.split_once("endpoints: [").expect("endpoints");
            regions.push(Region::start(number, api, coredns.clone(), upstream, host.trim_end_matches("]}")).await);
        }
        Some(Self { guide, regions })
    }

    /// Follows a step of the guide, and waits until the cluster has followed too.
    async fn follow(&self, step: &str, number: usize, running: &[usize]) {
        let running: Vec<&str> = running.iter().map(|number| REGIONS[*number]).collect();
        self.guide.follow(step, REGIONS[number], &running).await;
        for region in &self.regions {
            region.kubelet.settled().await;
        }
    }

    /// Each region asks for the pod of each other one, over UDP and TCP. Says how many answers it judged.
    async fn six_pairs(&self, stage: &str) -> usize {
        let mut judged = 0;
        for from in &self.regions {
            for to in (0..REGIONS.len()).filter(|to| REGIONS[*to] != from.label) {
                let ask = Ask::new(&pod_name(to, 0), RecordType::A);
                for reply in [ask.udp(from.cluster_ip()).await, ask.tcp(from.cluster_ip()).await] {
                    let said = format!("{stage}: {} gets {reply} {:?}", from.label, extended_errors(&reply));
                    assert_eq!(reply.response_code, ResponseCode::NoError, "{said}");
                    assert_eq!(addresses(&reply), [ip(PODS[to])], "{said}");
                    judged += 1;
                }
            }
        }
        judged
    }

    /// What a region's old load balancer says to another region that asks for a name of neither.
    async fn outside_through_old_balancer(&self, number: usize) -> ResponseCode {
        let reply =
            Ask::new(OUTSIDE.0, RecordType::A).tcp(self.regions[number].balancers["kube-dns-lb"].address()).await;
        reply.response_code
    }

    /// How many pods of each kind each region has.
    async fn pods(&self) -> Vec<(usize, usize)> {
        let mut counts = Vec::new();
        for region in &self.regions {
            let look = region.kubelet.settled().await;
            counts.push((look.pods["coredns"].len(), look.pods["interlocal"].len()));
        }
        counts
    }

    /// What `interlocal peers` says in one region of another one.
    async fn says(&self, from: usize, of: usize) -> String {
        let look = self.regions[from].kubelet.settled().await;
        let admin = format!("{}:{}", look.pods["interlocal"][0], pod::moved(9154));
        let ended = process::run(&self.guide.path("."), &["peers", "--admin", &admin]).await;
        let row = ended.stdout.lines().find(|line| line.starts_with(REGIONS[of]));
        row.unwrap_or_else(|| panic!("{}{}", ended.stdout, ended.stderr)).to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_follows_the_guide_loses_no_question() {
    let upstream = ScriptServer::start();
    drop(upstream.on(OUTSIDE.0, RecordType::A).answer_a(OUTSIDE.1, 30));
    let Some(fleet) = Fleet::start(&upstream).await else { return };
    for region in &fleet.regions {
        region.kubelet.settled().await;
    }
    for region in &fleet.regions {
        for known in region.known().into_iter().take(REGIONS.len() + 2) {
            let ask = Ask::new(&known.name, RecordType::A).patience(secs(2));
            let there = eventually(secs(60), || async {
                ask.try_udp(region.cluster_ip()).await.is_some_and(|reply| addresses(&reply) == [known.address])
            });
            assert!(there.await, "{} does not find {} before anything was done", region.label, known.name);
        }
    }
    let clients = Clients { udp: 3, tcp: 1, pause: ms(15) };
    let asking: Vec<Steady> =
        fleet.regions.iter().map(|region| Steady::start(region.cluster_ip(), region.known(), clients)).collect();
    let mut judged = fleet.six_pairs("3 with CoreDNS").await;

    // There. Central's old load balancer is repointed; the other regions have a new one.
    let mut running = Vec::new();
    for number in 0..REGIONS.len() {
        running.push(number);
        for step in ["addon", "beside", "drain", "out"] {
            fleet.follow(step, number, &running).await;
        }
        if number == 1 {
            let says = fleet.says(1, 0).await;
            assert!(says.contains("pods door"), "the other regions are not told which door it is: {says}");
            assert_eq!(fleet.outside_through_old_balancer(0).await, ResponseCode::NoError);
            fleet.follow("repoint", 0, &running).await;
            assert_eq!(fleet.outside_through_old_balancer(0).await, ResponseCode::Refused);
        }
        if number > 0 {
            fleet.follow("table", number, &running).await;
        }
        judged += fleet.six_pairs(&format!("{} with CoreDNS", 2 - number)).await;
    }
    assert_eq!(fleet.pods().await, [(0, 2); 3]);
    assert_eq!(fleet.guide.read("fleet/peers.yaml").matches("interloc-").count(), 2);

    // And back.
    for number in 0..REGIONS.len() {
        running.retain(|other| *other != number);
        if number == 0 {
            fleet.follow("back-repoint", number, &running).await;
            assert_eq!(fleet.outside_through_old_balancer(0).await, ResponseCode::NoError);
        } else {
            fleet.follow("back-table", number, &running).await;
        }
        for step in ["back-beside", "back-drain", "back-out"] {
            fleet.follow(step, number, &running).await;
        }
        judged += fleet.six_pairs(&format!("{} with CoreDNS again", number + 1)).await;
    }
    assert_eq!(fleet.pods().await, [(2, 0); 3]);
    assert_eq!(judged, 7 * 12);

    let (mut all, mut silent) = (Tally::default(), Vec::new());
    for (region, asking) in fleet.regions.iter().zip(asking) {
        let tally = asking.stop().await;
        println!("{}: {tally}", region.label);
        silent.extend(
            tally
                .silent
                .iter()
                .map(|silence| (silence.name.clone(), region.balancers["kube-dns"].led_to(silence.client))),
        );
        all.add(&tally);
    }
    for region in &fleet.regions {
        for (of, code) in region.kubelet.settled().await.ended {
            assert_eq!(code, Some(0), "{of} of {}", region.label);
        }
        for (name, balancer) in region.balancers.iter().filter(|(name, _)| *name != "interlocal-peers") {
            assert_eq!(balancer.unserved(), 0, "{name} of {} had nobody", region.label);
        }
    }
    println!("{judged} pairs; {all}");
    assert_eq!((all.failed, &all.silent[..]), (0, &[][..]), "{all}; {silent:?}");
    assert!(all.answered > 3_000, "too few questions to tell: {all}");
    // The page has no step that nobody follows.
    let followed = ["addon", "beside", "drain", "out", "table"];
    let back = ["back-table", "back-beside", "back-drain", "back-out", "repoint", "back-repoint"];
    assert_eq!(fleet.guide.steps(), [&followed[..], &back].concat());
    let asked_of_aws = fleet.guide.read("aws.log");
    assert_eq!(asked_of_aws.matches("eks delete-addon").count(), 3, "{asked_of_aws}");
    assert_eq!(asked_of_aws.matches("--preserve").count(), 3, "{asked_of_aws}");
}
