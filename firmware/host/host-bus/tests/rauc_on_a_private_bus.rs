//! RAUC's interface against a real bus daemon, with a RAUC that only answers.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::collections::HashMap;
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use host_bus::{Bus, BusError, Mark, Marked, Rauc, RaucSlot, SlotStatus};
use zbus::wire::{OwnedVariant, Variant};

/// A bus of our own: nobody else is on it, and it can start nothing.
struct PrivateBus {
    daemon: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl PrivateBus {
    /// `None`, said, where there is no dbus-daemon.
    #[expect(
        clippy::disallowed_methods,
        reason = "host-bus starts no programs, so there is no helper for it here"
    )]
    fn start() -> Option<PrivateBus> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            folder.path().join("bus").display()
        );
        std::fs::write(&config, text).unwrap();
        let started = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nosyslog", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut daemon) = started else {
            println!("SKIPPED: dbus-daemon is not installed (Debian: package dbus-daemon)");
            return None;
        };
        // It prints its address once it listens.
        let mut said = daemon.stdout.take().unwrap();
        let mut address = Vec::new();
        let mut byte = [0];
        while said.read(&mut byte).unwrap() == 1 && byte != [b'\n'] {
            address.push(byte[0]);
        }
        let address = String::from_utf8(address).unwrap();
        assert!(address.starts_with("unix:path="), "dbus-daemon did not start: {address:?}");
        Some(PrivateBus { daemon, address, _folder: folder })
    }

    fn rauc(&self) -> Rauc {
        Rauc::on(Bus::at(self.address.clone()).limit(Duration::from_secs(20)))
    }

    fn impatient_rauc(&self) -> Rauc {
        Rauc::on(Bus::at(self.address.clone()).limit(Duration::from_millis(300)))
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        let _gone = self.daemon.kill();
        let _reaped = self.daemon.wait();
    }
}

/// Answers as RAUC does.
struct FakeRauc {
    answer: Answer,
    asked: mpsc::Sender<(String, String)>,
}

#[derive(Clone, Copy)]
enum Answer {
    Does,
    Refuses,
    Hangs,
}

/// RAUC's errors come from GLib, which gives them names like this one.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.gtk.GDBus.UnmappedGError.Quark")]
enum GError {
    #[zbus(error)]
    ZBus(zbus::Error),
    Code30(String),
}

#[zbus::interface(name = "de.pengutronix.rauc.Installer")]
impl FakeRauc {
    async fn mark(&self, state: &str, slot_identifier: &str) -> Result<(String, String), GError> {
        self.asked.send((state.to_owned(), slot_identifier.to_owned())).unwrap();
        match self.answer {
            Answer::Does => Ok(("rootfs.0".to_owned(), format!("marked slot rootfs.0 as {state}"))),
            Answer::Refuses => Err(GError::Code30("Did not find booted slot".to_owned())),
            Answer::Hangs => std::future::pending().await,
        }
    }

    fn get_primary(&self) -> String {
        "rootfs.1".to_owned()
    }

    fn get_slot_status(&self) -> Vec<(String, HashMap<String, OwnedVariant>)> {
        let text = |text: &'static str| OwnedVariant::try_from(Variant::from(text)).unwrap();
        let facts = [
            ("bootname", text("A")),
            ("state", text("booted")),
            ("boot-status", text("good")),
            ("size", OwnedVariant::try_from(Variant::from(512u64)).unwrap()),
        ];
        let facts = facts.map(|(key, value)| (key.to_owned(), value)).into();
        vec![("rootfs.0".to_owned(), facts), ("boot.0".to_owned(), HashMap::new())]
    }

    #[zbus(property)]
    fn operation(&self) -> &str {
        "idle"
    }

    #[zbus(property)]
    fn last_error(&self) -> &str {
        "LastError: no bundle"
    }
}

