//! `netbootd` in a laboratory: its server's end of the wire, a folder of boot files, and a policy.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(dead_code, reason = "each test program uses its part")]

use std::io::Read as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use client_zoo::lab::{Lab, SERVER, SERVER_LINK};

/// A running daemon.
pub(crate) struct Daemon {
    pub(crate) lab: Lab,
    pub(crate) folder: tempfile::TempDir,
    child: Child,
}

/// Says why a test cannot run here, in the words that `cargo xtask test` looks for.
pub(crate) fn skip() -> bool {
    let reason = client_zoo::lab::unavailable();
    if let Some(reason) = &reason {
        println!("SKIPPED: {reason}");
    }
    reason.is_some()
}

/// Where boot files go, before the daemon is started.
pub(crate) fn prepare() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["files/pc", "files/pi", "state"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    folder
}

impl Daemon {
    /// Starts it in a new laboratory, on the files in `folder`, with `more` at the end of its policy, and waits until it is
    /// ready.
    pub(crate) fn start(folder: tempfile::TempDir, more: &str) -> Daemon {
        let lab = Lab::new().unwrap();
        let config = write_policy(folder.path(), more);
        let socket = folder.path().join("notify");
        let ready = UnixDatagram::bind(&socket).unwrap();
        ready.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut command = lab.server.command(env!("CARGO_BIN_EXE_netbootd"));
        command.arg("--config").arg(&config).env("NOTIFY_SOCKET", &socket).env("RUST_LOG", "info");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut message = [0; 64];
        if let Err(error) = ready.recv(&mut message) {
            let _gone = child.kill();
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("netbootd is not ready ({error}): {said}");
        }
        Daemon { lab, folder, child }
    }

    pub(crate) fn tftp(&self) -> std::net::SocketAddrV4 {
        std::net::SocketAddrV4::new(SERVER, 69)
    }

    /// Asks on the control socket.
    pub(crate) fn ask(&self, question: &str) -> serde_json::Value {
        use std::io::Write as _;
        let mut stream = std::os::unix::net::UnixStream::connect(self.folder.path().join("control")).unwrap();
        stream.write_all(format!("{question}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) fn http(&self) -> std::net::SocketAddrV4 {
        std::net::SocketAddrV4::new(SERVER, 80)
    }

    /// Its own process: `nsenter` becomes it.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and returns all that it logged.
    pub(crate) fn log(mut self) -> String {
        self.child.kill().unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A policy without DHCP, unless `more` has a subnet: whoever asks is known by the name of the file only.
pub(crate) fn write_policy(folder: &Path, more: &str) -> PathBuf {
    let path = folder.join("netbootd.toml");
    let at = folder.display();
    let dhcp = if more.contains("[[subnet]]") { "server" } else { "off" };
    let policy = format!(
        r#"
[state]
dir = "{at}/state"
control = "{at}/control"
[interfaces.{SERVER_LINK}]
address = "{SERVER}/16"
dhcp = "{dhcp}"
[dhcp]
force = true
probe_ms = 0
[boot]
root = "{at}/files"
[[boot.rule]]
name = "pi"
class = ["raspberry-pi"]
tree = "pi"
[[boot.rule]]
name = "others"
class = ["generic"]
tree = "pc"
{more}
"#
    );
    std::fs::write(&path, policy).unwrap();
    path
}

/// Bytes that are different everywhere, so that a block in a wrong place is seen.
pub(crate) fn content(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
