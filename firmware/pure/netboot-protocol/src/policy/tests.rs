use super::*;
use crate::client::Architecture;

/// The example of `file.rs`, whole.
const EXAMPLE: &str = r#"
[state]
dir = "/data/netboot"
leases_json = "/run/slipway/netboot/leases.json"
boot_policy = "/run/slipway/boot-policy.json"
control = "/run/slipway/netboot/control.sock"

[interfaces.eth1]
address = "172.20.30.1/24"
dhcp = "server"

[[subnet]]
network = "172.20.30.0/24"
pools = ["172.20.30.100-172.20.30.200"]
routers = ["172.20.30.1"]
dns = ["172.20.30.1"]
ntp = ["172.20.30.1"]
domain = "lan"

[[reservation]]
mac = "52:54:00:12:34:56"
address = "172.20.30.10"
hostname = "printer"

[boot]
root = "/data/netboot/files"

[[boot.rule]]
name = "pi"
class = ["raspberry-pi"]
tree = "pi"

[[boot.rule]]
name = "pc"
class = ["pxe", "http-boot"]
architecture = ["uefi-x64"]
tree = "pc"
file = "ipxe.efi"
"#;

fn file(text: &str) -> PolicyFile {
    toml::from_str(text).unwrap()
}

fn problems(text: &str) -> Vec<String> {
    Policy::new(file(text)).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn client(class: ClientClass, architecture: Option<Architecture>) -> Client {
    Client { class, architecture, pi: None }
}

#[test]
fn the_documented_example_is_a_policy() {
    let documented: String = include_str!("file.rs")
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| format!("{}\n", line.trim_start_matches("//!").split(" # ").next().unwrap_or_default()))
        .collect();
    assert_eq!(file(&documented), file(EXAMPLE), "the documentation and the test differ");
    let policy = Policy::new(file(EXAMPLE)).unwrap();
    assert_eq!(policy.subnet_of([172, 20, 30, 9].into()).unwrap().lease_s, 43_200);
    assert_eq!(policy.listen().tftp_port, 69);
}

#[test]
fn what_is_written_is_read_back() {
    let example = file(EXAMPLE);
    assert_eq!(file(&toml::to_string(&example).unwrap()), example);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let policy = Policy::new(file(EXAMPLE)).unwrap();
    let boot = |class, architecture| policy.boot_for(None, &client(class, architecture), None);
    let BootChoice::Boot(offer) = boot(ClientClass::Pxe, Some(Architecture::UefiX64)) else { panic!() };
    assert_eq!((offer.name, offer.tree, offer.file), ("pc", Some("pc"), Some("ipxe.efi")));
    assert_eq!(boot(ClientClass::Pxe, Some(Architecture::Bios)), BootChoice::Nothing);
    assert_eq!(boot(ClientClass::Pxe, None), BootChoice::Nothing);
    assert_eq!(boot(ClientClass::Generic, None), BootChoice::Nothing);
    let BootChoice::Boot(pi) = boot(ClientClass::RaspberryPi, Some(Architecture::Bios)) else { panic!() };
    assert_eq!((pi.tree, pi.file), (Some("pi"), None));
}

#[test]
fn what_is_published_for_a_device_comes_before_the_rules() {
    let policy = Policy::new(file(EXAMPLE)).unwrap();
    let pc = client(ClientClass::Pxe, Some(Architecture::UefiX64));
    let mac = MacAddress::from_bytes([0x52, 0x54, 0, 0, 0, 1]);
    let nobody = BootPolicy::nobody_boots();
    assert_eq!(
        policy.boot_for(Some(&nobody), &pc, Some(mac)),
        BootChoice::Local { because: "boot-policy.json" }
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let found = problems(
        r#"
        [state]
        dir = "/data/netboot"
        [interfaces.eth1]
        address = "172.20.30.0/24"
        [[subnet]]
        network = "172.20.30.1/24"
        pools = ["172.20.30.0-172.20.30.9", "172.20.31.1-172.20.31.2", "172.20.30.5-172.20.30.20"]
        lease_s = 1
        routers = ["10.0.0.1"]
        [[reservation]]
        address = "172.20.30.10"
        [[reservation]]
        mac = "52:54:00:12:34:56"
        client_id = "01f"
        address = "172.20.30.10"
        [[boot.rule]]
        name = "x"
        tree = "../secrets"
        url = "http://172.20.30.1/x"
        "#,
    );
    for expected in [
        "interfaces.eth1.address: 172.20.30.0/24 is no address",
        "subnet[0].network: 172.20.30.1/24 is one address of it; write 172.20.30.0/24",
        "subnet[0].pools: 172.20.30.0-172.20.30.9 has the first or last address",
        "subnet[0].pools: 172.20.31.1-172.20.31.2 is not inside of",
        "subnet[0].pools: 172.20.30.5-172.20.30.20 overlaps another pool",
        "subnet[0].lease_s: 1 s is not",
        "subnet[0].routers: 10.0.0.1 cannot be reached",
        "reservation[0]: it names neither",
        "reservation[1].address: 172.20.30.10 is reserved twice",
        "reservation[1].client_id: it is not an even number",
        "boot.root: it is needed",
        "boot.rule[0].tree: \"../secrets\" is no path below",
        "boot.rule[0].url: only iPXE and HTTP boot",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{expected}: {found:#?}");
    }
}

#[test]
fn a_server_needs_a_subnet_and_our_own_addresses_stay_ours() {
    let table = "[state]\ndir = \"/s\"\n[interfaces.eth1]\naddress = \"10.0.0.1/24\"\n";
    assert!(problems(table)[0].starts_with("interfaces.eth1.dhcp: a server needs a [[subnet]]"));
    assert_eq!(problems(&format!("{table}dhcp = \"proxy\"")), [""; 0]);
    let pool = |range: &str| {
        problems(&format!("{table}[[subnet]]\nnetwork = \"10.0.0.0/24\"\npools = [\"{range}\"]"))
    };
    assert_eq!(pool("10.0.0.2-10.0.0.254"), [""; 0]);
    assert_eq!(pool("10.0.0.1-10.0.0.254").len(), 1);
    assert!(toml::from_str::<PolicyFile>(&format!("{table}adress = 1")).is_err(), "unknown keys are errors");
}

#[test]
fn numbers_have_one_form() {
    assert_eq!("100000001234ABCD".parse::<PiSerial>().unwrap().to_string(), "1234abcd");
    assert!("+234abcd".parse::<PiSerial>().is_err() && "1234".parse::<PiSerial>().is_err());
    assert!("10.0.0.2-10.0.0.1".parse::<AddressRange>().is_err());
}
