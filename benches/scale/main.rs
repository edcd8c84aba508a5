//! The program at the size of a large cluster: memory, the time to start, how soon a change is answered, and what a re-list
//! costs. Each is measured on the binary in a process of its own, beside CoreDNS if there is one, with one API server double.

#[cfg(target_os = "linux")]
mod api;
#[cfg(target_os = "linux")]
mod ask;
#[cfg(target_os = "linux")]
mod cluster;
#[cfg(target_os = "linux")]
mod rows;
#[cfg(target_os = "linux")]
mod subject;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    // `cargo test --benches` wants to know that it runs, and no more.
    let measured = std::env::args().any(|argument| argument == "--bench");
    rows::run(if measured { &rows::MEASURED } else { &rows::TRIED })
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("memory is read from Linux's /proc: nothing is measured here");
}
