use appliance_types::SlotName;
use serde::Serialize;

use super::text::{MessageText, StageText};
use crate::{SECTOR_BYTES, Sector};

/// One thing that happened, as one sector of the ring.
///
/// | Bytes | What (integers little-endian) |
/// |---|---|
/// | 0..4 | CRC-32 (IEEE 802.3) of bytes 4..512 |
/// | 4..8 | `SWBC` |
/// | 8..10 | format version, 1 |
/// | 10 | kind |
/// | 11 | slot: `A`, `B` or 0 |
/// | 12..16 | boot number |
/// | 16..24 | sequence number |
/// | 24..32 | Unix time in milliseconds, 0 = not known |
/// | 32..40 | uptime in milliseconds |
/// | 40 | length of the stage text, 0..=32 |
/// | 41 | 0 |
/// | 42..44 | length of the message text, 0..=436 |
/// | 44..76 | stage text, UTF-8, then zeros |
/// | 76..512 | message text, UTF-8, then zeros |
///
/// The places of checksum, magic, version and sequence number never change, so that every version finds the end of a
/// ring that a newer one wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breadcrumb {
    /// Sequence number: counts all breadcrumbs ever written to this disk. Given by [`super::Ring::append`].
    pub seq: u64,
    /// The boot it tells about: 1 for the first boot of the disk, one more at each boot that gets as far as early-boot.
    /// 0 when that is not known.
    pub boot: u32,
    /// The slot that boot runs.
    pub slot: Option<SlotName>,
    /// Wall-clock time of writing, in milliseconds since 1970; `None` before the clock was set.
    pub unix_ms: Option<u64>,
    /// Time since the kernel started, in milliseconds.
    pub uptime_ms: u64,
    /// What happened.
    pub kind: BreadcrumbKind,
    /// Where in the boot it happened: one of [`stage`] or the name of a check.
    pub stage: StageText,
    /// What there is to say about it.
    pub message: MessageText,
}

/// What a breadcrumb tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BreadcrumbKind {
    /// The selector's record of this boot; the message is [`super::SelectorRecord::to_message`].
    Selector,
    /// A stage of early-boot was reached.
    Stage,
    /// The boot could not go on: stage and cause. The machine is reset next.
    Failure,
    /// The system was still alive; left every 5 s until the services are up.
    Alive,
    /// early-boot handed over to the root file system's init.
    SwitchRoot,
    /// The services the appliance needs are up.
    ServicesUp,
    /// A health check came to a result; the stage is its name.
    Check,
    /// The slot was marked good.
    MarkGood,
    /// The slot was marked bad; the stage is the check that failed, the message why.
    MarkBad,
    /// The kernel of the *previous* boot panicked. Left by the boot after it, with the number of the boot it tells
    /// about.
    Panic,
    /// One of the last console lines of the previous boot; follows [`Self::Panic`] and is numbered the same way.
    Console,
    /// A clean reboot or power-off; the message is its reason.
    Shutdown,
    /// The selector found no slot with tries left.
    Exhausted,
    /// early-boot gave this slot, which is confirmed, all its tries back.
    Rearmed,
    /// early-boot took this slot's remaining tries away, because its last boots kept dying.
    GaveUp,
    /// A kind this version does not know; a newer one wrote it.
    Unknown(u8),
}

/// The stages early-boot and the system name in their breadcrumbs.
pub mod stage {
    /// early-boot runs.
    pub const START: &str = "start";
    /// The watchdog is armed. How a boot ended is judged from the uptime of this breadcrumb.
    pub const WATCHDOG: &str = "watchdog";
    /// The disk that was booted from is found.
    pub const DISK: &str = "disk";
    /// The slot's root file system is mounted.
    pub const ROOTFS: &str = "rootfs";
    /// The writable layer over it is ready.
    pub const OVERLAY: &str = "overlay";
    /// What early-boot found out is left for the system; the message is the build of the slot. Which build a boot ran is
    /// judged from this breadcrumb.
    pub const HANDOVER: &str = "handover";
    /// The slot's counter is dealt with.
    pub const REARM: &str = "rearm";
    /// The root file system's init takes over.
    pub const SWITCH_ROOT: &str = "switch-root";
    /// The services the appliance needs are starting, or up.
    pub const SERVICES: &str = "services";
}

const MAGIC: [u8; 4] = *b"SWBC";
const VERSION: u16 = 1;
const STAGE: std::ops::Range<usize> = 44..76;
const MESSAGE: std::ops::Range<usize> = 76..SECTOR_BYTES;

/// What a sector of the ring holds, before its place in the ring is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decoded {
    /// Never written: not even the magic is there and all is zero.
    Blank,
    /// Torn, overwritten, or not a breadcrumb.
    Damaged,
    /// Written by another version of the format: only its place in time is known.
    Foreign {
        /// Its sequence number.
        seq: u64,
    },
    /// A breadcrumb.
    Crumb(Breadcrumb),
}

