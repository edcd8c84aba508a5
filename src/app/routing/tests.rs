//! Random histories of peer tables and reloads, good and bad ones: whatever came before, routes are those of a fresh start with
//! the last good table, and what a reload does not change is kept. Nothing is asked: the clients' tasks never run.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config as Runs, TestRunner};

use super::super::{table, zone_settings};
use super::*;
use crate::config::{KubernetesSource, Overrides, PeersSource, UnknownKeys, file};
use crate::route::{Door, Whence};
use crate::wire::stamp::ClusterId;
use crate::wire::{Name, NameBuf};

const HISTORIES: u32 = 1_000;
const LABELS: [&str; 5] = ["central", "east", "north", "south", "west"];
const STUBS: [&str; 3] = ["corp.example", "old.example", "deep.corp.example"];

/// What is wrong with a table.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    NotYaml,
    /// A row wants a namespace that no table may take.
    Forbidden,
    /// Two rows want one zone.
    Clash,
    /// A peer that nobody can ask.
    NoEndpoints,
}

#[derive(Debug, Clone)]
struct Row {
    label: &'static str,
    endpoint: u8,
    more_zones: bool,
    mesh: bool,
    cidr: Option<u8>,
}

/// One reload: of the table, and of the configuration.
#[derive(Debug, Clone)]
struct Step {
    rows: Vec<Row>,
    fault: Fault,
    stubs: Vec<&'static str>,
    upstream: u8,
    random_case: bool,
}

fn row(label: &'static str) -> impl Strategy<Value = Row> {
    (0..3u8, any::<bool>(), any::<bool>(), proptest::option::of(0..3u8))
        .prop_map(move |(endpoint, zones, mesh, cidr)| Row { label, endpoint, more_zones: zones, mesh, cidr })
}

fn step() -> impl Strategy<Value = Step> {
    let rows = subsequence(LABELS.to_vec(), 0..=LABELS.len())
        .prop_flat_map(|labels| labels.into_iter().map(row).collect::<Vec<_>>());
    // Every other table is good.
    let good = [Fault::None; 4];
    let faults = [good.as_slice(), &[Fault::NotYaml, Fault::Forbidden, Fault::Clash, Fault::NoEndpoints]].concat();
    let stubs = subsequence(STUBS.to_vec(), 0..=STUBS.len()).prop_shuffle();
    (rows, select(faults), stubs, 0..2u8, any::<bool>()).prop_map(|(rows, fault, stubs, upstream, random_case)| Step {
        rows,
        fault,
        stubs,
        upstream,
        random_case,
    })
}

impl Step {
    fn table(&self) -> String {
        let mut text = "regions:\n".to_owned();
        for row in &self.rows {
            let place = LABELS.iter().position(|label| *label == row.label).expect("one of them");
            text += &format!("  {}:\n    endpoints: [\"127.0.0.{}:1\"]\n", row.label, row.endpoint + 1);
            if row.more_zones {
                text += &format!("    zones: [{0}.svc.cluster.local, kafka-{0}.svc.cluster.local]\n", row.label);
            }
            if row.mesh {
                text += &format!("    mesh: {}.mesh\n", row.label);
            }
            if let Some(cidr) = row.cidr {
                text += &format!("    cidrs: [10.{place}.{}.0/24]\n", cidr * 16);
            }
        }
        if self.rows.is_empty() {
            "regions: {}\n".clone_into(&mut text);
        }
        match self.fault {
            Fault::None => {}
            Fault::NotYaml => text += "  - }\n",
            Fault::Forbidden => text = two("default", "two"),
            Fault::Clash => text = two("same", "same"),
            Fault::NoEndpoints => "regions:\n  one: {mesh: one.mesh}\n".clone_into(&mut text),
        }
        text
    }

    fn config(&self, peers: &Path) -> Arc<Config> {
        let mut text = format!("region: east\nforward:\n  - {{zone: ., to: [127.0.0.{}]}}\n", self.upstream + 1);
        for stub in &self.stubs {
            text += &format!("  - {{zone: {stub}, to: [127.0.1.1], random_case: {}}}\n", self.random_case);
        }
        let parsed = file::parse(&text, Path::new("interlocal.yaml"), UnknownKeys::Refuse, &Overrides::default());
        let mut config = parsed.unwrap_or_else(|errors| panic!("{text}\n{errors:?}")).value;
        config.peers.source = PeersSource::File(peers.to_owned());
        config.kubernetes.source = KubernetesSource::Manifests("nowhere".into());
        Arc::new(config)
    }
}

/// Two rows with these zones below `svc`.
fn two(first: &str, second: &str) -> String {
    let row =
        |label: &str, zone: &str| format!("  {label}: {{endpoints: [10.0.0.1], zones: [{zone}.svc.cluster.local]}}\n");
    format!("regions:\n{}{}", row("one", first), row("two", second))
}

fn builder() -> Builder {
    let zone = Snapshot::empty(&zone_settings(&Config::default(), &PeerTable::default()));
    Builder::new(Registry::new("test", false), Arc::new(Published::new(zone)))
}

