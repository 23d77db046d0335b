//! The rules. Each looks at a story and knows one cause; the first that recognises its own is right.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::cause::Cause;
use super::record::Record;
use super::story::{Attempt, Story, Transfer, kind, same_name};
use crate::client::ClientClass;
use crate::dhcp::code;
use crate::tftp::Mode;

/// How soon a machine that cannot start what it loaded is back.
const SOON: Duration = Duration::from_secs(180);
/// What the firmware of a Raspberry Pi gives a file, with some room.
const PI_FILE: Duration = Duration::from_secs(28);
/// A ROM that begins so late with its first DISCOVER had no link before.
const LATE_SECONDS: u16 = 20;

/// How long a device must be silent before what it did last counts as its end.
const SILENCE: Duration = Duration::from_secs(5);

/// Why the last boot of a device failed, as far as its packets (oldest first) tell; `None` when they show nothing wrong, or
/// nothing yet. `now` is on the clock of the packets.
#[must_use]
pub fn judge(records: &[Record], now: Duration) -> Option<Cause> {
    let story = Story::of(records);
    let last = story.attempts.last()?;
    let silent = now.saturating_sub(last.ended) >= SILENCE;
    unreadable(last)
        .or_else(|| two_machines(&story))
        .or_else(|| refused_address(last))
        .or_else(|| no_lease(last))
        .or_else(|| loading(last, silent))
        .or_else(|| nothing_asked(&story))
        .or_else(|| loops(&story))
}

fn unreadable(attempt: &Attempt) -> Option<Cause> {
    if !attempt.asked.is_empty() {
        return None;
    }
    match (attempt.broken, attempt.bootp) {
        (1.., _) => Some(Cause::PacketsAreBroken),
        (_, 1..) => Some(Cause::SpeaksBootpOnly),
        _ => None,
    }
}

/// Another machine's identity in between, with the same hardware address: A, B, A.
fn two_machines(story: &Story) -> Option<Cause> {
    let ids = story.attempts.iter().filter_map(|attempt| {
        let message = attempt.asked.last()?;
        message.packet.options.get(code::MACHINE_ID).filter(|id| id.len() == 17)
    });
    let mut changes: Vec<&[u8]> = ids.collect();
    changes.dedup();
    let returns = changes.windows(3).any(|three| three[0] == three[2]);
    returns.then_some(Cause::TwoMachinesWithOneMac)
}

fn refused_address(attempt: &Attempt) -> Option<Cause> {
    if attempt.asked.last()?.kind == kind::DECLINE {
        let address = attempt.asked.last()?.packet.options.address(code::REQUESTED_ADDRESS);
        return Some(Cause::AddressIsInUse { address });
    }
    let acknowledged = attempt.answers(kind::ACK).next().is_some();
    (attempt.answers(kind::NAK).count() >= 2 && !acknowledged).then(|| Cause::AddressOfAnotherNetwork {
        address: attempt
            .asked
            .last()
            .and_then(|message| message.packet.options.address(code::REQUESTED_ADDRESS)),
    })
}

