use appliance_types::SecretName;

use crate::raw::{RawLogin, RawSecrets};
use crate::report::{At, Report};
use crate::url::authority_parts;
use crate::{Code, RegistryLogin, SecretText, Secrets};

pub(super) fn check(raw: &RawSecrets, report: &Report<'_>) -> Secrets {
    let value = |(raw_name, raw_value): &(At<String>, Option<At<String>>)| {
        let name = name(raw_name, report);
        let value = text(raw_value.as_ref()?, report);
        Some((name?, value?))
    };
    let login = |raw: &RawLogin| {
        let registry = registry(&raw.registry, report);
        let username = raw.username.as_ref().and_then(|raw| username(raw, report));
        let password = raw.password.as_ref().and_then(|raw| text(raw, report));
        Some((registry?, RegistryLogin { username: username?, password: password? }))
    };
    Secrets {
        values: raw.values.iter().filter_map(value).collect(),
        registries: raw.registries.iter().filter_map(login).collect(),
    }
}

fn name(raw: &At<String>, report: &Report<'_>) -> Option<SecretName> {
    match raw.value.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            report.problem(&raw.spot, Code::BadValue, format!("{error}"));
            None
        }
    }
}

/// No message here may repeat the text.
fn text(raw: &At<String>, report: &Report<'_>) -> Option<SecretText> {
    let At { spot, value } = raw;
    if value.is_empty() {
        let hint = "an exported configuration has no secrets: write it again";
        report.hinted(spot, Code::BadValue, "the secret is empty", hint);
    } else if value.len() > SecretText::MAX_LEN {
        let message = format!("the secret has {} bytes; {} are allowed", value.len(), SecretText::MAX_LEN);
        report.problem(spot, Code::BadValue, message);
    } else if value.contains('\0') {
        report.problem(spot, Code::BadValue, "a secret is text, and has no NUL in it");
    } else {
        return Some(SecretText(value.clone()));
    }
    None
}

/// Host and port, as they stand before the first `/` of an image's name.
fn registry(raw: &At<String>, report: &Report<'_>) -> Option<String> {
    // Podman looks for the text as written: another case would never be found.
    let plain = raw.value.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase());
    if authority_parts(&raw.value).is_ok() && plain && !raw.value.ends_with('.') {
        return Some(raw.value.clone());
    }
    let hint =
        "write what stands before the first `/` of an image's name, in lower case: \"registry.example:5000\"";
    report.hinted(&raw.spot, Code::BadValue, "it is not the name of a registry", hint);
    None
}

fn username(raw: &At<String>, report: &Report<'_>) -> Option<String> {
    if raw.value.is_empty() || raw.value.contains(':') || raw.value.chars().any(char::is_control) {
        report.problem(&raw.spot, Code::BadValue, "a user name at a registry is not empty and has no colon");
        return None;
    }
    Some(raw.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, said, with};

    #[test]
    fn a_secret_is_a_name_and_a_text() {
        check(&[
            ("secrets.values = {}", ""),
            ("secrets.values.oidc = 'x'", ""),
            ("secrets.values.key = \"two\\nlines\"", ""),
            ("secrets.values.'a/b' = 'x'", "secrets.values.\"a/b\" bad-value … letter or a digit"),
            ("secrets.values.a = ''", "secrets.values.a bad-value … write it again"),
            ("secrets.values.a = \"x\\u0000y\"", "secrets.values.a bad-value … NUL"),
            ("secrets.values.a = 1", "secrets.values.a wrong-type"),
            ("secrets.values = 1", "secrets.values wrong-type"),
            ("secrets.oidc = 'x'", "secrets.oidc unknown-key … known here: values, registries"),
        ]);
        let long = format!("secrets.values.a = '{}'", "x".repeat(SecretText::MAX_LEN + 1));
        check(&[(&long, "secrets.values.a bad-value … 60001 bytes")]);
    }

    #[test]
    fn a_registry_has_a_login() {
        let login = |registry: &str, login: &str| format!("secrets.registries.'{registry}' = {{ {login} }}");
        let both = "username = 'robot', password = 'x'";
        for registry in ["registry.example", "registry.example:5000", "127.0.0.1:5000", "localhost:5000"] {
            check(&[(&login(registry, both), "")]);
        }
        for registry in
            ["", "https://registry.example", "registry.example/shop", "Registry.example", "a b", "a:0"]
        {
            check(&[(&login(registry, both), "bad-value … name of a registry")]);
        }
        check(&[
            (&login("r", "username = 'robot'"), "secrets.registries.r.password missing-key"),
            (&login("r", "password = 'x'"), "secrets.registries.r.username missing-key"),
            (
                &login("r", "username = 'a:b', password = 'x'"),
                "secrets.registries.r.username bad-value … colon",
            ),
            (&login("r", "username = '', password = 'x'"), "secrets.registries.r.username bad-value"),
            (&login("r", "username = 'a', password = ''"), "secrets.registries.r.password bad-value"),
            (
                &login("r", "username = 'a', password = 'x', token = 'x'"),
                "secrets.registries.r.token unknown-key",
            ),
        ]);
    }

    #[test]
    fn no_problem_and_no_configuration_shows_a_secret() {
        let text = "secrets.values.good = 'hunter2'\nsecrets.values.bad = \"hunter2\\u0000\"\n\
                    secrets.registries.r = { username = 'hunter2:', password = 'hunter2' }\n";
        let problems = said(text);
        assert_eq!((problems.lines().count(), problems.contains("hunter2")), (2, false), "{problems}");
        let loaded = with("secrets.values.good = 'hunter2'\n").unwrap();
        assert!(!format!("{loaded:?}").contains("hunter2"));
    }
}
