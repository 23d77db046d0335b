use crate::reader::{Field, Table};
use crate::report::{At, Report, Spot};

use super::strings;

/// `[users]`.
#[derive(Debug)]
pub(crate) struct RawUsers {
    pub(crate) spot: Spot,
    pub(crate) users: Vec<RawUser>,
}

/// `[users.NAME]`.
#[derive(Debug)]
pub(crate) struct RawUser {
    pub(crate) name: At<String>,
    pub(crate) is_admin: Option<At<bool>>,
    /// `ssh_key`, then `ssh_keys`.
    pub(crate) keys: Vec<At<String>>,
    pub(crate) shell: Option<At<String>>,
    /// Something of it was reported: it may have meant an administrator.
    pub(crate) unreadable: bool,
}

impl RawUsers {
    pub(super) fn read(table: &Table<'_>, report: &Report<'_>) -> RawUsers {
        let users = table.fields().map(|(name, field)| user(name, field, report)).collect();
        RawUsers { spot: table.spot().clone(), users }
    }
}

fn user(name: &str, field: Field<'_>, report: &Report<'_>) -> RawUser {
    let before = report.len();
    let name = At { spot: field.key.clone(), value: name.to_owned() };
    let mut user = RawUser { name, is_admin: None, keys: Vec::new(), shell: None, unreadable: false };
    if let Some(mut table) = field.table() {
        user.is_admin = table.take("isAdmin").and_then(Field::boolean);
        // An empty `ssh_key` says "none": it is the default of the format.
        let one = table.take("ssh_key").and_then(Field::string).filter(|key| !key.value.is_empty());
        let more = table.take("ssh_keys").and_then(strings).map(|keys| keys.value);
        user.keys = one.into_iter().chain(more.into_iter().flatten()).collect();
        user.shell = table.take("shell").and_then(Field::string);
        table.finish();
    }
    user.unreadable = report.len() > before;
    user
}
