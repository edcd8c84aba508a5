//! Asks a running instance: one page of its admin listener, over HTTP on loopback or through its socket.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::config::listen::{UNIX, unix_path};
use crate::server::admin::TOOL_HEADER;

/// An instance that hangs must not make its tools hang.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A table has 256 regions at most.
const MAX_PAGE: usize = 64 << 20;

/// Which instance.
#[derive(clap::Args)]
pub struct Instance {
    /// The instance's `listen.admin`: ADDRESS:PORT or unix:PATH
    #[arg(long, value_name = "WHERE", default_value = "127.0.0.1:9154")]
    admin: Place,
}

/// Where its admin listener is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(UNIX) {
            Some(path) => unix_path(path).map(Self::Unix).map_err(|fault| fault.message),
            None => text.parse().map(Self::Tcp).map_err(|_| "write 127.0.0.1:9154, or unix:/PATH".to_owned()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl Instance {
    /// The one at this address.
    pub fn at(admin: Place) -> Self {
        Self { admin }
    }

    /// The text of a page.
    ///
    /// # Errors
    /// If nobody answers there, or not with such a page.
    pub fn get(&self, path: &str) -> anyhow::Result<String> {
        self.fine(Method::GET, path)
    }

    /// Has the instance do something, and gives the text that says what it did.
    ///
    /// # Errors
    /// As [`Self::get`], or if it does not do that.
    pub fn post(&self, path: &str) -> anyhow::Result<String> {
        self.fine(Method::POST, path)
    }

    /// A page with its status, whatever that is: `/ready` has words for people when it is not 200.
    ///
    /// # Errors
    /// If nobody answers there.
    pub fn page(&self, path: &str) -> anyhow::Result<(u16, String)> {
        self.ask(Method::GET, path).map(|(status, text)| (status.as_u16(), text))
    }

    fn fine(&self, method: Method, path: &str) -> anyhow::Result<String> {
        let (status, text) = self.ask(method, path)?;
        ensure!(status == StatusCode::OK, "{} has HTTP status {status}{}", self.url(path), why(&text));
        Ok(text)
    }

    fn ask(&self, method: Method, path: &str) -> anyhow::Result<(StatusCode, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
        let asked = runtime.block_on(async { timeout(TIMEOUT, ask(&self.admin, method, path)).await });
        let page = asked.unwrap_or_else(|_| bail!("no answer within {} s", TIMEOUT.as_secs()));
        page.with_context(|| format!("cannot read {}; `listen.admin` of the instance says where it is", self.url(path)))
    }

    /// As it stands in what is said of a page.
    fn url(&self, path: &str) -> String {
        match &self.admin {
            Place::Tcp(address) => format!("http://{address}{path}"),
            Place::Unix(_) => format!("{path} of {}", self.admin),
        }
    }
}

async fn ask(admin: &Place, method: Method, path: &str) -> anyhow::Result<(StatusCode, String)> {
    match admin {
        Place::Tcp(address) => talk(TcpStream::connect(address).await?, &address.to_string(), method, path).await,
        Place::Unix(socket) => talk(UnixStream::connect(socket).await?, "localhost", method, path).await,
    }
}

async fn talk<S>(stream: S, host: &str, method: Method, path: &str) -> anyhow::Result<(StatusCode, String)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header(header::HOST, host);
    let request = request.header(TOOL_HEADER, "1").body(Empty::<Bytes>::new())?;
    let reply = sender.send_request(request).await?;
    let status = reply.status();
    let body = Limited::new(reply.into_body(), MAX_PAGE).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error))?;
    connection.abort();
    Ok((status, String::from_utf8(body.to_bytes().into()).context("the page is no text")?))
}

/// The first line of what a page says instead.
fn why(text: &str) -> String {
    text.lines().next().map(|line| format!(": {line}")).unwrap_or_default()
}
