//! TFTP and HTTP boot over real sockets, between two network namespaces: the firmware of the zoo, and the command line
//! clients of Debian.

#![allow(clippy::unwrap_used, reason = "what fails in a helper of these tests fails the test")]

#[path = "support/daemon.rs"]
mod daemon;

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use client_zoo::firmware::{self, Generation, Ipxe, Pi};
use client_zoo::http::Connection;
use client_zoo::lab::{CLIENT, CLIENT_LINK, SERVER, find_program};
use client_zoo::tftp::{self, Failure, Get, Habits, file};
use daemon::{Daemon, content, prepare, skip};

fn pc_files() -> (tempfile::TempDir, Vec<u8>) {
    let folder = prepare();
    let big = content(3_000_000);
    std::fs::write(folder.path().join("files/pc/big.bin"), &big).unwrap();
    std::fs::write(folder.path().join("files/pc/exact.bin"), content(51_200)).unwrap();
    std::fs::write(folder.path().join("files/pc/menu.cfg"), "one\ntwo\r\n").unwrap();
    std::fs::write(folder.path().join("files/pc/grub.efi"), content(200_000)).unwrap();
    (folder, big)
}

fn pi_files() -> (tempfile::TempDir, Vec<u8>) {
    let folder = prepare();
    let kernel = content(9_000_000);
    let put =
        |name: &str, bytes: &[u8]| std::fs::write(folder.path().join("files/pi").join(name), bytes).unwrap();
    for (name, size) in
        [("bootcode.bin", 52_480), ("start.elf", 2_900_000), ("start4.elf", 2_200_000), ("fixup.dat", 7_000)]
    {
        put(name, &content(size));
    }
    put("config.txt", b"arm_64bit=1\n");
    put("cmdline.txt", b"console=serial0,115200\n");
    put("kernel8.img", &kernel);
    put("kernel_2712.img", &kernel);
    (folder, kernel)
}

fn pi(generation: Generation) -> Pi {
    Pi {
        generation,
        serial: 0x1234_abcd,
        mac: [0xdc, 0xa6, 0x32, 1, 2, 3],
        little_endian_id: false,
        address: Ipv4Addr::UNSPECIFIED,
    }
}

/// The clients people have at hand.
#[test]
fn d03_command_line_clients_fetch() {
    if skip() {
        return;
    }
    let wanted = ["curl", "tftp", "busybox", "atftp"];
    let missing: Vec<&str> = wanted.into_iter().filter(|name| find_program(name).is_none()).collect();
    if !missing.is_empty() {
        println!("SKIPPED: apt-get install curl tftp-hpa busybox atftp: missing {}", missing.join(", "));
        return;
    }
    let (folder, big) = pc_files();
    let daemon = Daemon::start(folder, "");
    let out = tempfile::tempdir().unwrap();
    let at = |name: &str| out.path().join(name).to_str().unwrap().to_owned();
    let server = SERVER.to_string();
    let run = |program: &str, arguments: &[&str]| daemon.lab.client.run(program, arguments).unwrap();

    run("curl", &["-s", "--tftp-blksize", "1468", "-o", &at("1"), &format!("tftp://{server}/big.bin")]);
    run("curl", &["-s", "-o", &at("2"), &format!("http://{server}/big.bin")]);
    for (name, window) in [("3", "windowsize 1"), ("4", "windowsize 16"), ("5", "windowsize 64")] {
        let options = ["--option", window, "--option", "blksize 1428"];
        let end = ["-g", "-r", "big.bin", "-l", &at(name), &server];
        run("atftp", &[&options[..], &end].concat());
    }
    run("tftp", &["-m", "binary", &server, "-c", "get", "big.bin", &at("6")]);
    run("busybox", &["tftp", "-g", "-r", "big.bin", "-l", &at("7"), &server]);
    for name in 1..=7 {
        assert!(std::fs::read(at(&name.to_string())).unwrap() == big, "client {name} got something else");
    }
    run("busybox", &["tftp", "-g", "-r", "exact.bin", "-l", &at("8"), &server]);
    assert!(std::fs::read(at("8")).unwrap() == content(51_200));
    run("tftp", &["-m", "ascii", &server, "-c", "get", "menu.cfg", &at("9")]);
    assert_eq!(std::fs::read(at("9")).unwrap(), b"one\ntwo\r\n");
    // A broken download goes on where it stopped.
    std::fs::write(at("10"), &big[..1_234_567]).unwrap();
    run("curl", &["-s", "-C", "-", "-o", &at("10"), &format!("http://{server}/big.bin")]);
    assert!(std::fs::read(at("10")).unwrap() == big);
}