impl Breadcrumb {
    /// The sector to write at the place [`super::Ring::append`] gives.
    pub fn encode(&self) -> Sector {
        let mut sector = [0; SECTOR_BYTES];
        let mut put = |at: usize, bytes: &[u8]| sector[at..at + bytes.len()].copy_from_slice(bytes);
        put(4, &MAGIC);
        put(8, &VERSION.to_le_bytes());
        put(10, &[self.kind.code(), self.slot.map_or(0, |slot| slot.to_string().as_bytes()[0])]);
        put(12, &self.boot.to_le_bytes());
        put(16, &self.seq.to_le_bytes());
        put(24, &self.unix_ms.unwrap_or(0).to_le_bytes());
        put(32, &self.uptime_ms.to_le_bytes());
        put(40, &[u8::try_from(self.stage.len()).expect("a stage text has at most 32 bytes")]);
        let message_len = u16::try_from(self.message.len()).expect("a message text has at most 436 bytes");
        put(42, &message_len.to_le_bytes());
        put(STAGE.start, self.stage.as_bytes());
        put(MESSAGE.start, self.message.as_bytes());
        let crc = crc32fast::hash(&sector[4..]);
        sector[..4].copy_from_slice(&crc.to_le_bytes());
        sector
    }

    pub(super) fn decode(sector: &Sector) -> Decoded {
        if sector[4..8] != MAGIC {
            return if sector.iter().all(|&b| b == 0) { Decoded::Blank } else { Decoded::Damaged };
        }
        let (stored, content) = sector.split_at(4);
        if stored != crc32fast::hash(content).to_le_bytes() {
            return Decoded::Damaged;
        }
        let u16_at = |at: usize| u16::from_le_bytes([sector[at], sector[at + 1]]);
        let u64_at = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| sector[at + i]));
        let seq = u64_at(16);
        if u16_at(8) != VERSION {
            return Decoded::Foreign { seq };
        }
        let (Some(stage), Some(message)) =
            (sector[STAGE].get(..usize::from(sector[40])), sector[MESSAGE].get(..usize::from(u16_at(42))))
        else {
            return Decoded::Damaged;
        };
        Decoded::Crumb(Breadcrumb {
            seq,
            boot: u32::from_le_bytes(std::array::from_fn(|i| sector[12 + i])),
            slot: match sector[11] {
                b'A' => Some(SlotName::A),
                b'B' => Some(SlotName::B),
                _ => None,
            },
            unix_ms: Some(u64_at(24)).filter(|&ms| ms != 0),
            uptime_ms: u64_at(32),
            kind: BreadcrumbKind::from_code(sector[10]),
            stage: StageText::new(&String::from_utf8_lossy(stage)),
            message: MessageText::new(&String::from_utf8_lossy(message)),
        })
    }
}

/// Kinds and their codes on the disk. A code is never used again for another kind.
const KINDS: [(BreadcrumbKind, u8, &str); 15] = [
    (BreadcrumbKind::Selector, 1, "selector"),
    (BreadcrumbKind::Stage, 2, "stage"),
    (BreadcrumbKind::Failure, 3, "failure"),
    (BreadcrumbKind::Alive, 4, "alive"),
    (BreadcrumbKind::SwitchRoot, 5, "switch-root"),
    (BreadcrumbKind::ServicesUp, 6, "services-up"),
    (BreadcrumbKind::Check, 7, "check"),
    (BreadcrumbKind::MarkGood, 8, "mark-good"),
    (BreadcrumbKind::MarkBad, 9, "mark-bad"),
    (BreadcrumbKind::Panic, 10, "panic"),
    (BreadcrumbKind::Console, 11, "console"),
    (BreadcrumbKind::Shutdown, 12, "shutdown"),
    (BreadcrumbKind::Exhausted, 13, "exhausted"),
    (BreadcrumbKind::GaveUp, 14, "gave-up"),
    (BreadcrumbKind::Rearmed, 15, "rearmed"),
];

impl BreadcrumbKind {
    /// The kind as a word: `services-up`; `unknown` for one of a newer version.
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|row| row.0 == self).map_or("unknown", |row| row.2)
    }

    /// Whether a breadcrumb of this kind is left by the boot after the one it tells about.
    pub fn is_posthumous(self) -> bool {
        matches!(self, BreadcrumbKind::Panic | BreadcrumbKind::Console)
    }

    /// The code on the disk.
    pub fn code(self) -> u8 {
        match self {
            BreadcrumbKind::Unknown(code) => code,
            known => KINDS.iter().find(|row| row.0 == known).map_or(0, |row| row.1),
        }
    }

    /// The kind of a code on the disk.
    pub fn from_code(code: u8) -> BreadcrumbKind {
        KINDS.iter().find(|row| row.1 == code).map_or(BreadcrumbKind::Unknown(code), |row| row.0)
    }
}

impl Serialize for BreadcrumbKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
#[path = "breadcrumb_tests.rs"]
mod tests;
