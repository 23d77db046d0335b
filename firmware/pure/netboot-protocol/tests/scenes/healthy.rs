//! Boots that work, with what looks odd in them and is not.

use super::Scene;
use super::stage::{List, SERVER};

pub(crate) const PXE: List<'static> = &[
    (60, b"PXEClient:Arch:00007:UNDI:003016"),
    (93, &[0, 7]),
    (97, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
];
pub(crate) const PXE_OFFER: List<'static> =
    &[(60, b"PXEClient"), (43, &[6, 1, 8, 255]), (67, b"ipxe.efi"), (66, b"172.20.30.1")];
pub(crate) const PI: List<'static> = &[
    (60, b"PXEClient:Arch:00000:UNDI:002001"),
    (93, &[0, 0]),
    (97, b"\0RPi4\x14\x31\xc0\x00\x32\x01\x02\x03\x12\x34\xab\xcd"),
];
pub(crate) const PI_OFFER: List<'static> = &[
    (60, b"PXEClient"),
    (43, b"\x06\x01\x03\x0a\x04\x00PXE\x09\x14\x00\x00\x11Raspberry Pi Boot\xff"),
    (66, b"172.20.30.1"),
];
pub(crate) const IPXE: List<'static> =
    &[(60, b"PXEClient:Arch:00007:UNDI:003016"), (93, &[0, 7]), (77, b"iPXE"), (175, &[177, 0])];
pub(crate) const IPXE_OFFER: List<'static> =
    &[(60, b"PXEClient"), (67, b"http://172.20.30.1/boot.ipxe"), (175, &[176, 1, 1])];
pub(crate) const HTTP: List<'static> = &[(60, b"HTTPClient:Arch:00016:UNDI:003001"), (93, &[0, 16])];
pub(crate) const HTTP_OFFER: List<'static> =
    &[(60, b"HTTPClient"), (67, b"http://172.20.30.1/grubx64.efi"), (6, &[172, 20, 30, 1])];

pub(crate) const SCENES: &[Scene] = &[
    ("healthy-pi", |stage| {
        stage.gets_address(PI, PI_OFFER);
        // It looks whether its folder has a start4.elf, and ends that transfer.
        let size = [("tsize", "2200000"), ("blksize", "1024")];
        stage.asks("1234abcd/start4.elf", "octet", &[("tsize", "0"), ("blksize", "1024")]);
        stage.accepts(&size).gives_up(0, "Early terminate").wait(10);
        for missing in ["pieeprom.sig", "recover4.elf", "recovery.elf", "autoboot.txt"] {
            stage.misses(&format!("1234abcd/{missing}"));
        }
        for (file, size) in
            [("config.txt", 120), ("start4.elf", 2_200_000), ("fixup4.dat", 5400), ("kernel8.img", 9_000_000)]
        {
            stage.loads(&format!("1234abcd/{file}"), size);
        }
    }),
    ("healthy-pi-without-prefix", |stage| {
        stage.gets_address(PI, PI_OFFER);
        stage.misses("1234abcd/start4.elf").misses("1234abcd/start.elf");
        stage.loads("config.txt", 120).loads("start4.elf", 2_200_000).loads("kernel8.img", 9_000_000);
    }),
    ("healthy-pi-with-a-lost-packet", |stage| {
        stage.gets_address(PI, PI_OFFER);
        stage.asks("1234abcd/start4.elf", "octet", &[("tsize", "0"), ("blksize", "1024")]);
        stage.accepts(&[("tsize", "2200000"), ("blksize", "1024")]).acknowledges(0).sends(1, 1024).wait(200);
        stage.sends(700, 1024).wait(1000).sends(700, 1024).acknowledges(700).wait(300);
        stage.sends(2149, 448).acknowledges(2149);
        stage.loads("1234abcd/kernel8.img", 9_000_000);
    }),
    ("healthy-uefi-pxe", |stage| {
        stage.gets_address(PXE, PXE_OFFER);
        stage.asks("ipxe.efi", "octet", &[("tsize", "0"), ("blksize", "1468")]);
        stage
            .accepts(&[("tsize", "1000000"), ("blksize", "1468")])
            .gives_up(8, "User aborted the transfer")
            .wait(5);
        stage.loads("ipxe.efi", 1_000_000).wait(1500);
        stage.restart().gets_address(IPXE, IPXE_OFFER);
        stage.fetches("GET", "/boot.ipxe", "200 OK", 300).wait(50);
        stage.fetches("GET", "/vmlinuz", "200 OK", 9_000_000).wait(2000);
        stage.fetches("GET", "/initrd.img", "200 OK", 30_000_000).wait(15_000);
        // The system that was started asks for itself.
        stage.restart().gets_address(&[(12, b"node1"), (61, &[255, 1, 2, 3, 4])], &[]);
    }),
    ("healthy-http-boot", |stage| {
        stage.gets_address(HTTP, HTTP_OFFER);
        stage.fetches("HEAD", "/grubx64.efi", "200 OK", 2_500_000).wait(10);
        stage.fetches("GET", "/grubx64.efi", "200 OK", 2_500_000).wait(900);
        stage.fetches("GET", "/grub.cfg", "200 OK", 200);
    }),
    ("healthy-laptop", |stage| {
        stage.gets_address(&[(12, b"laptop"), (55, &[1, 3, 6, 15])], &[]);
        stage.wait(1_800_000).says(3, &[(12, b"laptop")]).wait(3).answers(5, &[]);
        stage.wait(1_800_000).says(7, &[(54, &SERVER.octets())]);
    }),
    ("healthy-second-discover", |stage| {
        // The first one was answered too late for the ROM.
        stage.says(1, PXE).wait(3900).answers(2, PXE_OFFER).wait(120);
        stage.secs = 4;
        stage.gets_address(PXE, PXE_OFFER).loads("ipxe.efi", 1_000_000);
    }),
    ("healthy-reboot-tomorrow", |stage| {
        for _ in 0..4 {
            stage.restart().gets_address(PXE, PXE_OFFER).loads("ipxe.efi", 1_000_000);
            stage.wait(86_400_000);
        }
    }),
    ("healthy-u-boot", |stage| {
        stage.gets_address(&[(60, b"U-Boot.armv8"), (93, &[0, 22])], &[(67, b"boot.scr.uimg")]);
        stage.misses("pxelinux.cfg/01-dc-a6-32-01-02-03").misses("pxelinux.cfg/AC141E64");
        stage.loads("boot.scr.uimg", 1200).loads("Image", 30_000_000);
    }),
];
