//! Containers beyond the first one: pulled slowly, joined to networks, under both users.

mod full {
    use image_tests::config::{Seed, config_with};
    use image_tests::console::{GOOD, PROVISIONED};
    use image_tests::{BOOT, COMMAND, Disk, IMPORT, KeyPair, Registry, Ssh, Testbed, Vm, VmOptions};
    use std::time::{Duration, Instant};

    /// Longer than systemd waits for a service that says nothing else (90 s).
    const PULL: Duration = Duration::from_secs(110);

    /// root's pair has its image from the bundle, the application user's from the registry.
    const PAIRS: &str = r#"
[containers.network.inner.Network]
[containers.network.outer.Network]

[containers.image.hello.Image]
Image = "@IMAGE@"
TLSVerify = false

[containers.container.server]
privileged = false
[containers.container.server.Container]
Image = "hello.image"
Exec = "serve 9000"
Network = "inner.network"
[containers.container.server.Service]
Restart = "on-failure"
TimeoutStartSec = 600

[containers.container.client]
privileged = false
[containers.container.client.Container]
Image = "hello.image"
Exec = "sleep"
Network = "inner.network"

[containers.container.root-server]
privileged = true
[containers.container.root-server.Container]
Image = "localhost/hello:latest"
Pull = "never"
Exec = "serve 9001"
Network = "outer.network"

[containers.container.root-client]
privileged = true
[containers.container.root-client.Container]
Image = "localhost/hello:latest"
Pull = "never"
Exec = "sleep"
Network = "outer.network"

[activation]
required = ["server", "client", "root-server", "root-client"]
timeout_seconds = 900
"#;

    /// An image that takes two minutes to come is waited for. Containers on a declared network find each other by name, root's and
    /// the application user's. What a configuration says about a service's restart and start time reaches systemd.
    #[test]
    fn q03_a_slow_pull_succeeds_and_declared_networks_are_joined() {
        let testbed = Testbed::get();
        let folder = testbed.folder("q03").unwrap();
        let key = KeyPair::new(&testbed, &folder).unwrap();
        let size = testbed.hello_oci.metadata().unwrap().len();
        let rate = u32::try_from(size / PULL.as_secs()).unwrap();
        let registry = Registry::serve(&testbed, &folder, rate).unwrap();
        let config = config_with(key.public(), &PAIRS.replace("@IMAGE@", &registry.image()));
        let seed = Seed::new(&folder, "seed", config).unwrap().image(&testbed.hello_oci).unwrap();
        let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        disk.seed(seed.folder()).unwrap();
        let mut options = VmOptions::board(&testbed);
        let port = options.forward(22).unwrap();
        options.open_wan();
        let vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
        vm.serial().wait_for("slipway: apply: generation 1: ", BOOT).unwrap();
        let begun = Instant::now();
        vm.serial().wait_for(PROVISIONED, IMPORT * 2).unwrap();
        assert!(begun.elapsed() > Duration::from_secs(95), "the pull was not slow");
        assert!(registry.sent() >= size / 2, "only {} bytes were pulled", registry.sent());
        vm.serial().wait_for(GOOD, BOOT).unwrap();

        let ssh = Ssh::admin(&testbed, &key, port);
        ssh.wait(BOOT).unwrap();
        let ask = |program: &str| format!("podman exec systemd-{program} /guest-container ask");
        let answer = ssh.app(&format!("{} systemd-server 9000", ask("client")), COMMAND).unwrap();
        assert!(answer.contains("answer 1"), "{answer}");
        let answer = ssh.root(&format!("{} systemd-root-server 9001", ask("root-client")), COMMAND).unwrap();
        assert!(answer.contains("answer 1"), "{answer}");
        let service =
            ssh.app("systemctl --user show -p Restart -p TimeoutStartUSec server.service", COMMAND).unwrap();
        assert!(service.contains("Restart=on-failure"), "{service}");
        assert!(service.contains("TimeoutStartUSec=10min"), "{service}");
    }

