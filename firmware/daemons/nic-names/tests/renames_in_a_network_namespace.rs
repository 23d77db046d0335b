//! The planned renames are ones the kernel accepts: done for real, on virtual links in a network namespace
//! of our own.

use std::collections::BTreeSet;

use host_files::{Program, run_program};
use nic_names::{Nic, Place, plan, rename};

/// Runs the test below again, inside a new network namespace.
#[test]
fn renames_work_in_a_network_namespace() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: making a network namespace needs root");
        return;
    }
    let program = Program::new("unshare").arg("--net").arg(std::env::current_exe().unwrap()).args([
        "--ignored",
        "--exact",
        "inside_the_namespace",
        "--nocapture",
    ]);
    let output = run_program(&program).unwrap();
    assert!(output.stdout.contains("1 passed"), "{}", output.stdout);
}

#[test]
#[ignore = "run by renames_work_in_a_network_namespace, in a namespace it may rearrange"]
fn inside_the_namespace() {
    let only_lo = link_names();
    assert_eq!(only_lo, ["lo"], "not in a namespace of our own: refusing to rename anything");

    // Three ends of veth pairs play the cards; the MAC tells which is which. Every name of the cycle
    // eth0 -> eth1 -> eth2 -> eth0 is taken at the start, and two of the links are up.
    let cards = [("eth0", "02:00:00:00:00:0b"), ("eth1", "02:00:00:00:00:0c"), ("eth2", "02:00:00:00:00:0a")];
    for (number, (name, mac)) in cards.iter().enumerate() {
        let peer = format!("peer{number}");
        ip(&["link", "add", name, "address", mac, "type", "veth", "peer", "name", &peer]);
    }
    ip(&["link", "set", "eth0", "up"]);
    ip(&["link", "set", "eth2", "up"]);

    let nics: Vec<Nic> = cards
        .iter()
        .map(|(name, mac)| Nic {
            name: (*name).to_owned(),
            place: Place { path: (*mac).to_owned(), port: 0, index: 0 },
            in_use: false,
        })
        .collect();
    let others: BTreeSet<String> = ["lo", "peer0", "peer1", "peer2"].map(String::from).into();
    let wan = ["02:00:00:00:00:0a".to_owned()];

    let steps = plan(&nics, &wan, &others).unwrap();
    assert_eq!(steps.len(), 4, "a cycle of three takes one detour: {steps:?}");
    for step in &steps {
        rename(step).unwrap();
    }

    for (name, mac) in
        [("eth0", "02:00:00:00:00:0a"), ("eth1", "02:00:00:00:00:0b"), ("eth2", "02:00:00:00:00:0c")]
    {
        assert_eq!(mac_of(name), mac, "{name}");
    }
    // A link that was up was renamed without being taken down.
    assert!(ip(&["link", "show", "dev", "eth0"]).contains(",UP"), "eth0 is down");

    let taken = nic_names::Rename { from: "eth1".to_owned(), to: "eth2".to_owned() };
    let error = rename(&taken).unwrap_err();
    assert_eq!(error.to_string(), "cannot rename network interface eth1 to eth2");
}

fn ip(arguments: &[&str]) -> String {
    run_program(&Program::new("ip").args(arguments)).expect("ip does it").stdout
}

fn link_names() -> Vec<String> {
    // "1: lo: <LOOPBACK> …"; a new namespace may come with links of modules that make their own.
    let output = ip(&["-oneline", "link", "show"]);
    let names = output.lines().filter_map(|line| line.split(": ").nth(1)).map(str::to_owned);
    names.filter(|name| !name.starts_with("ifb") && !name.contains('@')).collect()
}

fn mac_of(name: &str) -> String {
    let output = ip(&["-oneline", "link", "show", "dev", name]);
    let mut words = output.split_whitespace().skip_while(|word| *word != "link/ether");
    words.nth(1).expect("ip shows a MAC").to_owned()
}
