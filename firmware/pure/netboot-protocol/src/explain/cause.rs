//! Causes, each in words, with what to do about it.

use std::fmt;
use std::net::Ipv4Addr;

/// Why a boot failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is described by its own words, below")]
pub enum Cause {
    PacketsAreBroken,
    SpeaksBootpOnly,
    TwoMachinesWithOneMac,
    AddressIsInUse { address: Option<Ipv4Addr> },
    AddressOfAnotherNetwork { address: Option<Ipv4Addr> },
    TookAnotherServersOffer { server: Ipv4Addr },
    WeStaySilent { times: usize },
    LinkCameLate { seconds: u16 },
    PiIsNotToldToBoot,
    Pi3NeedsThreeSpaces,
    HttpBootIsNotOffered,
    RelayDoesNotReturn { relay: Ipv4Addr },
    OffersAreNotTaken { times: usize },
    UploadIsRefused { file: String },
    WrongMode { file: String },
    FileIsTooLargeForTheClient { file: String, words: String },
    ToldToBootFromDisk,
    PiFirmwareIsMissing,
    BootFileIsMissing { file: String },
    OptionsAreRefused { file: String },
    ClientIsOutOfSpace { file: String },
    ClientGaveUp { file: String, words: String },
    AnswersComeFromAnotherPort { file: String },
    WeWaitForOthers { file: String },
    AnswersDoNotArrive { file: String },
    LargePacketsAreLost { file: String, blksize: usize },
    BlockCounterOverflows { file: String, blksize: usize },
    FileTookTooLong { file: String, seconds: u64 },
    RepeatedBlockIsNotAcknowledged { file: String, block: u16 },
    FellSilent { file: String, block: u16 },
    Port4011StaysSilent,
    UrlNeedsANameServer { host: String },
    NeverAsksForItsFile { file: String },
    IpxeLoadsItself { file: String },
    LoadedButNotStarted { file: String, times: usize },
}

