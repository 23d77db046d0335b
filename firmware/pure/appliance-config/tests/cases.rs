//! Acceptance cases about what a document may say.

use appliance_config::{Code, Config, ContainerNetwork, Loaded, Mode, Problems, Sources, SystemFacts, load};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

fn read(document: &str) -> Result<Loaded, Problems> {
    load(&Sources { config: document.as_bytes(), overlay: None }, &SystemFacts::of_image())
}

/// A document with an administrator, and `more`.
fn with(more: &str) -> Result<Loaded, Problems> {
    read(&format!("version = 1\nusers.admin = {{ isAdmin = true, ssh_key = \"{KEY}\" }}\n{more}"))
}

/// A container `web` with these keys in its section, beside a declared network.
fn web(privileged: bool, keys: &str) -> String {
    format!(
        "containers.network.front.Network = {{}}\n\
         containers.container.web = {{ privileged = {privileged}, Container = {{ Image = 'nginx', {keys} }} }}\n"
    )
}

fn config(more: &str) -> Config {
    with(more).unwrap_or_else(|problems| panic!("{more}\n{problems}")).config
}

/// That exactly this is refused, at this path.
#[track_caller]
fn refused(found: Result<Loaded, Problems>, path: &str, code: Code) {
    let problems = found.expect_err(path);
    let stopping: Vec<_> = problems.iter().filter(|problem| problem.code != Code::Warning).collect();
    assert!(
        matches!(stopping.as_slice(), [problem] if problem.path == path && problem.code == code),
        "expected {path} {code:?}:\n{problems}"
    );
}

#[test]
fn c07_keys_accounts_and_names_that_cannot_be_are_refused() {
    let cut = &KEY[..KEY.len() - 30];
    let other_type = KEY.replace("ssh-ed25519", "ssh-rsa");
    for key in [
        cut,
        &other_type,
        &format!("command=\"/bin/sh\" {KEY}"),
        &format!("no-pty,from=\"10.0.0.0/8\" {KEY}"),
        &format!("restrict {KEY}"),
        &format!("cert-authority {KEY}"),
        "AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti",
        "ssh-dss AAAAB3NzaC1kc3MAAACBAP",
    ] {
        refused(with(&format!("users.bob.ssh_key = '{key}'")), "users.bob.ssh_key", Code::BadValue);
        refused(
            with(&format!("users.bob.ssh_keys = ['{KEY}', '{key}']")),
            "users.bob.ssh_keys[1]",
            Code::BadValue,
        );
    }
    refused(with(&format!("users.bob.ssh_key = \"{KEY}\\n{KEY}\"")), "users.bob.ssh_key", Code::BadValue);

    for users in [
        "[users.a]",
        "[users.a]\nisAdmin = true",
        &format!("[users.a]\nssh_key = '{KEY}'"),
        "[users.a]\nisAdmin = false",
    ] {
        refused(read(&format!("version = 1\n{users}\n")), "users", Code::NoAdmin);
    }
    // The reserved names of AtomixOS, and those of this image.
    for name in [
        "appsvc",
        "bin",
        "chrony",
        "daemon",
        "dnsmasq",
        "nobody",
        "root",
        "systemd-network",
        "systemd-resolve",
        "systemd-timesync",
        "sshd",
        "messagebus",
        "_chrony",
        "slipway-app",
        "slipway-admin",
        "polkitd",
        "rauc",
        "sudo",
    ] {
        refused(with(&format!("[users.{name}]")), &format!("users.{name}"), Code::BadValue);
    }
    for name in
        ["sshd", "ssh", "dnsmasq", "rauc", "chrony", "nftables", "dbus", "provisiond", "systemd-networkd"]
    {
        let container =
            format!("containers.container.{name} = {{ privileged = true, Container.Image = 'x' }}");
        refused(with(&container), &format!("containers.container.{name}"), Code::Conflict);
    }
    for unit in ["network", "volume", "image", "build", "pod"] {
        // `slipway-x-pod.service` and the like.
        let body = match unit {
            "network" => "Network = {}",
            "volume" => "Volume = {}",
            "image" => "Image.Image = 'x'",
            "build" => "Build = { ImageTag = 'x', File = '/x' }",
            _ => "privileged = true, Pod = {}",
        };
        let text = format!("containers.{unit}.slipway-x = {{ {body} }}");
        refused(with(&text), &format!("containers.{unit}.slipway-x"), Code::Conflict);
    }
}

