//! One run of the machine: QEMU with the shipped loader, from power-on to power-off.

use crate::qmp::Qmp;
use crate::{Disk, Serial, Stick, Testbed};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A network interface of the machine.
#[derive(Clone)]
pub struct Nic {
    /// PCI slot, for example `0x8`.
    pub slot: String,
    /// What stands behind `-netdev`, without `id`: `user`, `user,restrict=on`, `stream,…`.
    pub backend: String,
}

/// What a machine has beside its first disk. `Default` is the board: WAN and LAN without anything behind them, a watchdog.
#[derive(Clone)]
pub struct VmOptions {
    /// In the order they are added.
    pub nics: Vec<Nic>,
    /// Further QEMU arguments.
    pub extra: Vec<String>,
    /// Start from this snapshot of the first disk (an overlay disk) instead of from power-on.
    pub snapshot: Option<String>,
}

impl VmOptions {
    /// The board as it is wired.
    #[must_use]
    pub fn board(testbed: &Testbed) -> VmOptions {
        let nic = |slot: &str| Nic { slot: slot.to_owned(), backend: "user,restrict=on".to_owned() };
        VmOptions {
            nics: vec![nic(&testbed.wan_slot), nic(&testbed.lan_slot)],
            extra: Vec::new(),
            snapshot: None,
        }
    }

    /// Leads a free TCP port of this machine's loopback to `port` of the appliance, from WAN, and returns it.
    ///
    /// # Errors
    /// When no port is free.
    pub fn forward(&mut self, port: u16) -> Result<u16> {
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
        let free = free.context("cannot find a free port")?.port();
        self.nics[0].backend.push_str(&format!(",hostfwd=tcp:127.0.0.1:{free}-:{port}"));
        Ok(free)
    }

    /// Gives WAN a way to this machine, which is 10.0.2.2 there. Before this it has none to anywhere.
    pub fn open_wan(&mut self) {
        self.nics[0].backend = self.nics[0].backend.replace(",restrict=on", "");
    }

    /// Has a stick plugged in from the beginning.
    pub fn with_stick(&mut self, stick: &Stick) {
        let index = self.extra.len();
        self.extra.extend([
            "-drive".to_owned(),
            format!("if=none,id=stick{index},file={},format=raw", stick.path().display()),
            "-device".to_owned(),
            format!("usb-storage,drive=stick{index},bus=usb.0"),
        ]);
    }
}

/// A running machine. Dropping it is a power cut.
pub struct Vm {
    child: Child,
    qmp: Qmp,
    serial: Serial,
}

impl Vm {
    /// Powers a machine on with the board's devices and these disks.
    ///
    /// # Errors
    /// When QEMU cannot start.
    pub fn start(testbed: &Testbed, disks: &[&Disk]) -> Result<Vm> {
        Vm::start_with(testbed, disks, &VmOptions::board(testbed))
    }

