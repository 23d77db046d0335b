use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::KEY;
use crate::{Code, Overlay};

const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdd7Y4aTZNoTr7SwvOw5qvYJ0BKrGzb9TXGTGu2Ab0p";

fn document(more: &str) -> String {
    format!(
        "# The shop in Berlin.\nversion = 1 # the only one\n\n# Who to call.\n[users.admin]\nisAdmin = true\n\
         ssh_key = \"{KEY}\" # her laptop\n{more}"
    )
}

fn run(config: &str, changes: &[Change]) -> Result<Changed, ChangeError> {
    change(&Sources { config: config.as_bytes(), overlay: None }, changes, &SystemFacts::of_image())
}

/// What is added to the document before, the changes, and what is added to it afterwards.
fn check(before: &str, changes: &[Change], after: &str) {
    match run(&document(before), changes) {
        Ok(changed) => assert_eq!(changed.config, document(after), "{changes:?}"),
        Err(ChangeError::Refused { config, problems }) => panic!("{changes:?}\n{problems}\n{config}"),
        Err(error) => panic!("{changes:?}: {error:?}"),
    }
}

fn set(path: &str, value: Value) -> Change {
    Change::set(path, value).unwrap()
}

fn unset(path: &str) -> Change {
    Change::unset(path).unwrap()
}

#[test]
fn a05_users_are_put_and_removed_and_everything_else_stays() {
    let bob = json!({ "isAdmin": false, "ssh_key": OTHER });
    let bobs = format!("\n[users.bob]\nisAdmin = false\nssh_key = \"{OTHER}\"\n");
    check("", &[Change::put(Named::User, "bob", bob.clone())], &bobs);
    // The same again changes nothing.
    check(&bobs, &[Change::put(Named::User, "bob", bob)], &bobs);
    // What is put is all there is; comments at what stays, stay.
    let commented =
        "\n# On call.\n[users.bob]\n# not yet\nisAdmin = false # soon\nshell = \"sh\"\n\n[network]\n# none\n";
    check(
        commented,
        &[Change::put(Named::User, "bob", json!({ "isAdmin": true, "ssh_keys": [OTHER] }))],
        &format!(
            "\n# On call.\n[users.bob]\n# not yet\nisAdmin = true # soon\nssh_keys = [\"{OTHER}\"]\n\n[network]\n# none\n"
        ),
    );
    check(commented, &[Change::remove(Named::User, "bob")], "\n[network]\n# none\n");
    // Removing what is not there is done already.
    check(commented, &[Change::remove(Named::User, "eve")], commented);
}

#[test]
fn a05_the_last_administrator_cannot_be_removed() {
    let refused = |changes: &[Change]| match run(&document(""), changes) {
        Err(ChangeError::Refused { problems, .. }) => problems.iter().map(|problem| problem.code).collect(),
        other => panic!("{changes:?}: {other:?}"),
    };
    let codes: Vec<Code> = refused(&[Change::remove(Named::User, "admin")]);
    assert_eq!(codes, [Code::NoAdmin]);
    assert_eq!(refused(&[set("users.admin.isAdmin", json!(false))]), [Code::NoAdmin]);
    assert_eq!(refused(&[Change::put(Named::User, "admin", json!({ "isAdmin": true }))]), [Code::NoAdmin]);
    // With another one it can.
    let bob = json!({ "isAdmin": true, "ssh_key": OTHER });
    assert!(
        run(&document(""), &[Change::put(Named::User, "bob", bob), Change::remove(Named::User, "admin")])
            .is_ok()
    );
}

#[test]
fn a05_the_network_is_merged_lists_are_replaced_and_null_removes() {
    let before = "\n[network]\ndns_servers = [\"9.9.9.9\"] # for now\n\n[network.interfaces.eth0]\n# by hand\nmode = \"static\"\n\
                  address = \"192.0.2.2/24\"\n\n[network.firewall.inbound]\nwan.tcp = [80, 443]\n";
    check(
        before,
        &[Change::merge_network(json!({
            "dns_servers": ["1.1.1.1", "9.9.9.9"],
            "interfaces": { "eth0": { "mode": "dhcp", "address": null } },
            "firewall": { "inbound": { "wan": { "udp": [443] } } },
        }))],
        "\n[network]\ndns_servers = [\"1.1.1.1\", \"9.9.9.9\"] # for now\n\n[network.interfaces.eth0]\n# by hand\nmode = \"dhcp\"\n\n\
         [network.firewall.inbound]\nwan.tcp = [80, 443]\nwan.udp = [443]\n",
    );
    check(before, &[Change::merge_network(json!({}))], before);
}

