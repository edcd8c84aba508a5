//! `interlocal serve`: one instance, until SIGTERM or Ctrl-C.

use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{descriptors, files};
use crate::app::{App, Input};
use crate::config::Overrides;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    sources: files::Sources,
    /// Listen here and nowhere else, but for what the file names; may be repeated [env: INTERLOCAL_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Vec<String>>,
    /// Where other regions ask, in place of what the file says; may be repeated [env: INTERLOCAL_LISTEN_PEERS]
    #[arg(long, value_name = "ADDRESS")]
    listen_peers: Option<Vec<String>>,
    /// Where the tools ask, in place of what the file says; a Corefile says nothing of it [env: INTERLOCAL_LISTEN_ADMIN]
    #[arg(long, value_name = "ADDRESS")]
    listen_admin: Option<String>,
    /// UDP threads for each address, or `auto` [env: INTERLOCAL_WORKERS]
    #[arg(long, value_name = "NUMBER")]
    workers: Option<String>,
    /// Receive and send datagrams one by one, as systems other than Linux do [env: INTERLOCAL_PLAIN_SOCKETS]
    #[arg(long)]
    plain_sockets: bool,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let overrides = args.sources.overrides(Overrides {
        listen: args.listen,
        listen_peers: args.listen_peers,
        listen_admin: args.listen_admin,
        workers: args.workers,
        plain_sockets: args.plain_sockets,
        ..Overrides::default()
    });
    let loaded = args.sources.read(&overrides)?;
    let log = files::start_log(&loaded.config.log)?;
    descriptors::raise();
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        let input = Input {
            config: loaded.config,
            file: loaded.file,
            kind: loaded.kind,
            overrides,
            log: Some(log),
            adjust: None,
        };
        let app = App::start(input)?;
        while let Told::Reload = signals.next().await {
            app.reload();
        }
        tokio::select! {
            () = app.shutdown() => Ok(ExitCode::SUCCESS),
            () = signals.stop() => {
                tracing::warn!("told twice to stop, stopping now");
                Ok(ExitCode::from(super::FOUND))
            }
        }
    })
}

enum Told {
    Reload,
    Stop,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }

    async fn stop(&mut self) {
        while !matches!(self.next().await, Told::Stop) {}
    }
}
