//! A network of our own: this process starts itself again in a new network namespace, where all of 127.0.0.0/8 and every port
//! is free, and where addresses can be made to swallow what is sent to them, SYN included. It touches nothing outside.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// Set in the second process.
const INSIDE: &str = "INTERLOCAL_FAULTS_INSIDE";

const RULES: &str = "table inet faults {
  set dark { type ipv4_addr; }
  set tried { type inet_service; flags dynamic; size 65535; }
  chain input {
    type filter hook input priority 0; policy accept;
    ip daddr @dark tcp flags & (syn|ack) == syn add @tried { tcp sport } drop
    ip daddr @dark drop
    ip saddr @dark drop
  }
}
";

/// Comes back only inside; the words say what is missing.
pub fn enter() -> Result<(), String> {
    if std::env::var_os(INSIDE).is_some() {
        run("ip", &["link", "set", "lo", "up"], None)?;
        run("nft", &["-f", "-"], Some(RULES))?;
        return Ok(());
    }
    // Without root a user namespace gives the right to make it.
    let ways = [vec!["-n"], vec!["-r", "-n"]];
    let usable = ways.iter().find(|way| {
        let mut probe = Command::new("unshare");
        probe.args(*way).args(["nft", "list", "ruleset"]).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    });
    let way = usable.ok_or("needs unshare, ip and nft, and the right to make a network namespace")?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let error = Command::new("unshare").args(way).arg(program).args(std::env::args().skip(1)).env(INSIDE, "1").exec();
    Err(format!("cannot start unshare: {error}"))
}

/// From now on this address swallows everything; what it sends is swallowed too. Forgets what was tried before.
pub fn darken(address: &str) {
    must("nft", &["flush", "set", "inet", "faults", "tried"]);
    must("nft", &["add", "element", "inet", "faults", "dark", &format!("{{ {address} }}")]);
}

pub fn lighten(address: &str) {
    must("nft", &["delete", "element", "inet", "faults", "dark", &format!("{{ {address} }}")]);
}

/// After a row that failed half way.
pub fn lighten_all() {
    must("nft", &["flush", "set", "inet", "faults", "dark"]);
}

/// TCP connections that were tried at dark addresses since the last one became dark, each once however often its SYN was sent.
pub fn tried() -> usize {
    let text = must("nft", &["list", "set", "inet", "faults", "tried"]);
    let Some((_, elements)) = text.split_once("elements = {") else { return 0 };
    elements.split('}').next().map_or(0, |listed| listed.split(',').count())
}

/// Open TCP connections to an address of the namespace, counted at the side that made them.
pub fn connections_to(address: SocketAddr) -> usize {
    let IpAddr::V4(ip) = address.ip() else { return 0 };
    // As the kernel writes it: the octets of the address as a number of this machine, in hexadecimal, and the port.
    let remote = format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port());
    let text = std::fs::read_to_string("/proc/self/net/tcp").unwrap_or_default();
    let open = text.lines().filter(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(2) == Some(&remote.as_str()) && fields.get(3) == Some(&"01")
    });
    open.count()
}

fn must(tool: &str, arguments: &[&str]) -> String {
    run(tool, arguments, None).unwrap_or_else(|error| panic!("{error}"))
}

fn run(tool: &str, arguments: &[&str], input: Option<&str>) -> Result<String, String> {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("needs {tool}: {error}"))?;
    if let (Some(mut stdin), Some(text)) = (child.stdin.take(), input) {
        stdin.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{tool} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
