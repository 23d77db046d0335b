//! Where sshd listens. Everything else about it is the image's.

use appliance_config::Network;

use crate::artefacts::Files;
use crate::lan::{has_lan_by_dhcp, lan_addresses};
use crate::paths;

pub(crate) fn render(network: &Network, files: &mut Files) {
    files.add(paths::SSHD, text(network));
}

fn text(network: &Network) -> String {
    let mut text = "# Where administrators log in, from config.toml.\n".to_owned();
    if network.firewall.wan_ssh {
        text.push_str("# From WAN, too, where the address may be any.\n");
    } else if has_lan_by_dhcp(network) {
        text.push_str("# A DHCP server says one of the addresses on LAN. The firewall keeps WAN out.\n");
    } else {
        text.push_str("# On these addresses only. They need not be there yet (net.ipv4.ip_nonlocal_bind).\n");
        lan_addresses(network).for_each(|cidr| text.push_str(&format!("ListenAddress {}\n", cidr.address())));
        return text;
    }
    text.push_str("ListenAddress 0.0.0.0\nListenAddress ::\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{document, statements};

    #[test]
    fn it_listens_on_lan_alone_unless_wan_is_let_in() {
        let listens = |more: &str| {
            let text = text(&document(more).network);
            statements(&text)
                .iter()
                .map(|line| line.trim_start_matches("ListenAddress ").to_owned())
                .collect::<Vec<_>>()
        };
        let everywhere = ["0.0.0.0", "::"];
        assert_eq!(listens(""), ["172.20.30.1"]);
        assert_eq!(
            listens("network.interfaces.eth2 = { mode = 'static', address = '10.2.0.1/16' }"),
            ["172.20.30.1", "10.2.0.1"]
        );
        assert_eq!(listens("network.firewall.inbound.wan.ssh = true"), everywhere);
        assert_eq!(listens("network.interfaces.eth2 = { mode = 'dhcp' }"), everywhere);
        assert_eq!(listens("network.interfaces.eth2 = { mode = 'dhcp', side = 'wan' }"), ["172.20.30.1"]);
    }
}
