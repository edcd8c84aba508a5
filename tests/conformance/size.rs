//! How large a reply may be, and what is left out of one that is larger.

use hickory_proto::rr::RecordType;

use crate::support::lab::{Lab, MANY, NOERROR, Way, ask, lab, lab_with};
use crate::support::raw::{A, ANY, Raw, Reply};
use crate::support::read::addresses;
use crate::support::yaml;

const LARGE: &str = "many.default.svc.cluster.local";
/// Endpoints whose answer is longer than a TCP message can be: 16 octets each.
const HUGE: usize = 5_000;

/// Every record is whole: hickory reads the message, and the counts are what it finds.
fn is_whole(reply: &Reply) {
    let [_, answers, authorities, additionals] = reply.counts().map(usize::from);
    let message = &reply.message;
    assert_eq!(message.answers.len(), answers);
    assert_eq!(message.authorities.len(), authorities);
    assert_eq!(message.additionals.len() + usize::from(reply.has_opt()), additionals);
}

/// Asks over UDP on both families and over TCP on both; `most` octets over UDP.
async fn is_cut(lab: &Lab, query: &Raw, most: usize, all: usize) {
    for way in lab.ways() {
        let reply = ask(way, query).await;
        assert_eq!(reply.rcode(), NOERROR);
        is_whole(&reply);
        if let Way::Tcp(_) = way {
            assert_eq!((reply.tc(), reply.answers()), (false, all), "{way:?}");
        } else {
            assert!(reply.tc() && reply.bytes.len() <= most, "{way:?}: {} octets", reply.bytes.len());
            assert!(reply.answers() < all && reply.answers() > 0, "{way:?}: {}", reply.answers());
        }
    }
}

/// RFC 1035 4.2.1, RFC 6891 6.2.3, DNS flag day 2020
#[tokio::test]
async fn udp_replies_keep_to_what_the_asker_takes() {
    let lab = lab().await;
    is_cut(&lab, &Raw::new(LARGE, A), 512, MANY).await;
    for (asked, most) in
        [(0, 512), (1, 512), (511, 512), (512, 512), (700, 700), (1_232, 1_232), (4_096, 1_232), (65_535, 1_232)]
    {
        is_cut(&lab, &Raw::new(LARGE, A).edns(asked), most, MANY).await;
    }
}

#[tokio::test]
async fn forwarded_answers_are_cut_for_each_asker_and_kept_whole() {
    // One try for each fetch: what is counted is fetches.
    let lab = lab_with(|region| region.key("limits", "{forward_tries: 1}")).await;
    let rule = lab.upstream.on("large.example.com", RecordType::A);
    drop((0..60).fold(rule, |rule, number| rule.answer_a(&format!("192.0.2.{number}"), 300)).ignore_size());
    let question = Raw::new("large.example.com", A).rd();
    is_cut(&lab, &question, 512, 60).await;
    is_cut(&lab, &question.clone().edns(600), 600, 60).await;
    let whole = lab.ask(&question.clone().edns(1_232)).await;
    assert_eq!((whole.tc(), whole.answers()), (false, 60));
    assert_eq!(lab.upstream.count("large.example.com", RecordType::A), 1, "the whole is in memory");
}

/// RFC 2181 9: additional records may be left out without a word.
#[tokio::test]
async fn glue_is_left_out_without_tc() {
    let targets: Vec<String> =
        (1..=9).map(|number| format!("10.8.4.{number}=pod-with-a-rather-long-name-{number}")).collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    let more = yaml::join(&[
        yaml::headless("default/long", &["http:80"]),
        yaml::slice("default/long", &targets, &["http:80"]),
    ]);
    let lab = lab_with(|region| region.file("manifests/more.yaml", &more)).await;
    let question = Raw::new("_http._tcp.long.default.svc.cluster.local", 33);
    for way in lab.ways() {
        let (small, large) =
            (ask(way, &question.clone().edns(900)).await, ask(way, &question.clone().edns(1_232)).await);
        is_whole(&small);
        assert_eq!((small.answers(), large.answers()), (9, 9), "{way:?}");
        assert!(!small.tc() && !large.tc(), "{way:?}");
        if let Way::Udp(_) = way {
            assert!(small.message.additionals.len() < 9, "{way:?}: {}", small.bytes.len());
            assert!(small.bytes.len() <= 900);
        }
    }
}

/// Two octets say how long a message is over TCP: what does not fit there is cut as well.
#[tokio::test]
async fn an_answer_longer_than_a_message_is_cut_over_tcp_too() {
    let endpoints: Vec<String> = (0..HUGE).map(|number| format!("10.9.{}.{}", number / 250, number % 250)).collect();
    let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
    let huge = yaml::join(&[
        yaml::headless("default/huge", &["http:80"]),
        yaml::slice("default/huge", &endpoints, &["http:80"]),
    ]);
    let lab = lab_with(|region| region.file("manifests/huge.yaml", &huge)).await;
    for question in
        [Raw::new("huge.default.svc.cluster.local", A), Raw::new("huge.default.svc.cluster.local", A).edns(1_232)]
    {
        for way in lab.ways() {
            let reply = ask(way, &question).await;
            assert!(reply.tc() && reply.rcode() == NOERROR, "{way:?}");
            is_whole(&reply);
            if let Way::Tcp(_) = way {
                assert!(reply.bytes.len() > 60_000, "{way:?}: {}", reply.bytes.len());
                assert_eq!(addresses(&reply.message).len(), reply.answers());
            }
        }
    }
    let srv = Raw::new("_http._tcp.huge.default.svc.cluster.local", 33);
    for way in lab.ways() {
        let reply = ask(way, &srv).await;
        assert!(reply.tc(), "{way:?}");
        is_whole(&reply);
    }
}

/// RFC 8482 4: ANY is not a way to make others large.
#[tokio::test]
async fn any_of_a_large_name_is_no_amplifier() {
    let lab = lab().await;
    for query in [Raw::new(LARGE, ANY), Raw::new(LARGE, ANY).edns(4_096)] {
        let reply = lab.ask(&query).await;
        assert!(reply.bytes.len() <= 512, "{} octets", reply.bytes.len());
    }
}
