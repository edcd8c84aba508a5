//! Which answers get a line, what it says, and that too many of them cost nobody anything but lines.

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::config::querylog::LogTemplate;

const ALL: [QueryClass; 3] = [QueryClass::Success, QueryClass::Denial, QueryClass::Error];
const FROM: &str = "10.1.2.3:4567";
const TOOK: Duration = Duration::from_micros(1_500);

/// A question for the A records of these labels, with an OPT record for 1232 octets and DO.
fn question(labels: &[&[u8]]) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in labels {
        message.push(label.len() as u8);
        message.extend_from_slice(label);
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
    message
}

/// The head of a reply with so many answers and authorities, QR, AA, RD and RA.
fn reply(rcode: u8, answers: u8, authorities: u8) -> Vec<u8> {
    vec![0x12, 0x34, 0x85, 0x80 | rcode, 0, 1, 0, answers, 0, authorities, 0, 0]
}

/// Sends what is written as a text, and waits for a word before each write.
struct Gate {
    words: Receiver<()>,
    texts: Sender<String>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // That it is here.
        let _ = self.texts.send(String::new());
        let _ = self.words.recv();
        let _ = self.texts.send(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct World {
    log: Option<Arc<QueryLog>>,
    registry: Arc<Registry>,
    /// None: it may write at once.
    words: Option<Sender<()>>,
    texts: Receiver<String>,
}

fn world(classes: &[QueryClass], format: QueryLogFormat, sample: usize, limits: (usize, usize), held: bool) -> World {
    let log = QueryLogConfig { classes: classes.iter().copied().collect(), format, sample };
    let wanted = Wanted { servers: Vec::new(), rest: Some(Row::of(&log, &Scope::default())) };
    start(wanted, limits, held)
}

fn start(wanted: Wanted, limits: (usize, usize), held: bool) -> World {
    let registry = Registry::new("1", false);
    let (words, gate) = channel();
    let (texts, read) = channel();
    let out = Gate { words: gate, texts };
    let log = QueryLogs::new(&registry).start(wanted, limits, out).unwrap();
    World { log: Some(log), registry, words: held.then_some(words), texts: read }
}

impl World {
    fn say(&self, message: &[u8], reply: &[u8], rcode: Rcode, second: u64) {
        self.say_at(Door::Pods { server: 0 }, message, reply, rcode, second);
    }

    fn say_at(&self, door: Door, message: &[u8], reply: &[u8], rcode: Rcode, second: u64) {
        let log = self.log.as_ref().unwrap();
        let now = log.started + Duration::from_secs(second);
        let came = Came { door, from: FROM.parse().unwrap(), transport: Transport::Udp };
        if let Some(entry) = log.entry(came, message, reply, rcode, now) {
            log.put(entry, TOOK);
        }
    }

    /// All that was written, once nobody can say more.
    fn read(mut self) -> String {
        self.log = None;
        self.words = None;
        self.texts.iter().collect()
    }

    fn dropped(&self, reason: &str) -> Option<u64> {
        let (text, start) =
            (self.registry.encode(), format!("interlocal_query_log_dropped_total{{reason=\"{reason}\"}} "));
        text.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok())
    }
}

#[test]
fn a_line_is_as_corednss() {
    let world = world(&ALL, QueryLogFormat::CoreDns, 1, (9, 9), false);
    world.say(&question(&[b"WEB", b"shop"]), &reply(0, 1, 0), Rcode::NOERROR, 0);
    let expected =
        "[INFO] 10.1.2.3:4567 - 4660 \"A IN web.shop. udp 37 true 1232\" NOERROR qr,aa,rd,ra 12 0.001500000s\n";
    assert_eq!(world.read(), expected);
}

#[test]
fn what_the_network_sent_is_escaped() {
    let name = question(&[b"a\n\"\\\x1b[31m", b"\xff"]);
    let plain = world(&ALL, QueryLogFormat::CoreDns, 1, (9, 9), false);
    plain.say(&name, &reply(3, 0, 1), Rcode::NXDOMAIN, 0);
    let text = plain.read();
    assert!(text.contains(" a\\010\\\"\\\\\\027[31m.\\255. ") && text.lines().count() == 1, "{text}");
    let json = world(&ALL, QueryLogFormat::Json, 1, (9, 9), false);
    json.say(&name, &reply(3, 0, 1), Rcode::NXDOMAIN, 0);
    let text = json.read();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["name"], "a\\010\\\"\\\\\\027[31m.\\255.");
    assert_eq!(
        (&read["rcode"], &read["remote"], &read["port"]),
        (&"NXDOMAIN".into(), &"10.1.2.3".into(), &4_567.into())
    );
    assert_eq!((read["duration"].as_f64(), &read["do"], text.lines().count()), (Some(0.0015), &true.into(), 1));
}

