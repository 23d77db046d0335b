//! Pods, builds and secrets: what a container shares with others, is made from, or is told.

use std::collections::BTreeSet;

use crate::testing::{check, said, with};
use crate::{Build, ContainerNetwork, Containers, Mode, Pod, SecretTarget};

/// A container `web` that is not privileged, with `keys` in its section.
fn web(keys: &str) -> String {
    format!(
        "containers.container.web = {{ privileged = false, Container = {{ Image = 'nginx', {keys} }} }}\n"
    )
}

fn loaded(text: &str) -> Containers {
    with(text).unwrap().config.containers
}

fn entry(containers: &Containers, key: &str) -> Vec<String> {
    let web = &containers.containers[&"web".parse().unwrap()];
    let section = web.sections.iter().find(|section| section.name == "Container").unwrap();
    section.entries.iter().find(|(name, _)| name == key).map(|(_, values)| values.clone()).unwrap_or_default()
}

const POD: &str = "containers.pod.shop = { privileged = false, Pod = { PublishPort = '8080:80' } }\n";

#[test]
fn a_pod_has_the_network_and_the_ports_of_its_containers() {
    let containers = loaded(&format!("{POD}{}", web("Pod = 'shop.pod', StartWithPod = true")));
    let shop = "shop".parse().unwrap();
    let Pod { mode, network, publish, .. } = &containers.pods[&shop];
    let published: Vec<&str> = publish.iter().map(crate::Publish::as_str).collect();
    assert_eq!(
        (*mode, network, published),
        (Mode::Rootless, &ContainerNetwork::Pasta, vec!["127.0.0.1:8080:80/tcp"])
    );
    assert_eq!(containers.containers[&"web".parse().unwrap()].network, ContainerNetwork::Pod(shop));
    assert_eq!(entry(&containers, "Pod"), [""; 0]);

    let pod = |pod: &str| format!("containers.pod.shop = {pod}\n");
    for (text, expected) in [
        (web("Pod = 'shop'") + POD, ""),
        (web("Pod = 'shpo.pod'") + POD, "Container.Pod conflict … did you mean `shop`?"),
        (web("Pod = 'shpo'") + POD, "Container.Pod conflict … did you mean `shop`?"),
        (web("StartWithPod = false"), "Container.StartWithPod conflict … needs `Pod`"),
        (
            web("Pod = 'shop', PublishPort = '9090:90'") + POD,
            "Container.PublishPort conflict … containers.pod.shop.Pod",
        ),
        (web("Pod = 'shop', Network = 'host'") + POD, "Container.Network conflict … the pod's"),
        (web("Pod = 'shop', IP = '10.89.0.2'") + POD, "Container.IP conflict … the pod's"),
        (web("Pod = 'shop', HostName = 'x'") + POD, "Container.HostName conflict … the pod's"),
        (
            web("Pod = 'shop'") + &pod("{ privileged = true, Pod = {} }"),
            "Container.Pod conflict … not both `privileged`",
        ),
        (pod("{ privileged = false, Pod = { PodmanArgs = '--privileged' } }"), "Pod.PodmanArgs not-allowed"),
        (pod("{ privileged = false, Pod = { ServiceName = 'sshd' } }"), "Pod.ServiceName not-allowed"),
        (pod("{ privileged = false, Pod = { Network = 'host' } }"), "Pod.Network warning … pasta"),
        (pod("{ privileged = false, Pod = { Image = 'x' } }"), "Pod.Image unknown-key"),
        (
            pod("{ privileged = true, Service = { ExecStartPre = '/bin/sh' }, Pod = {} }"),
            "Service.ExecStartPre not-allowed",
        ),
        (web("ContainerName = 'systemd-shop'") + POD, "conflict … has the name `systemd-shop` in Podman too"),
    ] {
        check(&[(&text, expected)]);
    }
    let rootful = POD.replace("privileged = false", "privileged = true");
    assert!(said(&rootful).contains("shop.Pod.PublishPort warning it has no effect"), "{}", said(&rootful));
    // Two containers, one port: also where one of them is a pod's.
    let twice = said(&(web("PublishPort = '8080:81'") + POD));
    assert!(twice.contains("conflict") && twice.contains("publishes port 8080 too"), "{twice}");
}

const BUILD: &str =
    "containers.build.app.Build = { ImageTag = 'localhost/app:1', File = '${FILES_DIR}/Containerfile' }\n";

