//! The group `machine`: what the machine or container lets an instance have. Linux tells it in /proc and /sys; elsewhere nothing is
//! known and nothing is said.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use super::report::{Line, Topic};
use super::subject::{Pages, Subject, sum};
use crate::app::memory;
use crate::config::{AdminListen, Config, Listen};
use crate::metrics::names;
use crate::server::bind::{self, BindError};
use crate::server::unix::UnixDoor;

/// Files, pipes and listeners beside sockets that the limits count.
const SPARE_FILES: u64 = 64;
/// What a zone of 10,000 Services and 150,000 endpoints takes.
const ZONE_BYTES: u64 = 64 << 20;
/// AWS drops what is more for one network interface.
const MOST_PACKETS: f64 = 1_024.0;
/// From here on a burst is too much.
const MANY_PACKETS: f64 = 700.0;

/// What the machine gives.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Machine {
    files: Option<u64>,
    memory: Option<u64>,
    /// Listeners that cannot be had.
    taken: Vec<(String, Option<String>)>,
    tried: bool,
    /// Packets a second to a VPC resolver.
    rate: Option<f64>,
}

pub fn gather(subject: &Subject) -> Machine {
    let config = &subject.config;
    let taken = if subject.pre { taken(config) } else { Vec::new() };
    Machine {
        files: files(&fs::read_to_string("/proc/self/limits").unwrap_or_default()),
        memory: memory::limit(Path::new("/")),
        taken,
        tried: subject.pre,
        rate: rate(&subject.pages),
    }
}

/// Is it the address of Amazon's resolver: link-local, or the second of a network?
pub fn is_vpc_resolver(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.octets() == [169, 254, 169, 253] || (ip.is_private() && ip.octets()[3] == 2),
        IpAddr::V6(ip) => ip.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253],
    }
}

/// The process that has this port, if that may be seen.
pub fn holder(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["tcp", "tcp6", "udp", "udp6"]
        .iter()
        .flat_map(|table| listeners(&fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default(), port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    for process in processes.filter(|it| it.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())) {
        let holds = |link: fs::DirEntry| {
            let target = fs::read_link(link.path()).unwrap_or_default().to_string_lossy().into_owned();
            inodes.iter().any(|inode| target == format!("socket:[{inode}]"))
        };
        if fs::read_dir(process.path().join("fd")).is_ok_and(|links| links.flatten().any(holds)) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (process {})", name.trim(), process.file_name().to_string_lossy()));
        }
    }
    None
}

/// Inodes of sockets of a table that listen on the port: state 0A of TCP, 07 of UDP.
fn listeners(table: &str, port: u16) -> Vec<String> {
    let wanted = format!(":{port:04X}");
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.filter(|fields| {
        fields.get(1).is_some_and(|local| local.ends_with(&wanted))
            && fields.get(3).is_some_and(|state| matches!(*state, "0A" | "07"))
    });
    found.filter_map(|fields| Some((*fields.get(9)?).to_owned())).collect()
}

