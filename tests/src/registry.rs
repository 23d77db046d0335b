//! A container registry on loopback, as much of one as Podman needs to pull one image, and as slow as asked.

use crate::Testbed;
use anyhow::{Context as _, Result};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How much is sent at once.
const PIECE: usize = 1024;

/// A registry with `hello:latest`. It answers until the test's process ends.
pub struct Registry {
    port: u16,
    sent: Arc<AtomicU64>,
}

impl Registry {
    /// Serves the blobs of the shipped OCI archive, the layer at `bytes_per_second`.
    ///
    /// # Errors
    /// When the archive cannot be unpacked or no port is free.
    pub fn serve(testbed: &Testbed, folder: &Path, bytes_per_second: u32) -> Result<Registry> {
        let layout = folder.join("registry");
        std::fs::create_dir_all(&layout).context("cannot create the registry's folder")?;
        testbed.tool(&[
            "tar",
            "-C",
            &layout.to_string_lossy(),
            "-xf",
            &testbed.hello_oci.to_string_lossy(),
        ])?;
        let index = std::fs::read(layout.join("index.json")).context("cannot read index.json")?;
        let index: serde_json::Value = serde_json::from_slice(&index).context("index.json is no JSON")?;
        let manifest = index["manifests"][0]["digest"].as_str().context("no manifest")?.to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
        let port = listener.local_addr().context("a socket without an address")?.port();
        let sent = Arc::new(AtomicU64::new(0));
        let store = Store { layout, manifest, bytes_per_second, sent: Arc::clone(&sent) };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let store = store.clone();
                std::thread::spawn(move || {
                    // A client that goes away is one that has what it wanted.
                    let _ = store.answer(&client);
                });
            }
        });
        Ok(Registry { port, sent })
    }

    /// The image's name as a machine with QEMU's user network reaches it.
    #[must_use]
    pub fn image(&self) -> String {
        format!("10.0.2.2:{}/hello:latest", self.port)
    }

    /// Bytes of blobs sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

#[derive(Clone)]
struct Store {
    layout: PathBuf,
    manifest: String,
    bytes_per_second: u32,
    sent: Arc<AtomicU64>,
}

impl Store {
    /// Answers requests until the client has no more.
    fn answer(&self, mut client: &TcpStream) -> Result<()> {
        let mut reader = BufReader::new(client);
        loop {
            let mut request = String::new();
            if reader.read_line(&mut request).context("cannot read a request")? == 0 {
                return Ok(());
            }
            let mut header = String::new();
            while reader.read_line(&mut header).context("cannot read a header")? > 2 {
                header.clear();
            }
            let mut words = request.split_whitespace();
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let (head, body) = self.content(path);
            let length = body.len();
            write!(client, "HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n").context("cannot answer")?;
            if method == "GET" {
                self.send(client, &body)?;
            }
        }
    }

    /// Status and headers, and the body, of a path.
    fn content(&self, path: &str) -> (String, Vec<u8>) {
        let blob = |digest: &str| std::fs::read(self.layout.join("blobs").join(digest.replace(':', "/")));
        let found = |kind: &str, digest: &str, bytes| {
            (format!("200 OK\r\nContent-Type: {kind}\r\nDocker-Content-Digest: {digest}"), bytes)
        };
        let missing = || ("404 Not Found".to_owned(), Vec::new());
        if path == "/v2/" {
            return ("200 OK\r\nDocker-Distribution-Api-Version: registry/2.0".to_owned(), b"{}".to_vec());
        }
        if let Some(digest) = path.strip_prefix("/v2/hello/blobs/") {
            return blob(digest)
                .map_or_else(|_| missing(), |bytes| found("application/octet-stream", digest, bytes));
        }
        let Some(reference) = path.strip_prefix("/v2/hello/manifests/") else { return missing() };
        if reference != "latest" && reference != self.manifest {
            return missing();
        }
        blob(&self.manifest).map_or_else(
            |_| missing(),
            |bytes| found("application/vnd.oci.image.manifest.v1+json", &self.manifest, bytes),
        )
    }

    #[expect(clippy::disallowed_methods, reason = "being slow is what it is for")]
    fn send(&self, mut client: &TcpStream, body: &[u8]) -> Result<()> {
        let pause = Duration::from_secs(1).mul_f64(PIECE as f64 / f64::from(self.bytes_per_second));
        for piece in body.chunks(PIECE) {
            client.write_all(piece).context("cannot send")?;
            self.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if body.len() > 16 * PIECE {
                std::thread::sleep(pause);
            }
        }
        Ok(())
    }
}