impl Cause {
    /// A word for programs: it does not change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Cause::PacketsAreBroken => "packets-are-broken",
            Cause::SpeaksBootpOnly => "speaks-bootp-only",
            Cause::TwoMachinesWithOneMac => "two-machines-with-one-mac",
            Cause::AddressIsInUse { .. } => "address-is-in-use",
            Cause::AddressOfAnotherNetwork { .. } => "address-of-another-network",
            Cause::TookAnotherServersOffer { .. } => "took-another-servers-offer",
            Cause::WeStaySilent { .. } => "we-stay-silent",
            Cause::LinkCameLate { .. } => "link-came-late",
            Cause::PiIsNotToldToBoot => "pi-is-not-told-to-boot",
            Cause::Pi3NeedsThreeSpaces => "pi3-needs-three-spaces",
            Cause::HttpBootIsNotOffered => "http-boot-is-not-offered",
            Cause::RelayDoesNotReturn { .. } => "relay-does-not-return",
            Cause::OffersAreNotTaken { .. } => "offers-are-not-taken",
            Cause::UploadIsRefused { .. } => "upload-is-refused",
            Cause::WrongMode { .. } => "wrong-mode",
            Cause::FileIsTooLargeForTheClient { .. } => "file-is-too-large-for-the-client",
            Cause::ToldToBootFromDisk => "told-to-boot-from-disk",
            Cause::PiFirmwareIsMissing => "pi-firmware-is-missing",
            Cause::BootFileIsMissing { .. } => "boot-file-is-missing",
            Cause::OptionsAreRefused { .. } => "options-are-refused",
            Cause::ClientIsOutOfSpace { .. } => "client-is-out-of-space",
            Cause::ClientGaveUp { .. } => "client-gave-up",
            Cause::AnswersComeFromAnotherPort { .. } => "answers-come-from-another-port",
            Cause::WeWaitForOthers { .. } => "we-wait-for-others",
            Cause::AnswersDoNotArrive { .. } => "answers-do-not-arrive",
            Cause::LargePacketsAreLost { .. } => "large-packets-are-lost",
            Cause::BlockCounterOverflows { .. } => "block-counter-overflows",
            Cause::FileTookTooLong { .. } => "file-took-too-long",
            Cause::RepeatedBlockIsNotAcknowledged { .. } => "repeated-block-is-not-acknowledged",
            Cause::FellSilent { .. } => "fell-silent",
            Cause::Port4011StaysSilent => "port-4011-stays-silent",
            Cause::UrlNeedsANameServer { .. } => "url-needs-a-name-server",
            Cause::NeverAsksForItsFile { .. } => "never-asks-for-its-file",
            Cause::IpxeLoadsItself { .. } => "ipxe-loads-itself",
            Cause::LoadedButNotStarted { .. } => "loaded-but-not-started",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Cause::PacketsAreBroken => {
                "look at the packets (`slipway explain --pcap`); update the firmware, or try another port of the switch"
            }
            Cause::SpeaksBootpOnly => "only DHCP is served: switch the device's firmware to DHCP or PXE",
            Cause::TwoMachinesWithOneMac => {
                "find the second machine: a cloned virtual machine, or a USB network adapter that is carried around"
            }
            Cause::AddressIsInUse { .. } => {
                "find who has that address by hand, and give it one outside of the pool, or reserve this one"
            }
            Cause::AddressOfAnotherNetwork { .. } => {
                "normal once after a move between networks; if it goes on, the device does not start over: restart its network"
            }
            Cause::TookAnotherServersOffer { .. } => {
                "switch that DHCP server off, or let this one be a proxy beside it: `dhcp = \"proxy\"`"
            }
            Cause::WeStaySilent { .. } => {
                "the log of netbootd says why: no free address, no subnet for this relay, or a device that is not served"
            }
            Cause::LinkCameLate { .. } => {
                "let the switch forward at once on this port: PortFast, or edge port, in its settings for spanning tree"
            }
            Cause::PiIsNotToldToBoot => {
                "give it a boot rule: `class = [\"raspberry-pi\"]` with a `tree`, or name its serial number in one"
            }
            Cause::Pi3NeedsThreeSpaces => {
                "update Slipway: it sends `Raspberry Pi Boot` with three spaces to a Pi 3"
            }
            Cause::HttpBootIsNotOffered => {
                "give it a boot rule: `class = [\"http-boot\"]` with a `url`, or with a `tree` and a `file`"
            }
            Cause::RelayDoesNotReturn { .. } => {
                "the relay must pass our answers back: look at its firewall, and whether we have a route to it"
            }
            Cause::OffersAreNotTaken { .. } => {
                "our packets do not reach it, or it wants something else: look for a firewall, a VLAN or DHCP snooping on the switch"
            }
            Cause::UploadIsRefused { .. } => {
                "TFTP uploads are not taken; use another way to bring files here"
            }
            Cause::WrongMode { .. } => "ask in octet mode (`binary` in most clients)",
            Cause::FileIsTooLargeForTheClient { .. } => {
                "make the file smaller, or let the device load by HTTP"
            }
            Cause::ToldToBootFromDisk => {
                "nothing is wrong: give the device a boot order, or a rule with a `tree`, if it is to load from here"
            }
            Cause::PiFirmwareIsMissing => {
                "put start4.elf, fixup4.dat, config.txt and a kernel into the tree of its boot rule"
            }
            Cause::BootFileIsMissing { .. } => {
                "put the file into the tree of the device's boot rule, or correct the rule's `file`"
            }
            Cause::OptionsAreRefused { .. } => {
                "update the firmware; some switches with a TFTP helper rewrite options: look for one in between"
            }
            Cause::ClientIsOutOfSpace { .. } => {
                "the file is too large for the memory that the firmware has: load a smaller one, and the rest by HTTP"
            }
            Cause::ClientGaveUp { .. } => {
                "the firmware's own words say why; a key pressed at the device does it as well"
            }
            Cause::AnswersComeFromAnotherPort { .. } => {
                "take the NAT or firewall out of the way: it changes the port in the middle of a transfer"
            }
            Cause::WeWaitForOthers { .. } => {
                "wait: others load, and more at a time would make all of them too slow"
            }
            Cause::AnswersDoNotArrive { .. } => {
                "TFTP answers come from a port of their own: let UDP from every port of this box through"
            }
            Cause::LargePacketsAreLost { .. } => {
                "a tunnel or a switch in between carries less than it says: lower the MTU of this box's interface to match"
            }
            Cause::BlockCounterOverflows { .. } => {
                "make the file smaller than 65535 blocks, or let the device load by HTTP"
            }
            Cause::FileTookTooLong { .. } => {
                "make the file smaller (under 40 MB), look for a slow link, or let the device load by HTTP"
            }
            Cause::RepeatedBlockIsNotAcknowledged { .. } => {
                "update the EEPROM (2021-04 or later): older ones end a transfer when one ACK is lost"
            }
            Cause::FellSilent { .. } => {
                "look at the device's screen: it crashed, was switched off, or lost its link"
            }
            Cause::Port4011StaysSilent => {
                "let UDP port 4011 through, or set `pxe = \"direct\"` in the boot rule"
            }
            Cause::UrlNeedsANameServer { .. } => "add `dns` to the subnet, or write the address into the URL",
            Cause::NeverAsksForItsFile { .. } => {
                "look at the device's boot order; a firewall between it and this box's port 69 or 80 looks the same"
            }
            Cause::IpxeLoadsItself { .. } => {
                "give iPXE a boot rule of its own, before the one for its ROM: `class = [\"ipxe\"]` with a `url` or a script"
            }
            Cause::LoadedButNotStarted { .. } => {
                "Secure Boot refuses it, or it is for another processor: look at the device's screen, and at `architecture` in the rule"
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::PacketsAreBroken => f.write_str("its DHCP packets are cut off or damaged"),
            Cause::SpeaksBootpOnly => f.write_str("it speaks BOOTP of before DHCP"),
            Cause::TwoMachinesWithOneMac => f.write_str("two machines use this hardware address by turns"),
            Cause::AddressIsInUse { address } => {
                write!(f, "the address {} is used by somebody else already", Maybe(*address))
            }
            Cause::AddressOfAnotherNetwork { address } => {
                write!(f, "it insists on {}, an address of another network", Maybe(*address))
            }
            Cause::TookAnotherServersOffer { server } => {
                write!(f, "it took the offer of another DHCP server, {server}")
            }
            Cause::WeStaySilent { times } => write!(f, "it asked {times} times, and was not answered"),
            Cause::LinkCameLate { seconds } => {
                write!(
                    f,
                    "its first packet came {seconds} s after it began to ask: the switch kept the port shut"
                )
            }
            Cause::PiIsNotToldToBoot => {
                f.write_str("this Raspberry Pi is offered an address, but nothing to boot")
            }
            Cause::Pi3NeedsThreeSpaces => f.write_str(
                "the boot ROM of a Pi 3 takes only `Raspberry Pi Boot` with three spaces behind it",
            ),
            Cause::HttpBootIsNotOffered => {
                f.write_str("it wants to boot by HTTP, and our offer does not say HTTPClient")
            }
            Cause::RelayDoesNotReturn { relay } => {
                write!(f, "our offers to the relay {relay} do not come through to the device")
            }
            Cause::OffersAreNotTaken { times } => {
                write!(f, "it was offered an address {times} times, and took none")
            }
            Cause::UploadIsRefused { file } => write!(f, "it wanted to upload {file}"),
            Cause::WrongMode { file } => write!(f, "it asked for {file} as text (netascii)"),
            Cause::FileIsTooLargeForTheClient { file, words } => {
                write!(f, "{file} is too large for it: {words}")
            }
            Cause::ToldToBootFromDisk => {
                f.write_str("it is told to boot from its own disk, and finds no boot files here")
            }
            Cause::PiFirmwareIsMissing => f.write_str("there is no firmware for this Raspberry Pi to load"),
            Cause::BootFileIsMissing { file } => {
                write!(f, "the boot file {file}, which it was told to load, is not there")
            }
            Cause::OptionsAreRefused { file } => {
                write!(f, "it refused the options that it had asked for, at {file}")
            }
            Cause::ClientIsOutOfSpace { file } => write!(f, "it has no room for {file}"),
            Cause::ClientGaveUp { file, words } => {
                write!(f, "it ended the transfer of {file} itself: {words}")
            }
            Cause::AnswersComeFromAnotherPort { file } => {
                write!(f, "its ACKs for {file} come from another port than its request")
            }
            Cause::WeWaitForOthers { file } => {
                write!(f, "it waits for its turn to load {file}: the network is full")
            }
            Cause::AnswersDoNotArrive { file } => {
                write!(f, "it asks for {file}, and does not hear our answers from a new port")
            }
            Cause::LargePacketsAreLost { file, blksize } => {
                write!(f, "packets with {blksize} bytes of {file} do not arrive, while short ones do")
            }
            Cause::BlockCounterOverflows { file, blksize } => {
                write!(
                    f,
                    "{file} has more than 65535 blocks of {blksize} bytes, and the firmware cannot count further"
                )
            }
            Cause::FileTookTooLong { file, seconds } => {
                write!(
                    f,
                    "{file} took more than {seconds} s, and firmware of a Raspberry Pi gives up after 30 s"
                )
            }
            Cause::RepeatedBlockIsNotAcknowledged { file, block } => {
                write!(
                    f,
                    "its ACK of block {block} of {file} got lost, and it does not acknowledge a block twice"
                )
            }
            Cause::FellSilent { file, block } => write!(f, "it fell silent at block {block} of {file}"),
            Cause::Port4011StaysSilent => f.write_str("it asks on port 4011, and gets no answer there"),
            Cause::UrlNeedsANameServer { host } => {
                write!(f, "its boot URL has the name {host}, and it was told no name server")
            }
            Cause::NeverAsksForItsFile { file } => {
                write!(f, "it was told to load {file}, and never asks for it")
            }
            Cause::IpxeLoadsItself { file } => write!(f, "iPXE is told to load {file}, which is iPXE again"),
            Cause::LoadedButNotStarted { file, times } => {
                write!(f, "it loaded {file} {times} times, and was back each time without starting it")
            }
        }
    }
}

struct Maybe(Option<Ipv4Addr>);

impl fmt::Display for Maybe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("it was offered"),
        }
    }
}
