//! `dig`, which operators will judge us by. A machine without it skips those checks aloud; under `INTERLOCAL_CI=1` a
//! missing tool is a failure, so that CI cannot pass by skipping.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Command;

/// Set by `.ci/run`: what a test needs is there, or the test fails.
const CI: &str = "INTERLOCAL_CI";

/// What `dig @server ARGS` prints, with one try of three seconds unless `args` say otherwise; none without `dig`.
/// A `dig` that ends with an error (no answer, for one) shows it in the text, as it does on a terminal.
pub async fn dig(test: &str, server: SocketAddr, args: &[&str]) -> Option<String> {
    let mut command = Command::new("dig");
    // -r: no ~/.digrc, so that everybody's dig prints the same.
    command.args(["-r", &format!("@{}", server.ip()), "-p", &server.port().to_string(), "+tries=1", "+time=3"]);
    command.args(args);
    run(test, "dig", command).await
}

/// Runs a tool that may be missing. It waits on a thread of its own: the server under test may live on ours.
pub async fn run(test: &str, tool: &str, mut command: Command) -> Option<String> {
    let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("the thread only waits");
    match ended {
        Ok(output) => {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            Some(text)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skip(test, tool);
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

/// Says that this test does nothing because a tool is missing; where it must not be missing, that is a failure.
pub fn skip(test: &str, tool: &str) {
    assert!(std::env::var_os(CI).is_none(), "{test} needs {tool}, and {CI} is set: install it");
    println!("SKIPPED {test}: needs {tool}");
}
