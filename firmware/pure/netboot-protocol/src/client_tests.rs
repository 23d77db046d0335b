use super::*;
use proptest::prelude::*;

const PXE_BIOS: &[u8] = b"PXEClient:Arch:00000:UNDI:002001";
const PXE_X64: &[u8] = b"PXEClient:Arch:00007:UNDI:003016";

fn pi_machine_id(first: &[u8; 4], serial: [u8; 4]) -> Vec<u8> {
    [&[0][..], first, &[0x14, 0x31, 0xc0, 0], &[0xde, 0xad, 1, 2], &serial].concat()
}

#[test]
fn r4_2_22_architectures_are_a_table_and_7_is_9() {
    for (number, expected) in [
        (0, Some((Architecture::Bios, false))),
        (6, Some((Architecture::UefiIa32, false))),
        (7, Some((Architecture::UefiX64, false))),
        (9, Some((Architecture::UefiX64, false))),
        (10, Some((Architecture::UefiArm32, false))),
        (11, Some((Architecture::UefiArm64, false))),
        (15, Some((Architecture::UefiIa32, true))),
        (16, Some((Architecture::UefiX64, true))),
        (18, Some((Architecture::UefiArm32, true))),
        (19, Some((Architecture::UefiArm64, true))),
        (41, Some((Architecture::RaspberryPi, false))),
        (999, None),
    ] {
        assert_eq!(Architecture::from_number(number), expected, "{number}");
    }
    let client = classify(&Signs { vendor_class: Some(PXE_X64), ..Signs::default() });
    assert_eq!((client.class, client.architecture), (ClientClass::Pxe, Some(Architecture::UefiX64)));
}

#[test]
fn r4_2_23_ipxe_is_told_by_user_class_or_option_175() {
    let rom = Signs { vendor_class: Some(PXE_BIOS), ..Signs::default() };
    assert_eq!(classify(&rom).class, ClientClass::Pxe);
    for user_class in [&b"iPXE"[..], b"\x04iPXE", b"\x03foo\x04iPXE"] {
        let client = classify(&Signs { user_class: Some(user_class), ..rom });
        assert_eq!(client.class, ClientClass::Ipxe, "{user_class:?}");
    }
    assert_eq!(classify(&Signs { has_ipxe_options: true, ..rom }).class, ClientClass::Ipxe);
    assert_eq!(classify(&Signs { user_class: Some(b"\x40iPXE"), ..rom }).class, ClientClass::Pxe);
}

#[test]
fn r4_3_27_a_pi_is_told_by_option_97_in_either_byte_order_and_every_format() {
    let serial = 0x1234_abcd_u32;
    for first in [b"RPi4", b"4iPR", b"RPi5", b"5iPR"] {
        for bytes in [serial.to_be_bytes(), serial.to_le_bytes()] {
            let id = pi_machine_id(first, bytes);
            let signs = Signs { vendor_class: Some(PXE_BIOS), machine_id: Some(&id), ..Signs::default() };
            let client = classify(&signs);
            assert_eq!(client.class, ClientClass::RaspberryPi, "{first:?}");
            assert!(client.pi.unwrap().may_be(serial));
            assert!(!client.pi.unwrap().may_be(serial + 1));
            // A REQUEST may come without option 60.
            assert_eq!(classify(&Signs { vendor_class: None, ..signs }).class, ClientClass::RaspberryPi);
        }
    }
    let repeated = [&[0][..], &serial.to_be_bytes().repeat(4)].concat();
    let old =
        classify(&Signs { vendor_class: Some(PXE_BIOS), machine_id: Some(&repeated), ..Signs::default() });
    assert!(old.class == ClientClass::RaspberryPi && old.pi.unwrap().may_be(serial));
    let rom = [&[0][..], &[0x44; 16]].concat();
    let pi3 = classify(&Signs { vendor_class: Some(PXE_BIOS), machine_id: Some(&rom), ..Signs::default() });
    assert_eq!(pi3.class, ClientClass::RaspberryPi);
    assert_eq!(pi3.pi.unwrap().serials(), None, "the ROM of a Pi 3 tells no serial number");
    assert!(!pi3.pi.unwrap().may_be(0x4444_4444));
}

#[test]
fn a_pc_is_no_pi_whatever_its_uuid() {
    let id = pi_machine_id(b"RPi4", [1, 2, 3, 4]);
    let pc = Signs {
        vendor_class: Some(PXE_X64),
        architectures: Some(&[0, 7]),
        machine_id: Some(&id),
        ..Signs::default()
    };
    assert_eq!(classify(&pc).class, ClientClass::Pxe);
    for empty in [[0; 16], [0xff; 16]] {
        let id = [&[0][..], &empty].concat();
        let blank = Signs { vendor_class: Some(PXE_BIOS), machine_id: Some(&id), ..Signs::default() };
        assert_eq!(classify(&blank).class, ClientClass::Pxe, "an empty UUID is no serial number");
    }
}

#[test]
fn r4_2_16_a_missing_or_odd_option_97_is_tolerated() {
    for machine_id in [None, Some(&[][..]), Some(&[0][..]), Some(&[0; 17][..]), Some(&[1; 300][..])] {
        let signs = Signs { vendor_class: Some(PXE_BIOS), machine_id, ..Signs::default() };
        assert_eq!(classify(&signs).class, ClientClass::Pxe, "{machine_id:?}");
    }
}

#[test]
fn http_boot_u_boot_and_everybody_else() {
    let class = |vendor: &[u8]| classify(&Signs { vendor_class: Some(vendor), ..Signs::default() });
    let http = class(b"HTTPClient:Arch:00016:UNDI:003001");
    assert_eq!((http.class, http.architecture), (ClientClass::HttpBoot, Some(Architecture::UefiX64)));
    assert_eq!(class(b"U-Boot.armv8").class, ClientClass::UBoot);
    assert_eq!(class(b"udhcp 1.35.0").class, ClientClass::Generic);
    assert_eq!(classify(&Signs::default()).class, ClientClass::Generic);
    let number = Signs { vendor_class: Some(PXE_BIOS), architectures: Some(&[0, 41]), ..Signs::default() };
    assert_eq!(classify(&number).class, ClientClass::RaspberryPi);
}

proptest! {
    #[test]
    fn any_options_have_a_class(
        vendor in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        user in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        arch in prop::option::of(prop::collection::vec(any::<u8>(), 0..6)),
        id in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    ) {
        let client = classify(&Signs {
            vendor_class: vendor.as_deref(),
            user_class: user.as_deref(),
            architectures: arch.as_deref(),
            machine_id: id.as_deref(),
            has_ipxe_options: false,
        });
        prop_assert_eq!(client.pi.is_some() && client.class != ClientClass::RaspberryPi, false);
    }
}
