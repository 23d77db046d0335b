//! chrony's file: the image's own, with the time servers of the configuration, and LAN machines as clients.

use std::fmt::Write as _;

use appliance_config::Network;

use crate::artefacts::Files;
use crate::lan::lan_addresses;
use crate::paths;

/// From where the image takes the time.
const POOL: &str = "pool 2.debian.pool.ntp.org iburst maxsources 4\n";

const COMMON: &str = "\
# /var/lib/chrony is /data/chrony where there is data (chrony.service.d).
driftfile /var/lib/chrony/chrony.drift
dumpdir /var/lib/chrony
ntsdumpdir /var/lib/chrony

# A box without a battery-backed clock starts with the last time it knew, which may be long ago: step at first, slew
# later, so that time never jumps under a running service.
makestep 1 3
maxupdateskew 100.0
rtcsync

# No commands over the network; chronyc uses the socket in /run/chrony.
cmdport 0
";

pub(crate) fn render(network: &Network, files: &mut Files) {
    files.add(paths::CHRONY, text(network));
}

fn text(network: &Network) -> String {
    let mut text = "# Time, from config.toml. It replaces the image's file of this name.\n".to_owned();
    match network.time_servers.as_slice() {
        [] => text.push_str(POOL),
        servers => {
            for server in servers {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "server {server} iburst");
            }
        }
    }
    let _ = write!(text, "\n{COMMON}");
    let lan: Vec<_> = lan_addresses(network).collect();
    if !lan.is_empty() {
        text.push_str("\n# LAN machines ask this box, also while it can ask nobody itself: one wrong time for all is better than many.\n");
        for cidr in &lan {
            let _ = writeln!(text, "allow {}/{}", cidr.network(), cidr.prefix());
        }
        text.push_str("local stratum 10\n");
    }
    if let [only] = lan.as_slice() {
        text.push_str("# The address need not be there yet. (chrony can be bound to one at most.)\n");
        let _ = writeln!(text, "bindaddress {}", only.address());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{config, document, statements};

    const OF_THE_IMAGE: &str = include_str!("../../../../buildroot-overlay/etc/chrony/chrony.conf");

    #[test]
    fn without_a_word_about_time_it_is_the_image_s_own_and_serves_lan() {
        let text = text(&config().network);
        let lan = ["allow 172.20.30.0/24", "local stratum 10", "bindaddress 172.20.30.1"];
        // The image serves nobody.
        let image = statements(OF_THE_IMAGE).into_iter().filter(|line| *line != "port 0");
        assert_eq!(statements(&text), image.chain(lan).collect::<Vec<_>>());
    }

    #[test]
    fn the_servers_of_the_configuration_are_the_only_ones() {
        let text = text(&document("network.ntp.servers = ['time.example', '2001:db8::1']").network);
        assert_eq!(statements(&text)[..2], ["server time.example iburst", "server 2001:db8::1 iburst"]);
        assert!(!text.contains("pool"), "{text}");
    }

    #[test]
    fn every_lan_is_served_and_no_wan() {
        let network = document(
            "network.interfaces.eth0 = { mode = 'static', address = '192.0.2.2/24' }\n\
             network.interfaces.eth2 = { mode = 'static', address = '10.2.0.1/16' }",
        )
        .network;
        let text = text(&network);
        let found: Vec<&str> =
            statements(&text).into_iter().filter(|line| line.starts_with("allow")).collect();
        assert_eq!(found, ["allow 172.20.30.0/24", "allow 10.2.0.0/16"]);
        assert!(!text.contains("bindaddress"), "chrony takes one, and there are two:\n{text}");
    }
}
