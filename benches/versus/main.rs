//! interlocal measured against everybody else, with one command: every server with the same names on one core, the same load on
//! another one, an echo server beside every row, and only ratios that mean anything. It writes tables, and draws them.

#[cfg(target_os = "linux")]
mod api;
// The tests' own: here it only serves.
#[cfg(target_os = "linux")]
#[allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/kube/double/mod.rs"]
mod double;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod results;
#[cfg(target_os = "linux")]
mod role;
#[cfg(target_os = "linux")]
mod rounds;
#[cfg(target_os = "linux")]
mod session;
#[cfg(target_os = "linux")]
mod stats;
#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if role::play(&arguments)? {
        return Ok(());
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        eprintln!("it measures under `cargo bench` only");
        return Ok(());
    }
    let options = options::Options::parse(arguments.into_iter()).map_err(anyhow::Error::msg)?;
    let results = session::run(&options)?;
    report::write(&results, &options)
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("cores, batches and schedules are Linux's: nothing is measured here");
}