#[test]
fn c08_a_box_without_containers_is_accepted() {
    for more in
        ["", "[containers]\n", "[activation]\nrequired = []\n", "[containers]\n[activation]\nrequired = []\n"]
    {
        let loaded = with(more).unwrap();
        assert!(loaded.config.containers.containers.is_empty() && loaded.warnings.is_empty(), "{more}");
    }
}

/// Everything that could end a line of a unit's file, or begin another one.
#[test]
fn c09_no_value_and_no_key_becomes_a_line_of_its_own() {
    for (value, why) in [
        ("a\\nPodmanArgs=--privileged", "newline"),
        ("a\\r\\nPodmanArgs=--privileged", "carriage return and newline"),
        ("a\\rPodmanArgs=--privileged", "carriage return"),
        ("a\\u0000", "NUL"),
        ("a\\u000b", "vertical tab"),
        ("a\\u000c", "form feed"),
        ("a\\u0085", "next line"),
        ("a\\u001b[2J", "escape"),
        ("a\\\\", "backslash at the end"),
        ("a\\\\ ", "backslash and a space"),
        ("a\\\\\\t", "backslash and a tab"),
    ] {
        for key in ["Exec", "Environment", "Label", "Volume", "Mount", "HostName", "Secret", "PublishPort"] {
            for privileged in [true, false] {
                let path = format!("containers.container.web.Container.{key}");
                let found = with(&web(privileged, &format!("{key} = \"{value}\"")));
                let problems = found.err().unwrap_or_else(|| panic!("{why} in {key} is accepted"));
                assert!(problems.iter().any(|problem| problem.path == path), "{why} in {key}: {problems}");
            }
        }
    }
    for key in ["\"A\\nB\"", "\"A=B\"", "\"A B\"", "\"[Service]\\nExecStart\"", "\"Exec\\u0000\"", "\"\""] {
        assert!(with(&web(true, &format!("{key} = 'x'"))).is_err(), "{key}");
    }
    for section in ["\"Container]\\n[Service\"", "X-Container", "\"\""] {
        let text = format!(
            "containers.container.web = {{ privileged = true, Container.Image = 'x', {section} = {{}} }}"
        );
        assert!(with(&text).is_err(), "{section}");
    }
    for name in ["a.service", "../web", "a b", "a@b", "\"a\\nb\"", "-a"] {
        let name = if name.starts_with('"') { name.to_owned() } else { format!("\"{name}\"") };
        let text = format!("containers.container.{name} = {{ privileged = true, Container.Image = 'x' }}");
        assert!(with(&text).is_err(), "{name}");
    }
}

/// What systemd would put in place of `%` after all checks.
#[test]
fn c09_a_percent_sign_means_what_it_says() {
    for value in ["%p", "%j", "%i", "%I", "%y", "%Y", "%f", "%P", "100%", "%%%p"] {
        for key in ["Exec", "Environment", "Volume", "HostName"] {
            let found = with(&web(true, &format!("{key} = '{value}'")));
            refused(found, &format!("containers.container.web.Container.{key}"), Code::NotAllowed);
        }
    }
    for value in ["A=100%%", "A=%H", "A=%m", "A=%%p"] {
        assert!(with(&web(true, &format!("Environment = '{value}'"))).is_ok(), "{value}");
    }
}