#[test]
fn d06_every_generation_of_raspberry_pi_loads_its_files() {
    if skip() {
        return;
    }
    let (folder, kernel) = pi_files();
    let daemon = Daemon::start(folder, "");
    for generation in [Generation::Four, Generation::Five] {
        let boot = daemon.lab.client.enter(|| pi(generation).load(daemon.tftp(), Some(&kernel))).unwrap();
        assert!(boot.loaded.iter().all(|(name, _)| name.starts_with("1234abcd/")), "{:?}", boot.loaded);
        assert_eq!(boot.loaded.iter().filter(|(_, size)| *size == 9_000_000).count(), 1);
        assert!(boot.missing.iter().any(|name| name.ends_with("pieeprom.sig")), "{:?}", boot.missing);
        assert!(boot.slowest < Duration::from_secs(30));
    }
    let log = daemon.log();
    // It looks for files that are not there on every boot.
    assert!(!log.contains("pieeprom") && !log.contains("error"), "{log}");
}

const SUBNET: &str = "[[subnet]]\nnetwork = \"10.99.0.0/16\"\npools = [\"10.99.1.0-10.99.1.200\"]\n";

#[test]
fn d06_a_pi_boots_from_its_first_discover_and_d07_explain_tells_why_another_does_not() {
    if skip() {
        return;
    }
    let (folder, kernel) = pi_files();
    let daemon = Daemon::start(folder, SUBNET);
    let lease = |pi: &mut Pi| {
        let card = pi.card();
        let offer = daemon.lab.client.enter(|| {
            let wire = client_zoo::dhcp::Wire::open(CLIENT_LINK).unwrap();
            let (pause, patience) = (Duration::from_secs(4), Duration::from_secs(45));
            wire.lease(&card, pause, patience, |offer| pi.boot_server(offer) == Some(SERVER)).unwrap()
        });
        pi.address = offer.address;
        daemon
            .lab
            .client
            .ip(&["addr", "replace", &format!("{}/16", pi.address), "dev", CLIENT_LINK])
            .unwrap();
    };
    for (generation, little_endian_id) in [
        (Generation::Three, false),
        (Generation::Four, false),
        (Generation::Four, true),
        (Generation::Five, false),
    ] {
        let mut pi =
            Pi { little_endian_id, mac: [0xdc, 0xa6, 0x32, 1, 2, generation as u8], ..pi(generation) };
        lease(&mut pi);
        let boot = daemon.lab.client.enter(|| pi.load(daemon.tftp(), Some(&kernel))).unwrap();
        assert_eq!(boot.loaded.iter().filter(|(_, size)| *size == 9_000_000).count(), 1, "{generation:?}");
    }
    let answer = daemon.ask(r#"{"explain":"DC-A6-32-01-02-01"}"#);
    assert_eq!(answer["cause"], serde_json::Value::Null, "{answer:#}");
    let said = |text: &str| {
        answer["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["text"].as_str().unwrap().contains(text))
    };
    assert!(
        said("DHCP DISCOVER") && said("DHCP ACK") && said("TFTP read 1234abcd/kernel8.img"),
        "{answer:#}"
    );

    // The firmware is gone; the next one blinks.
    for name in ["start4.elf", "start.elf"] {
        std::fs::remove_file(daemon.folder.path().join("files/pi").join(name)).unwrap();
    }
    udp_pause_for(&daemon, Duration::from_millis(1200));
    let mut pi = Pi { mac: [0xdc, 0xa6, 0x32, 1, 2, 9], ..pi(Generation::Four) };
    std::fs::remove_file(daemon.folder.path().join("files/pi/config.txt")).unwrap();
    lease(&mut pi);
    daemon.lab.client.enter(|| {
        pi.load(daemon.tftp(), None).unwrap_err();
        let ask = |name| {
            tftp::get(daemon.tftp(), &file(name, &[]), &Habits { from: pi.address, ..Habits::default() })
        };
        ask("start4.elf").unwrap_err();
    });
    let answer = daemon.ask(r#"{"explain":"dc:a6:32:01:02:09"}"#);
    assert_eq!(answer["cause"]["code"], "pi-firmware-is-missing", "{answer:#}");
    let capture = daemon.ask(r#"{"capture":"dc:a6:32:01:02:09"}"#);
    assert!(capture["pcap_hex"].as_str().unwrap().starts_with("a1b2c3d4"));
    let devices = daemon.ask(r#"{"devices":true}"#)["devices"].to_string();
    assert!(
        ["01", "02", "09"].iter().all(|last| devices.contains(&format!("dc:a6:32:01:02:{last}"))),
        "{devices}"
    );
    assert!(daemon.ask("nonsense")["error"].is_string());
}

/// Time goes by, on a socket that nobody sends to.
fn udp_pause_for(daemon: &Daemon, time: Duration) {
    daemon.lab.client.enter(|| {
        let socket = udp();
        socket.set_read_timeout(Some(time)).unwrap();
        let _nobody = socket.recv_from(&mut [0]);
    });
}

#[test]
fn d06_a_file_above_the_clients_limit_is_refused_when_published_check() {
    let (folder, _) = pi_files();
    let image = std::fs::File::create(folder.path().join("files/pi/initrd.img")).unwrap();
    image.set_len(65_535 * 1024).unwrap();
    let config = daemon::write_policy(folder.path(), "");
    let check = |config: &std::path::Path| {
        let program = host_files::Program::new(env!("CARGO_BIN_EXE_netbootd"))
            .arg("--config")
            .arg(config)
            .arg("--check");
        host_files::run_program(&program)
    };
    let refused = format!("{:?}", check(&config).unwrap_err());
    assert!(refused.contains("pi/initrd.img has 67107840 bytes"), "{refused}");
    image.set_len(65_535 * 1024 - 1).unwrap();
    assert!(check(&config).is_ok());
}

#[test]
fn r4_3_29_missing_files_are_answered_at_once_and_do_not_count() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        let begun = Instant::now();
        for number in 0..300 {
            let name = format!("no-such-file-{number}");
            let failure = tftp::get(daemon.tftp(), &file(&name, &[]), &Habits::default()).unwrap_err();
            assert_eq!(failure, Failure::Refused { code: 1, message: "no such file".into() });
        }
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert_eq!(tftp::get(daemon.tftp(), &file("menu.cfg", &[]), &Habits::default()).unwrap().length, 9);
    });
    assert!(!daemon.log().contains("no-such-file"));
}

#[test]
fn r4_3_36_a_signed_boot_image_comes_by_http() {
    if skip() {
        return;
    }
    let (folder, _) = pi_files();
    let image = content(1_500_000);
    std::fs::create_dir(folder.path().join("files/pi/1234abcd")).unwrap();
    std::fs::write(folder.path().join("files/pi/1234abcd/boot.img"), &image).unwrap();
    std::fs::write(folder.path().join("files/pi/1234abcd/boot.sig"), "sig").unwrap();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        let mut connection = Connection::open(daemon.http()).unwrap();
        let answer = connection.ask("GET", "/1234abcd/boot.sig", &[]).unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"sig"[..]));
        let answer = connection.ask("GET", "/1234abcd/boot.img", &[]).unwrap();
        assert!(answer.body == image);
        assert_eq!(answer.headers["content-type"], "application/vnd.efi-img");
    });
}

