//! What a reply says about booting.

use std::net::Ipv4Addr;

use super::{Arrival, Situation};
use crate::client::{ClientClass, PiIdentity};
use crate::dhcp::{Packet, Request, code};
use crate::policy::{BootChoice, BootOffer, PxeStrategy};

/// Option 43 for a ROM that is to boot from this reply: do not discover, load the file that is named.
const PXE_USE_THIS: &[u8] = &[code::PXE_DISCOVERY_CONTROL, 1, 8, code::END];
/// Option 175 for iPXE: do not wait for offers of proxies.
const IPXE_NO_PROXY: &[u8] = &[code::IPXE_NO_PXEDHCP, 1, 1];
/// What a Raspberry Pi looks for in option 43.
const PI_BOOT: &[u8] = b"Raspberry Pi Boot";

/// What the client is to load, and how it is told.
pub(super) struct Boot<'s> {
    offer: BootOffer<'s>,
    pub(super) strategy: PxeStrategy,
}

/// What a client is to load from here, if anything.
pub(super) fn of_client<'s>(situation: &Situation<'s>, request: &Request) -> Option<Boot<'s>> {
    let client = &request.client;
    if !client.class.is_boot_stage() {
        return None;
    }
    let BootChoice::Boot(offer) = situation.policy.boot_for(situation.published, client, request.mac) else {
        return None;
    };
    // iPXE that is told to load iPXE does so for ever.
    if client.class == ClientClass::Ipxe && offer.file.is_some_and(is_ipxe) {
        return None;
    }
    let hardware = request.packet.hardware;
    let strategy = situation.memory.strategy(hardware, offer.pxe, situation.now);
    Some(Boot { offer, strategy })
}

/// Whether a file is iPXE itself, by the names that it is built under.
fn is_ipxe(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    let program = [".efi", ".pxe", ".kpxe", ".kkpxe", ".0"].iter().any(|end| name.ends_with(end));
    program && ["ipxe", "undionly", "snponly", "snp."].iter().any(|start| name.starts_with(start))
}