/// What would give a container another network, or other rights, than its mode and the document do.
#[test]
fn c09_nothing_gets_around_the_rule_about_networks() {
    for key in ["PodmanArgs", "GlobalArgs", "ContainersConfModule", "ServiceName", "Rootfs"] {
        for privileged in [true, false] {
            let found = with(&web(privileged, &format!("{key} = '--network=host'")));
            refused(found, &format!("containers.container.web.Container.{key}"), Code::NotAllowed);
        }
    }
    for kind in ["network", "volume", "image", "build", "pod"] {
        let (section, body) = match kind {
            "network" => ("Network", ""),
            "volume" => ("Volume", ""),
            "image" => ("Image", "Image = 'x', "),
            "build" => ("Build", "ImageTag = 'x', File = '/x', "),
            _ => ("Pod", ""),
        };
        let privileged = if kind == "pod" { "privileged = false, " } else { "" };
        for key in ["PodmanArgs", "GlobalArgs", "ContainersConfModule", "ServiceName"] {
            let text =
                format!("containers.{kind}.x = {{ {privileged}{section} = {{ {body}{key} = '--x' }} }}");
            refused(with(&text), &format!("containers.{kind}.x.{section}.{key}"), Code::NotAllowed);
        }
    }
    // A rootless container asks for more in every way Podman knows, and gets its own private connection.
    for network in [
        "host",
        "container:root",
        "ns:/run/netns/x",
        "bridge",
        "slirp4netns:allow_host_loopback=true",
        "pasta:-T,auto",
    ] {
        let loaded = with(&web(false, &format!("Network = '{network}'"))).unwrap();
        let container = &loaded.config.containers.containers[&"web".parse().unwrap()];
        assert_eq!(
            (container.mode, &container.network),
            (Mode::Rootless, &ContainerNetwork::Pasta),
            "{network}"
        );
        assert_eq!(loaded.warnings.len(), 1, "{network} is said");
    }
    // Through a pod, a build, a driver, a name, a section of systemd's.
    for (text, path) in [
        (web(false, "Pod = 'elsewhere.pod'"), "containers.container.web.Container.Pod"),
        (
            web(false, "Pod = 'p'") + "containers.pod.p = { privileged = true, Pod = {} }",
            "containers.container.web.Container.Pod",
        ),
        (
            web(false, "").replace("nginx", "b.build")
                + "containers.build.b.Build = { ImageTag = 'x', File = '/x', Network = 'host' }",
            "containers.build.b.Build.Network",
        ),
        ("containers.network.x.Network.Driver = 'macvlan'".to_owned(), "containers.network.x.Network.Driver"),
        (
            "containers.network.x.Network.NetworkName = 'host'".to_owned(),
            "containers.network.x.Network.NetworkName",
        ),
        (
            "containers.network.x.Network.InterfaceName = 'eth1'".to_owned(),
            "containers.network.x.Network.InterfaceName",
        ),
        ("containers.network.host.Network = {}".to_owned(), "containers.network.host"),
    ] {
        let problems = with(&text).expect_err(path);
        assert!(problems.iter().any(|problem| problem.path == path), "{text}: {problems}");
    }
    for section in [
        "Service = { ExecStart = '/bin/sh' }",
        "Service = { ExecStartPre = '/bin/sh' }",
        "Service = { User = 'root' }",
        "Service = { NetworkNamespacePath = '/proc/1/ns/net' }",
        "Unit = { JoinsNamespaceOf = 'ssh.service' }",
        "Install = { Alias = 'sshd.service' }",
    ] {
        let text =
            format!("containers.container.web = {{ privileged = false, {section}, Container.Image = 'x' }}");
        assert!(with(&text).is_err(), "{section}");
    }
    // A secret's path is not a mount's option.
    let secrets = "secrets.values.s = 'x'\n";
    for value in ["s,target=/x:rw", "s,target=/x,../y", "s,type=env,target=A=B", "s,opt=x"] {
        assert!(
            with(&(secrets.to_owned() + &web(false, &format!("Secret = '{value}'")))).is_err(),
            "{value}"
        );
    }
    assert_eq!(config(&web(false, "")).containers.containers.len(), 1);
}
