use super::*;
use crate::Publish;
use crate::testing::{check, with};

/// A container `web` whose `Container` has an image and `keys`.
fn web(privileged: bool, keys: &str) -> String {
    let keys = if keys.is_empty() { String::new() } else { format!(", {keys}") };
    format!(
        "containers.container.web = {{ privileged = {privileged}, Container = {{ Image = 'nginx'{keys} }} }}\n"
    )
}

/// A container `web` with a section of systemd's.
fn section(privileged: bool, section: &str, keys: &str) -> String {
    format!(
        "containers.container.web = {{ privileged = {privileged}, {section} = {{ {keys} }}, Container = {{ Image = 'nginx' }} }}\n\
         containers.container.root = {{ privileged = true, Container = {{ Image = 'nginx' }} }}\n\
         containers.container.app = {{ privileged = false, Container = {{ Image = 'nginx' }} }}\n\
         containers.network.front.Network = {{}}\n"
    )
}

/// Each row: keys of `Container`, and what is said in both modes.
fn rows(rows: &[(&str, &str)]) {
    for (keys, expected) in rows {
        check(&[(&web(true, keys), expected), (&web(false, keys), expected)]);
    }
}

fn loaded(text: &str) -> Containers {
    with(text).unwrap().config.containers
}

fn the_web(containers: &Containers) -> &Container {
    &containers.containers[&"web".parse().unwrap()]
}

/// What the container's section has under `key`.
fn values(containers: &Containers, key: &str) -> Vec<String> {
    let section = the_web(containers).sections.iter().find(|section| section.name == "Container").unwrap();
    section.entries.iter().find(|(name, _)| name == key).map(|(_, values)| values.clone()).unwrap_or_default()
}

#[test]
fn a_container_says_its_mode_and_its_image() {
    check(&[
        (&web(true, ""), ""),
        ("containers.container.web = { Container = { Image = 'nginx' } }", "web.privileged missing-key"),
        (
            "containers.container.web = { privileged = 1, Container = { Image = 'nginx' } }",
            "web.privileged wrong-type",
        ),
        ("containers.container.web = { privileged = true }", "web.Container missing-key"),
        (
            "containers.container.web = { privileged = true, Container = {} }",
            "web.Container.Image missing-key",
        ),
        ("containers.container.web = { privileged = true, Container = 1 }", "web.Container wrong-type"),
        ("containers.container.web = 1", "containers.container.web wrong-type"),
        (
            "containers.container.'a.b' = { privileged = true, Container = { Image = 'x' } }",
            "\"a.b\" bad-value",
        ),
        (&web(true, "").replace("Container =", "Quadlet = {}, Container ="), "web.Quadlet unknown-key"),
        ("containers.pod.web.Pod = {}", "web.privileged missing-key"),
        ("containers.pod.web = { privileged = true }", "web.Pod missing-key"),
        ("containers.kube.web.Kube = {}", "containers.kube not-supported"),
        ("containers.network.front = {}", "front.Network missing-key"),
        ("containers.network.front = { Network = {}, Install = {} }", "front.Install not-supported"),
        ("containers.image.base.Image = {}", "base.Image.Image missing-key"),
    ]);
}

#[test]
fn only_keys_of_podman_that_get_around_no_rule() {
    rows(&[
        ("Environment = ['A=1', 'B=2'], ReadOnly = true, StopTimeout = 10", ""),
        ("PodmanArgs = '--privileged'", "Container.PodmanArgs not-allowed"),
        ("GlobalArgs = '--root=/x'", "Container.GlobalArgs not-allowed"),
        ("ContainersConfModule = '/x'", "Container.ContainersConfModule not-allowed"),
        ("Rootfs = '/'", "Container.Rootfs not-allowed"),
        ("ServiceName = 'sshd'", "Container.ServiceName not-allowed … named after its table"),
        ("Enviroment = 'A=1'", "Container.Enviroment unknown-key … did you mean `Environment`?"),
        ("environment = 'A=1'", "Container.environment unknown-key … did you mean `Environment`?"),
        ("Frobnicate = 1", "Container.Frobnicate unknown-key … Podman 5.4"),
        ("\"Exec\\n[Service]\\nExecStart\" = 'x'", "\"Exec\\n[Service]\\nExecStart\" unknown-key"),
    ]);
    check(&[
        ("containers.network.front.Network.PodmanArgs = 'x'", "Network.PodmanArgs not-allowed"),
        ("containers.volume.data.Volume.GlobalArgs = 'x'", "Volume.GlobalArgs not-allowed"),
        ("containers.image.base.Image = { Image = 'x', ServiceName = 'x' }", "Image.ServiceName not-allowed"),
    ]);
}