/// It never got as far as an address.
fn no_lease(attempt: &Attempt) -> Option<Cause> {
    if attempt.answers(kind::ACK).next().is_some() || attempt.asked_for(kind::DISCOVER).next().is_none() {
        return None;
    }
    if let Some(request) = attempt.asked_for(kind::REQUEST).next_back() {
        let chosen = request.packet.options.address(code::SERVER_ID)?;
        return (chosen != request.server).then_some(Cause::TookAnotherServersOffer { server: chosen });
    }
    let offers = attempt.answers(kind::OFFER).count();
    let discovers = attempt.asked_for(kind::DISCOVER).count();
    let Some(offer) = attempt.answers(kind::OFFER).next_back() else {
        return (discovers >= 2).then_some(Cause::WeStaySilent { times: discovers });
    };
    let first = attempt.asked_for(kind::DISCOVER).next()?;
    if first.packet.secs >= LATE_SECONDS {
        return Some(Cause::LinkCameLate { seconds: first.packet.secs });
    }
    if offers < 3 {
        return None;
    }
    let client = attempt.client()?;
    let vendor = offer.packet.options.get(code::VENDOR_SPECIFIC).unwrap_or_default();
    let says = |text: &[u8]| vendor.windows(text.len()).any(|window| window == text);
    Some(match client.class {
        ClientClass::RaspberryPi if !says(b"Raspberry Pi Boot") => Cause::PiIsNotToldToBoot,
        // Only the boot ROM of a Pi 3 says no serial number.
        ClientClass::RaspberryPi
            if client.pi.is_some_and(|pi| pi.serials().is_none()) && !says(b"Raspberry Pi Boot   ") =>
        {
            Cause::Pi3NeedsThreeSpaces
        }
        ClientClass::HttpBoot if offer.packet.options.get(code::VENDOR_CLASS) != Some(b"HTTPClient") => {
            Cause::HttpBootIsNotOffered
        }
        _ if !first.packet.giaddr.is_unspecified() => {
            Cause::RelayDoesNotReturn { relay: first.packet.giaddr }
        }
        _ => Cause::OffersAreNotTaken { times: offers },
    })
}

/// It asked for files, and did not get what it needs.
fn loading(attempt: &Attempt, silent: bool) -> Option<Cause> {
    let is_pi = attempt.client().is_some_and(|client| client.class == ClientClass::RaspberryPi);
    if let Some(cause) = attempt.transfers.iter().find_map(|transfer| refused(transfer, attempt, is_pi)) {
        return Some(cause);
    }
    // What was tried again and came is forgiven.
    let failed = attempt.transfers.iter().rev().find(|transfer| !attempt.loaded(&transfer.file));
    if let Some(cause) = failed.and_then(|transfer| broke_off(transfer, is_pi, silent)) {
        return Some(cause);
    }
    let told = attempt.named_file();
    let missing = attempt.fetches.iter().find(|fetch| {
        let is_told = told.as_deref().and_then(url_path).is_some_and(|path| path == fetch.path);
        fetch.status == Some(404) && is_told
    });
    missing.map(|fetch| Cause::BootFileIsMissing { file: fetch.path.clone() })
}

fn refused(transfer: &Transfer, attempt: &Attempt, is_pi: bool) -> Option<Cause> {
    let (number, words) = transfer.refusal.as_ref()?;
    let file = transfer.file.clone();
    if transfer.upload {
        return Some(Cause::UploadIsRefused { file });
    }
    if transfer.mode == Mode::Netascii && *number == 0 {
        return Some(Cause::WrongMode { file });
    }
    if words.contains("this client can take") {
        return Some(Cause::FileIsTooLargeForTheClient { file, words: words.clone() });
    }
    if *number != 1 || attempt.loaded_something() {
        return None;
    }
    if words.contains("boots from its own disk") {
        return Some(Cause::ToldToBootFromDisk);
    }
    if is_pi {
        let missing = |wanted: &str| {
            attempt.transfers.iter().any(|transfer| transfer.file == wanted && transfer.refusal.is_some())
        };
        return (missing("start4.elf") || missing("start.elf") || missing("bootcode.bin"))
            .then_some(Cause::PiFirmwareIsMissing);
    }
    attempt.named_file().filter(|told| same_name(told, &file)).map(|_| Cause::BootFileIsMissing { file })
}

