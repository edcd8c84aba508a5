//! Instructions of one answer from memory, on each of the ways that most questions take, counted by callgrind and held against the
//! budgets of `budgets.txt`. Counts do not depend on what else the machine does, so they can fail a build; what an answer
//! costs in time is measured by `server` and `versus`.

#[cfg(target_os = "linux")]
mod callgrind;
#[cfg(target_os = "linux")]
mod paths;
#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;

/// The argument of the process under callgrind.
#[cfg(target_os = "linux")]
const COUNTED: &str = "--counted";

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<std::process::ExitCode> {
    let is = |word: &str| std::env::args().any(|argument| argument == word);
    if is(COUNTED) {
        paths::walk()?;
        return Ok(std::process::ExitCode::SUCCESS);
    }
    if !is("--bench") {
        eprintln!("it counts under `cargo bench` only");
        return Ok(std::process::ExitCode::SUCCESS);
    }
    callgrind::check(&paths::names())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("callgrind is Linux's: nothing is counted here");
}