#[test]
fn a05_containers_networks_and_volumes_are_put_and_removed() {
    let web =
        json!({ "privileged": false, "Container": { "Image": "registry.example/web:1", "Network": "back" } });
    let units = "\n[containers.container.web]\nprivileged = false\n\n[containers.container.web.Container]\n\
                 Image = \"registry.example/web:1\"\nNetwork = \"back\"\n\n[containers.network.back.Network]\n\n\
                 [containers.volume.data.Volume]\n";
    let put = [
        Change::put(Named::Container, "web", web),
        Change::put(Named::ContainerNetwork, "back", json!({ "Network": {} })),
        Change::put(Named::ContainerVolume, "data", json!({ "Volume": {} })),
    ];
    check("", &put, units);
    check(units, &put, units);
    // What is still used cannot be removed.
    let error = run(&document(units), &[Change::remove(Named::ContainerNetwork, "back")]).unwrap_err();
    assert!(
        matches!(&error, ChangeError::Refused { problems, .. } if problems.first().code == Code::Conflict),
        "{error:?}"
    );
    check(
        units,
        &[Change::remove(Named::Container, "web"), Change::remove(Named::ContainerNetwork, "back")],
        "\n[containers.container]\n\n[containers.network]\n\n[containers.volume.data.Volume]\n",
    );
}

#[test]
fn keys_are_set_and_unset_in_the_form_they_are_written_in() {
    for (before, change, after) in [
        ("shell = 'sh' # small\n", set("users.admin.shell", json!("bash")), "shell = \"bash\" # small\n"),
        ("shell = 'sh' # small\n", unset("users.admin.shell"), ""),
        ("", unset("network.interfaces.eth0.mode"), ""),
        (
            "[network]\nfirewall = { inbound = { wan = { tcp = [80] } } }\n",
            set("network.firewall.inbound.wan.udp", json!([443])),
            "[network]\nfirewall = { inbound = { wan = { tcp = [80], udp = [443] } } }\n",
        ),
        (
            "[network.interfaces]\neth0.mode = \"dhcp\"\n",
            set("network.interfaces.eth2", json!({ "mode": "dhcp" })),
            "[network.interfaces]\neth0.mode = \"dhcp\"\n\n[network.interfaces.eth2]\nmode = \"dhcp\"\n",
        ),
        (
            "[containers]\nnetwork.front.Network.Internal = true\n",
            set("containers.network.back", json!({ "Network": {} })),
            "[containers]\nnetwork.front.Network.Internal = true\nnetwork.back.Network = {}\n",
        ),
    ] {
        check(before, &[change], after);
    }
}

#[test]
fn a_document_keeps_its_line_ends_and_its_byte_order_mark() {
    let dos = format!("\u{feff}{}", document("").replace('\n', "\r\n"));
    let changed = run(&dos, &[set("users.admin.shell", json!("sh"))]).unwrap().config;
    assert_eq!(changed, format!("{dos}shell = \"sh\"\r\n"));
    assert_eq!(run(&dos, &[]).unwrap().config, dos);
}

#[test]
fn what_the_file_for_this_device_says_is_not_changed_behind_its_back() {
    let config = document("");
    let overlay = "[network.interfaces.eth1]\nmode = \"static\"\naddress = \"10.0.0.1/24\"\n[users.bob]\n";
    let overlay = Some(Overlay { name: "devices/x.toml", bytes: overlay.as_bytes() });
    let sources = Sources { config: config.as_bytes(), overlay };
    let run = |change: Change| super::change(&sources, &[change], &SystemFacts::of_image());
    for (change, path) in [
        (set("network.interfaces.eth1.address", json!("10.0.0.2/24")), "network.interfaces.eth1.address"),
        (set("network.interfaces.eth1.address.x", json!(1)), "network.interfaces.eth1.address"),
        (Change::remove(Named::User, "bob"), "users.bob"),
        (
            Change::merge_network(json!({ "interfaces": { "eth1": { "gateway": null, "mode": "dhcp" } } })),
            "network.interfaces.eth1.mode",
        ),
    ] {
        let expected = ChangeError::Overlaid { path: path.to_owned(), overlay: "devices/x.toml".to_owned() };
        assert_eq!(run(change), Err(expected));
    }
    assert!(
        run(Change::merge_network(json!({ "interfaces": { "eth1": { "dns_servers": ["9.9.9.9"] } } })))
            .is_ok()
    );
}

#[test]
fn what_cannot_be_said_or_found_is_told() {
    let error = run(&document(""), &[set("network.dns_servers", json!(["9.9.9.9", null]))]).unwrap_err();
    assert_eq!(
        error,
        ChangeError::Value {
            path: "network.dns_servers".to_owned(),
            message: "TOML has no null in an array"
        }
    );
    assert!(Change::set("a..b", json!(1)).is_err() && Change::unset("").is_err());
    // A document that is no TOML is told as such, with its place.
    let error = run("version = \n", &[unset("users")]).unwrap_err();
    assert!(
        matches!(&error, ChangeError::Refused { problems, .. } if problems.first().code == Code::Syntax),
        "{error:?}"
    );
}

