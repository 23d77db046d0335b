//! VLANs: each on a card that is there, under a number of its own.

use std::collections::{BTreeMap, BTreeSet};

use appliance_types::{InterfaceName, VlanId};

use crate::nearest::nearest;
use crate::raw::RawVlan;
use crate::report::{At, Report};
use crate::{Code, Interface, Side, Vlan};

/// A VLAN by itself. `None` where it was reported what is wrong.
pub(super) fn check(raw: &RawVlan, report: &Report<'_>) -> Option<Vlan> {
    let link = raw.link.as_ref().and_then(|raw| match raw.value.parse::<InterfaceName>() {
        Ok(link) => Some(link),
        Err(error) => {
            report.problem(&raw.spot, Code::BadValue, error.to_string());
            None
        }
    });
    let id = raw.id.as_ref().and_then(|raw| match u16::try_from(raw.value).ok().map(VlanId::try_from) {
        Some(Ok(id)) => Some(id),
        _ => {
            let message = format!("{} is no VLAN: they go from 1 to 4094", raw.value);
            report.problem(&raw.spot, Code::BadValue, message);
            None
        }
    });
    Some(Vlan { link: link?, id: id? })
}

/// VLANs that were read, with what they were read from.
#[derive(Default)]
pub(super) struct Vlans<'a>(Vec<Written<'a>>);

struct Written<'a> {
    name: InterfaceName,
    raw: &'a RawVlan,
    /// The document says on which side it is.
    sided: bool,
}

impl<'a> Vlans<'a> {
    pub(super) fn add(&mut self, name: &InterfaceName, raw: &'a RawVlan, sided: bool) {
        self.0.push(Written { name: name.clone(), raw, sided });
    }

    /// Reports links that are not there and numbers that are there twice, and puts each VLAN on the side of its card.
    pub(super) fn settle(self, interfaces: &mut BTreeMap<InterfaceName, Interface>, report: &Report<'_>) {
        let mut taken: BTreeSet<Vlan> = BTreeSet::new();
        for Written { name, raw, sided } in self.0 {
            let Some(vlan) = interfaces.get(&name).and_then(|interface| interface.vlan.clone()) else {
                continue;
            };
            let side = match interfaces.get(&vlan.link) {
                Some(link) if link.vlan.is_none() => link.side,
                found => {
                    if let Some(raw) = &raw.link {
                        not_a_card(raw, found.is_some(), interfaces, report);
                    }
                    continue;
                }
            };
            if !taken.insert(vlan.clone())
                && let Some(raw) = &raw.id
            {
                let message = format!("another interface is VLAN {} on {}, too", vlan.id, vlan.link);
                report.problem(&raw.spot, Code::Conflict, message);
            }
            if let Some(interface) = interfaces.get_mut(&name).filter(|_| !sided) {
                interface.side = side;
            }
        }
    }
}

fn not_a_card(
    raw: &At<String>,
    is_there: bool,
    interfaces: &BTreeMap<InterfaceName, Interface>,
    report: &Report<'_>,
) {
    if is_there {
        let hint = "name the card itself";
        return report.hinted(
            &raw.spot,
            Code::Conflict,
            "a VLAN cannot be on another VLAN, or on itself",
            hint,
        );
    }
    let cards = interfaces.iter().filter(|(_, interface)| interface.vlan.is_none());
    let hint = match nearest(&raw.value, cards.map(|(name, _)| name.as_str())) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!(
            "write [network.interfaces.{}] with `mode = \"none\"` for a card that only carries VLANs",
            raw.value
        ),
    };
    report.hinted(&raw.spot, Code::Conflict, "no interface of this name is declared", hint);
}

/// What a VLAN is on where nobody says it, until its card is known.
pub(super) const SIDE: Side = Side::Lan;
