//! Asks a running instance: one page of its admin listener, over HTTP on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An instance that hangs must not make its tools hang.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A table has 256 regions at most.
const MAX_PAGE: usize = 64 << 20;

/// Which instance.
#[derive(clap::Args)]
pub struct Instance {
    /// The instance's `listen.admin`
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9154")]
    admin: SocketAddr,
}

impl Instance {
    /// The one at this address.
    pub fn at(admin: SocketAddr) -> Self {
        Self { admin }
    }

    /// The text of a page.
    ///
    /// # Errors
    /// If nobody answers there, or not with such a page.
    pub fn get(&self, path: &str) -> anyhow::Result<String> {
        let (status, text) = self.page(path)?;
        ensure!(status == 200, "http://{}{path} has HTTP status {status}", self.admin);
        Ok(text)
    }

    /// A page with its status, whatever that is: `/ready` has words for people when it is not 200.
    ///
    /// # Errors
    /// If nobody answers there.
    pub fn page(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
        let asked = runtime.block_on(async { timeout(TIMEOUT, get(self.admin, path)).await });
        let page = asked.unwrap_or_else(|_| bail!("no answer within {} s", TIMEOUT.as_secs()));
        page.with_context(|| {
            format!("cannot read http://{}{path}; `listen.admin` of the instance says where it is", self.admin)
        })
    }
}

async fn get(admin: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let stream = TcpStream::connect(admin).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path).header(header::HOST, admin.to_string()).body(Empty::<Bytes>::new())?;
    let reply = sender.send_request(request).await?;
    let status = reply.status().as_u16();
    let body = Limited::new(reply.into_body(), MAX_PAGE).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error))?;
    connection.abort();
    Ok((status, String::from_utf8(body.to_bytes().into()).context("the page is no text")?))
}