fn broke_off(transfer: &Transfer, is_pi: bool, silent: bool) -> Option<Cause> {
    let file = transfer.file.clone();
    let begun = !transfer.data.is_empty();
    if let Some((number, words)) = &transfer.client_error {
        return match (number, begun) {
            // UEFI ends its question for the size like this, and asks for the file at once.
            (8, false) => silent.then_some(Cause::OptionsAreRefused { file }),
            // A size was asked for, and nothing more: it may have been enough.
            (_, false) => None,
            (3, true) => Some(Cause::ClientIsOutOfSpace { file }),
            (_, true) => Some(Cause::ClientGaveUp { file, words: words.clone() }),
        };
    }
    if transfer.from_elsewhere > 0 {
        return Some(Cause::AnswersComeFromAnotherPort { file });
    }
    if !begun {
        let unanswered = transfer.option_acks == 0 && transfer.refusal.is_none();
        return match (transfer.requests, transfer.option_acks) {
            (3.., _) if unanswered => Some(Cause::WeWaitForOthers { file }),
            (_, 3..) if transfer.acknowledged.is_empty() => Some(Cause::AnswersDoNotArrive { file }),
            _ => None,
        };
    }
    let (block, after) = transfer.stuck_at()?;
    let blocks = transfer.size.map(|size| size / transfer.blksize.max(1) as u64 + 1);
    Some(match block {
        // Only the first block of a long packet gets no answer: it was the first long packet.
        1 if transfer.acknowledged.iter().all(|number| *number == 0) && transfer.blksize > 1024 => {
            Cause::LargePacketsAreLost { file, blksize: transfer.blksize }
        }
        1 if transfer.acknowledged.is_empty() && !transfer.wants_options => {
            Cause::AnswersDoNotArrive { file }
        }
        0 | 1 | u16::MAX if blocks.is_some_and(|blocks| blocks > 65_535) => {
            Cause::BlockCounterOverflows { file, blksize: transfer.blksize }
        }
        _ if is_pi && after >= PI_FILE => Cause::FileTookTooLong { file, seconds: after.as_secs() },
        _ if is_pi => Cause::RepeatedBlockIsNotAcknowledged { file, block },
        _ => Cause::FellSilent { file, block },
    })
}

/// It has an address, was told what to load, and asks for nothing.
fn nothing_asked(story: &Story) -> Option<Cause> {
    let last = story.attempts.last()?;
    if !last.transfers.is_empty() || !last.fetches.is_empty() {
        return None;
    }
    let at_4011 = last.asked.iter().filter(|message| message.port == 4011).count();
    if at_4011 >= 2 && !last.answered.iter().any(|message| message.port == 4011) {
        return Some(Cause::Port4011StaysSilent);
    }
    let boots = last.client().is_some_and(|client| client.class.is_boot_stage());
    let file = last.named_file().filter(|_| boots)?;
    let same = |attempt: &&Attempt| {
        attempt.transfers.is_empty()
            && attempt.fetches.is_empty()
            && attempt.named_file().as_ref() == Some(&file)
    };
    if story.attempts.iter().rev().take_while(same).count() < 2 {
        return None;
    }
    let has_dns = last.answered.last().is_some_and(|answer| answer.packet.options.has(code::DNS_SERVERS));
    if let Some(host) = url_host(&file).filter(|host| host.parse::<Ipv4Addr>().is_err() && !has_dns) {
        return Some(Cause::UrlNeedsANameServer { host: host.to_owned() });
    }
    Some(Cause::NeverAsksForItsFile { file })
}

/// It gets everything, and is back at once.
fn loops(story: &Story) -> Option<Cause> {
    let rounds: Vec<&Attempt> = {
        let mut next = None;
        let close = |attempt: &&Attempt| {
            let soon = next.is_none_or(|next: Duration| next.saturating_sub(attempt.ended) < SOON);
            next = Some(attempt.begun);
            soon && attempt.named_file().is_some_and(|file| attempt.loaded(&file))
        };
        story.attempts.iter().rev().take_while(close).collect()
    };
    let file = rounds.first()?.named_file()?;
    let by_ipxe = |attempt: &&&Attempt| {
        attempt.client().is_some_and(|client| client.class == ClientClass::Ipxe)
            && attempt.named_file().as_ref() == Some(&file)
    };
    if rounds.iter().filter(by_ipxe).count() >= 2 {
        return Some(Cause::IpxeLoadsItself { file });
    }
    (rounds.len() >= 3).then_some(Cause::LoadedButNotStarted { file, times: rounds.len() })
}

fn url_host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    rest.split(['/', ':']).next()
}

fn url_path(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.find('/').map(|at| &rest[at..])
}
