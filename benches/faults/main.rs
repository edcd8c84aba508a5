//! One row for each way in which the network between regions fails, or in which others ask too much: what must hold, measured on
//! real processes in a network namespace of their own. It exits with 1 when a row of interlocal is missed, and measures CoreDNS with the usual stanzas beside.

// What a row cannot do without ends it, with its words.
#![allow(clippy::unwrap_used)]
// Each row uses a part of what is here.
#![allow(dead_code)]
#![allow(unreachable_pub)]

#[cfg(target_os = "linux")]
mod coredns;
#[cfg(target_os = "linux")]
mod double;
#[cfg(target_os = "linux")]
mod interlocal_files;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod pages;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
#[path = "../../src/cli/demo/relay.rs"]
mod relay;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod rows;
#[cfg(target_os = "linux")]
mod samples;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;
#[cfg(target_os = "linux")]
mod world;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    // `cargo test --benches` wants to know that it runs, and no more.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let options = match options::Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if let Err(missing) = namespace::enter() {
        println!("SKIPPED faults: {missing}");
        return ExitCode::from(u8::from(std::env::var_os("INTERLOCAL_CI").is_some()));
    }
    let report = rows::run(&options);
    print!("\n{}", report.markdown());
    if let Some(path) = &options.json
        && let Err(error) = std::fs::write(path, report.json())
    {
        eprintln!("cannot write {}: {error}", path.display());
        return ExitCode::from(2);
    }
    ExitCode::from(u8::from(report.missed()))
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("network namespaces are Linux's: nothing is measured here");
}
