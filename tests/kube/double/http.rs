//! As much HTTP/1.1 as a client of the API needs: GET, a head and a body, or a chunked one.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Asked, RESOURCES};

/// A connection.
pub struct Http(BufReader<TcpStream>);

impl Http {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// The next question; none at the end.
    pub async fn question(&mut self) -> Option<Asked> {
        let (mut first, mut line) = (String::new(), String::new());
        self.0.read_line(&mut first).await.ok().filter(|length| *length > 0)?;
        let mut authorization = String::new();
        while self.0.read_line(&mut line).await.ok().filter(|length| *length > 0)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("authorization")
            {
                authorization = value.trim().to_owned();
            }
            line.clear();
        }
        let target = first.split(' ').nth(1)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (resource, _) = RESOURCES.into_iter().find(|(_, known)| *known == path)?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let parameters = pairs.map(|(key, value)| (key.to_owned(), plain(value))).collect();
        Some(Asked { resource: resource.to_owned(), parameters, at: Instant::now(), authorization })
    }

    pub async fn head(&mut self, code: u16, headers: &str) -> Option<()> {
        let head = format!("HTTP/1.1 {code} Said\r\nContent-Type: application/json\r\n{headers}\r\n");
        self.0.write_all(head.as_bytes()).await.ok()
    }

    pub async fn chunk(&mut self, bytes: &[u8]) -> Option<()> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.0.write_all(&chunk).await.ok()
    }

    pub async fn raw(&mut self, bytes: &[u8]) -> Option<()> {
        self.0.write_all(bytes).await.ok()
    }

    /// Until the client hangs up.
    pub async fn hung_up(&mut self) {
        let _ = self.0.fill_buf().await;
    }
}

/// Percent signs and pluses undone.
fn plain(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, more @ ..] = rest {
        rest = more;
        match (first, more) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).unwrap()
}