#[test]
fn a_value_is_typed_without_quoting_twice() {
    for (path, typed, value) in [
        ("users.bob.isAdmin", "true", json!(true)),
        ("users.bob.shell", "bash", json!("bash")),
        ("users.bob.shell", "\"bash\"", json!("bash")),
        ("users.bob.ssh_key", "ssh-ed25519 AAAA me@home", json!("ssh-ed25519 AAAA me@home")),
        ("network.interfaces.eth1.address", "10.0.0.1/24", json!("10.0.0.1/24")),
        ("network.default_gateway", "7", json!("7")),
        ("network.firewall.inbound.wan.tcp", "[80, 443]", json!([80, 443])),
        ("containers.container.web.Container.Image", "nginx", json!("nginx")),
        ("containers.container.web.Container", "{ Image = \"nginx\" }", json!({ "Image": "nginx" })),
        ("activation.timeout_seconds", "60", json!(60)),
        ("activation.timeout_seconds", "60\nx = 1", json!("60\nx = 1")),
    ] {
        assert_eq!(typed_value(path, typed), value, "{path} {typed}");
    }
}

/// RFC 7396, on values.
fn merged(mut target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    if !target.is_object() {
        target = json!({});
    }
    let entries = target.as_object_mut().unwrap();
    for (key, value) in patch {
        let old = entries.remove(key).unwrap_or(Value::Null);
        if !value.is_null() {
            entries.insert(key.clone(), merged(old, value));
        }
    }
    target
}

fn meaning(text: &str) -> Value {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    serde_json::to_value(table).unwrap()
}

/// Values for keys that may collide with those of the document.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z \"'\\\\\n]{0,6}".prop_map(Value::from),
        Just(json!([1, { "a": [] }])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map(keys(), inner, 0..3).prop_map(|map| json!(map))
    })
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&["users", "admin", "network", "wan", "tcp", "web", "Container", "a b", ""][..])
            .prop_map(str::to_owned),
        "[a-z]{1,3}",
    ]
}

fn patches() -> impl Strategy<Value = Value> {
    let nulls = prop_oneof![4 => values(), 1 => Just(Value::Null)];
    prop::collection::btree_map(keys(), nulls, 0..4).prop_map(|map| json!(map))
}

const FORMS: &[&str] = &[
    include_str!("../../tests/accepts/full.toml"),
    include_str!("../../tests/accepts/caddy-oidc.toml"),
    "network = { wan = { tcp = [1], web = {} }, users.admin = 1 } # inline\n",
    "network.wan.tcp = 1\nnetwork.web.Container = 2\n\n[network.users.admin]\na = 1\n[[network.a]]\nb = 1\n[[network.a]]\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_means_what_rfc_7396_says(form in prop::sample::select(FORMS), patch in patches()) {
        let document: DocumentMut = form.parse().unwrap();
        let after = changed(form, document, &[Change::merge_network(patch.clone())]).unwrap();
        prop_assert_eq!(meaning(&after), merged(meaning(form), &json!({ "network": patch })), "{}", after);
    }

    #[test]
    fn what_was_put_is_there_and_nothing_else_moved(
        form in prop::sample::select(FORMS),
        path in prop::collection::vec(keys(), 1..4),
        value in values(),
    ) {
        let document: DocumentMut = form.parse().unwrap();
        let change = Change { path: path.clone(), how: How::Put(value.clone()) };
        let after = changed(form, document, std::slice::from_ref(&change)).unwrap();
        // Removed and then merged in, it is what was put.
        let patch = |value: Value| path.iter().rev().fold(value, |value, key| json!({ key: value }));
        let expected = merged(merged(meaning(form), &patch(Value::Null)), &patch(value));
        prop_assert_eq!(meaning(&after), expected, "{}", after);
        let document: DocumentMut = after.parse().unwrap();
        prop_assert_eq!(changed(&after, document, &[change]).unwrap(), after);
    }

    #[test]
    fn comments_elsewhere_stay(value in values()) {
        let change = Change { path: vec!["users".into(), "new".into()], how: How::Put(value) };
        let after = changed(FORMS[0], FORMS[0].parse().unwrap(), &[change]).unwrap();
        for comment in FORMS[0].lines().filter(|line| line.starts_with('#')) {
            prop_assert!(after.contains(comment), "{} is gone from\n{}", comment, after);
        }
    }
}