#[test]
fn r4_4_37_a_client_that_says_everything_twice_gets_everything_once() {
    if skip() {
        return;
    }
    let (folder, big) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        for window in ["1", "16"] {
            let options = [("blksize", "1024"), ("windowsize", window)];
            let habits = Habits { echo: true, expected: Some(&big), ..Habits::default() };
            let fetched = tftp::get(daemon.tftp(), &file("big.bin", &options), &habits).unwrap();
            assert_eq!((fetched.data_packets, fetched.repeated), (2930, 0), "windowsize {window}");
        }
    });
}

#[test]
fn r4_4_38_a_stranger_gets_error_5_and_the_transfer_goes_on() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        let (client, stranger) = (udp(), udp());
        client.send_to(&tftp::request(1, &file("exact.bin", &[])), daemon.tftp()).unwrap();
        let mut buffer = [0; 1024];
        let (_, session) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..4], [0, 3, 0, 1]);
        stranger.send_to(&[0, 4, 0, 1], session).unwrap();
        let (length, from) = stranger.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..4], from), (&[0, 5, 0, 5][..], session), "{:?}", &buffer[..length]);
        // An ERROR is never answered: what is answered next is the question after it.
        stranger.send_to(&[0, 5, 0, 5, 0], session).unwrap();
        stranger.send_to(&[0, 4, 0, 1], session).unwrap();
        stranger.recv_from(&mut buffer).unwrap();
        stranger.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(stranger.recv_from(&mut buffer).is_err(), "an ERROR was answered");
        client.send_to(&[0, 4, 0, 1], session).unwrap();
        client.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..4], [0, 3, 0, 2]);
    });
}

