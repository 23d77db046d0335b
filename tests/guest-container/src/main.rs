//! The only program in the image of the containers that tests and the example configuration run: linked statically, so
//! that nothing else has to be in the image.
//!
//! | Arguments | What it does |
//! |---|---|
//! | `serve PORT` | answers every HTTP request with `hello from HOSTNAME, answer N`; N goes on after a restart where `/state` is a volume |
//! | `ask HOST PORT` | prints what a `serve` at that place answers; fails when none does within 30 s |
//! | `sleep` | waits for ever |
//! | `crash` | fails after a second |
//! | `fail-after SECONDS` | fails after that time |

use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Where a volume is mounted when the counter is to be kept.
const STATE: &str = "/state";
/// How long `ask` goes on trying.
const ASK_FOR: Duration = Duration::from_secs(30);
/// A client that says nothing is not waited for longer than this.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("guest-container: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["serve", port] => serve(number(port)?),
        ["ask", host, port] => ask(host, number(port)?),
        ["sleep"] => wait(Duration::MAX),
        ["crash"] => fail_after(1),
        ["fail-after", seconds] => fail_after(number(seconds)?),
        _ => bail!(
            "cannot understand {words:?}: serve PORT, ask HOST PORT, sleep, crash or fail-after SECONDS"
        ),
    }
}

fn number<T: std::str::FromStr<Err = std::num::ParseIntError>>(word: &str) -> Result<T> {
    word.parse().with_context(|| format!("`{word}` is not a number that fits"))
}

fn serve(port: u16) -> Result<()> {
    let listener =
        TcpListener::bind(("0.0.0.0", port)).with_context(|| format!("cannot listen on port {port}"))?;
    println!("guest-container: listens on port {port}");
    let mut counter = Counter::load(Path::new(STATE))?;
    for client in listener.incoming() {
        // One client's trouble is not the next one's.
        if let Err(error) = client.context("cannot accept").and_then(|client| answer(&client, &mut counter)) {
            eprintln!("guest-container: {error:#}");
        }
    }
    Ok(())
}

/// Reads a request to its empty line, whatever it asks for, and answers it.
fn answer(mut client: &TcpStream, counter: &mut Counter) -> Result<()> {
    client.set_read_timeout(Some(CLIENT_TIMEOUT)).context("cannot set a time-out")?;
    let request = BufReader::new(client.take(64 << 10));
    for line in request.lines() {
        if line.context("cannot read a request")?.is_empty() {
            break;
        }
    }
    let body = format!("hello from {}, answer {}\n", hostname(), counter.next()?);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    client.write_all((head + &body).as_bytes()).context("cannot answer")
}

fn hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// How many requests were answered.
struct Counter {
    value: u64,
    /// Where it is kept; nowhere when nothing is mounted there.
    file: Option<std::path::PathBuf>,
}

impl Counter {
    fn load(folder: &Path) -> Result<Counter> {
        if !folder.is_dir() {
            return Ok(Counter { value: 0, file: None });
        }
        let file = folder.join("count");
        let value = match fs::read_to_string(&file) {
            Ok(text) => number(text.trim())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        Ok(Counter { value, file: Some(file) })
    }

    /// Counts one, durably where there is a place for it.
    fn next(&mut self) -> Result<u64> {
        self.value += 1;
        if let Some(file) = &self.file {
            let mut written =
                fs::File::create(file).with_context(|| format!("cannot create {}", file.display()))?;
            write!(written, "{}", self.value)
                .and_then(|()| written.sync_all())
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(self.value)
    }
}

#[expect(clippy::disallowed_methods, reason = "a poll with a deadline")]
fn ask(host: &str, port: u16) -> Result<()> {
    let deadline = Instant::now() + ASK_FOR;
    loop {
        match fetch(host, port) {
            Ok(body) => {
                print!("{body}");
                return Ok(());
            }
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(500)),
        }
    }
}

fn fetch(host: &str, port: u16) -> Result<String> {
    let mut stream =
        TcpStream::connect((host, port)).with_context(|| format!("cannot connect to {host}:{port}"))?;
    stream.set_read_timeout(Some(CLIENT_TIMEOUT)).context("cannot set a time-out")?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").context("cannot ask")?;
    let mut text = String::new();
    stream.read_to_string(&mut text).context("cannot read the answer")?;
    let (head, body) = text.split_once("\r\n\r\n").context("the answer has no body")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("{host}:{port} answered {head}");
    }
    Ok(body.to_owned())
}

fn fail_after(seconds: u64) -> Result<()> {
    wait(Duration::from_secs(seconds))?;
    bail!("fails after {seconds} s, as told")
}

#[expect(clippy::disallowed_methods, reason = "waiting is what it is told to do")]
fn wait(time: Duration) -> Result<()> {
    std::thread::sleep(time);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_its_answers() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let mut counter = Counter { value: 0, file: None };
            for _ in 0..2 {
                answer(&listener.accept().unwrap().0, &mut counter).unwrap();
            }
        });
        for wanted in ["answer 1\n", "answer 2\n"] {
            let body = fetch("127.0.0.1", port).unwrap();
            assert!(body.starts_with("hello from ") && body.ends_with(wanted), "{body}");
        }
        server.join().unwrap();
    }

    #[test]
    fn words_it_does_not_know_are_refused() {
        assert!(run(&["serve", "70000"]).is_err());
        assert!(run(&[]).unwrap_err().to_string().contains("serve PORT"));
    }
}
