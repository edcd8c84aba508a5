//! The wall clock jumps an hour, as it does when a machine wakes up or its time is set: nothing expires by it, and nothing lives longer.
//! A shared object of a few lines, built here, stands between the program and the C library.

use std::fs;
use std::path::Path;
use std::process::Command;

use hickory_proto::rr::{RData, RecordType};

use super::hardship::Files;
use crate::support::client::Ask;
use crate::support::dig;
use crate::support::read::addresses;
use crate::support::secs;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;
use crate::support::{ip, yaml};

const HOUR: i64 = 3_600;

/// The shared object, unless there is no compiler for C.
async fn shim(test: &str, folder: &Path) -> Option<()> {
    fs::write(folder.join("jump.c"), include_str!("jump.c")).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o", "jump.so", "jump.c"]).current_dir(folder);
    let said = dig::run(test, "cc", compiler).await?;
    assert!(folder.join("jump.so").is_file(), "{said}");
    Some(())
}

async fn ask(files: &Files, name: &str, rtype: RecordType) -> hickory_proto::op::Message {
    Ask::new(name, rtype).patience(secs(20)).udp(files.at(0)).await
}

/// The lowest TTL of an answer, or of what stands in its place.
async fn ttl(files: &Files, name: &str) -> u32 {
    let reply = ask(files, name, RecordType::A).await;
    reply.answers.iter().chain(&reply.authorities).map(|record| record.ttl).min().expect("a record")
}

async fn serial(files: &Files) -> i64 {
    let reply = ask(files, "cluster.local", RecordType::SOA).await;
    let RData::SOA(soa) = &reply.answers[0].data else { panic!("{reply}") };
    i64::from(soa.serial)
}

/// The cluster changes: its serial is the time of that.
async fn change(files: &Files, address: &str) {
    let objects = [yaml::namespace("default"), yaml::service("default/web", &[address], &["http:80"])];
    fs::write(files.folder.path().join("objects.yaml"), yaml::join(&objects)).unwrap();
    let taken = eventually(secs(60), || async {
        let reply = ask(files, "web.default.svc.cluster.local", RecordType::A).await;
        addresses(&reply) == [ip(address)]
    });
    assert!(taken.await, "the cluster changes to {address}");
}

#[tokio::test]
async fn the_wall_clock_jumps_an_hour_and_no_ttl_changes() {
    let upstream = ScriptServer::start();
    drop(upstream.on("kept.example.com", RecordType::A).answer_a("192.0.2.1", 1_000));
    drop(upstream.on("gone.example.com", RecordType::A).nxdomain("example.com", 900));
    let forward = format!(
        "forward: [{{zone: ., to: [\"{}\"]}}]\npeers: {{file: \"\"}}\ncache: {{max_ttl: 1000s, max_negative_ttl: 900s}}",
        upstream.address()
    );
    let files = Files::new(&forward);
    let folder = files.folder.path();
    if shim("the_wall_clock_jumps_an_hour_and_no_ttl_changes", folder).await.is_none() {
        return;
    }
    fs::write(folder.join("jump"), "0").unwrap();
    let process = files.start("INTERLOCAL_JUMP=jump LD_PRELOAD=./jump.so exec \"$0\" \"$@\"");
    files.until_answers().await;
    let began = tokio::time::Instant::now();
    assert_eq!((ttl(&files, "kept.example.com").await, ttl(&files, "gone.example.com").await), (1_000, 900));
    change(&files, "10.96.0.2").await;
    let mut last = serial(&files).await;

    let mut compared = 0;
    for (number, jump) in [HOUR, -HOUR, 0, HOUR].into_iter().enumerate() {
        fs::write(folder.join("jump"), jump.to_string()).unwrap();
        change(&files, &format!("10.96.1.{number}")).await;
        let now = serial(&files).await;
        match number {
            0 => assert!(now - last >= HOUR, "it has not seen the clock jump: {last}, {now}"),
            _ => assert!(now >= last, "a serial goes back: {last}, {now}"),
        }
        last = now;
        for (name, whole) in [("kept.example.com", 1_000), ("gone.example.com", 900)] {
            let left = ttl(&files, name).await;
            let passed = began.elapsed().as_secs() as u32 + 1;
            assert!(
                left <= whole && left + passed >= whole,
                "{name}: {left} of {whole} left after {passed} s, jump {jump}"
            );
            assert_eq!(upstream.count(name, RecordType::A), 1, "{name} is asked for once, jump {jump}");
            compared += 1;
        }
        assert_eq!(ttl(&files, "web.default.svc.cluster.local").await, 5, "the cluster's own do not age");
    }
    assert_eq!(compared, 8);
    let (status, text) = crate::support::http::get(files.at(1), "/ready").await.unwrap();
    assert_eq!(status, 200, "{text}");
    assert!(!process.stderr().contains("panicked"), "{}", process.stderr());
}
