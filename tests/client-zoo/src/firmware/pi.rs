//! The firmware of a Raspberry Pi, from its boot ROM (Pi 3) or EEPROM (Pi 4, Pi 5) to its kernel.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::dhcp::{Card, Reply};
use crate::tftp::{self, Failure, Fetched, Habits};

/// A Raspberry Pi.
#[derive(Debug, Clone)]
pub struct Pi {
    /// Which.
    pub generation: Generation,
    /// The lower 32 bits of its serial number.
    pub serial: u32,
    /// Its card.
    pub mac: [u8; 6],
    /// Whether its firmware has option 97 in the other byte order.
    pub little_endian_id: bool,
    /// The address it sends from.
    pub address: Ipv4Addr,
}

/// Generations that differ on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The boot ROM of a Pi 3: wants `bootcode.bin` first, three spaces in option 43, and hangs on a repeated block.
    Three,
    /// The EEPROM of a Pi 4.
    Four,
    /// The EEPROM of a Pi 5: pads its ACKs.
    Five,
}

/// What a boot took from the server.
#[derive(Debug, Clone, Default)]
pub struct PiBoot {
    /// Files in the order they were loaded: name as asked for, bytes.
    pub loaded: Vec<(String, u64)>,
    /// Names that were not there.
    pub missing: Vec<String>,
    /// The longest that a file took.
    pub slowest: Duration,
}

/// Longer and the firmware gives up, on this file or on all.
const FILE_TIMEOUT: Duration = Duration::from_secs(30);

impl Pi {
    /// Its DHCP options: a PXE client of a PC BIOS, with option 97 of its own.
    #[must_use]
    pub fn card(&self) -> Card {
        let mut id = vec![0];
        let word = |number: [u8; 4]| {
            if self.little_endian_id { number.iter().rev().copied().collect() } else { number.to_vec() }
        };
        match self.generation {
            Generation::Three => id.extend([0x44; 16]),
            Generation::Four | Generation::Five => {
                id.extend(word(if self.generation == Generation::Four { *b"RPi4" } else { *b"RPi5" }));
                id.extend(word(0x00c0_3114_u32.to_be_bytes()));
                id.extend(word([self.mac[2], self.mac[3], self.mac[4], self.mac[5]]));
                id.extend(word(self.serial.to_be_bytes()));
            }
        }
        let options = vec![
            (60, b"PXEClient:Arch:00000:UNDI:002001".to_vec()),
            (93, vec![0, 0]),
            (94, vec![1, 2, 1]),
            (97, id),
        ];
        Card { mac: self.mac, options }
    }

    /// Whether it takes this offer as one to boot from, and from where.
    #[must_use]
    pub fn boot_server(&self, offer: &Reply) -> Option<Ipv4Addr> {
        let marker: &[u8] =
            if self.generation == Generation::Three { b"Raspberry Pi Boot   " } else { b"Raspberry Pi Boot" };
        let vendor = offer.options.get(&43).map(Vec::as_slice).unwrap_or_default();
        let marked = vendor.windows(marker.len()).any(|window| window == marker);
        let named = offer.options.get(&66).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        // The ROM of a Pi 3 insists on the marker; an EEPROM takes option 66 as well.
        let accepted = marked || (named.is_some() && self.generation != Generation::Three);
        let server = named.or((!offer.next_server.is_unspecified()).then_some(offer.next_server));
        server.filter(|_| accepted)
    }