/// The hard limit: `serve` raises the soft one to it.
fn files(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().nth(1)? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// Listeners that a new instance could not have now.
fn taken(config: &Config) -> Vec<(String, Option<String>)> {
    let (admin, socket) = match &config.listen.admin {
        Some(AdminListen::Tcp(listen)) => (Some(*listen), None),
        Some(AdminListen::Unix(path)) => (None, UnixDoor::bind(path).err()),
        None => (None, None),
    };
    let others = [config.listen.health, config.listen.ready, config.listen.metrics, admin];
    let doors = config.servers.iter().flat_map(|server| &server.listen).chain(&config.listen.peers);
    let doors = doors.map(|listen| (*listen, bind::bind(*listen, 1).map(drop)));
    let others = others.into_iter().flatten().map(|listen| (listen, bind::bind_tcp(listen).map(drop)));
    let failed = doors.chain(others).filter_map(|(listen, bound)| Some((listen, bound.err()?)));
    let failed = failed.map(|(listen, error): (Listen, BindError)| (error.to_string(), holder(listen.port())));
    failed.chain(socket.map(|error| (error.to_string(), None))).collect()
}

fn rate(pages: &Pages) -> Option<f64> {
    let name = names::UPSTREAM_QUERIES.name;
    let (before, after) = (sum(&pages.metrics, name)?, sum(pages.later.as_ref()?, name)?);
    Some(after - before)
}

pub fn judge(config: &Config, machine: &Machine) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (error, holder) in &machine.taken {
        let line = Line::problem(Topic::Port, error);
        let line = line.mend("end that process, or listen elsewhere (`listen`)");
        lines.push(match holder {
            Some(holder) => line.why(format!("the port is held by {holder}")),
            None => line,
        });
    }
    if machine.tried && machine.taken.is_empty() {
        lines.push(Line::fine("every port is free"));
    }
    if let Some(files) = machine.files {
        let needed = needed(config);
        if files < needed {
            let what = format!("{files} file descriptors, and the limits of the configuration allow for {needed}");
            let line = Line::warning(Topic::Files, what).why("each question that waits and each connection takes one");
            lines.push(line.mend(
                "raise the limit (`ulimit -Hn`, LimitNOFILE), or lower `limits.in_flight` and `limits.tcp_connections`",
            ));
        } else {
            lines.push(Line::fine("file descriptors for all that the limits allow"));
        }
    }
    let cache = config.cache_size() as u64;
    if let Some(memory) = machine.memory.filter(|memory| *memory < cache + ZONE_BYTES) {
        let what = format!("the memory limit is {} MiB", memory >> 20);
        let why = format!(
            "`cache.size` is {} MiB, and the zone of a large cluster takes {} MiB",
            cache >> 20,
            ZONE_BYTES >> 20
        );
        let line = Line::warning(Topic::Memory, what).why(why);
        lines.push(line.mend("raise the limit of the container, or lower `cache.size`"));
    }
    if let Some(rate) = machine.rate.filter(|rate| *rate >= MANY_PACKETS) {
        let what =
            format!("{rate:.0} questions a second go to the VPC's resolver, which takes {MOST_PACKETS:.0} packets");
        let line =
            if rate >= MOST_PACKETS { Line::problem(Topic::Rate, what) } else { Line::warning(Topic::Rate, what) };
        let why = "AWS drops more than that for each network interface, without a word (linklocal_allowance_exceeded)";
        lines.push(line.why(why).mend("raise `cache.size` and `cache.max_ttl`, or run more replicas on more nodes"));
    }
    lines
}

/// Questions that wait have a socket each, and every door has its connections.
fn needed(config: &Config) -> u64 {
    let limits = &config.limits;
    let doors = config.servers.iter().map(|server| server.listen.len()).sum::<usize>() + config.listen.peers.len();
    let tls = config.listen.peers_tls.as_ref().map_or(0, |tls| tls.listen.len());
    (limits.in_flight + (doors + tls) * limits.tcp_connections) as u64 + SPARE_FILES
}

#[cfg(test)]
mod tests {
    use super::super::report::Level;
    use super::*;

    #[test]
    fn limits_and_listeners_are_read() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n";
        assert_eq!(files(limits), Some(524_288));
        let table = "  sl  local_address rem_address   st\n   0: 0100007F:0035 00000000:0000 0A 0:0 0:0 0 0 0 4711 1\n   \
                     1: 0100007F:0035 0200007F:D000 01 0:0 0:0 0 0 0 4712 1\n";
        assert_eq!(listeners(table, 53), ["4711"]);
        assert!(listeners(table, 54).is_empty());
    }

    #[test]
    fn too_little_is_said_with_what_is_needed() {
        let machine = Machine { files: Some(1_024), memory: Some(64 << 20), rate: Some(1_500.0), ..Machine::default() };
        let levels: Vec<Level> = judge(&Config::default(), &machine).iter().map(|line| line.level).collect();
        assert_eq!(levels, [Level::Warning, Level::Warning, Level::Problem]);
        let machine = Machine { files: Some(1 << 20), memory: Some(512 << 20), rate: Some(10.0), ..Machine::default() };
        assert!(judge(&Config::default(), &machine).iter().all(|line| line.level == Level::Fine));
    }

    #[test]
    fn the_resolver_of_a_vpc_is_known_by_its_address() {
        let is = |text: &str| is_vpc_resolver(text.parse().expect("an address"));
        assert!(is("169.254.169.253") && is("10.0.0.2") && is("fd00:ec2::253"));
        assert!(!is("8.8.8.2") && !is("10.0.0.3") && !is("::1"));
    }

    #[test]
    fn who_has_a_port_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = socket.local_addr().expect("bound").port();
        if cfg!(target_os = "linux") {
            let holder = holder(port).expect("ourselves");
            assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        }
    }
}
