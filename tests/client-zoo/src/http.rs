//! HTTP/1.1 as firmware speaks it: one connection, no redirects, and the length must be right.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    host: SocketAddrV4,
    /// Read beyond the end of the last answer.
    ahead: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The number.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The content; none for HEAD.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(server: SocketAddrV4) -> Result<Connection> {
        let stream = TcpStream::connect_timeout(&server.into(), Duration::from_secs(5))
            .with_context(|| format!("cannot connect to {server}"))?;
        stream.set_read_timeout(Some(Duration::from_secs(15)))?;
        Ok(Connection { stream, host: server, ahead: Vec::new() })
    }

    /// One request, with further header lines.
    ///
    /// # Errors
    /// The connection ends, or the answer is none that firmware understands.
    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        self.stream.write_all(request.as_bytes()).context("cannot send a request")?;
        let head_end = loop {
            if let Some(end) = self.ahead.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more()?;
        };
        let head = String::from_utf8_lossy(&self.ahead[..head_end]).into_owned();
        self.ahead.drain(..head_end);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        ensure!(!headers.contains_key("transfer-encoding"), "firmware does not read chunks: {head}");
        let length: usize = headers
            .get("content-length")
            .and_then(|value| value.parse().ok())
            .with_context(|| format!("firmware needs a length: {head}"))?;
        let mut body = Vec::new();
        if method != "HEAD" {
            while self.ahead.len() < length {
                self.read_more()?;
            }
            body = self.ahead.drain(..length).collect();
        }
        Ok(Answer { status: status.context("no status line")?, headers, body })
    }

    fn read_more(&mut self) -> Result<()> {
        let mut buffer = [0; 65_536];
        let length = self.stream.read(&mut buffer).context("cannot read an answer")?;
        ensure!(length > 0, "the server closed the connection");
        self.ahead.extend(&buffer[..length]);
        Ok(())
    }
}
