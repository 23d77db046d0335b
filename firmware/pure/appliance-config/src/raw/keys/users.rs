use crate::reference::{Kind, NamesDoc, TableDoc, key, text};

pub(crate) static USERS: NamesDoc = NamesDoc {
    placeholder: "NAME",
    pattern: "^[a-z_][a-z0-9_-]{0,31}$",
    example: "admin",
    each: Kind::Table(&USER),
};

static USER: TableDoc = TableDoc {
    help: "A person. There are no passwords: who has no key cannot log in.",
    keys: &[
        key(
            "isAdmin",
            Kind::Boolean,
            "Administrators become root with `run0`, and sign requests to the appliance.",
        )
        .default("false")
        .example("true"),
        key(
            "ssh_key",
            SSH_KEY,
            "One public key, as in the file `id_ed25519.pub`. Options in front of it are refused.",
        )
        .default("none")
        .example(EXAMPLE),
        key("ssh_keys", Kind::List(&SSH_KEY), "More public keys, besides `ssh_key` or in its place.")
            .default("`[]`")
            .example(EXAMPLES),
        key(
            "shell",
            Kind::Word(&["bash", "sh", "zsh"]),
            "What runs at a login. The image has no zsh: `zsh` means bash.",
        )
        .default("`\"bash\"`")
        .example("\"bash\""),
    ],
};

const SSH_KEY: Kind = text("a public key of OpenSSH");

const EXAMPLE: &str =
    "\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti admin@example\"";

const EXAMPLES: &str =
    "[\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdd7Y4aTZNoTr7SwvOw5qvYJ0BKrGzb9TXGTGu2Ab0p ops@example\"]";
