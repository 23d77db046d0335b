//! Which sticks were tried already, so that none is tried twice with the same content.

use std::collections::BTreeMap;

use crate::seed::Fingerprint;

/// A file system as long as it is plugged in: pulled and plugged again it is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Plugged {
    /// The kernel's name of the partition or disk.
    pub(crate) name: String,
    /// The kernel's count of disks that have appeared; `None` where it does not tell.
    pub(crate) sequence: Option<u64>,
}

/// What was tried since the service started.
#[derive(Debug, Default)]
pub(crate) struct Attempts(BTreeMap<Plugged, Fingerprint>);

impl Attempts {
    /// True for what was not tried since it was plugged in, or has changed since. It is tried from now on.
    pub(crate) fn begin(&mut self, plugged: &Plugged, content: Fingerprint) -> bool {
        self.0.insert(plugged.clone(), content) != Some(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stick_is_tried_again_when_it_changed_or_was_plugged_again() {
        let plugged = |name: &str, sequence| Plugged { name: name.to_owned(), sequence };
        let content = |byte| Fingerprint::of_bytes(&[byte]);
        let mut attempts = Attempts::default();
        let rows = [
            (plugged("sda1", Some(7)), content(1), true),
            (plugged("sda1", Some(7)), content(1), false),
            (plugged("sda2", Some(7)), content(1), true),
            (plugged("sda1", Some(7)), content(2), true),
            (plugged("sda1", Some(7)), content(2), false),
            (plugged("sda1", Some(8)), content(2), true),
            (plugged("sdb1", None), content(2), true),
            (plugged("sdb1", None), content(2), false),
        ];
        for (index, (plugged, content, expected)) in rows.into_iter().enumerate() {
            assert_eq!(attempts.begin(&plugged, content), expected, "row {index}");
        }
    }
}