#[test]
fn a_value_is_one_line_of_text() {
    rows(&[
        ("Exec = 'serve --all'", ""),
        ("Exec = \"  serve\\t\"", ""),
        ("Exec = \"a\\nPodmanArgs=--privileged\"", "Container.Exec bad-value … control"),
        ("Exec = \"a\\rb\"", "Container.Exec bad-value … control"),
        ("Exec = \"a\\u0000b\"", "Container.Exec bad-value … control"),
        ("Exec = \"a\\u001bb\"", "Container.Exec bad-value … control"),
        ("Exec = \"a\\u0085b\"", "Container.Exec bad-value … control"),
        (r"Exec = 'a\'", "Container.Exec bad-value … backslash"),
        (r"Exec = 'a\ '", "Container.Exec bad-value … backslash"),
        ("Exec = ''", "Container.Exec warning … says nothing"),
        ("Exec = ' '", "Container.Exec warning … says nothing"),
        ("Environment = ['A=1', '', 'B=2']", "Container.Environment[1] warning … clears the ones before"),
        ("Exec = 1.5", "Container.Exec wrong-type … a float"),
        ("Exec = 2026-01-01", "Container.Exec wrong-type … a date"),
        ("Environment = []", "Container.Environment wrong-type … at least one"),
        ("Environment = [['A=1']]", "Container.Environment[0] wrong-type"),
        ("Environment = { A = 1 }", "Container.Environment wrong-type"),
    ]);
}

#[test]
fn systemd_puts_nothing_in_but_facts_about_the_device() {
    rows(&[
        ("Environment = 'NODE=%H', Label = 'a=100%%'", ""),
        ("Volume = '%h/data:/data'", ""),
        ("Environment = 'A=%p'", "Container.Environment not-allowed … `%p`"),
        ("Environment = 'A=%%%j'", "Container.Environment not-allowed … `%j`"),
        ("Exec = 'date +%Y'", "Container.Exec not-allowed … write `%%`"),
        ("Exec = 'load 100%'", "Container.Exec not-allowed … `%`"),
    ]);
}

#[test]
fn a_key_with_one_value_gets_one() {
    rows(&[
        ("Exec = ['serve']", ""),
        ("Exec = ['serve', '--all']", "Container.Exec[1] bad-value … one string"),
        ("ContainerName = ['a', 'b']", "Container.ContainerName[1] bad-value … the last would win"),
    ]);
    let two = web(true, "").replace("'nginx'", "['nginx', 'caddy']");
    check(&[(&two, "Container.Image[1] bad-value")]);
}

#[test]
fn values_become_text_and_keys_are_sorted() {
    let containers = loaded(&web(
        true,
        "ReadOnly = true, StopTimeout = 10, Environment = ['B=2', 'A=1'], AddHost = 'a:1.2.3.4'",
    ));
    let section = &the_web(&containers).sections[0];
    let text: Vec<String> =
        section.entries.iter().map(|(key, values)| format!("{key} {}", values.join("|"))).collect();
    let expected =
        ["AddHost a:1.2.3.4", "Environment B=2|A=1", "Image nginx", "ReadOnly true", "StopTimeout 10"];
    assert_eq!(text, expected);
}

