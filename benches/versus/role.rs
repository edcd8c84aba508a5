//! What else runs as a process of its own: this program again, as the echo server, the upstream, the API server or hickory's server.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};

use crate::api::{self, Amount};
use crate::peers::hickory;
use crate::support::echo;
use crate::support::upstream::Upstream;

/// The first argument of such a process.
const WORD: &str = "--as";

pub fn command(role: &str, arguments: &[String]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(WORD).arg(role).args(arguments);
    Ok(command)
}

/// Plays the role that the arguments name, for ever; false if they name none.
pub fn play(arguments: &[String]) -> anyhow::Result<bool> {
    let [word, role, address, rest @ ..] = arguments else { return Ok(false) };
    if word != WORD {
        return Ok(false);
    }
    let address: SocketAddr = address.parse()?;
    match &**role {
        "echo" => echo::serve(&echo::bind(address)?, &AtomicBool::new(false)),
        "upstream" => {
            let (upstream, listener) = (Upstream::new(), TcpListener::bind(address)?);
            let own = Arc::clone(&upstream);
            std::thread::spawn(move || own.serve_tcp(&listener));
            upstream.serve_udp(&UdpSocket::bind(address)?)?;
        }
        "hickory" => runtime()?.block_on(hickory::serve(address))?,
        "api" => {
            let amount = rest.first().and_then(|word| Amount::parse(word)).context("how much is there?")?;
            runtime()?.block_on(api::serve(address, amount));
        }
        _ => bail!("{role} is no role"),
    }
    Ok(true)
}

/// One thread: they have one core.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}
