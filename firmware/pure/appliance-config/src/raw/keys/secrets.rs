use crate::reference::{Kind, NamesDoc, TableDoc, key, text};

pub(crate) static SECRETS: TableDoc = TableDoc {
    help: "What nobody but its user may read. It lies in memory, in files that are closed to others, and leaves the device in no \
           export.",
    keys: &[
        key(
            "values",
            Kind::Names(&VALUES),
            "Texts, by a name. A container reads one with `Secret = \"NAME\"` (the file `/run/secrets/NAME`) or \
             `Secret = \"NAME,type=env,target=VARIABLE\"`; a service of the appliance as the credential `slipway.NAME`.",
        ),
        key(
            "registries",
            Kind::Names(&REGISTRIES),
            "Logins at registries, by what stands before the first `/` of an image's name.",
        ),
    ],
};

static VALUES: NamesDoc = NamesDoc {
    placeholder: "NAME",
    pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
    example: "oidc-client",
    each: text("a text"),
};

static REGISTRIES: NamesDoc = NamesDoc {
    placeholder: "REGISTRY",
    pattern: "^[^A-Z/ ]+$",
    example: "\"registry.example\"",
    each: Kind::Table(&LOGIN),
};

static LOGIN: TableDoc = TableDoc {
    help: "A login at a registry.",
    keys: &[
        key("username", text("a name without a colon"), "Whose it is.").required().example("\"robot\""),
        key("password", text("a text"), "The password, or a token.").required().example("\"not-a-secret\""),
    ],
};
