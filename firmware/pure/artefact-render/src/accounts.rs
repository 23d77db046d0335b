use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use appliance_config::{Shell, User};
use appliance_types::UserName;

use crate::UserIds;
use crate::artefacts::Files;
use crate::paths;

/// The image's own account files, as they are before any configuration.
#[derive(Debug, Clone, Copy)]
pub struct ImageFacts<'a> {
    /// `/etc/passwd`.
    pub passwd: &'a str,
    /// `/etc/group`. Has the groups `slipway-admin` and `systemd-journal`.
    pub group: &'a str,
    /// `/etc/shadow`.
    pub shadow: &'a str,
    /// `/etc/gshadow`.
    pub gshadow: &'a str,
}

impl ImageFacts<'static> {
    /// Account files as an image has them, shortened: for rendering away from an appliance.
    pub const USUAL: ImageFacts<'static> = ImageFacts {
        passwd: include_str!("usual_image/passwd"),
        group: include_str!("usual_image/group"),
        shadow: include_str!("usual_image/shadow"),
        gshadow: include_str!("usual_image/gshadow"),
    };
}

/// Groups of administrators: the one that polkit and sudo go by, and the one that may read the journal.
pub(crate) const ADMIN_GROUP: &str = "slipway-admin";
const ADMIN_GROUPS: [&str; 2] = [ADMIN_GROUP, "systemd-journal"];

/// The image's lines come first and unchanged, but for the members of the administrators' groups. A user who is left out
/// of the configuration is left out of the files: nothing is locked or marked, there is nothing to forget.
pub(crate) fn render(
    users: &BTreeMap<UserName, User>,
    image: &ImageFacts<'_>,
    known_ids: &UserIds,
    files: &mut Files,
) -> UserIds {
    // One number serves as the user's and its group's.
    let taken: BTreeSet<u32> = ids_in(image.passwd).chain(ids_in(image.group)).collect();
    let ids = known_ids.with(users.keys(), &taken);
    let numbered = users.iter().filter_map(|(name, user)| Some((name, user, ids.get(name)?)));
    let admins: Vec<&UserName> = users.iter().filter(|(_, user)| user.admin).map(|(name, _)| name).collect();

    let mut passwd = lines(image.passwd);
    let mut group = with_members(image.group, &admins);
    let mut shadow = lines(image.shadow);
    let mut gshadow = with_members(image.gshadow, &admins);
    let mut homes = String::from("# Homes of the users of config.toml, in memory.\n");
    for (name, user, id) in numbered {
        let shell = match user.shell {
            Shell::Bash => "/bin/bash",
            Shell::Sh => "/bin/sh",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(passwd, "{name}:x:{id}:{id}::/home/{name}:{shell}");
        let _ = writeln!(group, "{name}:x:{id}:");
        // `*` is the hash of no password. It is not `!`, which would mean a locked account, keys and all. No dates: nothing
        // expires.
        let _ = writeln!(shadow, "{name}:*:::::::");
        let _ = writeln!(gshadow, "{name}:*::");
        let _ = writeln!(homes, "d /home/{name} 0700 {name} {name} -");
        if !user.keys.is_empty() {
            let keys: String = user.keys.iter().map(|key| format!("{key}\n")).collect();
            files.add(paths::keys_file(name), keys);
        }
    }
    files.add(paths::PASSWD, passwd);
    files.add(paths::GROUP, group);
    files.add_with_mode(paths::SHADOW, shadow, 0o600);
    files.add_with_mode(paths::GSHADOW, gshadow, 0o600);
    files.add(paths::HOMES, homes);
    ids
}

/// The numbers in a passwd or group file: the third field of both.
fn ids_in(text: &str) -> impl Iterator<Item = u32> {
    text.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok())
}

/// The text with a line break at its end.
fn lines(text: &str) -> String {
    match text.is_empty() || text.ends_with('\n') {
        true => text.to_owned(),
        false => format!("{text}\n"),
    }
}

/// A group or gshadow file in which the administrators are members of their groups. Members are the last field of both.
fn with_members(text: &str, admins: &[&UserName]) -> String {
    let mut out = String::new();
    for line in text.lines() {
        out.push_str(line);
        if line.split(':').next().is_some_and(|group| ADMIN_GROUPS.contains(&group)) {
            let members = line.rsplit(':').next().unwrap_or_default();
            let mut comma = !members.is_empty();
            for admin in admins.iter().filter(|admin| members.split(',').all(|m| m != admin.as_str())) {
                if comma {
                    out.push(',');
                }
                out.push_str(admin.as_str());
                comma = true;
            }
        }
        out.push('\n');
    }
    out
}