#[test]
fn r4_4_44_a_repeated_request_is_the_same_transfer() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        let client = udp();
        let request = tftp::request(1, &file("exact.bin", &[]));
        for _ in 0..3 {
            client.send_to(&request, daemon.tftp()).unwrap();
        }
        let mut buffer = [0; 1024];
        let (_, session) = client.recv_from(&mut buffer).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        assert!(client.recv_from(&mut buffer).is_err(), "a second transfer has begun");
        // A ROM that starts over from the same port, in the middle of a transfer, gets a new one.
        client.send_to(&[0, 4, 0, 1], session).unwrap();
        client.recv_from(&mut buffer).unwrap();
        client.send_to(&request, daemon.tftp()).unwrap();
        let (_, next) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..4], [0, 3, 0, 1]);
        assert_ne!(next, session);
    });
}

#[test]
fn r4_4_50_the_answer_comes_from_the_address_that_was_asked() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    // A second address on the interface, and one that routing would rather answer from.
    daemon.lab.server.ip(&["addr", "add", "10.99.0.9/16", "dev", "srv"]).unwrap();
    daemon.lab.client.enter(|| {
        let client = udp();
        client.send_to(&tftp::request(1, &file("menu.cfg", &[])), daemon.tftp()).unwrap();
        let (_, from) = client.recv_from(&mut [0; 1024]).unwrap();
        assert_eq!(from.ip(), SERVER);
        assert_ne!(from.port(), 69, "a port of its own for each transfer (RFC 1350 section 4)");
        // On the other address nobody listens.
        let other = SocketAddrV4::new(Ipv4Addr::new(10, 99, 0, 9), 69);
        client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        client.send_to(&tftp::request(1, &file("menu.cfg", &[])), other).unwrap();
        assert!(client.recv_from(&mut [0; 1024]).is_err());
    });
}

#[test]
fn r4_4_52_forged_sources_are_not_flooded() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.ip(&["addr", "add", "192.0.2.7/24", "dev", CLIENT_LINK]).unwrap();
    daemon.lab.server.ip(&["route", "add", "192.0.2.0/24", "dev", "srv"]).unwrap();
    daemon.lab.client.enter(|| {
        // Forty requests from one address, and nobody there who answers.
        let clients: Vec<UdpSocket> = (0..40).map(|_| udp()).collect();
        let request = tftp::request(1, &file("big.bin", &[("blksize", "1468")]));
        for client in &clients {
            client.send_to(&request, daemon.tftp()).unwrap();
            client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        }
        let answered = clients.iter().filter(|client| client.recv_from(&mut [0; 2000]).is_ok()).count();
        assert_eq!(answered, 8);
        // An address that is none of ours.
        let habits = Habits { from: Ipv4Addr::new(192, 0, 2, 7), tries: 0, ..Habits::default() };
        let failure = tftp::get(daemon.tftp(), &file("menu.cfg", &[]), &habits).unwrap_err();
        assert_eq!(failure, Failure::Silence { after: 0 });
    });
}