#[test]
fn a_build_comes_before_the_container_that_is_made_from_it() {
    for image in ["app.build", "localhost/app:1"] {
        let containers = loaded(&(BUILD.to_owned() + &web("").replace("nginx", image)));
        assert_eq!(entry(&containers, "Image"), ["app.build"], "{image}");
        assert_eq!(containers.builds[&"app".parse().unwrap()].modes, BTreeSet::from([Mode::Rootless]));
    }
    // Another tag is another image, and a build that nobody uses is root's.
    let containers = loaded(&(BUILD.to_owned() + &web("").replace("nginx", "localhost/app:2")));
    assert_eq!(entry(&containers, "Image"), ["localhost/app:2"]);
    assert_eq!(containers.builds[&"app".parse().unwrap()].modes, BTreeSet::from([Mode::Rootful]));

    let build = |keys: &str| {
        format!(
            "containers.build.app.Build = {{ ImageTag = 'localhost/app:1', File = '/x/Containerfile', {keys} }}\n"
        )
    };
    for (text, expected) in [
        ("containers.build.app.Build = { ImageTag = 'app' }\n".to_owned(), "Build.File missing-key"),
        ("containers.build.app.Build = { File = '/x' }\n".to_owned(), "Build.ImageTag missing-key"),
        (build("SetWorkingDirectory = '${FILES_DIR}/app'"), ""),
        (build("SetWorkingDirectory = 'https://git.example/app.git'"), ""),
        (build("SetWorkingDirectory = 'app'"), "Build.SetWorkingDirectory bad-value"),
        (build("Volume = './x:/x'"), "Build.Volume bad-value"),
        (build("Network = 'none'"), ""),
        (build("Network = 'host'"), ""),
        (build("Network = 'host'") + &web("").replace("nginx", "app.build"), "Build.Network not-allowed"),
        (build("Network = 'container:x'"), "Build.Network bad-value"),
        (build("Network = 'frnot'") + "containers.network.front.Network = {}\n", "Build.Network bad-value"),
        (build("Network = 'front'") + "containers.network.front.Network = {}\n", ""),
        (build("PodmanArgs = '--privileged'"), "Build.PodmanArgs not-allowed"),
        (build("BuildArg = 'A=1', IgnoreFile = '/x', Retry = 3"), ""),
        (build("Frobnicate = 1"), "Build.Frobnicate unknown-key"),
        (web("").replace("nginx", "apq.build") + BUILD, "Container.Image conflict … did you mean `app`?"),
    ] {
        check(&[(&text, expected)]);
    }
    let network = build("Network = 'front', Volume = 'data:/x'")
        + "containers.network.front.Network = {}\ncontainers.volume.data.Volume = {}\n"
        + &web("").replace("nginx", "app.build");
    let containers = loaded(&network);
    let Build { section, .. } = &containers.builds[&"app".parse().unwrap()];
    let linked = section.entries.iter().filter(|(key, _)| ["Network", "Volume"].contains(&key.as_str()));
    let linked: Vec<&str> = linked.flat_map(|(_, values)| values).map(String::as_str).collect();
    assert_eq!(linked, ["front.network", "data.volume:/x"]);
    let rootless = BTreeSet::from([Mode::Rootless]);
    assert_eq!(containers.networks.values().next().unwrap().modes, rootless);
    assert_eq!(containers.volumes.values().next().unwrap().modes, rootless);
}

#[test]
fn a_container_is_given_the_secrets_it_names() {
    let secrets = "secrets.values = { oidc = 'x', key = \"two\\nlines\" }\n";
    let containers =
        loaded(&(secrets.to_owned() + &web("Secret = ['oidc,type=env,target=CLIENT_SECRET', 'key']")));
    let web_container = &containers.containers[&"web".parse().unwrap()];
    let found: Vec<(&str, &SecretTarget)> =
        web_container.secrets.iter().map(|secret| (secret.name.as_str(), &secret.target)).collect();
    let (variable, file) = (
        SecretTarget::Variable("CLIENT_SECRET".to_owned()),
        SecretTarget::File("/run/secrets/key".to_owned()),
    );
    assert_eq!(found, [("oidc", &variable), ("key", &file)]);
    assert_eq!(entry(&containers, "Secret"), [""; 0]);

    for (value, expected) in [
        ("oidc", ""),
        ("oidc,type=mount,target=/etc/oidc", ""),
        ("oidc,target=client", ""),
        ("oidc,type=env", ""),
        ("oicd", "Container.Secret warning … own store"),
        ("oidc,uid=1000", "Container.Secret not-supported … by nobody else"),
        ("oidc,mode=0400", "Container.Secret not-supported"),
        ("oidc,type=file", "Container.Secret bad-value … `type=file`"),
        ("oidc,target=", "Container.Secret bad-value"),
        ("oidc,target=/etc/../x", "Container.Secret bad-value … path"),
        ("oidc,target=/etc:ro", "Container.Secret bad-value … path"),
        ("oidc,target=/etc/", "Container.Secret bad-value … path"),
        ("oidc,type=env,target=A B", "Container.Secret bad-value … variable"),
        ("key,type=env", "Container.Secret bad-value … one line"),
    ] {
        check(&[(&(secrets.to_owned() + &web(&format!("Secret = '{value}'"))), expected)]);
    }
    check(&[(
        &(secrets.to_owned() + &web("Secret = ['oidc,target=a', 'key,target=a']")),
        "Container.Secret[1] bad-value … another secret",
    )]);
    // Podman's own keep their words.
    let containers = loaded(&web("Secret = 'own,type=env,uid=5'"));
    assert_eq!(entry(&containers, "Secret"), ["own,type=env,uid=5"]);

    let build =
        "containers.build.app.Build = { ImageTag = 'a', File = '/x', Secret = ['oidc', 'id=a,src=/b'] }\n";
    let containers = loaded(&(secrets.to_owned() + build));
    let build = &containers.builds[&"app".parse().unwrap()];
    let kept = build.section.entries.iter().find(|(key, _)| key == "Secret").unwrap();
    assert_eq!(build.secrets.iter().map(appliance_types::SecretName::as_str).collect::<Vec<_>>(), ["oidc"]);
    assert_eq!(kept.1, ["id=a,src=/b"]);
}

#[test]
fn what_a_later_podman_says_is_understood() {
    let text = web("Memory = '512m', HttpProxy = false, Retry = 5, RetryDelay = '10s'");
    assert_eq!(said(&text), "");
    check(&[
        (&web("ReloadCmd = 'kill -HUP 1'"), "Container.ReloadCmd warning … nothing is reloaded"),
        ("containers.network.a.Network.NetworkDeleteOnStop = true", "NetworkDeleteOnStop warning … anew"),
        (&web("Memory = '512m --privileged'"), "Container.Memory bad-value … one word"),
    ]);
}
