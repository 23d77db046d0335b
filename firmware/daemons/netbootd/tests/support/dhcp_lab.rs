//! `netbootd` as a DHCP server in a laboratory, which can be killed and started again.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(dead_code, reason = "each test program uses its part")]

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use client_zoo::lab::{Lab, SERVER, SERVER_LINK};

/// Which addresses are given out, unless a test says otherwise.
pub(crate) const SUBNET: &str = r#"
[[subnet]]
network = "10.99.0.0/16"
pools = ["10.99.1.0-10.99.20.250"]
routers = ["10.99.0.1"]
dns = ["10.99.0.1"]
ntp = ["10.99.0.1"]
domain = "lan"
"#;

/// A laboratory with a server in it, running or not.
pub(crate) struct DhcpLab {
    pub(crate) lab: Lab,
    pub(crate) folder: tempfile::TempDir,
    policy: String,
    child: Option<Child>,
}

/// Says why a test cannot run here, in the words that `cargo xtask test` looks for.
pub(crate) fn skip(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| client_zoo::lab::find_program(program).is_none());
    let reason = client_zoo::lab::unavailable().or_else(|| {
        missing.map(|program| format!("`{program}` is not installed; `cargo xtask test` installs it"))
    });
    if let Some(reason) = &reason {
        println!("SKIPPED: {reason}");
    }
    reason.is_some()
}

impl DhcpLab {
    /// A laboratory without a server yet. `dhcp` is the table `[dhcp]` of its policy, `more` what follows it.
    pub(crate) fn new(dhcp: &str, more: &str) -> DhcpLab {
        let folder = tempfile::tempdir().unwrap();
        for name in ["state", "run", "files/pc", "files/pi"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let at = folder.path().display();
        let policy = format!(
            "[state]\ndir = \"{at}/state\"\nleases_json = \"{at}/run/leases.json\"\nboot_policy = \"{at}/run/boot-policy.json\"\n\
             [listen]\ntftp_port = 0\nhttp_port = 0\n\
             [interfaces.{SERVER_LINK}]\naddress = \"{SERVER}/16\"\n[dhcp]\n{dhcp}\n{more}\n[boot]\nroot = \"{at}/files\"\n\
             [[boot.rule]]\nname = \"pi\"\nclass = [\"raspberry-pi\"]\ntree = \"pi\"\n\
             [[boot.rule]]\nname = \"pc\"\nclass = [\"pxe\"]\ntree = \"pc\"\nfile = \"ipxe.efi\"\n"
        );
        DhcpLab { lab: Lab::new().unwrap(), folder, policy, child: None }
    }

    /// One that serves already.
    pub(crate) fn serving(dhcp: &str) -> DhcpLab {
        let mut lab = DhcpLab::new(dhcp, SUBNET);
        lab.start().unwrap();
        lab
    }

    /// Starts the server, and waits until it says that it is ready.
    ///
    /// # Errors
    /// What it logged, when it ends instead.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        let config = self.path("netbootd.toml");
        std::fs::write(&config, &self.policy).unwrap();
        let socket = self.path("notify");
        let _gone = std::fs::remove_file(&socket);
        let ready = UnixDatagram::bind(&socket).unwrap();
        ready.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.lab.server.command(env!("CARGO_BIN_EXE_netbootd"));
        let mut child =
            command.arg("--config").arg(&config).env("NOTIFY_SOCKET", &socket).stderr(log).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if ready.recv(&mut [0; 64]).is_ok() {
                self.child = Some(child);
                return Ok(());
            }
            if child.try_wait().unwrap().is_some() || Instant::now() > end {
                let _gone = child.kill();
                child.wait().unwrap();
                return Err(self.log());
            }
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits for what `look` finds.
    #[allow(clippy::disallowed_methods, reason = "a poll with a deadline")]
    pub(crate) fn wait_for<T>(
        &self,
        limit: Duration,
        what: &str,
        mut look: impl FnMut(&DhcpLab) -> Option<T>,
    ) -> T {
        let end = Instant::now() + limit;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < end, "not within {} s: {what}\n{}", limit.as_secs(), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for DhcpLab {
    fn drop(&mut self) {
        self.kill();
    }
}
