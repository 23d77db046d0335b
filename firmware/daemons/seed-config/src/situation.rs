//! What there is to do at this boot: the facts, and the decision. The decision touches nothing.

/// What is known when the service starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The data partition is mounted at `/data`, and can be read.
    pub(crate) data_usable: bool,
    /// The configuration that is kept.
    pub(crate) kept: Kept,
    /// Some configuration has been written to this data partition, whatever became of it.
    pub(crate) has_generations: bool,
    /// The marker of a fresh flash is on the data partition.
    pub(crate) marker: bool,
    /// early-boot found neither a data partition nor a closed seed record.
    pub(crate) fresh_at_boot: bool,
    /// The records of the black box; `None` when they cannot be read, which never means "nothing recorded".
    pub(crate) recorded: Option<Recorded>,
    /// What lies on the boot partition.
    pub(crate) boot_seed: BootSeed,
}

/// The configuration that has worked as a whole and should be in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// There is none.
    Nothing,
    /// There is one, and it can be read.
    Usable,
    /// There is one, and it cannot be read: the device is still its owner's.
    Unusable,
}

/// What the black box remembers for the life of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The first import is finished.
    pub(crate) seed_closed: bool,
    /// The device belongs to somebody.
    pub(crate) claimed: bool,
}

/// The configuration on the boot partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BootSeed {
    /// There is none.
    Absent,
    /// There is one.
    Present,
    /// There is one, and it is word for word the configuration in force.
    InForce,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing can be kept, so nothing is imported.
    WithoutData,
    /// There is a configuration. Only look whether a power cut left something open.
    Provisioned {
        /// The end of the import is to be done again.
        close: bool,
        /// A seed lies on the boot partition that has no effect; why.
        ignored: Option<&'static str>,
    },
    /// Look for a configuration.
    Search {
        /// Forget first who claimed the device: its data is new.
        forget_claim: bool,
        /// Begin with the boot partition.
        boot_partition: bool,
        /// A seed lies on the boot partition that is not looked at; why.
        ignored: Option<&'static str>,
    },
}

