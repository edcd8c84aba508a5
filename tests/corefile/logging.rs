//! `log`: the same Corefile writes the same lines as a CoreDNS, for the same questions of the same block.

use std::net::SocketAddr;

use hickory_proto::rr::RecordType;

use crate::setup::Folder;
use crate::support::client::Ask;
use crate::support::coredns::CoreDns;
use crate::support::ports::free_block;
use crate::support::process::Process;
use crate::support::secs;
use crate::support::server::ScriptServer;
use crate::support::wait::eventually;

/// What AA, RA and sizes of replies are is each server's own affair, and so is the time.
const FORMAT: &str =
    "{proto} {remote} Request: {name} {type} {class} {>id} {>opcode} {rcode} {>do} {>bufsize} {size} {nothing} {";

fn corefile(port: u16, upstream: SocketAddr) -> String {
    let head = format!("bind 127.0.0.1\n    forward . {upstream}");
    format!(
        ".:{port} {{\n    {head}\n    log gone.example www.example \"{FORMAT}\" {{\n        class denial\n        class success\n    }}\n    \
         log example \"second {{name}}\"\n}}\nquiet.example:{port} {{\n    {head}\n}}\nloud.example:{port} {{\n    {head}\n    \
         log . \"{{name}} {{combined}}\" {{\n        class error\n    }}\n}}\n"
    )
}

/// Without what {common} has that differs.
fn shape(line: &str) -> String {
    match line.split_once("[INFO] bad.loud.example. 127.0.0.1:") {
        Some((_, rest)) => {
            let (question, answer) = rest.split_once("\" ").unwrap();
            let (_, question) = question.split_once(" - ").unwrap();
            let words: Vec<&str> = answer.split(' ').collect();
            format!("bad {question} {} {}", words[0], words[4])
        }
        None => line.to_owned(),
    }
}

#[tokio::test]
async fn the_log_of_a_corefile_is_that_of_coredns() {
    let upstream = ScriptServer::start();
    drop(upstream.on_zone("example").nxdomain("example", 30));
    drop(upstream.on_name("bad.loud.example").rcode(hickory_proto::op::ResponseCode::Refused));
    drop(upstream.on_name("bad.www.example").rcode(hickory_proto::op::ResponseCode::Refused));
    drop(upstream.on("www.example", RecordType::A).answer_a("192.0.2.1", 30));
    let (their_port, our_port) = (free_block(1), free_block(1));
    let their_file = corefile(their_port, upstream.address());
    let Some(theirs) = CoreDns::start_with("the_log_of_a_corefile_is_that_of_coredns", their_port, &their_file) else {
        return;
    };
    let folder = Folder::new(&corefile(our_port, upstream.address()));
    let ours = Process::start(&folder.path(""), &["serve", "--corefile", "Corefile"]);
    let dns = SocketAddr::from(([127, 0, 0, 1], our_port));
    let first = || Ask::new("first.quiet.example", RecordType::A).patience(secs(1));
    let up = eventually(secs(60), || async {
        first().try_tcp(dns).await.is_some() && first().try_tcp(theirs.address()).await.is_some()
    });
    assert!(up.await, "{}\n{}", ours.stderr(), theirs.log());
    let ask = |name: &str| Ask::new(name, RecordType::A).patience(secs(20));
    let questions = [
        ask("WWW.example").id(7),
        ask("x.gone.example").id(8).edns(4_096).dnssec_ok(),
        ask("x.www.example").id(9).no_edns(),
        // Of a class that the first row does not log, and the second is not asked.
        ask("bad.www.example").id(10),
        ask("other.example").id(11),
        ask("x.quiet.example").id(12),
        ask("x.loud.example").id(13),
        ask("bad.loud.example").id(14),
        ask("elsewhere.test").id(15),
        ask("last.example").id(16),
    ];
    for server in [dns, theirs.address()] {
        for question in &questions {
            question.udp(server).await;
        }
        Ask::new("www.example", RecordType::A).id(17).patience(secs(20)).tcp(server).await;
    }
    let lines = |text: String| -> Vec<String> {
        let marks = ["Request: ", "[INFO] second ", "[INFO] bad.loud"];
        let logged = text.lines().filter(|line| marks.iter().any(|mark| line.contains(mark)));
        logged.map(shape).collect()
    };
    let there = eventually(secs(30), || async { lines(ours.stdout()).len() >= 7 && lines(theirs.log()).len() >= 7 });
    assert!(there.await, "{}\n{}", ours.stdout(), theirs.log());
    assert_eq!(lines(ours.stdout()), lines(theirs.log()));
    assert_eq!((lines(ours.stdout()).len(), ours.stdout().lines().count()), (7, 7), "{}", ours.stdout());
}