impl Boot<'_> {
    /// Puts into a reply what the client needs to load its file.
    pub(super) fn fill(
        &self,
        arrival: &Arrival<'_>,
        situation: &Situation<'_>,
        request: &Request,
        reply: &mut Packet,
    ) {
        let server = arrival.interface.address.address();
        reply.siaddr = server;
        match request.client.class {
            ClientClass::RaspberryPi => raspberry_pi(request, server, reply),
            ClientClass::Pxe => self.pxe(request, server, reply),
            ClientClass::HttpBoot => self.http_boot(arrival, situation, request, reply),
            ClientClass::Ipxe => self.ipxe(arrival, situation, request, reply),
            ClientClass::UBoot | ClientClass::Generic => self.file_by_tftp(request, server, reply),
        }
        if let Some(config) = self.offer.pxelinux_config {
            reply.options.push(code::PXELINUX_CONFIG, config.as_bytes());
        }
        if let Some(prefix) = self.offer.pxelinux_prefix {
            reply.options.push(code::PXELINUX_PREFIX, prefix.as_bytes());
        }
    }

    fn pxe(&self, request: &Request, server: Ipv4Addr, reply: &mut Packet) {
        reply.options.push(code::VENDOR_CLASS, b"PXEClient");
        echo_machine_id(request, reply);
        if self.strategy == PxeStrategy::Port4011 {
            // No file and no option 43: the client asks port 4011 of whoever sent this.
            return;
        }
        reply.options.push(code::VENDOR_SPECIFIC, PXE_USE_THIS);
        self.file_by_tftp(request, server, reply);
    }

    /// The file for a client that asks on port 4011, whatever the strategy was.
    pub(super) fn fill_at_boot_server(
        &self,
        arrival: &Arrival<'_>,
        situation: &Situation<'_>,
        request: &Request,
        reply: &mut Packet,
    ) {
        let direct = Boot { offer: self.offer, strategy: PxeStrategy::Direct };
        direct.fill(arrival, situation, request, reply);
    }

    fn http_boot(
        &self,
        arrival: &Arrival<'_>,
        situation: &Situation<'_>,
        request: &Request,
        reply: &mut Packet,
    ) {
        reply.options.push(code::VENDOR_CLASS, b"HTTPClient");
        echo_machine_id(request, reply);
        if let Some(url) = self.url(arrival, situation) {
            reply.options.push(code::BOOT_FILE, url.as_bytes());
        }
    }

    /// iPXE speaks HTTP, which is many times faster than TFTP.
    fn ipxe(&self, arrival: &Arrival<'_>, situation: &Situation<'_>, request: &Request, reply: &mut Packet) {
        reply.options.push(code::IPXE, IPXE_NO_PROXY);
        match self.url(arrival, situation) {
            Some(url) => reply.options.push(code::BOOT_FILE, url.as_bytes()),
            None => self.file_by_tftp(request, arrival.interface.address.address(), reply),
        }
    }

    /// The URL of the client's file: the one that is configured, or ours.
    fn url(&self, arrival: &Arrival<'_>, situation: &Situation<'_>) -> Option<String> {
        if let Some(url) = self.offer.url {
            return Some(url.to_owned());
        }
        let port = match situation.policy.listen().http_port {
            0 => return None,
            80 => String::new(),
            port => format!(":{port}"),
        };
        let file = percent_encoded(self.offer.file?);
        Some(format!("http://{}{port}/{file}", arrival.interface.address.address()))
    }

    /// In the field of the header, which every ROM reads, and in options for who asks for those.
    fn file_by_tftp(&self, request: &Request, server: Ipv4Addr, reply: &mut Packet) {
        let Some(file) = self.offer.file else { return };
        reply.file = file.as_bytes().to_vec();
        let wanted = request.packet.options.get(code::PARAMETER_LIST).unwrap_or_default();
        if wanted.contains(&code::TFTP_SERVER) {
            reply.options.push(code::TFTP_SERVER, server.to_string().as_bytes());
        }
        if wanted.contains(&code::BOOT_FILE) {
            reply.options.push(code::BOOT_FILE, file.as_bytes());
        }
    }
}

/// A Pi knows which files it wants. It needs the words in option 43, and the server: in `siaddr`, and in option 66 for firmware
/// that looks only there.
fn raspberry_pi(request: &Request, server: Ipv4Addr, reply: &mut Packet) {
    reply.options.push(code::VENDOR_CLASS, b"PXEClient");
    echo_machine_id(request, reply);
    // The boot ROM of the Pi 3 compares three spaces too. It is what does not tell its serial number.
    let is_rom = request.client.pi.as_ref().and_then(PiIdentity::serials).is_none();
    let words = [PI_BOOT, if is_rom { &b"   "[..] } else { b"" }].concat();
    let length = u8::try_from(words.len()).unwrap_or_default();
    let menu = [&[0, 0, length][..], &words].concat();
    let mut option = vec![code::PXE_DISCOVERY_CONTROL, 1, 3, code::PXE_MENU_PROMPT, 4, 0, b'P', b'X', b'E'];
    option.extend_from_slice(&[code::PXE_BOOT_MENU, length + 3]);
    option.extend_from_slice(&menu);
    option.push(code::END);
    reply.options.push(code::VENDOR_SPECIFIC, &option);
    reply.options.push(code::TFTP_SERVER, server.to_string().as_bytes());
}

fn echo_machine_id(request: &Request, reply: &mut Packet) {
    if let Some(id) = request.packet.options.get(code::MACHINE_ID) {
        reply.options.push(code::MACHINE_ID, id);
    }
}

/// A path as a URL has it (RFC 3986 2.3, 3.3).
fn percent_encoded(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