#[test]
fn sections_are_in_the_order_of_a_unit_file() {
    let text = "containers.container.web = { Install = { WantedBy = 'default.target' }, Service = { Restart = 'always' }, \
                Unit = { Description = 'x' }, Container = { Image = 'x' }, privileged = true }";
    let names: Vec<&str> = the_web(&loaded(text)).sections.iter().map(|section| section.name).collect();
    assert_eq!(names, ["Unit", "Container", "Service", "Install"]);
}

#[test]
fn the_network_is_that_of_the_mode_or_a_declared_one() {
    const FRONT: &str = "containers.network.front.Network = {}\ncontainers.network.back.Network = {}\n";
    let joined =
        |names: &[&str]| ContainerNetwork::Joined(names.iter().map(|name| name.parse().unwrap()).collect());
    let (host, pasta, none) = (ContainerNetwork::Host, ContainerNetwork::Pasta, ContainerNetwork::None);
    for (keys, rootful, rootless) in [
        ("", &host, &pasta),
        ("Network = 'none'", &none, &none),
        ("Network = 'front'", &joined(&["front"]), &joined(&["front"])),
        ("Network = 'front.network'", &joined(&["front"]), &joined(&["front"])),
        ("Network = ['front', 'back.network']", &joined(&["front", "back"]), &joined(&["front", "back"])),
    ] {
        for (privileged, network) in [(true, rootful), (false, rootless)] {
            let containers = loaded(&(FRONT.to_owned() + &web(privileged, keys)));
            assert_eq!(&the_web(&containers).network, network, "{keys}");
            assert!(values(&containers, "Network").is_empty());
        }
    }
    for (keys, rootful, rootless) in [
        ("Network = 'host'", "", "Network warning … privileged = true"),
        ("Network = 'pasta'", "Network warning … device's own network instead", ""),
        ("Network = 'pasta:-T,auto'", "Network warning", "Network warning … pasta"),
        ("Network = 'bridge'", "Network warning", "Network warning"),
        ("Network = 'slirp4netns'", "Network warning", "Network warning"),
        ("Network = 'ns:/run/netns/x'", "Network warning", "Network warning … pasta"),
        ("Network = 'container:other'", "Network warning", "Network warning … pasta"),
        ("Network = 'web.container'", "Network warning", "Network warning … pasta"),
        (
            "Network = 'frnot'",
            "Network conflict … did you mean `front`?",
            "Network conflict … did you mean `front`?",
        ),
        ("Network = 'frnot.network'", "Network conflict … `front`", "Network conflict … `front`"),
        ("Network = 'front:ip=10.0.0.2'", "Network not-supported … `IP`", "Network not-supported"),
        ("Network = ['front', 'front']", "Network[1] conflict … twice", "Network[1] conflict … twice"),
        ("Network = ['front', 'host']", "Network[1] conflict … alone", "Network[1] conflict … alone"),
        ("Network = ['front', 'other']", "Network[1] conflict … declared", "Network[1] conflict … declared"),
        ("Network = 'front', IP = '10.89.0.5'", "", ""),
        ("IP = '10.89.0.5'", "Container.IP conflict", "Container.IP conflict"),
        ("Network = ['front', 'back'], IP = '10.89.0.5'", "Container.IP conflict", "Container.IP conflict"),
        ("NetworkAlias = 'www'", "Container.NetworkAlias conflict", "Container.NetworkAlias conflict"),
    ] {
        check(&[
            (&(FRONT.to_owned() + &web(true, keys)), rootful),
            (&(FRONT.to_owned() + &web(false, keys)), rootless),
        ]);
    }
}

