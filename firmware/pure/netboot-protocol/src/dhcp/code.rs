//! Numbers of DHCP options (RFC 2132 and the registry of the IANA).

#![allow(missing_docs, reason = "the names are those of the registry")]

pub const PAD: u8 = 0;
pub const SUBNET_MASK: u8 = 1;
pub const ROUTERS: u8 = 3;
pub const DNS_SERVERS: u8 = 6;
pub const HOST_NAME: u8 = 12;
pub const DOMAIN_NAME: u8 = 15;
pub const BROADCAST: u8 = 28;
pub const NTP_SERVERS: u8 = 42;
pub const VENDOR_SPECIFIC: u8 = 43;
pub const REQUESTED_ADDRESS: u8 = 50;
pub const LEASE_TIME: u8 = 51;
pub const OVERLOAD: u8 = 52;
pub const MESSAGE_TYPE: u8 = 53;
pub const SERVER_ID: u8 = 54;
pub const PARAMETER_LIST: u8 = 55;
pub const MESSAGE: u8 = 56;
pub const MAX_MESSAGE_SIZE: u8 = 57;
pub const RENEWAL_TIME: u8 = 58;
pub const REBINDING_TIME: u8 = 59;
pub const VENDOR_CLASS: u8 = 60;
pub const CLIENT_ID: u8 = 61;
pub const TFTP_SERVER: u8 = 66;
pub const BOOT_FILE: u8 = 67;
pub const USER_CLASS: u8 = 77;
pub const RELAY_AGENT: u8 = 82;
pub const ARCHITECTURE: u8 = 93;
pub const NETWORK_INTERFACE: u8 = 94;
pub const MACHINE_ID: u8 = 97;
pub const DOMAIN_SEARCH: u8 = 119;
pub const IPXE: u8 = 175;
pub const PXELINUX_CONFIG: u8 = 209;
pub const PXELINUX_PREFIX: u8 = 210;
pub const END: u8 = 255;

/// Sub-option of 43 in PXE (PXE specification 2.1): how the client finds its boot server.
pub const PXE_DISCOVERY_CONTROL: u8 = 6;
/// Sub-option of 43 that a Raspberry Pi looks for: the boot menu.
pub const PXE_BOOT_MENU: u8 = 9;
/// Sub-option of 43: what to say and how long to wait at the menu.
pub const PXE_MENU_PROMPT: u8 = 10;
/// Sub-option of 175: iPXE need not wait for offers of proxies.
pub const IPXE_NO_PXEDHCP: u8 = 176;
/// Sub-option of 82: the subnet to choose from (RFC 3527).
pub const RELAY_LINK_SELECTION: u8 = 5;
/// Sub-option of 82: what to put into option 54 (RFC 5107).
pub const RELAY_SERVER_OVERRIDE: u8 = 11;
