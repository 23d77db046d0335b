//! What kind of firmware asks. Decided once, from the options of its DHCP packet; nobody behind this looks at option numbers.
//!
//! Never by the maker's part of the MAC address: those lists are out of date the day they are written.

use serde::{Deserialize, Serialize};

/// Who asks, as far as its options tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The kind of firmware or system.
    pub class: ClientClass,
    /// The kind of machine, from option 93.
    pub architecture: Option<Architecture>,
    /// What a Raspberry Pi says of itself in option 97.
    pub pi: Option<PiIdentity>,
}

/// Kinds of clients that are answered differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientClass {
    /// The boot ROM or EEPROM of a Raspberry Pi.
    RaspberryPi,
    /// A PXE ROM or the PXE part of UEFI: loads one file by TFTP.
    Pxe,
    /// UEFI HTTP boot: loads one file by HTTP.
    HttpBoot,
    /// iPXE, whoever started it.
    Ipxe,
    /// U-Boot.
    UBoot,
    /// An operating system, or anything else that only wants an address.
    Generic,
}

impl ClientClass {
    /// Whether it is a stage of a boot, soon followed by another one on the same card.
    pub fn is_boot_stage(self) -> bool {
        self != ClientClass::Generic
    }

    /// The word of it in a policy and in `leases.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            ClientClass::RaspberryPi => "raspberry-pi",
            ClientClass::Pxe => "pxe",
            ClientClass::HttpBoot => "http-boot",
            ClientClass::Ipxe => "ipxe",
            ClientClass::UBoot => "u-boot",
            ClientClass::Generic => "generic",
        }
    }
}

/// Processor and firmware of a machine that boots, as far as it matters for the file it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// A PC BIOS.
    Bios,
    /// UEFI on 32-bit x86.
    UefiIa32,
    /// UEFI on 64-bit x86.
    UefiX64,
    /// UEFI on 32-bit Arm.
    UefiArm32,
    /// UEFI on 64-bit Arm.
    UefiArm64,
    /// UEFI on 64-bit RISC-V.
    UefiRiscv64,
    /// U-Boot on 32-bit Arm.
    UBootArm32,
    /// U-Boot on 64-bit Arm.
    UBootArm64,
    /// The firmware of a Raspberry Pi.
    RaspberryPi,
}

impl Architecture {
    /// The architecture of a number in option 93 ("Processor Architecture Types" of the IANA), and whether that number means
    /// HTTP boot. 7 and 9 are one: RFC 4578 and its erratum have them the other way round, and firmware follows either.
    pub fn from_number(number: u16) -> Option<(Architecture, bool)> {
        Some(match number {
            0 => (Architecture::Bios, false),
            6 => (Architecture::UefiIa32, false),
            7 | 9 => (Architecture::UefiX64, false),
            10 => (Architecture::UefiArm32, false),
            11 => (Architecture::UefiArm64, false),
            15 => (Architecture::UefiIa32, true),
            16 | 17 => (Architecture::UefiX64, true),
            18 => (Architecture::UefiArm32, true),
            19 => (Architecture::UefiArm64, true),
            20 => (Architecture::Bios, true),
            21 => (Architecture::UBootArm32, false),
            22 => (Architecture::UBootArm64, false),
            23 => (Architecture::UBootArm32, true),
            24 => (Architecture::UBootArm64, true),
            27 => (Architecture::UefiRiscv64, false),
            28 => (Architecture::UefiRiscv64, true),
            41 => (Architecture::RaspberryPi, false),
            _ => return None,
        })
    }
}

/// What option 97 of a Raspberry Pi holds. Formats have changed with the firmware, and the byte order twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PiIdentity {
    /// The serial number in both readings of its four bytes. A device has one of them; what is configured decides which.
    serials: Option<[u32; 2]>,
}

