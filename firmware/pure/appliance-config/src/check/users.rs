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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{KEY, check, read, with};

    #[test]
    fn a_user_is_a_name_keys_and_a_shell() {
        check(&[
            ("[users.bob]", ""),
            ("[users.bob]\nssh_key = ''", ""),
            ("[users.bob]\nshell = 'sh'", ""),
            ("[users.bob]\nshell = 'zsh'", "users.bob.shell warning … gets bash"),
            ("[users.bob]\nshell = 'bsh'", "users.bob.shell bad-value … did you mean `bash`?"),
            ("[users.bob]\nshell = 'fish'", "users.bob.shell bad-value"),
            ("[users.bob]\nisAdmin = 1", "users.bob.isAdmin wrong-type … true or false, not an integer"),
            ("[users.bob]\nis_admin = true", "users.bob.is_admin unknown-key … did you mean `isAdmin`?"),
            (
                "[users.bob]\npassphrase = 'x'",
                "users.bob.passphrase unknown-key … known here: isAdmin, ssh_key",
            ),
            ("[users.bob]\nssh_keys = 'x'", "users.bob.ssh_keys wrong-type … an array"),
            ("[users.bob]\nssh_keys = ['x']", "users.bob.ssh_keys[0] bad-value … key type"),
            ("[users.bob]\nssh_key = 1", "users.bob.ssh_key wrong-type"),
            ("users.bob = 1", "users.bob wrong-type … a table"),
            ("[users.Bob]", "users.Bob bad-value … a-z"),
            ("[users.'a b']", "users.\"a b\" bad-value"),
        ]);
    }

    #[test]
    fn accounts_of_the_system_are_not_for_people() {
        for name in [
            "root",
            "nobody",
            "sshd",
            "messagebus",
            "systemd-network",
            "_chrony",
            "slipway-app",
            "appsvc",
            "wheel",
        ] {
            check(&[(
                &format!("[users.{name}]"),
                &format!("users.{name} bad-value … account of the system"),
            )]);
        }
    }

    #[test]
    fn both_ways_to_write_keys_are_one_list_without_doubles() {
        let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdd7Y4aTZNoTr7SwvOw5qvYJ0BKrGzb9TXGTGu2Ab0p";
        let loaded =
            with(&format!("[users.bob]\nssh_key = '{KEY}'\nssh_keys = ['{other}', '{KEY}']")).unwrap();
        let bob = &loaded.config.users[&"bob".parse().unwrap()];
        assert_eq!(bob.keys.iter().map(AuthorizedKey::as_str).collect::<Vec<_>>(), [KEY, other]);
        assert_eq!((bob.admin, bob.shell), (false, Shell::Bash));
    }

    #[test]
    fn somebody_must_be_able_to_administer() {
        let codes = |users: &str| {
            let problems = read(&format!("version = 1\n{users}")).unwrap_err();
            problems.iter().map(|problem| problem.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(""), [Code::MissingKey]);
        assert_eq!(codes("[users]"), [Code::NoAdmin]);
        assert_eq!(codes("[users.a]\nisAdmin = true"), [Code::NoAdmin]);
        assert_eq!(codes("[users.a]\nisAdmin = true\nssh_key = ''"), [Code::NoAdmin]);
        assert_eq!(codes(&format!("[users.a]\nssh_key = '{KEY}'")), [Code::NoAdmin]);
        // What may have meant an administrator is a problem of its own, and the only one.
        assert_eq!(codes("[users.a]\nisAdmin = true\nssh_key = 'ssh-rsa AAAA'"), [Code::BadValue]);
        assert_eq!(codes(&format!("[users.a]\nisAdmin = 'yes'\nssh_key = '{KEY}'")), [Code::WrongType]);
    }
}
