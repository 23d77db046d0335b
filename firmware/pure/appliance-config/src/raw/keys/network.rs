use super::{DOMAIN, IP, IPV4, IPV4_CIDR, PORT};
use crate::reference::{Kind, NamesDoc, TableDoc, integer, key, pattern, text};

pub(crate) static NETWORK: TableDoc = TableDoc {
    help: "Interfaces, what LAN machines are given, firewall. `eth0` is WAN, the outside; every other card is LAN.",
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
            "nat",
            Kind::Boolean,
            "LAN machines reach WAN through this box, under its address there. Without it nothing is forwarded.",
        )
        .default("`false`")
        .example("true"),
        key(
            "interfaces",
            Kind::Names(&INTERFACES),
            "The network cards, and VLANs on them. `eth0` and the interface of LAN keep their defaults where they are not \
             listed; every other card stays off.",
        ),
        key(
            "dnsmasq",
            Kind::Table(&DNSMASQ),
            "What the machines on LAN are given: addresses by DHCP, names by DNS. (dnsmasq is a program that once did this, and \
             is not in the image.)",
        )
        .default("addresses in the network of the box, names below `internal`"),
        key("ntp", Kind::Table(&NTP), "Where the time comes from. LAN machines get theirs from the box in any case."),
        key(
            "hosts",
            Kind::Names(&HOSTS),
            "Names of machines, with the address of each. A name without a dot is also one in the domain of LAN.",
        )
        .default("none"),
        key("firewall", Kind::Table(&FIREWALL), "What the firewall lets in."),
    ],
};

static INTERFACES: NamesDoc =
    NamesDoc { placeholder: "NAME", pattern: NAME, example: "eth1", each: Kind::Table(&INTERFACE) };

/// Of interfaces. Which names are left out of these is said by the check.
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$";

static INTERFACE: TableDoc = TableDoc {
    help: "A network card, or a VLAN. Cards are called `eth0`, `eth1`, …; a VLAN has any other name.",
    keys: &[
        key(
            "mode",
            Kind::Word(&["dhcp", "static", "none"]),
            "Where its address comes from. The interface of LAN has a static one. `none` is for a card that only carries VLANs.",
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
        key(
            "side",
            Kind::Word(&["wan", "lan"]),
            "Whose rules of the firewall hold for it. `eth0` is always WAN, the interface of LAN always LAN.",
        )
        .default("`\"lan\"`; a VLAN is on the side of its card")
        .example("\"wan\""),
        key("vlan", Kind::Table(&VLAN), "It is no card, but this VLAN on one.").default("a card"),
    ],
};

static VLAN: TableDoc = TableDoc {
    help: "A VLAN (IEEE 802.1Q): frames with a number, on a card.",
    keys: &[
        key(
            "link",
            pattern("the name of an interface", NAME),
            "The card. It is listed itself, unless it is `eth0` or the interface of LAN.",
        )
        .required()
        .example("\"eth1\""),
        key("id", integer(1, 4094), "The number, which no other VLAN on this card has.")
            .required()
            .example("30"),
    ],
};

static DNSMASQ: TableDoc = TableDoc {
    help: "What the machines on LAN are given.",
    keys: &[
        key(
            "enable",
            Kind::Boolean,
            "Whether the box hands out addresses. Names and the time are there in any case.",
        )
        .default("`true`")
        .example("false"),
        key("interface", pattern("the name of an interface", NAME), "Where LAN is. The interface is static.")
            .default("`\"eth1\"`")
            .example("\"eth1\""),
        key(
            "gateway_cidr",
            IPV4_CIDR,
            "The box's address on LAN, with the length of the prefix: 16 to 30 where it hands out addresses. The same setting as \
             `address` of the interface.",
        )
        .default("the `address` of the interface, else `\"172.20.30.1/24\"`")
        .example("\"172.20.30.1/24\""),
        key("dhcp_start", IPV4, "The first address that is handed out to machines without one of their own.")
            .default("the tenth of the network, or where the larger part beside the box's own begins")
            .example("\"172.20.30.100\""),
        key("dhcp_end", IPV4, "The last of those. The box's own address is not between the two.")
            .default("the last of the network, or of that part")
            .example("\"172.20.30.200\""),
        key("lease_seconds", integer(120, 2_592_000), "How long a machine may use an address without asking again.")
            .default("`86400`, a day")
            .example("43200"),
        key(
            "static_leases",
            Kind::List(&Kind::Table(&STATIC_LEASE)),
            "Machines that always get the same address.",
        )
        .default("none"),
        key(
            "domain",
            DOMAIN,
            "The domain of local names. In `local`, many machines look by multicast and do not ask the box.",
        )
        .default("`\"internal\"`, kept for private use")
        .example("\"shop.example\""),
        key(
            "hostname_pattern",
            text("a name with `{mac}` in it"),
            "One more name of the box: `{mac}` becomes the MAC address of the interface, without colons.",
        )
        .default("none")
        .example("\"gate-{mac}\""),
        key(
            "gateway_aliases",
            Kind::List(&DOMAIN),
            "Names of the box. One without a dot is also one in the domain. An empty list means the default.",
        )
        .default("`[\"slipway\"]`")
        .example("[\"gate\"]"),
    ],
};

static STATIC_LEASE: TableDoc = TableDoc {
    help: "A machine that always gets the same address.",
    keys: &[
        key("mac", text("a MAC address"), "The hardware address of its card.")
            .required()
            .example("\"52:54:00:12:34:56\""),
        key(
            "address",
            IPV4,
            "What it gets: an address in the network of LAN, between `dhcp_start` and `dhcp_end` or not.",
        )
        .required()
        .example("\"172.20.30.20\""),
        key("hostname", text("a name without dots"), "Its name in the domain of LAN.")
            .default("what it calls itself")
            .example("\"printer\""),
    ],
};

static NTP: TableDoc = TableDoc {
    help: "Where the time comes from.",
    keys: &[key(
        "servers",
        Kind::List(&text("a domain name or an IP address")),
        "Time servers. With a list, no others are used.",
    )
    .default("the pool that the image names")
    .example("[\"192.0.2.123\"]")],
};

static HOSTS: NamesDoc = NamesDoc {
    placeholder: "HOST",
    pattern: r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?$",
    example: "nas",
    each: IP,
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
            "From LAN: with a list, these and the platform's own (22, 53, 67, 123, 8080; where machines boot from this one also 69, 80 and 4011), nothing else.",
        )
        .default("everything"),
    ],
};

static WAN: TableDoc = TableDoc {
    help: "Ports that are open towards WAN. 8080, the console, never is; 22, SSH, has a key of its own.",
    keys: &[
        key("ssh", Kind::Boolean, "Administrators may log in from WAN, too.")
            .default("`false`")
            .example("true"),
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
