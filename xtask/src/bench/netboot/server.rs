//! A DHCP server under load: how it is started, and what it costs.

use crate::namespace::{self, Entry};
use anyhow::{Context as _, Result, bail};
use client_zoo::lab::{Lab, SERVER, SERVER_LINK};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Addresses for everybody: the same in every server.
const FIRST: &str = "10.99.1.0";
const LAST: &str = "10.99.250.250";

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ours,
    Dnsmasq,
    Kea,
}

impl Kind {
    pub(super) const ALL: [Kind; 3] = [Kind::Ours, Kind::Dnsmasq, Kind::Kea];

    /// The name of its process.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Ours => "netbootd",
            Kind::Dnsmasq => "dnsmasq",
            Kind::Kea => "kea-dhcp4",
        }
    }
}

/// A server that runs, in a laboratory of its own, with an empty store on the disk.
pub(super) struct Running {
    pub(super) lab: Lab,
    kind: Kind,
    child: Child,
    _work: tempfile::TempDir,
}

impl Running {
    /// Starts it. `disk` is a folder on the disk that its leases are to be kept on.
    pub(super) fn start(kind: Kind, peers: &Path, ours: &Path, disk: &Path) -> Result<Running> {
        let work = tempfile::tempdir_in(disk).context("cannot make a folder for leases")?;
        let lab = Lab::new()?;
        let words = match kind {
            Kind::Ours => our_words(ours, work.path())?,
            Kind::Dnsmasq => in_tree(peers, work.path(), &dnsmasq_words(work.path())),
            Kind::Kea => in_tree(peers, work.path(), &kea_words(work.path())?),
        };
        let log = std::fs::File::create(work.path().join("log")).context("cannot make a log")?;
        // Before what else this machine does, as the clients are, so that it is not that which is measured.
        let mut command = lab.server.command("nice");
        command
            .args(["-n", super::NICE])
            .args(words)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        command.env("SLIPWAY_PARENT", std::process::id().to_string());
        let child = command.spawn().with_context(|| format!("cannot start {}", kind.name()))?;
        let running = Running { lab, kind, child, _work: work };
        running.wait_until_it_listens()?;
        Ok(running)
    }

    #[expect(clippy::disallowed_methods, reason = "a poll with a deadline")]
    fn wait_until_it_listens(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let sockets = self.lab.server.run("ss", &["-lunH", "sport = :67"])?;
            if sockets.contains(":67") && !self.processes().is_empty() {
                return Ok(());
            }
            if Instant::now() > end {
                let log = std::fs::read_to_string(self._work.path().join("log")).unwrap_or_default();
                bail!("{} does not listen: {log}", self.kind.name());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// CPU seconds that it has used.
    pub(super) fn cpu(&self) -> f64 {
        // In 1/100 s on Linux, whatever the kernel counts in itself.
        let ticks = |process: &PathBuf| -> Option<f64> {
            let text = std::fs::read_to_string(process.join("stat")).ok()?;
            let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
            Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
        };
        self.processes().iter().filter_map(ticks).sum::<f64>() / 100.0
    }

    /// Its share of memory, in bytes (PSS).
    pub(super) fn memory(&self) -> u64 {
        let pss = |process: &PathBuf| -> Option<u64> {
            let text = std::fs::read_to_string(process.join("smaps_rollup")).ok()?;
            let line = text.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        self.processes().iter().filter_map(pss).sum::<u64>() * 1024
    }

    /// Its processes: those with its name in its network namespace.
    fn processes(&self) -> Vec<PathBuf> {
        let namespace = |path: &Path| std::fs::read_link(path.join("ns/net")).ok();
        let own = namespace(&PathBuf::from(format!("/proc/{}", self.lab.server.process())));
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
        let named = all.filter(|path| {
            std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == self.kind.name())
        });
        named.filter(|path| own.is_some() && namespace(path) == own).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A program of the peers' tree, which sees the folder of its leases.
fn in_tree(tree: &Path, work: &Path, program: &[String]) -> Vec<String> {
    let entry = Entry::default()
        .bind(work)
        .env("KEA_DHCP_DATA_DIR", work.to_string_lossy())
        .env("KEA_PIDFILE_DIR", work.to_string_lossy())
        .env("KEA_LOCKFILE_DIR", work.to_string_lossy());
    let program: Vec<&str> = program.iter().map(String::as_str).collect();
    let command = namespace::command(tree, &entry, &program);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect()
}

fn our_words(ours: &Path, work: &Path) -> Result<Vec<String>> {
    let at = work.display();
    let policy = format!(
        "[state]\ndir = \"{at}\"\nleases_json = \"{at}/leases.json\"\n[listen]\ntftp_port = 0\nhttp_port = 0\n\
         [interfaces.{SERVER_LINK}]\naddress = \"{SERVER}/16\"\n[dhcp]\nforce = true\nprobe_ms = 0\n\
         [[subnet]]\nnetwork = \"10.99.0.0/16\"\npools = [\"{FIRST}-{LAST}\"]\nrouters = [\"{SERVER}\"]\n"
    );
    let path = work.join("netbootd.toml");
    std::fs::write(&path, policy).context("cannot write a policy")?;
    Ok(vec![ours.display().to_string(), "--config".into(), path.display().to_string()])
}

fn dnsmasq_words(work: &Path) -> Vec<String> {
    let mut words = vec!["dnsmasq".to_owned()];
    words.extend(
        [
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--bind-interfaces",
            "--no-ping",
            "--user=root",
        ]
        .map(String::from),
    );
    words.extend(["--dhcp-authoritative", "--dhcp-lease-max=100000", "--pid-file="].map(String::from));
    words.push(format!("--interface={SERVER_LINK}"));
    words.push(format!("--dhcp-range={FIRST},{LAST},12h"));
    words.push(format!("--dhcp-leasefile={}/dnsmasq.leases", work.display()));
    words
}

fn kea_words(work: &Path) -> Result<Vec<String>> {
    let config = serde_json::json!({ "Dhcp4": {
        "interfaces-config": { "interfaces": [SERVER_LINK], "dhcp-socket-type": "udp" },
        "lease-database": {
            "type": "memfile", "persist": true, "name": format!("{}/kea.leases", work.display()), "lfc-interval": 0
        },
        "valid-lifetime": 43200,
        "subnet4": [{
            "id": 1, "subnet": "10.99.0.0/16", "pools": [{ "pool": format!("{FIRST} - {LAST}") }],
            "option-data": [{ "name": "routers", "data": SERVER.to_string() }]
        }],
        "loggers": [{ "name": "kea-dhcp4", "severity": "ERROR", "output-options": [{ "output": "stdout" }] }]
    }});
    let path = work.join("kea.json");
    std::fs::write(&path, config.to_string()).context("cannot write a configuration")?;
    Ok(vec!["kea-dhcp4".into(), "-c".into(), path.display().to_string()])
}
