//! What the kernel tells of a process that we started: memory, descriptors, time on a core. It only reads, but for the limit that a
//! process starts with.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// The program, with at most so many file descriptors. The hard limit too, or it would help itself.
pub fn limited(program: &OsStr, descriptors: Option<u32>) -> Command {
    let Some(most) = descriptors else { return Command::new(program) };
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")]).arg(program);
    command
}

/// Resident memory in MB.
pub fn memory(id: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    let kibi: f64 = line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0.0);
    kibi / 1024.0
}

pub fn descriptors(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count)
}

/// Time on a core so far, of all its threads.
pub fn on_core(id: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{id}/task")) else { return Duration::ZERO };
    let times = tasks.flatten().filter_map(|task| crate::support::schedstat::of_task(&task.path()));
    times.map(|times| times.on_core).sum()
}

/// Datagrams that the kernel dropped because a socket of our namespace with this port was full.
pub fn dropped(port: u16) -> u64 {
    let text = fs::read_to_string("/proc/self/net/udp").unwrap_or_default();
    let local = format!(":{port:04X}");
    let of_port = text.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(|at| at.ends_with(&local)));
    of_port.filter_map(|line| line.split_whitespace().next_back()?.parse::<u64>().ok()).sum()
}
