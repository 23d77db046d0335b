use crate::reader::{Field, Table};
use crate::report::{At, Spot};

use super::named;

/// `[secrets]`.
#[derive(Debug, Default)]
pub(crate) struct RawSecrets {
    /// `[secrets.values]`. A value is `None` where it was reported.
    pub(crate) values: Vec<(At<String>, Option<At<String>>)>,
    pub(crate) registries: Vec<RawLogin>,
}

/// `[secrets.registries."HOST"]`.
#[derive(Debug)]
pub(crate) struct RawLogin {
    pub(crate) registry: At<String>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) username: Option<At<String>>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) password: Option<At<String>>,
}

impl RawSecrets {
    pub(super) fn read(mut table: Table<'_>) -> RawSecrets {
        let values = table.take("values").and_then(Field::table);
        let value = |(name, field): (&str, Field<'_>)| {
            let spot: Spot = field.key.clone();
            (At { spot, value: name.to_owned() }, field.string())
        };
        let secrets = RawSecrets {
            values: values.iter().flat_map(|values| values.fields().map(value)).collect(),
            registries: named(&mut table, "registries", login),
        };
        table.finish();
        secrets
    }
}

fn login(registry: At<String>, mut table: Table<'_>) -> RawLogin {
    const HINT: &str = "a login at a registry has a `username` and a `password`";
    let login = RawLogin {
        registry,
        username: table.required("username", HINT).and_then(Field::string),
        password: table.required("password", HINT).and_then(Field::string),
    };
    table.finish();
    login
}
