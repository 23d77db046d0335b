use std::collections::{BTreeMap, BTreeSet};

use appliance_types::UserName;
use serde::{Deserialize, Serialize};

/// The numbers of the configuration's users, also of those who are gone: a number once given belongs to that name for
/// ever, because files on /data may still carry it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<UserName, u32>", into = "BTreeMap<UserName, u32>")]
pub struct UserIds(BTreeMap<UserName, u32>);

/// A list of user numbers that no [`UserIds`] ever wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUserIds {
    /// Not a person's number. 0 would be root.
    #[error("user {0} has the number {1}, which is not between {first} and {last}", first = UserIds::FIRST, last = UserIds::LAST)]
    OutOfRange(UserName, u32),
    /// One number for two names.
    #[error("the number {0} is given to more than one user")]
    Twice(u32),
}

impl UserIds {
    /// The first number given: Debian's first for people.
    pub const FIRST: u32 = 1000;
    /// The last: Debian's last for people.
    pub const LAST: u32 = 59_999;

    /// The number of a user.
    pub fn get(&self, name: &UserName) -> Option<u32> {
        self.0.get(name).copied()
    }

    /// Names with their numbers, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&UserName, u32)> {
        self.0.iter().map(|(name, id)| (name, *id))
    }

    /// These ids, and for each of `names` that has none, or one of `taken`, the lowest that is free.
    pub(crate) fn with<'a>(
        &self,
        names: impl Iterator<Item = &'a UserName>,
        taken: &BTreeSet<u32>,
    ) -> UserIds {
        let mut ids = self.0.clone();
        let mut given: BTreeSet<u32> = ids.values().chain(taken).copied().collect();
        for name in names {
            if ids.get(name).is_none_or(|id| taken.contains(id)) {
                // A configuration is far too small to hold as many users as there are numbers.
                let free = (UserIds::FIRST..).find(|id| !given.contains(id)).unwrap_or(UserIds::LAST);
                given.insert(free);
                ids.insert(name.clone(), free);
            }
        }
        UserIds(ids)
    }
}

impl TryFrom<BTreeMap<UserName, u32>> for UserIds {
    type Error = InvalidUserIds;

    fn try_from(ids: BTreeMap<UserName, u32>) -> Result<UserIds, InvalidUserIds> {
        let mut seen = BTreeSet::new();
        for (name, id) in &ids {
            if !(UserIds::FIRST..=UserIds::LAST).contains(id) {
                return Err(InvalidUserIds::OutOfRange(name.clone(), *id));
            }
            if !seen.insert(*id) {
                return Err(InvalidUserIds::Twice(*id));
            }
        }
        Ok(UserIds(ids))
    }
}

impl From<UserIds> for BTreeMap<UserName, u32> {
    fn from(ids: UserIds) -> BTreeMap<UserName, u32> {
        ids.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<UserName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn ids(text: &str) -> UserIds {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn known_numbers_stay_and_are_never_given_to_another_name() {
        let known = ids(r#"{"alice":1000,"gone":1001}"#);
        let next = known.with(names(&["alice", "bob", "carol"]).iter(), &[1003].into());
        assert_eq!(next, ids(r#"{"alice":1000,"bob":1002,"carol":1004,"gone":1001}"#));
        assert_eq!(next.with(names(&["gone"]).iter(), &[1003].into()), next);
    }

    #[test]
    fn a_number_that_the_image_took_is_given_up() {
        let known = ids(r#"{"alice":1000}"#);
        assert_eq!(known.with(names(&["alice"]).iter(), &[1000].into()), ids(r#"{"alice":1001}"#));
    }

    #[test]
    fn a_damaged_list_makes_nobody_root() {
        for (text, why) in [
            (r#"{"alice":0}"#, "not between 1000 and 59999"),
            (r#"{"alice":65534}"#, "not between"),
            (r#"{"alice":1000,"bob":1000}"#, "more than one user"),
            (r#"{"../a":1000}"#, "user name"),
        ] {
            let error = serde_json::from_str::<UserIds>(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
