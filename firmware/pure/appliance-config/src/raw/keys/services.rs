use crate::reference::{Kind, NamesDoc, TableDoc, integer, key, pattern, text};

pub(crate) static UPDATES: TableDoc = TableDoc {
    help: "Checked and kept; nothing acts on it yet. Where updates of the appliance come from, and when they are installed.",
    keys: &[
        key(
            "source",
            Kind::Either(&[Kind::Word(&["usb"]), pattern("a URL", "^https?://.+$")]),
            "The folder of a web server that has `channel.json` in it; or `usb`: sticks that are plugged in.",
        )
        .default("none: only what an operator brings")
        .example("\"https://updates.example/rock64\""),
        key("interval_minutes", integer(5, 1440), "Between two looks at the source, in minutes.")
            .default("60")
            .example("240"),
        key(
            "window",
            pattern("a part of the day", "^[ ]*[0-2][0-9]:[0-5][0-9][ ]*-[ ]*[0-2][0-9]:[0-5][0-9][ ]*$"),
            "When an update may be installed, in UTC. It may go past midnight.",
        )
        .default("at any time")
        .example("\"02:00-04:30\""),
        key(
            "days",
            Kind::List(&Kind::Word(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"])),
            "On which days, in UTC. A window past midnight belongs to the day on which it begins.",
        )
        .default("all")
        .example("[\"sat\", \"sun\"]"),
        key(
            "bandwidth_kib_per_second",
            integer(16, 1_048_576),
            "How much of the line a download may take, in KiB per second.",
        )
        .default("all of it")
        .example("512"),
    ],
};

pub(crate) static OS_UPGRADE: TableDoc = TableDoc {
    help: "Checked and kept; nothing acts on it yet. The update server of AtomixOS, in place of `updates.source`.",
    keys: &[key(
        "server_url",
        pattern("a URL", "^https://.+$"),
        "Its address; it is asked for `/api/v1/updates/latest`.",
    )
    .required()
    .example("\"https://updates.example\"")],
};

pub(crate) static NETBOOT: TableDoc = TableDoc {
    help: "What machines on LAN are offered when they boot from the network. Nothing says yet what each of them boots: until then every machine is told to boot from its own disk.",
    keys: &[
        key(
            "mode",
            Kind::Word(&["off", "server", "proxy"]),
            "`server`: this appliance gives addresses, and says what to boot; `proxy`: another server gives them.",
        )
        .default("`\"off\"`")
        .example("\"server\""),
        key("force", Kind::Boolean, "Serve also where another DHCP server answers on LAN.")
            .default("false")
            .example("true"),
        key("tftp_uploads", Kind::Boolean, "Take files that clients send by TFTP. Kept and not acted upon yet: they are refused.").default("false").example("true"),
    ],
};

pub(crate) static DEVICES: TableDoc = TableDoc {
    help: "Checked and kept; nothing acts on it yet. The machines that this appliance looks after.",
    keys: &[
        key(
            "hostname_prefix",
            pattern("the beginning of a host name", "^[a-z0-9][a-z0-9-]{0,49}$"),
            "What their host names begin with; a hyphen and the digits of the MAC address follow.",
        )
        .default("`\"gb10-pxe\"`")
        .example("\"node\""),
        key(
            "poll_seconds",
            integer(1, 3600),
            "Between two questions of a machine for its next action, in seconds.",
        )
        .default("5")
        .example("10"),
        key("stages", Kind::Names(&STAGES), "A site's own names for stages, each with the stage it is."),
        key("allowed_serials", Kind::List(&text("a serial number")), "Machines that are accepted unasked.")
            .default("`[]`")
            .example("[\"AZJN-0042\"]"),
        key("allowed_macs", Kind::List(&text("a MAC address")), "The same, by MAC address.")
            .default("`[]`")
            .example("[\"52:54:00:12:34:56\"]"),
    ],
};

static STAGES: NamesDoc = NamesDoc {
    placeholder: "NAME",
    pattern: "^.{1,64}$",
    example: "flashed",
    each: text("the name of a stage"),
};
