//! What the system says of this process, under the names that every Prometheus client library uses. Read from `/proc` at the
//! scrape; a system without it gives nothing.

use std::fs;

use super::names;
use super::sink::Sink;

/// Ticks a second in `/proc`, whatever the kernel's own clock is (USER_HZ, proc(5)).
const TICKS: f64 = 100.0;

/// Adds what can be read.
pub(super) fn report(sink: &mut Sink) {
    let read = |path: &str| fs::read_to_string(path).ok();
    if let Some(stat) = read("/proc/self/stat").as_deref().and_then(Stat::parse) {
        sink.total(names::PROCESS_CPU, &[], stat.cpu);
        if let Some(boot) = read("/proc/stat").as_deref().and_then(|text| number(text, "btime")) {
            sink.gauge(names::PROCESS_START, &[], boot + stat.started);
        }
        sink.gauge(names::PROCESS_VIRTUAL, &[], stat.virtual_bytes);
    }
    if let Some(resident) = read("/proc/self/status").as_deref().and_then(|text| number(text, "VmRSS:")) {
        sink.gauge(names::PROCESS_RESIDENT, &[], resident * 1_024.0);
    }
    if let Some(limits) = read("/proc/self/limits") {
        for (metric, row) in
            [(names::PROCESS_MAX_FDS, "Max open files"), (names::PROCESS_MAX_VIRTUAL, "Max address space")]
        {
            if let Some(limit) = soft_limit(&limits, row) {
                sink.gauge(metric, &[], limit);
            }
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is the folder itself, for as long as it is counted.
        sink.gauge(names::PROCESS_FDS, &[], open.count().saturating_sub(1) as f64);
    }
    if let Some((received, sent)) = read("/proc/self/net/netstat").as_deref().and_then(octets) {
        sink.total(names::PROCESS_RECEIVED, &[], received);
        sink.total(names::PROCESS_SENT, &[], sent);
    }
}

/// What of `/proc/self/stat` counts, in seconds and octets.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu: f64,
    /// Since the system started.
    started: f64,
    virtual_bytes: f64,
}

impl Stat {
    /// The name of the program may have blanks and brackets in it; what counts is behind its last bracket, from field 3 on.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let cpu = (field(14)? + field(15)?) / TICKS;
        Some(Self { cpu, started: field(22)? / TICKS, virtual_bytes: field(23)? })
    }
}

/// The number behind a word at the start of a line.
fn number(text: &str, word: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(word))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The soft limit of a row; one without end is the largest number there is, as Go's client says it.
fn soft_limit(text: &str, row: &str) -> Option<f64> {
    let limit = text.lines().find_map(|line| line.strip_prefix(row))?.split_whitespace().next()?;
    if limit == "unlimited" { Some(u64::MAX as f64) } else { limit.parse().ok() }
}

/// Octets received and sent: two lines of the network's counters, the first with their names.
fn octets(text: &str) -> Option<(f64, f64)> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("IpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let of = |name: &str| {
        let at = names.split_whitespace().position(|found| found == name)?;
        values.split_whitespace().nth(at)?.parse().ok()
    };
    Some((of("InOctets")?, of("OutOctets")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_found() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9 0 12345 4096 77 18446744073709551615";
        assert_eq!(Stat::parse(stat), Some(Stat { cpu: 3.0, started: 123.45, virtual_bytes: 4_096.0 }));
        assert_eq!((Stat::parse("7 (a"), Stat::parse("7 (a) S")), (None, None));
        assert_eq!(number("x 1\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12.0));
        assert_eq!(soft_limit("Max open files   1024   4096   files\n", "Max open files"), Some(1_024.0));
        assert_eq!(
            soft_limit("Max address space  unlimited  unlimited  bytes", "Max address space"),
            Some(u64::MAX as f64)
        );
        let netstat = "TcpExt: A\nTcpExt: 1\nIpExt: A InOctets OutOctets\nIpExt: 5 6 7\n";
        assert_eq!((octets(netstat), octets("IpExt: InOctets\n")), (Some((6.0, 7.0)), None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_there() {
        let mut sink = Sink::new(false);
        report(&mut sink);
        let text = sink.encode();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse::<f64>().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1e6 && value("process_open_fds") >= 3.0);
        assert!(value("process_start_time_seconds") > 1.6e9 && value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_max_fds") >= 3.0 && value("process_virtual_memory_bytes") > 1e6);
    }
}