#[test]
fn a_declared_network_is_a_bridge_of_its_own() {
    check(&[
        (
            "containers.network.front.Network = { Driver = 'bridge', Subnet = '10.89.7.0/24', Internal = true }",
            "",
        ),
        (
            "containers.network.front.Network.InterfaceName = 'eth5'",
            "Network.InterfaceName not-allowed … firewall",
        ),
        (
            "containers.network.front.Network.Options = 'com.docker.network.bridge.name=eth5'",
            "Network.Options not-allowed … firewall",
        ),
        ("containers.network.front.Network.Options = 'mtu=1400'", ""),
        ("containers.network.front.Network.Driver = 'macvlan'", "Network.Driver not-allowed … firewall"),
        ("containers.network.front.Network.NetworkName = 'host'", "Network.NetworkName not-allowed"),
        ("containers.network.front.Network.NetworkName = '--help'", "Network.NetworkName bad-value"),
        ("containers.network.host.Network = {}", "containers.network.host conflict … another meaning"),
        (
            "containers.network.front.Network.Subnet = '172.20.0.0/16'",
            "Network.Subnet conflict … eth1, 172.20.30.1/24",
        ),
    ]);
}

#[test]
fn ports_of_the_application_user_are_on_loopback() {
    for (port, rootless, rootful) in [
        ("8080:80", "127.0.0.1:8080:80/tcp", "0.0.0.0:8080:80/tcp"),
        ("8080:80/udp", "127.0.0.1:8080:80/udp", "0.0.0.0:8080:80/udp"),
        ("127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp", "127.0.0.1:8080:80/tcp"),
        ("127.0.1.1:8080:80", "127.0.1.1:8080:80/tcp", "127.0.1.1:8080:80/tcp"),
        ("localhost:8080:80", "127.0.0.1:8080:80/tcp", "127.0.0.1:8080:80/tcp"),
        ("::1:8080:80", "127.0.0.1:8080:80/tcp", "[::1]:8080:80/tcp"),
        ("[::1]:8080:80", "127.0.0.1:8080:80/tcp", "[::1]:8080:80/tcp"),
        ("8000-8005:8000-8005", "127.0.0.1:8000-8005:8000-8005/tcp", "0.0.0.0:8000-8005:8000-8005/tcp"),
        ("8080-8080:80", "127.0.0.1:8080:80/tcp", "0.0.0.0:8080:80/tcp"),
    ] {
        for (privileged, published) in [(false, rootless), (true, rootful)] {
            let network = "containers.network.front.Network = {}\n".to_owned();
            let text = network + &web(privileged, &format!("Network = 'front', PublishPort = '{port}'"));
            assert_eq!(crate::testing::said(&text), "", "{port}");
            let containers = loaded(&text);
            assert_eq!(the_web(&containers).publish, [Publish(published.to_owned())]);
            assert!(values(&containers, "PublishPort").is_empty());
        }
    }
    for host in ["0.0.0.0", "172.20.30.1", "[::]", "::"] {
        let text = web(false, &format!("PublishPort = '{host}:8080:80'"));
        check(&[(&text, "Container.PublishPort warning … 127.0.0.1 instead of")]);
        assert_eq!(the_web(&loaded(&text)).publish, [Publish("127.0.0.1:8080:80/tcp".to_owned())]);
    }
}

#[test]
fn a_port_that_means_something_else_than_it_says_is_refused() {
    for port in [
        "80",
        "80/tcp",
        "127.0.0.1::80",
        "127.0.0.1:80",
        ":80",
        "8080:",
        "8080:0",
        "65536:80",
        "web:8080:80",
        "web:80",
        "8080:80/sctp",
        "8080:80/",
        "8080:80/TCP",
        "+8080:80",
        "8000-8005:8000-8004",
        "8005-8000:8005-8000",
        "8080:80:tcp",
        "[::1:8080:80",
        "8080-:80",
        "8 080:80",
        "256.0.0.1:8080:80",
    ] {
        check(&[(
            &web(false, &format!("PublishPort = '{port}'")),
            "Container.PublishPort bad-value … `8080:80`",
        )]);
    }
    check(&[
        (&web(false, "PublishPort = 8080"), "Container.PublishPort bad-value"),
        (
            &web(false, "PublishPort = ['8080:80', '443:443']"),
            "Container.PublishPort[1] bad-value … below 1024",
        ),
        (&web(true, "PublishPort = '443:443'"), "Container.PublishPort warning … no effect"),
        (
            &web(false, "PublishPort = '8080:80', Network = 'none'"),
            "Container.PublishPort warning … no effect",
        ),
    ]);
}

