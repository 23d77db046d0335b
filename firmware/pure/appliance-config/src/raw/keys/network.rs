use super::{DOMAIN, IP, IPV4, IPV4_CIDR, PORT};
use crate::reference::{Kind, NamesDoc, TableDoc, key};

pub(crate) static NETWORK: TableDoc = TableDoc {
    help: "Interfaces, names, firewall. `eth0` is WAN, the outside; every other interface is LAN.",
    keys: &[
        key("default_gateway", IPV4, "The default gateway of `eth0`.")
            .default("the DHCP server's")
            .example("\"192.0.2.1\""),
        key(
            "dns_servers",
            Kind::List(&IP),
            "Name servers of `eth0`. With a list, those of the DHCP server are not used.",
        )
        .default("the DHCP server's")
        .example("[\"9.9.9.9\"]"),
        key(
            "dns_search_domains",
            Kind::List(&DOMAIN),
            "Domains in which short names are looked up, on `eth0`.",
        )
        .default("none")
        .example("[\"shop.example\"]"),
        key(
            "interfaces",
            Kind::Names(&INTERFACES),
            "The network cards. What is not listed keeps its default.",
        ),
        key("firewall", Kind::Table(&FIREWALL), "What the firewall lets in."),
    ],
};

static INTERFACES: NamesDoc = NamesDoc {
    placeholder: "NAME",
    pattern: "^[a-z][a-z0-9.-]{0,14}$",
    example: "eth1",
    each: Kind::Table(&INTERFACE),
};

static INTERFACE: TableDoc = TableDoc {
    help: "A network card.",
    keys: &[
        key(
            "mode",
            Kind::Word(&["dhcp", "static"]),
            "Where its address comes from. `eth1` has a static one.",
        )
        .required()
        .example("\"static\""),
        key("address", IPV4_CIDR, "Its address, when `mode` is `static`.").example("\"172.20.30.1/24\""),
        key(
            "gateway",
            IPV4,
            "The default gateway behind it. With DHCP, the server's routes are then not used.",
        )
        .default("none; with DHCP, the server's")
        .example("\"172.20.30.254\""),
        key("dns_servers", Kind::List(&IP), "Name servers behind it.")
            .default("none; with DHCP, the server's")
            .example("[\"9.9.9.9\"]"),
        key("dns_search_domains", Kind::List(&DOMAIN), "Domains in which short names are looked up.")
            .default("none")
            .example("[\"shop.example\"]"),
    ],
};

static FIREWALL: TableDoc = TableDoc {
    help: "What the firewall lets in.",
    keys: &[key("inbound", Kind::Table(&INBOUND), "By the side it comes from.")],
};

static INBOUND: TableDoc = TableDoc {
    help: "Ports that are open, by the side the packets come from.",
    keys: &[
        key("wan", Kind::Table(&WAN), "From WAN: these and nothing else.").default("nothing"),
        key(
            "lan",
            Kind::Table(&LAN),
            "From LAN: with a list, these and the platform's own (22, 53, 67, 123, 8080), nothing else.",
        )
        .default("everything"),
    ],
};

static WAN: TableDoc = TableDoc {
    help: "Ports that are open towards WAN. 8080, the console, never is.",
    keys: &[
        key("tcp", Kind::List(&PORT), "TCP ports.").default("`[]`").example("[80, 443]"),
        key("udp", Kind::List(&PORT), "UDP ports.").default("`[]`").example("[443]"),
    ],
};

static LAN: TableDoc = TableDoc {
    help: "Ports that are open towards LAN, when not all of them are to be. Empty lists say nothing.",
    keys: &[
        key("tcp", Kind::List(&PORT), "TCP ports.").default("`[]`").example("[8443]"),
        key("udp", Kind::List(&PORT), "UDP ports.").default("`[]`").example("[5353]"),
    ],
};