    /// Powers a machine on.
    ///
    /// # Errors
    /// When QEMU cannot start.
    pub fn start_with(testbed: &Testbed, disks: &[&Disk], options: &VmOptions) -> Result<Vm> {
        let mut arguments = testbed.qemu.clone();
        for (index, disk) in disks.iter().enumerate() {
            let (path, format) = (disk.path().display(), disk.format());
            arguments.extend([
                "-drive".to_owned(),
                format!("if=none,id=disk{index},file={path},format={format},cache=unsafe,discard=unmap"),
                "-device".to_owned(),
                format!("virtio-blk-pci,drive=disk{index},addr=0x{:x}", 0x10 + index),
            ]);
        }
        for (index, nic) in options.nics.iter().enumerate() {
            arguments.extend([
                "-netdev".to_owned(),
                format!("{},id=net{index}", nic.backend),
                "-device".to_owned(),
                format!("virtio-net-pci,netdev=net{index},addr={},romfile=", nic.slot),
            ]);
        }
        // A socket we hold both ends of needs no path, which could be too long for one.
        let (ours, theirs) = UnixStream::pair().context("cannot make a socket pair for QMP")?;
        rustix::io::fcntl_setfd(theirs.as_fd(), rustix::io::FdFlags::empty())
            .context("cannot hand a socket to QEMU")?;
        arguments.extend([
            "-chardev".to_owned(),
            format!("socket,id=qmp,fd={}", theirs.as_raw_fd()),
            "-mon".to_owned(),
            "chardev=qmp,mode=control".to_owned(),
            "-chardev".to_owned(),
            "stdio,id=serial,signal=off".to_owned(),
            "-serial".to_owned(),
            "chardev:serial".to_owned(),
        ]);
        if let Some(name) = &options.snapshot {
            arguments.extend(["-loadvm".to_owned(), name.clone()]);
        }
        arguments.extend(options.extra.iter().cloned());
        let log = disks.first().context("a machine needs a disk")?.path().with_extension("serial.log");
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let errors =
            std::fs::File::create(log.with_extension("qemu.log")).context("cannot create QEMU's log")?;
        let mut child = testbed
            .command(&words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .context("cannot start QEMU")?;
        drop(theirs);
        let pipe = child.stdout.take().context("QEMU has no output")?;
        let serial = Serial::collect(pipe, &log)?;
        let qmp = Qmp::new(ours)
            .with_context(|| format!("QEMU did not start; see {}", log.with_extension("qemu.log").display()));
        match qmp {
            Ok(qmp) => Ok(Vm { child, qmp, serial }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// What it says.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// Cuts the power: QEMU is killed, nothing is flushed, memory is gone.
    pub fn power_cut(self) {
        drop(self);
    }

    /// Presses the reset button: memory stays.
    ///
    /// # Errors
    /// When QEMU does not answer.
    pub fn reset(&mut self) -> Result<()> {
        self.qmp.execute("system_reset", &json!({})).map(drop)
    }

    /// Presses a key of its keyboard, named as QEMU does (`power`, `sleep`), and holds it for `time`. It has a keyboard when
    /// [`VmOptions::extra`] gives it one.
    ///
    /// # Errors
    /// When QEMU does not answer or refuses.
    pub fn press(&mut self, key: &str, time: Duration) -> Result<()> {
        let keys = json!([{"type": "qcode", "data": key}]);
        let hold = u64::try_from(time.as_millis()).context("too long a time")?;
        self.qmp.execute("send-key", &json!({"keys": keys, "hold-time": hold})).map(drop)
    }

    /// Lets disk `index` pass no more than one operation a second (`true`), or all again: what a dying disk does.
    ///
    /// # Errors
    /// When QEMU does not answer.
    pub fn stall_disk(&mut self, index: usize, stalled: bool) -> Result<()> {
        let limit = u64::from(stalled);
        self.qmp
            .execute(
                "block_set_io_throttle",
                &json!({"device": format!("disk{index}"), "bps": limit, "bps_rd": 0, "bps_wr": 0, "iops": 0, "iops_rd": 0, "iops_wr": 0}),
            )
            .map(drop)
    }

    /// Pulls network card `index`'s cable, or plugs it in again.
    ///
    /// # Errors
    /// When QEMU does not answer.
    pub fn link(&mut self, index: usize, is_up: bool) -> Result<()> {
        self.qmp.execute("set_link", &json!({"name": format!("net{index}"), "up": is_up})).map(drop)
    }

    /// Plugs a stick in.
    ///
    /// # Errors
    /// When QEMU does not answer or refuses.
    pub fn plug(&mut self, name: &str, stick: &Stick) -> Result<()> {
        let file = json!({"driver": "file", "filename": stick.path()});
        self.qmp.execute("blockdev-add", &json!({"driver": "raw", "node-name": name, "file": file}))?;
        let device = json!({"driver": "usb-storage", "id": name, "drive": name, "bus": "usb.0"});
        self.qmp.execute("device_add", &device).map(drop)
    }

    /// Pulls it out.
    ///
    /// # Errors
    /// When QEMU does not answer or refuses.
    pub fn unplug(&mut self, name: &str) -> Result<()> {
        self.qmp.execute("device_del", &json!({"id": name}))?;
        // The device is gone when its disk is free.
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.qmp.execute("blockdev-del", &json!({"node-name": name})) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => self.run_for(Duration::from_millis(200)),
            }
        }
    }

    /// Saves the whole machine, memory included, in its (overlay) disk.
    ///
    /// # Errors
    /// When QEMU does not answer or refuses.
    pub fn save(&mut self, name: &str) -> Result<()> {
        let answer = self.qmp.monitor(&format!("savevm {name}"))?;
        ensure!(answer.is_empty(), "QEMU cannot save the machine: {answer}");
        Ok(())
    }

    /// Whether it has not switched itself off.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.serial.wait_closed(Duration::ZERO).is_err()
    }

    /// Lets it run for `time`, or until it switches itself off.
    pub fn run_for(&self, time: Duration) {
        let _ = self.serial.wait_closed(time);
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        // Killing `unshare` kills QEMU, its only child (--kill-child).
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The pipe closes when QEMU itself is gone, and with it the lock on the disk's file.
        let _ = self.serial.wait_closed(Duration::from_secs(20));
    }
}