/// The seed on the boot partition counts once, after a flash. Sticks count whenever there is no configuration.
pub(crate) fn decide(facts: &Facts) -> Plan {
    if !facts.data_usable {
        return Plan::WithoutData;
    }
    let closed = facts.recorded.is_some_and(|recorded| recorded.seed_closed);
    if facts.kept == Kept::Usable {
        let claimed = facts.recorded.is_some_and(|recorded| recorded.claimed);
        let ignored = match facts.boot_seed {
            BootSeed::Present => Some("this device has a configuration already"),
            BootSeed::Absent | BootSeed::InForce => None,
        };
        return Plan::Provisioned { close: facts.marker || !closed || !claimed, ignored };
    }
    let lost = facts.kept == Kept::Unusable;
    // A closed record is for the life of the device: it outweighs a marker that somebody put back. And an import that worked
    // was the one that counts, whether it could be closed or not.
    let fresh = facts.recorded.is_some() && !closed && !lost && (facts.marker || facts.fresh_at_boot);
    let there = facts.boot_seed != BootSeed::Absent;
    let ignored = match facts.recorded {
        _ if fresh || !there => None,
        _ if lost => Some("this device had a configuration already, and only a new flash opens it again"),
        None => Some("the black box does not say whether this device was seeded before"),
        Some(Recorded { seed_closed: true, .. }) => {
            Some("this device was seeded before, and only a new flash opens the boot partition again")
        }
        Some(_) => Some("the data partition is not the one that was made after the flash"),
    };
    // Claimed, and the data holds no trace of a configuration: it was wiped or made anew. Data that cannot be mounted
    // does not come this far.
    let claimed = facts.recorded.is_some_and(|recorded| recorded.claimed);
    let forget_claim = claimed && !lost && !facts.has_generations;
    Plan::Search { forget_claim, boot_partition: fresh && there, ignored }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box at its first boot, with a seed on the boot partition.
    const FLASHED: Facts = Facts {
        data_usable: true,
        kept: Kept::Nothing,
        has_generations: false,
        marker: true,
        fresh_at_boot: true,
        recorded: Some(Recorded { seed_closed: false, claimed: false }),
        boot_seed: BootSeed::Present,
    };
    /// The same box, once the import is done.
    const IN_USE: Facts = Facts {
        kept: Kept::Usable,
        has_generations: true,
        marker: false,
        fresh_at_boot: false,
        recorded: Some(Recorded { seed_closed: true, claimed: true }),
        boot_seed: BootSeed::InForce,
        ..FLASHED
    };
    /// The same box with new, empty data.
    const WIPED: Facts =
        Facts { kept: Kept::Nothing, has_generations: false, boot_seed: BootSeed::Present, ..IN_USE };

    fn search(boot_partition: bool) -> Plan {
        Plan::Search { forget_claim: false, boot_partition, ignored: None }
    }

    #[test]
    fn a_fresh_flash_begins_with_the_boot_partition_until_the_import_is_done() {
        let rows = [
            ("first boot", FLASHED, search(true)),
            (
                "power was cut before the import was done",
                Facts { fresh_at_boot: false, ..FLASHED },
                search(true),
            ),
            (
                "power was cut within the import",
                Facts { fresh_at_boot: false, has_generations: true, ..FLASHED },
                search(true),
            ),
            (
                "nothing on the boot partition",
                Facts { boot_seed: BootSeed::Absent, ..FLASHED },
                search(false),
            ),
        ];
        for (what, facts, expected) in rows {
            assert_eq!(decide(&facts), expected, "{what}");
        }
    }

    #[test]
    fn a_wiped_box_skips_the_boot_partition_says_so_and_belongs_to_nobody() {
        let Plan::Search { forget_claim: true, boot_partition: false, ignored: Some(why) } = decide(&WIPED)
        else {
            panic!("{:?}", decide(&WIPED));
        };
        assert!(why.contains("only a new flash"), "{why}");
        let silent = Facts { boot_seed: BootSeed::Absent, ..WIPED };
        assert_eq!(
            decide(&silent),
            Plan::Search { forget_claim: true, boot_partition: false, ignored: None }
        );
        // A marker does not come back by itself; and a record is for life.
        let marked = Facts { marker: true, ..WIPED };
        assert!(matches!(decide(&marked), Plan::Search { boot_partition: false, .. }));
    }

    #[test]
    fn a_claim_outlives_data_that_still_holds_configurations() {
        let broken = Facts { has_generations: true, ..WIPED };
        assert!(matches!(decide(&broken), Plan::Search { forget_claim: false, .. }));
        assert_eq!(decide(&Facts { data_usable: false, ..WIPED }), Plan::WithoutData);
        assert_eq!(decide(&Facts { data_usable: false, ..IN_USE }), Plan::WithoutData);
    }

    #[test]
    fn a_kept_configuration_that_cannot_be_read_keeps_the_claim_and_opens_sticks_only() {
        let lost = Facts { kept: Kept::Unusable, ..IN_USE };
        let open = Recorded { seed_closed: false, claimed: false };
        let rows = [
            (lost, true),
            (Facts { boot_seed: BootSeed::Present, ..lost }, true),
            (Facts { boot_seed: BootSeed::Absent, ..lost }, false),
            (Facts { has_generations: false, ..lost }, true),
            (Facts { recorded: None, ..lost }, true),
            // Power was cut before the import was closed.
            (Facts { marker: true, recorded: Some(open), fresh_at_boot: true, ..lost }, true),
        ];
        for (facts, said) in rows {
            let Plan::Search { forget_claim: false, boot_partition: false, ignored } = decide(&facts) else {
                panic!("{facts:?}")
            };
            assert_eq!(ignored.is_some(), said, "{facts:?}");
        }
    }

    #[test]
    fn records_that_cannot_be_read_open_nothing() {
        let unknown = Facts { recorded: None, ..FLASHED };
        assert!(matches!(
            decide(&unknown),
            Plan::Search { forget_claim: false, boot_partition: false, ignored: Some(_) }
        ));
    }

    #[test]
    fn data_of_an_open_box_without_a_marker_is_not_fresh() {
        let foreign = Facts { marker: false, fresh_at_boot: false, ..FLASHED };
        assert!(matches!(decide(&foreign), Plan::Search { boot_partition: false, ignored: Some(_), .. }));
    }

    #[test]
    fn a_provisioned_box_closes_what_a_power_cut_left_open_and_nothing_else() {
        let open = Recorded { seed_closed: false, claimed: false };
        let rows = [
            (IN_USE, false, false),
            (Facts { boot_seed: BootSeed::Absent, ..IN_USE }, false, false),
            (Facts { boot_seed: BootSeed::Present, ..IN_USE }, false, true),
            (Facts { marker: true, ..IN_USE }, true, false),
            (Facts { marker: true, recorded: Some(open), ..IN_USE }, true, false),
            (
                Facts { recorded: Some(Recorded { claimed: false, ..IN_USE.recorded.unwrap() }), ..IN_USE },
                true,
                false,
            ),
            (Facts { recorded: None, ..IN_USE }, true, false),
        ];
        for (facts, close, ignored) in rows {
            let Plan::Provisioned { close: closes, ignored: said } = decide(&facts) else {
                panic!("{facts:?}")
            };
            assert_eq!((closes, said.is_some()), (close, ignored), "{facts:?}");
        }
    }
}
