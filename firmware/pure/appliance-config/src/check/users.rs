use std::collections::BTreeMap;

use appliance_types::UserName;

use crate::nearest::nearest;
use crate::raw::{RawUser, RawUsers};
use crate::report::{At, Report};
use crate::{AuthorizedKey, Code, Shell, SystemFacts, User};

pub(super) fn check(raw: &RawUsers, facts: &SystemFacts, report: &Report<'_>) -> BTreeMap<UserName, User> {
    if !raw.users.iter().any(may_administer) {
        let message = "nobody could administer the device";
        let hint = "give one user `isAdmin = true` and an `ssh_key`";
        report.hinted(&raw.spot, Code::NoAdmin, message, hint);
    }
    let named = |raw| (name(raw, facts, report), user(raw, report));
    raw.users.iter().map(named).filter_map(|(name, user)| Some((name?, user))).collect()
}

/// Also true where a mistake hides whether it is: that is another problem, reported as itself.
fn may_administer(raw: &RawUser) -> bool {
    raw.unreadable || (raw.is_admin.as_ref().is_some_and(|admin| admin.value) && !raw.keys.is_empty())
}

fn name(raw: &RawUser, facts: &SystemFacts, report: &Report<'_>) -> Option<UserName> {
    let At { spot, value } = &raw.name;
    match value.parse::<UserName>() {
        Err(error) => {
            report.problem(spot, Code::BadValue, error.to_string());
            None
        }
        Ok(name) if facts.is_account(name.as_str()) => {
            let message = format!("`{name}` is an account of the system");
            report.hinted(spot, Code::BadValue, message, "choose another name");
            None
        }
        Ok(name) => Some(name),
    }
}

fn user(raw: &RawUser, report: &Report<'_>) -> User {
    let mut keys: Vec<AuthorizedKey> = Vec::new();
    for At { spot, value } in &raw.keys {
        match value.parse::<AuthorizedKey>() {
            // The same key twice, as `ssh_key` and in `ssh_keys`, is one.
            Ok(key) if keys.iter().any(|other| other.fingerprint() == key.fingerprint()) => {}
            Ok(key) => keys.push(key),
            Err(error) => report.problem(spot, Code::BadValue, error.to_string()),
        }
    }
    let admin = raw.is_admin.as_ref().is_some_and(|admin| admin.value);
    User { admin, keys, shell: raw.shell.as_ref().map_or(Shell::Bash, |raw| shell(raw, report)) }
}

fn shell(raw: &At<String>, report: &Report<'_>) -> Shell {
    match raw.value.as_str() {
        "bash" => Shell::Bash,
        "sh" => Shell::Sh,
        "zsh" => {
            report.problem(&raw.spot, Code::Warning, "the image has no zsh: this user gets bash");
            Shell::Bash
        }
        other => {
            let hint = nearest(other, ["bash", "zsh"])
                .map_or("bash and sh are there".to_owned(), |shell| format!("did you mean `{shell}`?"));
            report.hinted(&raw.spot, Code::BadValue, "there is no such shell", hint);
            Shell::Bash
        }
    }
}
