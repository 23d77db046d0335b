use super::*;
use crate::testing::{check, with};

fn updates_of(text: &str) -> Updates {
    with(text).unwrap().config.updates
}

#[test]
fn updates_come_from_one_source() {
    check(&[
        ("updates = {}", ""),
        ("updates.source = 'usb'", ""),
        ("updates.source = 'ftp://x'", "updates.source bad-value … channel.json"),
        ("updates.source = 'https://u:p@x'", "updates.source bad-value … password"),
        ("updates.source = 'https://x/?a'", "updates.source bad-value … folder"),
        ("os_upgrade.server_url = 'https://x'", ""),
        ("os_upgrade.server_url = 'http://x'", "os_upgrade.server_url bad-value … https"),
        ("os_upgrade.server_url = 'https://x?a=1'", "os_upgrade.server_url bad-value"),
        ("os_upgrade.server_url = 'https://x/#a'", "os_upgrade.server_url bad-value"),
        ("os_upgrade.server_url = 'https://x y'", "os_upgrade.server_url bad-value"),
        ("os_upgrade = {}", "os_upgrade.server_url missing-key"),
        ("os_upgrade = { server_url = 'https://x', channel = 'y' }", "os_upgrade.channel unknown-key"),
        ("os_upgrade.server_url = 'https://x'\nupdates.source = 'usb'", "os_upgrade conflict … one source"),
    ]);
    assert_eq!(updates_of(""), Updates::default());
    let channel = |url: &str| Some(UpdateSource::Channel(url.to_owned()));
    assert_eq!(
        updates_of("updates.source = 'http://10.0.0.2:8080/a/'").source,
        channel("http://10.0.0.2:8080/a")
    );
    let server = Some(UpdateSource::AtomixOs("https://x:8443".to_owned()));
    assert_eq!(updates_of("os_upgrade.server_url = 'https://x:8443//'").source, server);
    // What is said about when and how fast holds for that server as well.
    let slow = updates_of("os_upgrade.server_url = 'https://x'\nupdates.bandwidth_kib_per_second = 64");
    assert_eq!((slow.bandwidth, slow.source.is_some()), (Some(65_536), true));
}

#[test]
fn updates_have_their_time() {
    check(&[
        ("updates = { interval_minutes = 5, window = '22:00-04:30', days = ['sat', 'sun'] }", ""),
        ("updates.interval_minutes = 4", "updates.interval_minutes bad-value … 5 to 1440"),
        ("updates.window = '22:00'", "updates.window bad-value … UTC"),
        ("updates.window = '22:00-22:00'", "updates.window bad-value"),
        ("updates.window = '22:00-24:00'", "updates.window bad-value"),
        ("updates.days = []", "updates.days bad-value … no day"),
        ("updates.days = ['sta']", "updates.days[0] bad-value … did you mean `sat`?"),
        ("updates.days = ['Saturday']", "updates.days[0] bad-value … one of mon"),
        ("updates.bandwidth_kib_per_second = 15", "updates.bandwidth_kib_per_second bad-value"),
    ]);
    let window =
        |text: &str| updates_of(text).window.map(|w| (w.days.len(), format!("{}-{}", w.start, w.end)));
    assert_eq!(window("updates.interval_minutes = 5"), None);
    assert_eq!(window("updates.window = '22:00 - 04:30'"), Some((7, "22:00-04:30".to_owned())));
    assert_eq!(window("updates.days = ['sat', 'sun', 'sat']"), Some((2, "00:00-23:59".to_owned())));
}

#[test]
fn netboot_has_a_mode() {
    check(&[
        ("netboot = {}", ""),
        ("netboot = { mode = 'proxy', force = true, tftp_uploads = false }", ""),
        ("netboot.mode = 'server'\nnetwork.dnsmasq.enable = true", ""),
        ("netboot.mode = 'proxy'\nnetwork.dnsmasq.enable = false", ""),
        ("netboot.mode = 'server'\nnetwork.dnsmasq.enable = false", "netboot.mode conflict … another server"),
        ("netboot.mode = 'proxy'\nnetwork.dnsmasq.enable = true", "netboot.mode conflict … itself"),
        ("netboot.mode = 'on'", "netboot.mode bad-value … proxy"),
        ("netboot.force = 'yes'", "netboot.force wrong-type"),
        ("netboot.tftp = true", "netboot.tftp unknown-key"),
    ]);
    assert_eq!(with("").unwrap().config.netboot, Netboot::default());
    assert_eq!(with("netboot.mode = 'server'").unwrap().config.netboot.mode, NetbootMode::Server);
}

#[test]
fn devices_have_names_and_stages() {
    check(&[
        ("devices = {}", ""),
        ("devices = { hostname_prefix = 'node', poll_seconds = 30 }", ""),
        ("devices.stages = { flashed = 'installed' }", ""),
        ("devices = { allowed_serials = ['AZJN-0042'], allowed_macs = ['52:54:00:12:34:56'] }", ""),
        ("devices.hostname_prefix = ''", "devices.hostname_prefix bad-value"),
        ("devices.hostname_prefix = 'Node'", "devices.hostname_prefix bad-value … a-z"),
        ("devices.hostname_prefix = '-a'", "devices.hostname_prefix bad-value"),
        ("devices.poll_seconds = 0", "devices.poll_seconds bad-value … 1 to 3600"),
        ("devices.stages = { a = '' }", "devices.stages.a bad-value"),
        ("devices.stages = { a = 1 }", "devices.stages.a wrong-type"),
        ("devices.allowed_serials = ['a b']", "devices.allowed_serials[0] bad-value"),
        ("devices.allowed_macs = ['52:54']", "devices.allowed_macs[0] bad-value"),
    ]);
    let long = format!("devices.hostname_prefix = '{}'", "a".repeat(PREFIX_MAX + 1));
    check(&[(&long, "devices.hostname_prefix bad-value … 1 to 50")]);
    assert_eq!(with("").unwrap().config.devices, Devices::default());
}
