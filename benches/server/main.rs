//! One whole server with one UDP worker over loopback, beside an echo server on the same loop: what an answer costs more than
//! the kernel charges for its two datagrams. In shuffled rounds, because a machine's speed drifts; only ratios mean anything.

#[cfg(target_os = "linux")]
mod rounds;
#[cfg(target_os = "linux")]
mod subject;
#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
fn main() {
    // `cargo test --benches` wants to know that it runs, and no more.
    let measured = std::env::args().any(|argument| argument == "--bench");
    rounds::run(if measured { rounds::MEASURED } else { rounds::TRIED });
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("batches of datagrams are Linux's: nothing is measured here");
}
