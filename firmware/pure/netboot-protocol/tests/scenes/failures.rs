//! Boots that fail, one cause each. The name of a scene is the name of its cause, with a further word behind `--`.

use super::Scene;
use super::healthy::{HTTP, IPXE, IPXE_OFFER, PI, PI_OFFER, PXE, PXE_OFFER};
use super::stage::{DEVICE, List, RELAY, SERVER, Stage};

const OTHER: [u8; 4] = [172, 20, 30, 254];
const PI3: List<'static> =
    &[(60, b"PXEClient:Arch:00000:UNDI:002001"), (93, &[0, 0]), (97, b"\0DDDDDDDDDDDDDDDD")];

/// The same again and again, as a device does that does not get on.
fn again_and_again(stage: &mut Stage, times: u16, pause_ms: u64, turn: impl Fn(&mut Stage)) {
    for time in 0..times {
        stage.secs = u16::try_from(u64::from(time) * pause_ms / 1000).unwrap();
        turn(stage);
        stage.wait(pause_ms);
    }
}

pub(crate) const SCENES: &[Scene] = &[
    ("took-another-servers-offer", |stage| {
        stage.says(1, PXE).wait(3).answers(2, PXE_OFFER).wait(30);
        stage.says(3, &[(50, &[172, 20, 30, 77]), (54, &OTHER)]);
    }),
    ("took-another-servers-offer--pi", |stage| {
        for _ in 0..2 {
            stage.restart().says(1, PI).wait(3).answers(2, PI_OFFER).wait(30);
            stage.says(3, &[(50, &[172, 20, 30, 77]), (54, &OTHER)]).wait(40_000);
        }
    }),
    ("we-stay-silent", |stage| {
        again_and_again(stage, 4, 4000, |stage| {
            stage.says(1, PXE);
        });
    }),
    ("offers-are-not-taken", |stage| {
        again_and_again(stage, 4, 4000, |stage| {
            stage.says(1, PXE).wait(3).answers(2, PXE_OFFER);
        });
    }),
    ("pi-is-not-told-to-boot", |stage| {
        again_and_again(stage, 6, 4000, |stage| {
            stage.says(1, PI).wait(3).answers(2, &[]);
        });
    }),
    ("pi3-needs-three-spaces", |stage| {
        again_and_again(stage, 5, 4000, |stage| {
            stage
                .says(1, PI3)
                .wait(3)
                .answers(2, &[(43, b"\x09\x14\x00\x00\x11Raspberry Pi Boot\xff"), (66, b"172.20.30.1")]);
        });
    }),
    ("link-came-late", |stage| {
        stage.secs = 32;
        stage.says(1, PXE).wait(3).answers(2, PXE_OFFER);
    }),
    ("address-of-another-network", |stage| {
        again_and_again(stage, 3, 8000, |stage| {
            stage.says(3, &[(50, &[192, 168, 1, 20])]).wait(2).answers(6, &[]);
        });
    }),
    ("address-is-in-use", |stage| {
        for _ in 0..2 {
            stage.gets_address(&[(12, b"node")], &[]).wait(300);
            stage.says(4, &[(50, &DEVICE.octets()), (54, &SERVER.octets())]).wait(10_000);
        }
    }),
    ("never-asks-for-its-file", |stage| {
        for _ in 0..3 {
            stage.restart().gets_address(PXE, PXE_OFFER).wait(70_000);
        }
    }),
    ("boot-file-is-missing", |stage| {
        stage.gets_address(PXE, PXE_OFFER).misses("ipxe.efi");
    }),
    ("boot-file-is-missing--http", |stage| {
        stage.gets_address(HTTP, &[(60, b"HTTPClient"), (67, b"http://172.20.30.1/grubx64.efi")]);
        stage.fetches("HEAD", "/grubx64.efi", "404 Not Found", 13);
    }),
    ("pi-firmware-is-missing", |stage| {
        stage.gets_address(PI, PI_OFFER);
        for name in ["1234abcd/start4.elf", "1234abcd/start.elf", "config.txt", "start4.elf", "start.elf"] {
            stage.misses(name);
        }
    }),
    ("told-to-boot-from-disk", |stage| {
        stage.gets_address(PI, PI_OFFER);
        for name in ["1234abcd/start4.elf", "1234abcd/start.elf", "start4.elf"] {
            stage.asks(name, "octet", &[("tsize", "0"), ("blksize", "1024")]);
            stage.refuses(1, "this device boots from its own disk");
        }
    }),
    ("large-packets-are-lost", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks("ipxe.efi", "octet", &[("blksize", "1468")]);
        stage.accepts(&[("blksize", "1468")]).acknowledges(0);
        for wait in [1000, 2000, 4000, 4000] {
            stage.sends(1, 1468).wait(wait);
        }
    }),
    ("answers-do-not-arrive", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks("ipxe.efi", "octet", &[("tsize", "0")]);
        for wait in [1000, 2000, 4000] {
            stage.accepts(&[("tsize", "1000000")]).wait(wait);
            stage.asks_again(1, "ipxe.efi", "octet", &[("tsize", "0")]);
        }
        stage.accepts(&[("tsize", "1000000")]);
    }),
    ("options-are-refused", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks("ipxe.efi", "octet", &[("tsize", "0"), ("blksize", "1468")]);
        stage.accepts(&[("tsize", "1000000"), ("blksize", "1468")]).gives_up(8, "option negotiation failed");
    }),
    ("repeated-block-is-not-acknowledged", |stage| {
        stage.gets_address(PI, PI_OFFER).loads("1234abcd/config.txt", 100);
        stage.asks("1234abcd/start4.elf", "octet", &[("tsize", "0"), ("blksize", "1024")]);
        stage.accepts(&[("tsize", "2200000"), ("blksize", "1024")]).acknowledges(0).sends(1, 1024).wait(150);
        for wait in [1000, 1000, 2000, 4000, 4000] {
            stage.sends(811, 1024).wait(wait);
        }
    }),
    ("client-is-out-of-space", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks("ipxe.efi", "octet", &[("blksize", "1468")]);
        stage.accepts(&[("blksize", "1468")]).acknowledges(0).sends(1, 1468).wait(900);
        stage.gives_up(3, "Disk full or allocation exceeded");
    }),
    ("client-gave-up", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks("ipxe.efi", "octet", &[("blksize", "1468")]);
        stage.accepts(&[("blksize", "1468")]).acknowledges(0).sends(1, 1468).wait(900);
        stage.gives_up(0, "TFTP transfer aborted by user");
    }),
    ("block-counter-overflows", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks(
            "initrd.img",
            "octet",
            &[("tsize", "0"), ("blksize", "1024")],
        );
        stage
            .accepts(&[("tsize", "90000000"), ("blksize", "1024")])
            .acknowledges(0)
            .sends(1, 1024)
            .wait(20_000);
        for wait in [1000, 2000, 4000, 4000] {
            stage.sends(0, 1024).wait(wait);
        }
    }),
    ("file-took-too-long", |stage| {
        stage.gets_address(PI, PI_OFFER).loads("1234abcd/config.txt", 100);
        stage.asks("1234abcd/kernel8.img", "octet", &[("tsize", "0"), ("blksize", "1024")]);
        stage
            .accepts(&[("tsize", "60000000"), ("blksize", "1024")])
            .acknowledges(0)
            .sends(1, 1024)
            .wait(30_000);
        for wait in [500, 1000, 2000] {
            stage.sends(20_111, 1024).wait(wait);
        }
    }),
    ("loaded-but-not-started", |stage| {
        for _ in 0..3 {
            stage.restart().gets_address(PXE, PXE_OFFER).loads("ipxe.efi", 1_000_000).wait(12_000);
        }
    }),
    ("ipxe-loads-itself", |stage| {
        stage.gets_address(PXE, PXE_OFFER).loads("ipxe.efi", 1_000_000).wait(2000);
        for _ in 0..2 {
            stage.restart().gets_address(IPXE, PXE_OFFER).loads("ipxe.efi", 1_000_000).wait(2000);
        }
    }),
    ("http-boot-is-not-offered", |stage| {
        again_and_again(stage, 4, 4000, |stage| {
            stage.says(1, HTTP).wait(3).answers(2, &[(67, b"ipxe.efi")]);
        });
    }),
    ("url-needs-a-name-server", |stage| {
        for _ in 0..2 {
            stage.restart().gets_address(HTTP, &[(60, b"HTTPClient"), (67, b"http://boot.lan/grubx64.efi")]);
            stage.wait(30_000);
        }
    }),
    ("port-4011-stays-silent", |stage| {
        stage.gets_address(PXE, &[(60, b"PXEClient")]);
        for wait in [1000, 2000, 4000] {
            stage.says_to(4011, 3, PXE).wait(wait);
        }
    }),
    ("relay-does-not-return", |stage| {
        stage.relay = Some(RELAY);
        again_and_again(stage, 4, 4000, |stage| {
            stage.says(1, PXE).wait(3).answers(2, PXE_OFFER);
        });
    }),
    ("answers-come-from-another-port", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks("ipxe.efi", "octet", &[]);
        for wait in [1000, 2000, 4000] {
            stage.sends(1, 512).acknowledges_from_elsewhere(1).wait(wait);
        }
    }),
    ("wrong-mode", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks("ipxe.efi", "netascii", &[]);
        stage.refuses(0, "netascii is for texts up to 32 KiB; ask in octet mode");
    }),
    ("file-is-too-large-for-the-client", |stage| {
        stage.gets_address(PI, PI_OFFER).loads("1234abcd/config.txt", 100);
        stage.asks("1234abcd/kernel8.img", "octet", &[("tsize", "0"), ("blksize", "1024")]);
        stage.refuses(0, "the file has 80000000 bytes, and this client can take 67107839 in blocks of 1024");
    }),
    ("upload-is-refused", |stage| {
        stage.gets_address(PXE, PXE_OFFER).asks_again(2, "dump.bin", "octet", &[]);
        stage.refuses(2, "this server takes no uploads");
    }),
    ("speaks-bootp-only", |stage| {
        again_and_again(stage, 3, 4000, |stage| {
            stage.says_bootp();
        });
    }),
    ("packets-are-broken", |stage| {
        again_and_again(stage, 3, 4000, |stage| {
            stage.says_nonsense();
        });
    }),
    ("two-machines-with-one-mac", |stage| {
        let second: List<'static> = &[
            (60, b"PXEClient:Arch:00007:UNDI:003016"),
            (93, &[0, 7]),
            (97, &[0, 99, 98, 97, 96, 95, 94, 93, 92, 91, 90, 89, 88, 87, 86, 85, 84]),
        ];
        stage.gets_address(PXE, PXE_OFFER).wait(1500);
        stage.restart().gets_address(second, PXE_OFFER).wait(1500);
        stage.restart().gets_address(PXE, PXE_OFFER).wait(2500);
        stage.restart().gets_address(second, PXE_OFFER);
    }),
    ("we-wait-for-others", |stage| {
        stage.gets_address(PI, PI_OFFER);
        stage.asks("1234abcd/kernel8.img", "octet", &[("tsize", "0"), ("blksize", "1024")]);
        for _ in 0..5 {
            stage.wait(4000).asks_again(
                1,
                "1234abcd/kernel8.img",
                "octet",
                &[("tsize", "0"), ("blksize", "1024")],
            );
        }
    }),
    ("never-asks-for-its-file--ipxe", |stage| {
        for _ in 0..3 {
            stage.restart().gets_address(IPXE, IPXE_OFFER).wait(40_000);
        }
    }),
];
