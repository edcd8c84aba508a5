//! `interlocal demo`: a fresh copy of its files passes; any one thing wrong in them fails, and the cell is named.

use std::fs;
use std::path::Path;

use crate::support::ports::free_block;
use crate::support::process::{self, Ended};

/// Ports from the first region's pods' door to the last region's admin.
const PORTS: u16 = 26;

fn source() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo"))
}

/// A copy of the demo's files, to break.
fn copy() -> tempfile::TempDir {
    fn copy_folder(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy_folder(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy_folder(source(), folder.path());
    folder
}

fn edit(folder: &Path, file: &str, change: impl FnOnce(String) -> String) {
    let path = folder.join(file);
    let old = fs::read_to_string(&path).unwrap();
    let new = change(old.clone());
    assert_ne!(old, new, "nothing to change in {file}");
    fs::write(path, new).unwrap();
}

async fn once(folder: Option<&Path>, more: &[&str]) -> Ended {
    let base = free_block(PORTS).to_string();
    let mut args = vec!["demo", "--once", "--base-port", &base];
    if let Some(folder) = folder {
        args.extend(["--dir", folder.to_str().unwrap()]);
    }
    args.extend(more);
    process::run(&std::env::temp_dir(), &args).await
}

/// The lines of the matrix: from, to, and what stands under UDP and TCP.
fn cells(stdout: &str) -> Vec<(String, String, String, String)> {
    let rows = stdout.lines().skip_while(|line| !line.starts_with("FROM")).skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| {
        let words: Vec<&str> = row.split_whitespace().filter(|word| *word != "ms").collect();
        let [from, to, _name, udp, tcp] = words[..] else { panic!("{row}") };
        (from.to_owned(), to.to_owned(), udp.to_owned(), tcp.to_owned())
    })
    .collect()
}

/// Exactly these pairs are wrong, over both transports, and the lines below say why.
fn assert_wrong(ended: &Ended, pairs: &[(&str, &str)], why: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let wrong: Vec<(String, String)> = cells(&ended.stdout)
        .into_iter()
        .filter(|(_, _, udp, tcp)| {
            assert_eq!(udp == "wrong", tcp == "wrong", "{}", ended.stdout);
            udp == "wrong"
        })
        .map(|(from, to, ..)| (from, to))
        .collect();
    let expected: Vec<(String, String)> =
        pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    assert_eq!(wrong, expected, "{}", ended.stdout);
    for (from, to) in pairs {
        for over in ["UDP", "TCP"] {
            let start = format!("wrong: {from} -> {to} over {over}: ");
            let line = ended.stdout.lines().find(|line| line.starts_with(&start));
            assert!(line.is_some_and(|line| line.contains(why)), "no `{why}` for {from} -> {to}:\n{}", ended.stdout);
        }
    }
    let right = 12 - 2 * pairs.len();
    assert!(ended.stdout.contains(&format!("{right} of 12 answers are right")), "{}", ended.stdout);
}

fn assert_right(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let cells = cells(&ended.stdout);
    let pairs: Vec<(&str, &str)> = cells.iter().map(|(from, to, ..)| (from.as_str(), to.as_str())).collect();
    let all = [
        ("central", "east"),
        ("central", "west"),
        ("east", "central"),
        ("east", "west"),
        ("west", "central"),
        ("west", "east"),
    ];
    assert_eq!(pairs, all, "{}", ended.stdout);
    for (_, _, udp, tcp) in &cells {
        for took in [udp, tcp] {
            assert!(took.parse::<f64>().is_ok_and(|took| took > 0.0), "{took} is no round-trip time");
        }
    }
    assert!(ended.stdout.contains("12 of 12 answers are right"), "{}", ended.stdout);
    assert_eq!(ended.stderr, "", "nothing to complain of");
}

#[tokio::test]
async fn the_demo_passes_as_it_is() {
    assert_right(&once(None, &[]).await);
}

#[tokio::test]
async fn the_demo_passes_with_plain_sockets() {
    assert_right(&once(None, &["--plain-sockets"]).await);
}

#[tokio::test]
async fn the_demo_passes_from_a_copy_of_its_files() {
    assert_right(&once(Some(copy().path()), &[]).await);
}

#[tokio::test]
async fn without_one_manifest_its_region_is_named() {
    let folder = copy();
    fs::remove_file(folder.path().join("east/manifests/busybox.yaml")).unwrap();
    let ended = once(Some(folder.path()), &[]).await;
    assert_wrong(&ended, &[("central", "east"), ("west", "east")], "no busybox-0 in ");
}

#[tokio::test]
async fn a_pod_that_is_not_ready_is_a_wrong_cell() {
    let folder = copy();
    edit(folder.path(), "west/manifests/busybox.yaml", |text| text.replace("ready: true", "ready: false"));
    let ended = once(Some(folder.path()), &[]).await;
    assert_wrong(&ended, &[("central", "west"), ("east", "west")], "wants 10.0.115.11, got NXDOMAIN");
}

#[tokio::test]
async fn a_closed_port_in_one_row_names_the_region_and_the_cause() {
    let folder = copy();
    // It moves with the others, and is in our block of ports, but nobody listens there.
    edit(folder.path(), "peers.yaml", |text| text.replace("127.0.0.1:5321", "127.0.0.1:5329"));
    let ended = once(Some(folder.path()), &[]).await;
    assert_wrong(&ended, &[("central", "west"), ("east", "west")], "(region west does not answer: connection refused)");
}

#[tokio::test]
async fn two_rows_swapped_are_four_wrong_cells() {
    let folder = copy();
    edit(folder.path(), "peers.yaml", |text| {
        text.replace("127.0.0.1:5311", "there")
            .replace("127.0.0.1:5321", "127.0.0.1:5311")
            .replace("there", "127.0.0.1:5321")
    });
    let ended = once(Some(folder.path()), &[]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    // central asks each of the two for the other's names; they ask themselves, which is a loop, or central, which is fine.
    for pair in ["central -> east", "central -> west", "east -> west", "west -> east"] {
        assert!(ended.stdout.contains(&format!("wrong: {pair} over UDP: ")), "{pair}:\n{}", ended.stdout);
        assert!(ended.stdout.contains(&format!("wrong: {pair} over TCP: ")), "{pair}:\n{}", ended.stdout);
    }
    assert!(ended.stdout.contains("4 of 12 answers are right"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_broken_file_of_the_demo_is_shown_with_its_place() {
    let folder = copy();
    edit(folder.path(), "west/interlocal.yaml", |text| text.replace("cluster_domain:", "cluster_domian:"));
    let ended = once(Some(folder.path()), &[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("west/interlocal.yaml:8:1: error: unknown key `cluster_domian`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("did you mean `cluster_domain`?"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_far_region_is_as_far_as_was_asked_for() {
    let ended = once(None, &["--delay", "east=80ms"]).await;
    assert_right(&ended);
    for (from, to, udp, _) in cells(&ended.stdout) {
        let took: f64 = udp.parse().unwrap();
        assert!(to != "east" || took >= 80.0, "{from} -> {to} in {took} ms");
    }
}

#[tokio::test]
async fn a_region_that_the_demo_does_not_have_is_answered_with_those_that_it_has() {
    let ended = once(None, &["--delay", "eats=80ms"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(ended.stderr, "error: no region `eats`; there are: central, east, west\n");
    let ended = once(None, &["--dark", "east"]).await;
    assert!(ended.stderr.contains("the argument '--once' cannot be used with '--dark <REGION>'"), "{}", ended.stderr);
}