#[test]
fn r4_4_45_uefi_ends_its_size_probe_and_hears_nothing_more() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    let fetched = daemon.lab.client.enter(|| firmware::pxe_boot(daemon.tftp(), "\\grub.efi")).unwrap();
    assert!(fetched.content == content(200_000));
}

#[test]
fn other_firmware_gets_its_files() {
    if skip() {
        return;
    }
    let (folder, big) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        assert!(firmware::ipxe_boot(Ipxe::Tftp, daemon.tftp(), "big.bin").unwrap() == big);
        assert!(firmware::ipxe_boot(Ipxe::HttpRanges, daemon.http(), "big.bin").unwrap() == big);
        let fetched = firmware::u_boot_tftp(daemon.tftp(), "/big.bin", 2070).unwrap();
        assert!(fetched.content == big && fetched.accepted["timeout"] == "5");
        let fetched = firmware::u_boot_tftp(daemon.tftp(), "/menu.cfg", 2070).unwrap();
        assert_eq!(fetched.length, 9);
    });
}

#[test]
fn bad_clients_are_refused_with_a_reason() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        let refused = |get: &Get<'_>| match tftp::get(daemon.tftp(), get, &Habits::default()) {
            Err(Failure::Refused { code, message }) => (code, message),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&file("../etc/passwd", &[])), (2, "the file name contains `..`".into()));
        let mail = Get { file: b"menu.cfg", mode: "mail", options: &[] };
        assert_eq!(refused(&mail), (0, "the mode must be octet or netascii".into()));
        let large = Get { file: b"big.bin", mode: "NetAscii", options: &[] };
        assert_eq!(refused(&large), (0, "netascii is for texts up to 32 KiB; ask in octet mode".into()));
        let client = udp();
        client.send_to(&tftp::request(2, &file("new.bin", &[("tsize", "5")])), daemon.tftp()).unwrap();
        let mut buffer = [0; 100];
        client.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..4], [0, 5, 0, 2], "an upload is refused");
    });
    assert!(!daemon.folder.path().join("files/pc/new.bin").exists());
}

#[test]
fn one_percent_loss_with_windows_of_16_finishes_without_a_stall() {
    if skip() {
        return;
    }
    let (folder, big) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        let options = [("blksize", "1468"), ("windowsize", "16"), ("timeout", "2")];
        // The client's own clock is slower than what was agreed, so that the server's is measured.
        let habits = Habits {
            lose_every: 97,
            wait: Duration::from_secs(8),
            expected: Some(&big),
            ..Habits::default()
        };
        let fetched = tftp::get(daemon.tftp(), &file("big.bin", &options), &habits).unwrap();
        assert_eq!((fetched.length, fetched.retries), (3_000_000, 0));
        assert!(fetched.longest_pause < Duration::from_millis(2100), "{:?}", fetched.longest_pause);
    });
}

#[test]
fn a_new_file_is_found_and_a_removed_one_is_not() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    let path = daemon.folder.path().join("files/pc/late.cfg");
    daemon.lab.client.enter(|| {
        let ask = || tftp::get(daemon.tftp(), &file("late.cfg", &[]), &Habits::default());
        let wait_until = |wanted: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !wanted() {
                assert!(begun.elapsed() < Duration::from_secs(10), "the change is not seen");
                udp_pause();
            }
        };
        assert!(ask().is_err());
        std::fs::write(&path, "here").unwrap();
        wait_until(&|| ask().is_ok_and(|fetched| fetched.content == b"here"));
        std::fs::remove_file(&path).unwrap();
        wait_until(&|| ask().is_err());
    });
}

