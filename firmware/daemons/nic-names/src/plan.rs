//! Which name each network card should have, and the renames that lead there. No IO.

use std::collections::{BTreeMap, BTreeSet};

/// One physical ethernet interface, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Its present name.
    pub name: String,
    /// Where it is plugged in: what identifies it, whatever order the cards are found in.
    pub place: Place,
    /// True when it has been brought up, so that somebody may be using it by its present name.
    pub in_use: bool,
}

/// Where a card is plugged in. Orders as the numbers are given out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// udev's `ID_PATH`, or the sysfs path where udev has none.
    pub path: String,
    /// The port, for cards with several behind one path (`dev_port` in sysfs).
    pub port: u32,
    /// The interface's index: it only decides between cards that nothing else tells apart.
    pub index: u32,
}

/// One rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The name to change.
    pub from: String,
    /// The name to change it to. Nobody has it when this rename's turn comes.
    pub to: String,
}

/// The renames that give every card its name, in the order to do them. Empty: all names are right.
///
/// * WAN is the first entry of `wan_places` that is plugged in; it becomes `eth0`, also when it is in use.
/// * Every other card gets a number from 1 up. A card in use keeps a number it already has; the others
///   are numbered in the order of their places. So nothing that works is renamed because something was
///   plugged in, and at boot, before anything is up, the order of discovery does not matter.
/// * No card but WAN is ever `eth0`, also when there is no WAN.
///
/// `others` are the names of interfaces that are not physical cards (bridges, containers' ends, …); their
/// names are never taken.
pub fn plan(
    nics: &[Nic],
    wan_places: &[String],
    others: &BTreeSet<String>,
) -> Result<Vec<Rename>, WanNameTaken> {
    let wan = find_wan(nics, wan_places);
    if wan.is_some() && others.contains(WAN) {
        return Err(WanNameTaken);
    }
    Ok(in_order(wanted_names(nics, wan, others), others))
}

/// The name of the WAN interface.
pub(crate) const WAN: &str = "eth0";

/// Something that is not a network card is called `eth0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot name the WAN interface eth0: a virtual interface has that name; rename or delete it")]
pub struct WanNameTaken;

fn find_wan<'a>(nics: &'a [Nic], wan_places: &[String]) -> Option<&'a Nic> {
    wan_places.iter().find_map(|entry| {
        nics.iter().filter(|nic| is_at(&nic.place.path, entry)).min_by_key(|nic| &nic.place)
    })
}

/// True when the board file's `entry` means this path: the whole of it, or its end from a bus on. So
/// `pci-0000:00:08.0` is also right where the PCI bridge itself hangs on a platform device, whose address
/// is the firmware's choice (`platform-4010000000.pcie-pci-0000:00:08.0`).
fn is_at(path: &str, entry: &str) -> bool {
    path.strip_suffix(entry).is_some_and(|before| before.is_empty() || before.ends_with('-'))
}

/// Present name → wanted name, for every card.
fn wanted_names(nics: &[Nic], wan: Option<&Nic>, others: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut wanted = BTreeMap::new();
    let mut given: BTreeSet<u32> = others.iter().filter_map(|name| number(name)).collect();
    let mut rest: Vec<&Nic> = Vec::new();

    for nic in nics {
        if wan.is_some_and(|wan| wan.name == nic.name) {
            wanted.insert(nic.name.clone(), WAN.to_owned());
        } else if let Some(kept) = number(&nic.name).filter(|&kept| nic.in_use && kept > 0) {
            given.insert(kept);
            wanted.insert(nic.name.clone(), nic.name.clone());
        } else {
            rest.push(nic);
        }
    }

    rest.sort_by_key(|nic| &nic.place);
    let mut free = (1..=u32::MAX).filter(|candidate| !given.contains(candidate));
    for (nic, number) in rest.into_iter().zip(&mut free) {
        wanted.insert(nic.name.clone(), format!("eth{number}"));
    }
    wanted
}

/// The number of a name of ours: `eth7` → 7. Other spellings (`eth07`, `eth`, `eth+7`) are not ours.
fn number(name: &str) -> Option<u32> {
    let number = name.strip_prefix("eth")?.parse().ok()?;
    (format!("eth{number}") == name).then_some(number)
}

/// Orders renames so that each finds its new name free, going through a temporary name where cards swap.
fn in_order(wanted: BTreeMap<String, String>, others: &BTreeSet<String>) -> Vec<Rename> {
    let mut taken: BTreeSet<String> = wanted.keys().chain(others).cloned().collect();
    let mut open: Vec<Rename> =
        wanted.into_iter().filter(|(from, to)| from != to).map(|(from, to)| Rename { from, to }).collect();
    let mut steps = Vec::new();

    while !open.is_empty() {
        let step = match open.iter().position(|rename| !taken.contains(&rename.to)) {
            Some(next) => open.swap_remove(next),
            // Every wanted name is held by a card that waits for another one: move one out of the way.
            // It stays on the list under its temporary name.
            None => {
                let aside = temporary_name(&taken);
                let from = std::mem::replace(&mut open[0].from, aside.clone());
                Rename { from, to: aside }
            }
        };
        taken.remove(&step.from);
        taken.insert(step.to.clone());
        steps.push(step);
    }
    steps
}