impl PiIdentity {
    /// Reads option 97: one type byte, which is 0, then 16 bytes.
    ///
    /// Newer firmware: `RPi4`, `RPi5` (or another digit) in either byte order, board revision, part of the MAC address, serial
    /// number. Older firmware: the serial number four times; the boot ROM of the Pi 3: 0x44 sixteen times, which tells no serial.
    pub fn from_option_97(value: &[u8]) -> Option<PiIdentity> {
        let [0, words @ ..] = value else { return None };
        let (words, []) = words.as_chunks::<4>() else { return None };
        let &[first, second, third, last] = words else { return None };
        let fourcc = |word: [u8; 4]| word[..3] == *b"RPi" && word[3].is_ascii_digit();
        let mut reversed = first;
        reversed.reverse();
        let both = |word: [u8; 4]| Some([u32::from_be_bytes(word), u32::from_le_bytes(word)]);
        if fourcc(first) || fourcc(reversed) {
            return Some(PiIdentity { serials: both(last) });
        }
        if first == second && second == third && third == last && first != [0; 4] && first != [0xff; 4] {
            let boot_rom = first == [0x44; 4];
            return Some(PiIdentity { serials: if boot_rom { None } else { both(last) } });
        }
        None
    }

    /// Whether this can be the device with this serial number (its lower 32 bits, which are what its TFTP requests begin with).
    pub fn may_be(&self, serial: u32) -> bool {
        self.serials.is_some_and(|serials| serials.contains(&serial))
    }

    /// The serial number in both readings, most likely first; `None` when the firmware does not tell it.
    pub fn serials(&self) -> Option<[u32; 2]> {
        self.serials
    }
}

/// The options that tell what a client is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs<'p> {
    /// Option 60.
    pub vendor_class: Option<&'p [u8]>,
    /// Option 77.
    pub user_class: Option<&'p [u8]>,
    /// Option 93.
    pub architectures: Option<&'p [u8]>,
    /// Option 97.
    pub machine_id: Option<&'p [u8]>,
    /// Option 175 is there: iPXE's own.
    pub has_ipxe_options: bool,
}

/// Classifies a client.
pub fn classify(signs: &Signs<'_>) -> Client {
    let vendor = signs.vendor_class.unwrap_or_default();
    let number = first_architecture(signs.architectures).or_else(|| architecture_in_vendor_class(vendor));
    let known = number.and_then(Architecture::from_number);
    let architecture = known.map(|(architecture, _)| architecture);
    let pi = signs.machine_id.and_then(PiIdentity::from_option_97);
    let is_pxe = vendor.starts_with(b"PXEClient");

    // iPXE first: it repeats what the ROM that started it has said. It is loaded by a Pi too.
    let class = if signs.has_ipxe_options || is_ipxe(signs.user_class) {
        ClientClass::Ipxe
    } else if vendor.starts_with(b"HTTPClient") {
        ClientClass::HttpBoot
    } else if vendor.starts_with(b"U-Boot") {
        ClientClass::UBoot
    } else if architecture == Some(Architecture::RaspberryPi) || (pi.is_some() && pi_speaks(vendor, number)) {
        ClientClass::RaspberryPi
    } else if is_pxe {
        ClientClass::Pxe
    } else {
        ClientClass::Generic
    };
    let pi = pi.filter(|_| class == ClientClass::RaspberryPi);
    Client { class, architecture, pi }
}

/// A Pi calls itself a PXE client of a PC BIOS, in some requests nothing at all. A PC whose UUID looks like a Pi's says more.
fn pi_speaks(vendor: &[u8], architecture: Option<u16>) -> bool {
    (vendor.is_empty() || vendor.starts_with(b"PXEClient")) && matches!(architecture, None | Some(0 | 41))
}

fn first_architecture(option: Option<&[u8]>) -> Option<u16> {
    let &[high, low, ..] = option? else { return None };
    Some(u16::from_be_bytes([high, low]))
}

/// The number in `PXEClient:Arch:00007:UNDI:003016`, for clients without option 93.
fn architecture_in_vendor_class(vendor: &[u8]) -> Option<u16> {
    let rest =
        vendor.strip_prefix(b"PXEClient:Arch:").or_else(|| vendor.strip_prefix(b"HTTPClient:Arch:"))?;
    std::str::from_utf8(rest.get(..5)?).ok()?.parse().ok()
}

/// `iPXE` as the whole option (what iPXE sends) or as one of the length-prefixed classes of RFC 3004.
fn is_ipxe(user_class: Option<&[u8]>) -> bool {
    const NAME: &[u8] = b"iPXE";
    let Some(mut rest) = user_class else { return false };
    if rest == NAME {
        return true;
    }
    while let [length, tail @ ..] = rest {
        let Some((class, after)) = tail.split_at_checked(usize::from(*length)) else { return false };
        if class == NAME {
            return true;
        }
        rest = after;
    }
    false
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
