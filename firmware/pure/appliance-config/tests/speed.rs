//! How long a check takes, for `cargo xtask bench config`: a measurement, not a test.

#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::disallowed_macros, reason = "it prints a figure")]
#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]

use std::fmt::Write as _;
use std::time::Instant;

use appliance_config::{Sources, SystemFacts, load};

const CONTAINERS: usize = 1000;
const RUNS: usize = 21;

/// Containers as people have them: half of them on a network, each with a volume, a port, variables and what it comes after.
fn document() -> String {
    let mut text = String::from(
        "version = 1\n[users.admin]\nisAdmin = true\nssh_key = \"ssh-ed25519 \
         AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti admin@example\"\n\
         [containers.network.back.Network]\n[activation]\nrequired = [\"c0\"]\n",
    );
    for number in 0..CONTAINERS {
        let after = number.saturating_sub(1);
        let network = if number % 2 == 0 { "Network = \"back\"\n" } else { "" };
        write!(
            text,
            "[containers.volume.v{number}.Volume]\n[containers.container.c{number}]\nprivileged = false\n\
             [containers.container.c{number}.Unit]\nDescription = \"Container {number}\"\nAfter = \"c{after}.service\"\n\
             [containers.container.c{number}.Container]\nImage = \"registry.example/c{number}:1\"\n{network}\
             Volume = \"v{number}:/data\"\nPublishPort = \"{}:80\"\nEnvironment = [\"A=1\", \"B=2\"]\n\
             [containers.container.c{number}.Install]\nWantedBy = \"default.target\"\n",
            10_000 + number
        )
        .unwrap();
    }
    text
}

#[test]
#[ignore = "a measurement: `cargo xtask bench config` runs it"]
fn check_of_a_thousand_containers() {
    let document = document();
    let facts = SystemFacts::of_image();
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            let loaded = load(&Sources { config: document.as_bytes(), overlay: None }, &facts).unwrap();
            let time = begun.elapsed();
            assert_eq!((loaded.config.containers.containers.len(), loaded.warnings.len()), (CONTAINERS, 0));
            time
        })
        .collect();
    // The fastest: the work is the same each time, and what a slower one adds is what else the machine had to do.
    times.sort();
    println!("check-1000-containers-ms {}", times[0].as_micros().div_ceil(1000));
}
