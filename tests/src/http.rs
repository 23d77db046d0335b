//! What a browser on WAN would see.

use anyhow::{Context as _, Result, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// One attempt. QEMU accepts the connection at once, whether or not the appliance does.
const ATTEMPT: Duration = Duration::from_secs(10);

/// The body that a forwarded port answers with.
///
/// # Errors
/// When none answers within `limit`: with why the last attempt failed.
pub fn http_get(port: u16, limit: Duration) -> Result<String> {
    let deadline = Instant::now() + limit;
    loop {
        match attempt(port) {
            Ok(body) => return Ok(body),
            Err(error) if Instant::now() > deadline => {
                return Err(error.context(format!("port {port} does not answer after {} s", limit.as_secs())));
            }
            Err(_) => pause(),
        }
    }
}

fn attempt(port: u16) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), ATTEMPT)
        .context("cannot connect")?;
    stream.set_read_timeout(Some(ATTEMPT)).context("cannot set a time-out")?;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: appliance\r\nConnection: close\r\n\r\n")
        .context("cannot ask")?;
    let mut text = String::new();
    stream.read_to_string(&mut text).context("cannot read the answer")?;
    let (head, body) = text.split_once("\r\n\r\n").context("it closes the connection without an answer")?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "it answers {head}");
    Ok(body.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the poll inside a wait with a deadline")]
fn pause() {
    std::thread::sleep(Duration::from_secs(1));
}
