//! A connection in bounded time.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Connects to the first address behind the name that accepts.
///
/// # Errors
/// What the last one said, or that there is none.
pub(crate) fn connect(host: &str, port: u16, limit: Duration) -> Result<TcpStream, String> {
    let deadline = Instant::now() + limit;
    let addresses =
        (host, port).to_socket_addrs().map_err(|error| format!("cannot find its address: {error}"))?;
    let mut last = "it has no address".to_owned();
    for address in addresses {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("cannot connect: {error}"),
        }
    }
    Err(last)
}