    /// Loads everything from `server`, in the firmware's order. `expected` is what is in the largest file, to be compared.
    ///
    /// # Errors
    /// It ends in front of a blinking LED: with why.
    pub fn load(&self, server: SocketAddrV4, kernel: Option<&[u8]>) -> Result<PiBoot> {
        let mut boot = PiBoot::default();
        if self.generation == Generation::Three {
            self.need(server, "bootcode.bin", &mut boot, None)?;
        }
        let start = if self.generation == Generation::Three { "start.elf" } else { "start4.elf" };
        let prefix = format!("{:08x}/", self.serial);
        // The folder counts only when one of the two is in it.
        let mut in_folder = false;
        for name in [start, "start.elf"] {
            in_folder = in_folder || self.size_of(server, &format!("{prefix}{name}"), &mut boot)?.is_some();
        }
        let prefix = if in_folder { prefix } else { String::new() };
        let at = |name: &str| format!("{prefix}{name}");
        // Looked for on every boot, and hardly ever there.
        for name in ["pieeprom.sig", "recover4.elf", "recovery.elf", "autoboot.txt"] {
            self.try_load(server, &at(name), &mut boot, None)?;
        }
        self.need(server, &at("config.txt"), &mut boot, None)?;
        if self.generation == Generation::Five {
            self.need(server, &at("kernel_2712.img"), &mut boot, kernel)?;
        } else {
            self.need(server, &at(start), &mut boot, None)?;
            self.try_load(
                server,
                &at(if start == "start4.elf" { "fixup4.dat" } else { "fixup.dat" }),
                &mut boot,
                None,
            )?;
            self.need(server, &at("kernel8.img"), &mut boot, kernel)?;
        }
        self.try_load(server, &at("cmdline.txt"), &mut boot, None)?;
        Ok(boot)
    }

    /// Asks for a size only, and ends the transfer as soon as it is told.
    fn size_of(&self, server: SocketAddrV4, name: &str, boot: &mut PiBoot) -> Result<Option<u64>> {
        let habits =
            Habits { end_after_options: Some(0), linger: Duration::from_millis(30), ..self.habits(None) };
        match tftp::get(server, &tftp::file(name, OPTIONS), &habits) {
            Ok(fetched) => {
                ensure!(fetched.after_end == 0, "{name}: the server goes on after ERROR 0");
                let size = fetched.accepted.get("tsize").context("no tsize in the answer")?;
                Ok(Some(size.parse().context("tsize is no number")?))
            }
            Err(Failure::Refused { code: 1, .. }) => {
                boot.missing.push(name.to_owned());
                Ok(None)
            }
            Err(failure) => bail!("{name}: {failure}"),
        }
    }

    fn need(
        &self,
        server: SocketAddrV4,
        name: &str,
        boot: &mut PiBoot,
        expected: Option<&[u8]>,
    ) -> Result<()> {
        ensure!(self.try_load(server, name, boot, expected)?, "{name} is missing: the LED blinks");
        Ok(())
    }

    fn try_load(
        &self,
        server: SocketAddrV4,
        name: &str,
        boot: &mut PiBoot,
        expected: Option<&[u8]>,
    ) -> Result<bool> {
        match self.fetch(server, name, expected) {
            Ok(fetched) => {
                // Else it takes config.txt for an empty one.
                ensure!(
                    fetched.accepted.get("blksize").map(String::as_str) == Some("1024"),
                    "{name}: the block size was not acknowledged"
                );
                boot.slowest = boot.slowest.max(fetched.took);
                boot.loaded.push((name.to_owned(), fetched.length));
                Ok(true)
            }
            Err(Failure::Refused { code: 1, .. }) => {
                boot.missing.push(name.to_owned());
                Ok(false)
            }
            Err(failure) => bail!("{name}: {failure}"),
        }
    }

    fn fetch(&self, server: SocketAddrV4, name: &str, expected: Option<&[u8]>) -> Result<Fetched, Failure> {
        tftp::get(server, &tftp::file(name, OPTIONS), &self.habits(expected))
    }

    fn habits<'a>(&self, expected: Option<&'a [u8]>) -> Habits<'a> {
        Habits {
            from: self.address,
            deadline: FILE_TIMEOUT,
            padding: if self.generation == Generation::Five { 14 } else { 0 },
            hang_on_repeat: self.generation == Generation::Three,
            tries: 30,
            expected,
            ..Habits::default()
        }
    }
}

const OPTIONS: &[(&str, &str)] = &[("tsize", "0"), ("blksize", "1024")];