#[test]
fn classes_are_corednss() {
    let of = |rcode, answers, authorities| class(Rcode(rcode), &reply(0, answers, authorities));
    assert_eq!([of(0, 1, 0), of(0, 0, 0)], [QueryClass::Success; 2]);
    assert_eq!([of(0, 0, 1), of(3, 0, 1), of(3, 1, 1)], [QueryClass::Denial; 3]);
    assert_eq!([of(2, 0, 0), of(5, 0, 0), of(16, 0, 0)], [QueryClass::Error; 3]);
    let world = world(&[QueryClass::Denial], QueryLogFormat::CoreDns, 1, (9, 9), false);
    for (rcode, reply) in
        [(Rcode::NOERROR, reply(0, 1, 0)), (Rcode::NXDOMAIN, reply(3, 0, 1)), (Rcode::SERVFAIL, reply(2, 0, 0))]
    {
        world.say(&question(&[b"x"]), &reply, rcode, 0);
    }
    let text = world.read();
    assert!(text.contains("NXDOMAIN") && text.lines().count() == 1, "{text}");
}

#[test]
fn one_of_so_many_is_logged_and_no_more_than_so_many_a_second() {
    let sampled = world(&ALL, QueryLogFormat::CoreDns, 3, (99, 99), false);
    (0..10).for_each(|_| sampled.say(&question(&[b"x"]), &reply(0, 1, 0), Rcode::NOERROR, 0));
    assert_eq!(sampled.read().lines().count(), 4);
    let bounded = world(&ALL, QueryLogFormat::CoreDns, 1, (2, 99), false);
    for second in [0, 0, 0, 0, 1, 7, 7, 7] {
        bounded.say(&question(&[b"x"]), &reply(0, 1, 0), Rcode::NOERROR, second);
    }
    assert_eq!(bounded.dropped("rate"), Some(3));
    assert_eq!(bounded.read().lines().count(), 5);
}

#[test]
fn a_reader_that_does_not_read_costs_lines_and_no_time() {
    let world = world(&ALL, QueryLogFormat::CoreDns, 1, (1_000, 3), true);
    let say = || world.say(&question(&[b"x"]), &reply(0, 1, 0), Rcode::NOERROR, 0);
    say();
    world.texts.recv().unwrap();
    (0..99).for_each(|_| say());
    assert_eq!(world.dropped("queue"), Some(96), "one is being written, three wait");
    assert!(!world.log.as_ref().unwrap().is_written());
    assert_eq!(world.read().lines().count(), 4);
}

#[test]
fn the_same_configuration_goes_on_with_the_same_log() {
    let logs = QueryLogs::new(&Registry::new("1", false));
    let with = |sample, lines| {
        let mut config = Config::default();
        config.log.queries =
            Some(QueryLogConfig { classes: [QueryClass::Error].into(), format: QueryLogFormat::Json, sample });
        config.limits.query_log_lines = lines;
        config
    };
    let first = logs.of(&with(1, 9), None).unwrap();
    assert!(Arc::ptr_eq(&first, &logs.of(&with(1, 9), Some(&first)).unwrap()));
    assert!(!Arc::ptr_eq(&first, &logs.of(&with(2, 9), Some(&first)).unwrap()));
    assert!(!Arc::ptr_eq(&first, &logs.of(&with(1, 1), Some(&first)).unwrap()));
    assert!(logs.of(&Config::default(), Some(&first)).is_none());
}

#[test]
fn each_server_has_its_own_rows_and_the_first_that_is_for_a_name_decides() {
    let row = |zones: &[&str], except: &[&str], line: &str| {
        let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let format = QueryLogFormat::Template(LogTemplate::parse(line).unwrap());
        let log = QueryLogConfig { classes: ALL.into(), format, sample: 1 };
        Row::of(&log, &Scope { zones: names(zones), except: names(except) })
    };
    let servers = vec![vec![row(&["a"], &["b.a"], "first {name}"), row(&[], &["b.a"], "second {name}")], Vec::new()];
    let world = start(Wanted { servers, rest: Some(row(&[], &[], "rest {name} {>opcode}")) }, (99, 99), false);
    for (server, labels) in [(0, &[b"x", b"a"][..]), (0, &[b"x", b"c"]), (0, &[b"b", b"a"]), (1, &[b"x", b"a"])] {
        let labels: Vec<&[u8]> = labels.iter().map(|label| &label[..]).collect();
        world.say_at(Door::Pods { server }, &question(&labels), &reply(0, 1, 0), Rcode::NOERROR, 0);
    }
    world.say_at(Door::Peers, &question(&[b"p"]), &reply(0, 1, 0), Rcode::NOERROR, 0);
    let lines = ["first x.a.", "second x.c.", "rest x.a. 0", "rest p. 0"].map(|line| format!("[INFO] {line}\n"));
    assert_eq!(world.read(), lines.concat());
}
