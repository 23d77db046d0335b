//! One `GET`. HTTP/1.0 (RFC 1945), so that the body comes as it is, and not in chunks that could cut a text in two.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::socket::connect;

/// What is read of an answer: its head, and the first 64 KiB of its body.
const HEAD_LIMIT: usize = 16 * 1024;
const BODY_LIMIT: usize = 64 * 1024;

/// What is asked, and what is well.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// As in a URL.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) target: String,
    /// Empty: 200 to 299.
    pub(crate) status: Vec<u16>,
    pub(crate) contains: Option<String>,
}

/// Asks, and looks at the answer.
pub(crate) fn ask(host: &str, question: &Question, limit: Duration) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    let mut stream = connect(host, question.port, limit)?;
    let failed = |error: std::io::Error| format!("cannot read its answer: {error}");
    stream.set_write_timeout(Some(left(deadline)?)).map_err(failed)?;
    let request = format!(
        "GET {} HTTP/1.0\r\nHost: {}:{}\r\nUser-Agent: slipway-health\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        question.target, question.host, question.port
    );
    stream.write_all(request.as_bytes()).map_err(|error| format!("cannot ask: {error}"))?;

    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if enough(&answer, question) {
            break;
        }
        stream.set_read_timeout(Some(left(deadline)?)).map_err(failed)?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(format!("its answer did not end within {} s", limit.as_secs()));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    judge(&answer, question)
}

fn left(deadline: Instant) -> Result<Duration, String> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err("its answer came too late".to_owned()) } else { Ok(left) }
}

/// Whether what has been read decides it.
fn enough(answer: &[u8], question: &Question) -> bool {
    match head_end(answer) {
        None => answer.len() >= HEAD_LIMIT,
        Some(body) => question.contains.is_none() || answer.len() - body >= BODY_LIMIT,
    }
}

fn judge(answer: &[u8], question: &Question) -> Result<(), String> {
    let status = status(answer).ok_or_else(|| "its answer is not HTTP".to_owned())?;
    let well = match question.status.as_slice() {
        [] => (200..300).contains(&status),
        wanted => wanted.contains(&status),
    };
    if !well {
        return Err(format!("it answers {status}"));
    }
    let Some(wanted) = question.contains.as_deref() else { return Ok(()) };
    let body = head_end(answer).map_or(&[][..], |start| &answer[start..]);
    let body = &body[..body.len().min(BODY_LIMIT)];
    let has = wanted.is_empty() || body.windows(wanted.len()).any(|window| window == wanted.as_bytes());
    if has { Ok(()) } else { Err(format!("its answer does not contain `{wanted}`")) }
}

/// Where the body begins.
fn head_end(answer: &[u8]) -> Option<usize> {
    answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// `HTTP/1.1 200 OK`. Only the head's first line counts, and it has to be whole.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|&byte| byte == b'\n').next().filter(|line| line.len() < answer.len())?;
    let line = std::str::from_utf8(line).ok()?;
    let (version, rest) = line.trim_end().split_once(' ')?;
    version.strip_prefix("HTTP/1.")?;
    let code = rest.split(' ').next()?;
    (code.len() == 3).then(|| code.parse().ok())?
}