    const WORKLOADS: &str = r#"
[secrets.values]
token = "a-token-for-one"
key = "first line\nsecond-line-of-the-key"

[containers.pod.shop]
privileged = false
Pod = { PublishPort = "9100:9000" }

[containers.container.server]
privileged = false
[containers.container.server.Container]
Image = "localhost/hello:latest"
Exec = "serve 9000"
Pod = "shop"
Secret = ["token,type=env,target=TOKEN", "key"]

[containers.container.neighbour]
privileged = false
[containers.container.neighbour.Container]
Image = "localhost/hello:latest"
Exec = "sleep"
Pod = "shop"

[containers.container.built]
privileged = true
[containers.container.built.Container]
Image = "localhost/built:1"
Exec = "sleep"

[containers.build.built.Build]
ImageTag = "localhost/built:1"
SetWorkingDirectory = "${FILES_DIR}/built"

[activation]
required = ["server", "neighbour", "built"]
timeout_seconds = 900
"#;

    /// Containers of a pod share its network and are reached at its port; one of them has its secrets, which lie in memory and which
    /// nobody else can read; a third is made from an image that the box has built first.
    #[test]
    fn a_box_runs_pods_builds_images_and_keeps_secrets() {
        let testbed = Testbed::get();
        let folder = testbed.folder("workloads").unwrap();
        let key = KeyPair::new(&testbed, &folder).unwrap();
        let seed = Seed::new(&folder, "seed", config_with(key.public(), WORKLOADS)).unwrap();
        let containerfile = "FROM localhost/hello:latest\nLABEL built=here\n";
        let seed =
            seed.hello_image(&testbed).unwrap().file("files/built/Containerfile", containerfile).unwrap();
        let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        disk.seed(seed.folder()).unwrap();
        let mut options = VmOptions::board(&testbed);
        let port = options.forward(22).unwrap();
        let vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
        vm.serial().wait_for(PROVISIONED, IMPORT * 2).unwrap();
        vm.serial().wait_for(GOOD, BOOT).unwrap();
        let ssh = Ssh::admin(&testbed, &key, port);
        ssh.wait(BOOT).unwrap();

        let inside = "podman exec systemd-neighbour /guest-container ask 127.0.0.1 9000";
        assert!(ssh.app(inside, COMMAND).unwrap().contains("answer 1"));
        let get = r"exec 3<>/dev/tcp/127.0.0.1/9100; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3";
        let outside = ssh.run(get, COMMAND).unwrap();
        assert!(outside.contains("answer 2"), "{outside}");
        let built = "podman image inspect --format '{{.Config.Labels.built}}' localhost/built:1";
        assert_eq!(ssh.root(built, COMMAND).unwrap().trim(), "here");

        let process = ssh.app("podman inspect --format '{{.State.Pid}}' systemd-server", COMMAND).unwrap();
        let process = process.trim();
        let file = ssh.root(&format!("cat /proc/{process}/root/run/secrets/key"), COMMAND).unwrap();
        assert_eq!(file.trim_end(), "first line\nsecond-line-of-the-key");
        let variables = ssh.root(&format!("tr '\\0' '\\n' < /proc/{process}/environ"), COMMAND).unwrap();
        assert!(variables.lines().any(|line| line == "TOKEN=a-token-for-one"), "{variables}");
        let owner = ssh.root("stat --format '%a %U' /run/slipway-secrets/rootless", COMMAND).unwrap();
        assert_eq!(owner.trim(), "700 slipway-app");
        for path in ["/etc/credstore/slipway.key", "/etc/tmpfiles.d/slipway-secrets.conf"] {
            assert!(
                ssh.run(&format!("cat {path}"), COMMAND).is_err(),
                "an administrator without root reads {path}"
            );
        }
        // Podman has kept none of the file.
        let kept =
            "if grep -rqs second-line-of-the-key /data/containers; then echo kept; else echo clean; fi";
        assert_eq!(ssh.root(kept, COMMAND).unwrap().trim(), "clean");
    }
}