#[test]
fn a_port_leads_to_one_container() {
    let other = |port: &str| {
        format!(
            "containers.container.zoo = {{ privileged = false, Container = {{ Image = 'x', PublishPort = '{port}' }} }}\n"
        )
    };
    let web = web(false, "PublishPort = '8000-8010:8000-8010'");
    check(&[
        (&(web.clone() + &other("8011:80")), ""),
        (&(web.clone() + &other("8005:80/udp")), ""),
        (&(web.clone() + &other("127.0.1.1:8005:80")), ""),
        (
            &(web.clone() + &other("8005:80")),
            "zoo.Container.PublishPort conflict … web.Container.PublishPort publishes port 8005",
        ),
        (&(web.clone() + &other("8010:80")), "zoo.Container.PublishPort conflict"),
    ]);
}

#[test]
fn what_is_declared_is_linked() {
    let declared =
        "containers.volume.data.Volume = {}\ncontainers.image.base.Image.Image = 'registry.example/base:1'\n";
    for (volume, expected) in [
        ("data:/srv", "data.volume:/srv"),
        ("data.volume:/srv:ro,Z", "data.volume:/srv:ro,Z"),
        ("other:/srv", "other:/srv"),
        ("/mnt/data:/srv", "/mnt/data:/srv"),
        ("${FILES_DIR}/x:/x:ro", "${FILES_DIR}/x:/x:ro"),
        ("/anonymous", "/anonymous"),
    ] {
        let containers = loaded(&(declared.to_owned() + &web(false, &format!("Volume = '{volume}'"))));
        assert_eq!(values(&containers, "Volume"), [expected]);
    }
    for (mount, expected) in [
        ("type=volume,source=data,destination=/srv", "type=volume,source=data.volume,destination=/srv"),
        ("source=data,destination=/srv,ro", "source=data.volume,destination=/srv,ro"),
        ("type=image,src=base,dst=/x", "type=image,source=base.image,dst=/x"),
        ("type=tmpfs,destination=/tmp", "type=tmpfs,destination=/tmp"),
        ("type=bind,source=/a,destination=/b", "type=bind,source=/a,destination=/b"),
    ] {
        let containers = loaded(&(declared.to_owned() + &web(false, &format!("Mount = '{mount}'"))));
        assert_eq!(values(&containers, "Mount"), [expected]);
    }
    for (image, expected) in [("base", "base.image"), ("base.image", "base.image"), ("nginx:1", "nginx:1")] {
        let containers =
            loaded(&(declared.to_owned() + &web(true, "").replace("'nginx'", &format!("'{image}'"))));
        assert_eq!(values(&containers, "Image"), [expected]);
    }
    for (keys, expected) in [
        ("Volume = 'dta.volume:/srv'", "Container.Volume conflict … did you mean `data`?"),
        ("Volume = './x:/srv'", "Container.Volume bad-value … ${FILES_DIR}"),
        ("Volume = 'x/y:/srv'", "Container.Volume bad-value … ${FILES_DIR}"),
        ("Volume = 'data:srv'", "Container.Volume bad-value … begins with"),
        ("Volume = 'data'", "Container.Volume bad-value … missing"),
        ("Volume = ':/srv'", "Container.Volume bad-value"),
        ("Mount = 'type=bind,destination=/x'", "Container.Mount bad-value … `source`"),
        ("Mount = 'type=volume,source=dta.volume,destination=/x'", "Container.Mount conflict … `data`"),
        ("EnvironmentFile = 'env'", "Container.EnvironmentFile bad-value … ${FILES_DIR}"),
        ("EnvironmentFile = '${FILES_DIR}/env'", ""),
        ("ContainerName = '-a'", "Container.ContainerName bad-value"),
    ] {
        check(&[(&(declared.to_owned() + &web(false, keys)), expected)]);
    }
    for (image, expected) in [
        ("bsae.image", "Container.Image conflict … did you mean `base`?"),
        ("web.build", "Container.Image conflict … no build `web`"),
        ("--privileged", "Container.Image bad-value"),
        ("nginx sh", "Container.Image bad-value"),
    ] {
        check(&[(
            &(declared.to_owned() + &web(true, "").replace("'nginx'", &format!("'{image}'"))),
            expected,
        )]);
    }
}