#[test]
fn r4_5_55_lengths_are_exact_head_is_answered_and_connections_are_kept() {
    if skip() {
        return;
    }
    let (folder, big) = pc_files();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        assert!(firmware::http_boot(daemon.http(), "/big.bin").unwrap() == big);
        let mut connection = Connection::open(daemon.http()).unwrap();
        for _ in 0..20 {
            let head = connection.ask("HEAD", "/menu.cfg", &[]).unwrap();
            assert_eq!((head.status, head.headers["content-length"].as_str()), (200, "9"));
            let missing = connection.ask("GET", "/nothing", &[]).unwrap();
            assert_eq!((missing.status, &missing.body[..]), (404, &b"no such file\n"[..]));
            assert_eq!(connection.ask("GET", "/menu.cfg", &[]).unwrap().body, b"one\ntwo\r\n");
        }
        let tail = connection.ask("GET", "/big.bin", &[("Range", "bytes=-100")]).unwrap();
        assert_eq!((tail.status, &tail.body[..]), (206, &big[big.len() - 100..]));
        let beyond = connection.ask("GET", "/big.bin", &[("Range", "bytes=3000000-")]).unwrap();
        assert_eq!((beyond.status, beyond.headers["content-range"].as_str()), (416, "bytes */3000000"));
        // Resumed after the file was replaced: it begins anew.
        let changed = [("Range", "bytes=10-"), ("If-Range", "\"another\"")];
        assert_eq!(connection.ask("GET", "/menu.cfg", &changed).unwrap().status, 200);
        assert_eq!(connection.ask("PUT", "/menu.cfg", &[("Content-Length", "0")]).unwrap().status, 405);
    });
}

#[test]
fn r4_5_56_there_are_no_redirects() {
    if skip() {
        return;
    }
    let (folder, _) = pc_files();
    std::fs::create_dir(folder.path().join("files/pc/dir")).unwrap();
    let daemon = Daemon::start(folder, "");
    daemon.lab.client.enter(|| {
        let mut connection = Connection::open(daemon.http()).unwrap();
        for (path, status) in [
            ("//grub.efi", 200),
            ("/./grub.efi", 200),
            ("/dir", 404),
            ("/dir/", 404),
            ("/", 404),
            ("/../x", 404),
        ] {
            assert_eq!(connection.ask("GET", path, &[]).unwrap().status, status, "{path}");
        }
    });
}

#[test]
fn ten_thousand_idle_transfers_fit_into_64_megabytes() {
    const TRANSFERS: usize = 10_000;
    if skip() {
        return;
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < 2 * TRANSFERS as u64) {
        println!("SKIPPED: at most {:?} open files are allowed here", limit.maximum);
        return;
    }
    let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let (folder, _) = pc_files();
    let daemon = Daemon::start(folder, "");
    let before = pss(daemon.process());
    daemon.lab.client.enter(|| {
        let request = tftp::request(1, &file("exact.bin", &[("blksize", "1024")]));
        let mut clients = Vec::new();
        for _ in 0..TRANSFERS {
            let client = udp();
            let mut buffer = [0; 2000];
            // A request is lost now and then when ten thousand transfers say everything again.
            let answer = (0..5).find_map(|_| {
                client.send_to(&request, daemon.tftp()).unwrap();
                client.recv_from(&mut buffer).ok()
            });
            let (_, session) = answer.unwrap();
            assert_eq!(buffer[..2], [0, 6]);
            client.send_to(&[0, 4, 0, 0], session).unwrap();
            client.recv_from(&mut buffer).unwrap();
            clients.push(client);
        }
        let after = pss(daemon.process());
        println!("{before} KiB before, {after} KiB with {TRANSFERS} transfers");
        assert!(after < 64 << 10, "{after} KiB with {TRANSFERS} transfers, {before} before");
    });
}

/// Proportional set size of a process in KiB.
fn pss(process: u32) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

fn udp() -> UdpSocket {
    let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

/// A moment, without a sleep: nobody sends to this socket.
fn udp_pause() {
    let socket = udp();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let _nobody = socket.recv_from(&mut [0]);
}
