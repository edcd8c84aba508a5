//! One HTTP request, as plainly as can be, and a look into the text that Prometheus reads.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::PATIENCE;

/// Status and body; none when nobody answers.
pub async fn get(server: SocketAddr, path: &str) -> Option<(u16, String)> {
    let asked = async {
        let mut stream = TcpStream::connect(server).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.ok()?;
        Some(reply)
    };
    let reply = timeout(PATIENCE, asked).await.ok()??;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// The value of the series with exactly this name and these labels.
pub fn series(text: &str, wanted: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(' '))?;
    Some(line.trim().parse().unwrap())
}
