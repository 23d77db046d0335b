use crate::reference::{Kind, TableDoc, integer, key, text};

pub(crate) static ACTIVATION: TableDoc = TableDoc {
    help: "When a configuration counts as working. When it does not, the one before comes back.",
    keys: &[
        key(
            "required",
            Kind::List(&text("the name of a container")),
            "Containers that must run, and keep running. `[]`: none must.",
        )
        .required()
        .example("[]"),
        key("timeout_seconds", integer(1, 3600), "How long they have to come up, in seconds.")
            .default("300")
            .example("900"),
        key("settle_seconds", integer(0, 300), "How long they must keep running then, in seconds.")
            .default("0")
            .example("5"),
        key("strategy", Kind::Word(&["rollback"]), "What happens when they do not.")
            .default("`\"rollback\"`")
            .example("\"rollback\""),
        key(
            "restart",
            Kind::List(&text("the name of a container")),
            "Containers to restart at every change of the configuration, in this order, also where nothing of theirs changed.",
        )
        .default("`[]`: what changed, and nothing else")
        .example("[]"),
        key(
            "allow_degraded",
            Kind::List(&text("the name of a container")),
            "Containers that may fail at a change of the configuration, when all others must not.",
        )
        .default("what is not in `required`")
        .example("[]"),
    ],
};