/// What each name gets at both doors, by the names of who is asked.
fn decisions(routing: &Routing) -> Vec<String> {
    let routes = &routing.routes;
    let mut names: Vec<String> =
        ["cluster.local", "web.shop.svc.cluster.local", "example.com", ".", "z.svc.cluster.local"]
            .map(str::to_owned)
            .to_vec();
    for (place, label) in LABELS.iter().enumerate() {
        names.extend(["svc.cluster.local", "mesh"].map(|zone| format!("x.{label}.{zone}")));
        names.push(format!("x.kafka-{label}.svc.cluster.local"));
        names.extend([0, 16, 32].map(|third| format!("7.{third}.{place}.10.in-addr.arpa")));
    }
    names.extend(STUBS.map(|stub| format!("x.{stub}")));
    let mut all = vec![format!("{:?} {:?} {:?}", routes.regions(), routes.upstreams(), routes.own_zones())];
    for name in names {
        let name: Name = name.parse().expect("a name");
        for door in [Door::Pods { server: 0 }, Door::Peers] {
            let whence = Whence { door, stamp: None, own_id: ClusterId::default() };
            all.push(format!("{name} {door:?} {:?}", routes.decide(&whence, &NameBuf::from(name.as_ref()))));
        }
    }
    all
}

/// What is known of a route by its name.
struct Known<C> {
    name: String,
    client: Weak<C>,
    id: u64,
    refreshes: Weak<Refreshes>,
}

fn regions(routing: &Routing) -> Vec<Known<RegionClient>> {
    let all = routing.regions.iter().zip(&routing.region_ids).zip(&routing.refreshes);
    let known = all.map(|((client, id), refreshes)| Known {
        name: client.label().to_owned(),
        client: Arc::downgrade(client),
        id: *id,
        refreshes: Arc::downgrade(refreshes),
    });
    known.collect()
}

fn upstreams(routing: &Routing) -> Vec<Known<ForwardClient>> {
    let refreshes = &routing.refreshes[routing.regions.len()..];
    let all = routing.upstreams.iter().zip(&routing.upstream_ids).zip(refreshes);
    let known = all.map(|((client, id), refreshes)| Known {
        name: client.zone().to_string(),
        client: Arc::downgrade(client),
        id: *id,
        refreshes: Arc::downgrade(refreshes),
    });
    known.collect()
}

/// Who stays is the same client with the same place in the cache; who goes is gone; who comes is new to the cache.
fn kept<C>(before: &[Known<C>], after: &[Known<C>]) {
    for old in before {
        match after.iter().find(|new| new.name == old.name) {
            Some(new) => {
                assert!(Weak::ptr_eq(&old.client, &new.client), "{} has another client", old.name);
                assert!(Weak::ptr_eq(&old.refreshes, &new.refreshes), "{} has other refreshes", old.name);
                assert_eq!(old.id, new.id, "{} is not found in the cache any more", old.name);
            }
            None => assert_eq!(old.client.strong_count(), 0, "{} is gone, and its client is not", old.name),
        }
    }
    for new in after {
        assert_eq!(
            before.iter().filter(|old| old.id == new.id).count(),
            usize::from(before.iter().any(|old| old.name == new.name))
        );
    }
}

fn history(steps: &[Step]) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, fresh_path) = (folder.path().join("peers.yaml"), folder.path().join("fresh.yaml"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let builder = builder();
    let (mut table, mut last_good) = (PeerTable::default(), None);
    let mut routing: Option<Routing> = None;
    for step in steps {
        let config = step.config(&path);
        std::fs::write(&path, step.table()).expect("a file");
        match table::read(&config, None, None) {
            Ok(good) => table = good.keep(&config),
            Err(_) => assert_ne!(step.fault, Fault::None, "refused:\n{}", step.table()),
        }
        if step.fault == Fault::None {
            last_good = Some(step.table());
        }
        let new = builder.build(&config, &table, routing.as_ref());

        let mut fresh_config = Config::clone(&config);
        fresh_config.peers.source = PeersSource::File(fresh_path.clone());
        let fresh_config = Arc::new(fresh_config);
        let fresh = last_good.as_ref().map_or_else(PeerTable::default, |text| {
            std::fs::write(&fresh_path, text).expect("a file");
            let Ok(good) = table::read(&fresh_config, None, None) else { panic!("it was good before:\n{text}") };
            good.keep(&fresh_config)
        });
        let fresh = self::builder().build(&fresh_config, &fresh, None);
        let (ours, theirs) = (decisions(&new), decisions(&fresh));
        let other: Vec<_> = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).collect();
        assert!(other.is_empty(), "{other:#?}");
        assert_eq!(new.table, fresh.table);
        assert_eq!(new.upstream_stamps, fresh.upstream_stamps);

        if let Some(old) = routing.replace(new) {
            let before = (regions(&old), upstreams(&old));
            drop(old);
            let now = routing.as_ref().expect("just put there");
            kept(&before.0, &regions(now));
            kept(&before.1, &upstreams(now));
        }
    }
    steps.len()
}

#[test]
fn routes_are_those_of_a_fresh_start_with_the_last_good_table_and_who_stays_is_kept() {
    let (histories, reloads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut runner = TestRunner::new(Runs { cases: HISTORIES, failure_persistence: None, ..Runs::default() });
    let ran = runner.run(&vec(step(), 1..6), |steps| {
        reloads.fetch_add(history(&steps), Ordering::Relaxed);
        histories.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(histories.into_inner(), HISTORIES as usize);
    assert!(reloads.into_inner() > 2 * HISTORIES as usize);
}
