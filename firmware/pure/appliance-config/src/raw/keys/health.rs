use crate::reference::{KeyDoc, Kind, NamesDoc, TableDoc, integer, key, pattern, text};

pub(crate) static HEALTH: TableDoc = TableDoc {
    help: "What must work, beyond running. A configuration counts as working when every probe passes, at the time it is put in force. The verdict over a boot does not ask them yet.",
    keys: &[
        key("http", Kind::Names(&HTTP), "Pages that must be answered, over plain HTTP."),
        key("tcp", Kind::Names(&TCP), "Addresses that must accept a connection."),
        key("command", Kind::Names(&COMMAND), "Programs that must end with 0."),
        key("unit", Kind::Names(&UNIT), "Units of systemd that must be active."),
    ],
};

const fn named(each: Kind, example: &'static str) -> NamesDoc {
    NamesDoc { placeholder: "NAME", pattern: "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$", example, each }
}

static HTTP: NamesDoc = named(Kind::Table(&HTTP_PROBE), "shop");
static TCP: NamesDoc = named(Kind::Table(&TCP_PROBE), "database");
static COMMAND: NamesDoc = named(Kind::Table(&COMMAND_PROBE), "stock");
static UNIT: NamesDoc = named(Kind::Table(&UNIT_PROBE), "time");

const TIMEOUT: KeyDoc = key("timeout_seconds", integer(1, 60), "How long one answer may take, in seconds.")
    .default("5")
    .example("10");

static HTTP_PROBE: TableDoc = TableDoc {
    help: "A page that must be answered. Redirects are not followed.",
    keys: &[
        key("url", pattern("a URL of plain HTTP", "^http://.+$"), "Which page.")
            .required()
            .example("\"http://127.0.0.1:8080/health\""),
        key("status", Kind::List(&integer(100, 599)), "Status codes that are well.")
            .default("200 to 299")
            .example("[200, 204]"),
        key("contains", text("a text"), "What the answer must have in it.")
            .default("anything")
            .example("\"ok\""),
        TIMEOUT,
    ],
};

static TCP_PROBE: TableDoc = TableDoc {
    help: "An address that must accept a connection.",
    keys: &[
        key("address", text("a host and a port"), "Which address.").required().example("\"127.0.0.1:5432\""),
        TIMEOUT,
    ],
};

static COMMAND_PROBE: TableDoc = TableDoc {
    help: "A program that must end with 0. On the device it runs as the application user.",
    keys: &[
        key(
            "command",
            Kind::List(&text("a word")),
            "The program and its arguments, one by one; there is no shell.",
        )
        .required()
        .example("[\"${FILES_DIR}/check\", \"--quick\"]"),
        key("container", text("the name of a container"), "Where it runs.")
            .default("on the device")
            .example("\"web\""),
        TIMEOUT,
    ],
};

static UNIT_PROBE: TableDoc = TableDoc {
    help: "A unit that must be active.",
    keys: &[
        key("unit", text("the name of a container or unit"), "Which one.")
            .required()
            .example("\"chrony.service\""),
        TIMEOUT,
    ],
};