#[test]
fn a_resource_is_made_where_it_is_used() {
    let resources = "containers.network.front.Network = {}\ncontainers.volume.data.Volume = { Driver = 'image', Image = 'base' }\n\
                     containers.image.base.Image.Image = 'x'\n";
    let modes = |text: &str| {
        let containers = loaded(&(resources.to_owned() + text));
        let modes = |of: &BTreeMap<ContainerName, Resource>| of.values().next().unwrap().modes.clone();
        [modes(&containers.networks), modes(&containers.volumes), modes(&containers.images)]
    };
    let (rootful, rootless) = (BTreeSet::from([Mode::Rootful]), BTreeSet::from([Mode::Rootless]));
    let both = BTreeSet::from([Mode::Rootful, Mode::Rootless]);
    assert_eq!(modes(""), [&rootful; 3].map(Clone::clone));
    let app = web(false, "Network = 'front', Volume = 'data:/x'");
    assert_eq!(modes(&app), [&rootless; 3].map(Clone::clone));
    // To wait for one is to need it.
    let waits = section(false, "Unit", "After = 'front-network.service data.volume'");
    assert_eq!(
        modes(&waits.replace("containers.network.front.Network = {}\n", ""))[..2],
        [rootless.clone(), rootless.clone()]
    );
    let root = "containers.container.root = { privileged = true, Container = { Image = 'base' } }\n";
    assert_eq!(modes(&(app + root)), [rootless.clone(), rootless, both]);
}

#[test]
fn every_unit_has_a_name_of_its_own() {
    let named = |name: &str| {
        format!("containers.container.{name} = {{ privileged = true, Container = {{ Image = 'x' }} }}\n")
    };
    for name in ["sshd", "ssh", "chrony", "nftables", "rauc", "systemd-networkd", "slipway-seed", "dbus"] {
        check(&[(&named(name), &format!("containers.container.{name} conflict … a service of the system"))]);
    }
    check(&[
        (&(named("web") + "containers.network.web.Network = {}\ncontainers.volume.web.Volume = {}\n"), ""),
        (
            &(named("web-network") + "containers.network.web.Network = {}\n"),
            "containers.network.web conflict … web-network.service",
        ),
        (&(named("web-volume") + "containers.volume.web.Volume = {}\n"), "containers.volume.web conflict"),
        (&(named("web-image") + "containers.image.web.Image.Image = 'x'\n"), "containers.image.web conflict"),
        ("containers.network.systemd-x.Network = {}\n", "containers.network.systemd-x conflict"),
        (
            &(web(true, "ContainerName = 'a'") + &named("zoo").replace("'x'", "'x', ContainerName = 'a'")),
            "zoo.Container.ContainerName conflict … `web`",
        ),
        (&(web(false, "ContainerName = 'a'") + &named("zoo").replace("'x'", "'x', ContainerName = 'a'")), ""),
    ]);
}