/// A name nobody has, outside the kernel's `eth` names, within the kernel's 15 characters. A card left
/// with it (power cut, kill) is just a card with a wrong name to the next run.
fn temporary_name(taken: &BTreeSet<String>) -> String {
    (0..=taken.len())
        .map(|n| format!("nic-aside{n}"))
        .find(|name| !taken.contains(name))
        .expect("one more candidate than there are names taken")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nic(name: &str, path: &str) -> Nic {
        let place = Place { path: path.to_owned(), port: 0, index: 1 };
        Nic { name: name.to_owned(), place, in_use: false }
    }

    fn up(name: &str, path: &str) -> Nic {
        Nic { in_use: true, ..nic(name, path) }
    }

    /// Plans, carries the steps out on paper, and returns "place=name" of every card.
    fn after(nics: &[Nic], wan: &[&str], others: &[&str]) -> String {
        let wan: Vec<String> = wan.iter().map(ToString::to_string).collect();
        let others: BTreeSet<String> = others.iter().map(ToString::to_string).collect();
        let steps = plan(nics, &wan, &others).unwrap();
        let mut result: Vec<String> = carry_out(nics, &steps, &others)
            .into_iter()
            .map(|(name, place)| format!("{}={name}", place.path))
            .collect();
        result.sort();
        result.join(" ")
    }

    /// Carries out the steps as the kernel would: a name that exists is refused.
    fn carry_out(nics: &[Nic], steps: &[Rename], others: &BTreeSet<String>) -> BTreeMap<String, Place> {
        let mut cards: BTreeMap<String, Place> =
            nics.iter().map(|nic| (nic.name.clone(), nic.place.clone())).collect();
        for Rename { from, to } in steps {
            let place = cards.remove(from).unwrap_or_else(|| panic!("{from} does not exist in {steps:?}"));
            assert!(!others.contains(to), "{to} is taken in {steps:?}");
            assert!(cards.insert(to.clone(), place).is_none(), "{to} exists already in {steps:?}");
        }
        cards
    }

    #[test]
    fn names_depend_on_places_and_not_on_the_order_of_discovery() {
        let wan = ["pci-0000:00:08.0"];
        let expected = "pci-0000:00:08.0=eth0 pci-0000:00:09.0=eth1";
        for (first, second) in [("eth0", "eth1"), ("eth1", "eth0")] {
            let nics = [nic(first, "pci-0000:00:08.0"), nic(second, "pci-0000:00:09.0")];
            assert_eq!(after(&nics, &wan, &[]), expected);
        }
    }

    #[test]
    fn table() {
        let wan = ["platform-ff540000.ethernet", "pci-0000:00:08.0"];
        let rows: &[(&str, &[Nic], &[&str], &str)] = &[
            ("nothing plugged in", &[], &[], ""),
            ("right already", &[nic("eth0", "pci-0000:00:08.0")], &[], "pci-0000:00:08.0=eth0"),
            ("a lone LAN card is never eth0", &[nic("eth0", "usb")], &[], "usb=eth1"),
            (
                "the first WAN entry that is plugged in wins",
                &[nic("eth0", "pci-0000:00:08.0"), nic("eth1", "platform-ff540000.ethernet")],
                &[],
                "pci-0000:00:08.0=eth1 platform-ff540000.ethernet=eth0",
            ),
            (
                "an entry also means the end of a longer path",
                &[nic("eth3", "platform-4010000000.pcie-pci-0000:00:08.0")],
                &[],
                "platform-4010000000.pcie-pci-0000:00:08.0=eth0",
            ),
            (
                "but only from a bus on",
                &[nic("eth3", "pci-1pci-0000:00:08.0")],
                &[],
                "pci-1pci-0000:00:08.0=eth1",
            ),
            (
                "cards at rest are numbered by place",
                &[nic("eth0", "c"), nic("eth1", "b"), nic("eth2", "a")],
                &[],
                "a=eth1 b=eth2 c=eth3",
            ),
            (
                "a card in use keeps its number, the new one takes the free one",
                &[up("eth1", "b"), nic("eth0", "a")],
                &[],
                "a=eth2 b=eth1",
            ),
            ("a card in use under WAN's name gives it up", &[up("eth0", "b")], &[], "b=eth1"),
            (
                "WAN gets its name also when both are in use",
                &[up("eth1", "pci-0000:00:08.0"), up("eth0", "b")],
                &[],
                "b=eth1 pci-0000:00:08.0=eth0",
            ),
            ("left aside by a run that was cut off", &[nic("nic-aside0", "a")], &[], "a=eth1"),
            ("a virtual interface's number is skipped", &[nic("eth0", "a")], &["eth1"], "a=eth2"),
            ("names that only look like ours", &[up("eth01", "a"), up("eth", "b")], &[], "a=eth1 b=eth2"),
        ];
        for (what, nics, others, expected) in rows {
            assert_eq!(after(nics, &wan, others), *expected, "{what}");
        }
    }

    #[test]
    fn ports_of_one_card_are_told_apart_by_port_then_index() {
        let place = |port, index| Place { path: "pci-0000:00:08.0".to_owned(), port, index };
        let nics = [
            Nic { name: "eth0".into(), place: place(1, 2), in_use: false },
            Nic { name: "eth1".into(), place: place(0, 3), in_use: false },
        ];
        let steps = plan(&nics, &["pci-0000:00:08.0".to_owned()], &BTreeSet::new()).unwrap();
        let names = carry_out(&nics, &steps, &BTreeSet::new());
        assert_eq!(names["eth0"].port, 0);
        assert_eq!(names["eth1"].port, 1);
    }

    #[test]
    fn a_virtual_interface_with_wans_name_is_an_error_only_where_there_is_a_wan() {
        let others = BTreeSet::from(["eth0".to_owned()]);
        assert_eq!(plan(&[nic("eth5", "a")], &["a".to_owned()], &others), Err(WanNameTaken));
        assert_eq!(after(&[nic("eth5", "a")], &["b"], &["eth0"]), "a=eth1");
    }

    /// Up to six cards at different places, under any different names (ours, the kernel's, leftovers).
    fn cards() -> impl Strategy<Value = Vec<Nic>> {
        let names: Vec<String> =
            (0..8).map(|n| format!("eth{n}")).chain((0..3).map(|n| format!("nic-aside{n}"))).collect();
        (0usize..=6)
            .prop_flat_map(move |count| {
                let names = proptest::sample::subsequence(names.clone(), count).prop_shuffle();
                (names, proptest::collection::vec(any::<bool>(), count))
            })
            .prop_map(|(names, in_use)| {
                let cards = names.into_iter().zip(in_use).enumerate();
                cards.map(|(n, (name, up))| Nic { in_use: up, ..nic(&name, &format!("pci-{n}")) }).collect()
            })
    }

    proptest! {
        /// `carry_out` panics when a step finds its name taken, so this also holds at every step.
        #[test]
        fn any_start_ends_with_the_wanted_names_and_stays_there(nics in cards(), wan in 0usize..7) {
            let wan = vec![format!("pci-{wan}")];
            let others = BTreeSet::from(["lo".to_owned(), "eth9".to_owned()]);
            let steps = plan(&nics, &wan, &others).unwrap();
            let names = carry_out(&nics, &steps, &others);

            prop_assert_eq!(names.len(), nics.len());
            for (name, place) in &names {
                let number = number(name);
                prop_assert_eq!(number == Some(0), place.path == wan[0], "{} is {}", place.path, name);
                prop_assert!(number.is_some(), "{}", name);
            }
            for kept in nics.iter().filter(|nic| nic.in_use && nic.place.path != wan[0]) {
                if number(&kept.name).is_some_and(|number| number > 0) {
                    prop_assert_eq!(&names[&kept.name], &kept.place, "a card in use was renamed");
                }
            }

            let settled: Vec<Nic> = nics
                .iter()
                .map(|nic| {
                    let (name, place) = names.iter().find(|(_, place)| **place == nic.place).unwrap();
                    Nic { name: name.clone(), place: place.clone(), in_use: nic.in_use }
                })
                .collect();
            prop_assert_eq!(plan(&settled, &wan, &others).unwrap(), vec![], "a second run changes names");
        }

        #[test]
        fn cards_at_rest_are_named_by_place_alone(
            (nics, renamed) in cards().prop_flat_map(|nics| {
                let names: Vec<String> = nics.iter().map(|nic| nic.name.clone()).collect();
                (Just(nics), Just(names).prop_shuffle())
            }),
        ) {
            let at_rest: Vec<Nic> = nics.iter().map(|nic| Nic { in_use: false, ..nic.clone() }).collect();
            let found_otherwise: Vec<Nic> = at_rest
                .iter()
                .zip(renamed)
                .map(|(nic, name)| Nic { name, ..nic.clone() })
                .collect();
            prop_assert_eq!(after(&at_rest, &["pci-2"], &[]), after(&found_otherwise, &["pci-2"], &[]));
        }
    }
}
