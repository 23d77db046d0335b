//! A checked configuration in, the files that make it true out; and which units a change of files concerns.
//!
//! Rendering cannot fail: whatever could be wrong with a configuration was refused before there was a [`Config`]. It is a
//! function of its arguments and nothing else, so the same generation gives the same bytes at every boot, and what did not
//! change is not touched.
//!
//! | Module | What it writes |
//! |---|---|
//! | `accounts` | the users' lines in passwd, group, shadow and gshadow, their homes and keys |
//! | `networkd` | systemd-networkd's files |
//! | `firewall` | nftables' rules |
//! | `names` | where systemd-resolved answers, and the names that do not come and go |
//! | `chrony` | where the time comes from, and who gets it |
//! | `sshd` | where administrators log in |
//! | `netbootd` | what LAN machines are given by DHCP |
//! | `quadlet` | units for Podman's generator |
//! | `required` | what must run and be reachable, for those who wait for it |
//! | `health` | what must work, for the same |
//! | `secrets` | secrets, for the containers and services that may read them |
//! | `services` | what the appliance's own services are told |
//! | `paths` | the closed set of places all that goes to |
//! | `actions` | from two sets of files to what must be reloaded, stopped and started |

#![forbid(unsafe_code)]

use appliance_config::Config;

mod accounts;
mod actions;
#[cfg(test)]
mod actions_tests;
mod artefacts;
mod base64;
mod chrony;
mod firewall;
mod folders;
mod health;
mod image_name;
mod lan;
mod names;
mod netbootd;
mod networkd;
mod paths;
mod quadlet;
mod quadlet_defaults;
#[cfg(test)]
mod quadlet_tests;
mod required;
mod secrets;
mod services;
mod sshd;
#[cfg(test)]
mod testing;
mod unit_text;
mod user_ids;

pub use accounts::ImageFacts;
pub use actions::{Service, UnitAction, actions};
pub use artefacts::{Artefact, Artefacts};
pub use image_name::is_same_image;
pub use paths::{FOLDERS, is_ours};
pub use quadlet::{ArchiveFacts, PayloadFacts};
pub use user_ids::{InvalidUserIds, UserIds};

/// The files of a configuration.
pub fn render(
    config: &Config,
    image: &ImageFacts<'_>,
    known_ids: &UserIds,
    payload: &PayloadFacts,
) -> Artefacts {
    let mut files = artefacts::Files::default();
    let user_ids = accounts::render(&config.users, image, known_ids, &mut files);
    networkd::render(&config.network, &mut files);
    firewall::render(&config.network, &config.containers, config.netboot.mode, &mut files);
    names::render(&config.network, &mut files);
    chrony::render(&config.network, &mut files);
    sshd::render(&config.network, &mut files);
    netbootd::render(&config.network, &config.netboot, &mut files);
    quadlet::render(&config.containers, &config.secrets, payload, &mut files);
    secrets::render(config, &mut files);
    required::render(config, &mut files);
    health::render(&config.health, &mut files);
    services::render(config, &mut files);
    Artefacts { files: files.into_map(), user_ids }
}