/// Serves on a thread until the test ends. What it is asked to mark comes out of the channel.
fn serve(bus: &PrivateBus, answer: Answer) -> mpsc::Receiver<(String, String)> {
    let (asked, questions) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    let address = bus.address.clone();
    std::thread::spawn(move || {
        zbus::block_on(async move {
            let _serving = zbus::connection::Builder::address(address.as_str())
                .serve_at("/", FakeRauc { answer, asked })
                .name("de.pengutronix.rauc")
                .build()
                .await
                .unwrap();
            ready.send(()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
    questions
}

#[test]
fn slots_are_marked_and_asked_about() {
    let Some(bus) = PrivateBus::start() else { return };
    let questions = serve(&bus, Answer::Does);
    let rauc = bus.rauc();

    for (mark, word) in [(Mark::Good, "good"), (Mark::Active, "active"), (Mark::Bad, "bad")] {
        let marked = rauc.mark(mark, RaucSlot::Booted).unwrap();
        let message = format!("marked slot rootfs.0 as {word}");
        assert_eq!(marked, Marked { slot: "rootfs.0".to_owned(), message });
        assert_eq!(questions.try_recv().unwrap(), (word.to_owned(), "booted".to_owned()));
    }
    assert_eq!(rauc.primary().unwrap(), "rootfs.1");
    let booted = SlotStatus {
        name: "rootfs.0".to_owned(),
        bootname: Some("A".to_owned()),
        state: Some("booted".to_owned()),
        boot_status: Some("good".to_owned()),
        bundle_version: None,
    };
    let boot = SlotStatus { name: "boot.0".to_owned(), ..SlotStatus::default() };
    assert_eq!(rauc.slot_status().unwrap(), [booted, boot]);
    assert_eq!(rauc.operation().unwrap(), "idle");
    assert_eq!(rauc.last_error().unwrap(), "LastError: no bundle");
}

#[test]
fn where_there_is_no_rauc_the_bus_says_so() {
    let Some(bus) = PrivateBus::start() else { return };
    let error = bus.rauc().mark(Mark::Good, RaucSlot::Booted).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BusError::Refused { .. }), "{text}");
    assert!(text.starts_with("cannot mark the booted slot good: RAUC: "), "{text}");
    assert!(text.contains("de.pengutronix.rauc"), "{text}");
}

#[test]
fn a_refusal_is_told_in_raucs_own_words() {
    let Some(bus) = PrivateBus::start() else { return };
    let _questions = serve(&bus, Answer::Refuses);
    let error = bus.rauc().mark(Mark::Bad, RaucSlot::Booted).unwrap_err();
    assert_eq!(error.to_string(), "cannot mark the booted slot bad: RAUC: Did not find booted slot");
}

#[test]
fn a_rauc_that_hangs_is_waited_for_no_longer_than_the_limit() {
    let Some(bus) = PrivateBus::start() else { return };
    let _questions = serve(&bus, Answer::Hangs);
    let before = Instant::now();
    let error = bus.impatient_rauc().mark(Mark::Good, RaucSlot::Booted).unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(10), "took {:?}", before.elapsed());
    assert_eq!(error.to_string(), "cannot mark the booted slot good: no answer from RAUC within 0.3 s");
    // The next call is not harmed.
    assert_eq!(bus.rauc().primary().unwrap(), "rootfs.1");
}

#[test]
fn a_bus_that_does_not_answer_or_is_not_there_is_bounded_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let rauc = Rauc::on(Bus::at(format!("unix:path={}", path.display())).limit(Duration::from_millis(300)));
    let error = rauc.operation().unwrap_err();
    assert!(matches!(error, BusError::Connect { .. }), "{error}");
    assert!(
        error.to_string().starts_with("cannot ask what it does: cannot connect to the bus at unix:path=")
    );

    let _never_accepts = UnixListener::bind(&path).unwrap();
    let before = Instant::now();
    let error = rauc.operation().unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(10), "took {:?}", before.elapsed());
    assert!(matches!(error, BusError::TimedOut { .. }), "{error}");
}