#[test]
fn a_unit_waits_for_others_and_moves_none() {
    for (keys, expected) in [
        ("Description = 'The shop', StartLimitBurst = 5, Documentation = 'https://x'", ""),
        ("After = 'root.service chrony.service network-online.target', Wants = ['root.container']", ""),
        ("Requires = 'front.network'", ""),
        ("Requires = 'front-network.service', Before = 'root.service'", ""),
        ("After = 'root'", "Unit.After bad-value … write `root.service`"),
        ("After = 'a/b.service'", "Unit.After bad-value"),
        ("Requires = 'chrony.service'", "Unit.Requires not-allowed"),
        ("Wants = 'reboot.target'", "Unit.Wants not-allowed"),
        ("Before = 'sysinit.target'", "Unit.Before not-allowed"),
        ("Conflicts = 'ssh.service'", "Unit.Conflicts not-allowed"),
        ("OnFailure = 'x.service'", "Unit.OnFailure not-allowed"),
        ("FailureAction = 'reboot'", "Unit.FailureAction not-allowed"),
        ("After = 'bakc.network'", "Unit.After conflict … no network `bakc`"),
        ("After = 'app.service'", "Unit.After conflict … another manager"),
        ("Requires = 'app.container'", "Unit.Requires conflict … another manager"),
        ("Afetr = 'root.service'", "Unit.Afetr unknown-key … `After`"),
        ("ConditionPathExists = '/data/x', AssertHost = 'x', RequiresMountsFor = '/data'", ""),
        ("ConditionPathExits = '/data/x'", "Unit.ConditionPathExits unknown-key … `ConditionPathExists`"),
        ("OnFailure = 'root.service'", ""),
        ("OnFailure = 'reboot.target'", "Unit.OnFailure not-allowed"),
        ("AllowIsolate = true", "Unit.AllowIsolate not-allowed … allowed here: CollectMode"),
    ] {
        check(&[(&section(true, "Unit", keys), expected)]);
    }
    check(&[
        (&section(false, "Unit", "After = 'network-online.target', Wants = 'network-online.target'"), ""),
        (&section(false, "Unit", "Requires = 'network-online.target'"), "Unit.Requires conflict … `After`"),
        (&section(false, "Unit", "Requires = 'app.service'"), ""),
    ]);
}

#[test]
fn a_service_runs_podman_and_nothing_else() {
    for (keys, expected) in [
        ("Restart = 'on-failure', RestartSec = 5, TimeoutStartSec = '15min', MemoryMax = '512M'", ""),
        ("Restart = 'allways'", "Service.Restart bad-value … did you mean `always`?"),
        ("Restrat = 'always'", "Service.Restrat unknown-key … `Restart`"),
        ("ExecStartPre = '/bin/sh'", "Service.ExecStartPre not-allowed … allowed here: CPUQuota"),
        ("ExecStopPost = '/bin/sh'", "Service.ExecStopPost not-allowed"),
        ("User = 'root'", "Service.User not-allowed"),
        ("Group = 'root'", "Service.Group not-allowed"),
        ("Type = 'oneshot'", "Service.Type not-allowed"),
        ("RootDirectory = '/x'", "Service.RootDirectory not-allowed"),
        ("Environment = 'LD_PRELOAD=/x'", "Service.Environment not-allowed"),
        ("KillMode = 'none'", "Service.KillMode not-allowed"),
    ] {
        check(&[(&section(true, "Service", keys), expected), (&section(false, "Service", keys), expected)]);
    }
}

#[test]
fn a_container_is_wanted_by_the_end_of_the_boot() {
    for (keys, expected) in [
        ("WantedBy = 'multi-user.target'", ""),
        ("WantedBy = ['default.target', 'multi-user.target'], RequiredBy = 'root.service'", ""),
        ("RequiredBy = 'sysinit.target'", "Install.RequiredBy not-allowed"),
        ("WantedBy = 'ssh.service'", "Install.WantedBy not-allowed"),
        ("WantedBy = 'multi-user'", "Install.WantedBy bad-value"),
        ("WantedBy = 'root.container'", "Install.WantedBy not-allowed … `NAME.service`"),
        ("WantedBy = 'app.service'", "Install.WantedBy conflict … another manager"),
        ("WantedBy = '../x.target'", "Install.WantedBy bad-value"),
        ("Alias = 'sshd.service'", "Install.Alias not-allowed"),
        ("Also = 'x.service'", "Install.Also not-allowed"),
    ] {
        check(&[(&section(true, "Install", keys), expected)]);
    }
}
