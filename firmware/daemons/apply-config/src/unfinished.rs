//! A change of files that not everybody was told of yet. The files alone do not show that: after a container was stopped, or a
//! firewall not loaded, they may be just as they were. In memory, as all of it is: a boot begins from nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use artefact_render::{Artefacts, UnitAction};
use host_files::{read_text_bounded, write_atomic};

use crate::stage::{Failure, Stage, at};
use crate::system::System;

/// Where a change leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To another configuration. Cut short, what was in force still runs, but for what was stopped or told anew.
    There,
    /// Back to one. Cut short, anything may still run as the other one wanted it.
    Back,
}

const THERE: &str = "there";
const BACK: &str = "back";

/// The mark of one, until [`Unfinished::finish`].
pub(crate) struct Unfinished(PathBuf);

impl Unfinished {
    pub(crate) fn begin(system: &System, way: Way) -> Result<Unfinished, Failure> {
        let mark = mark(system);
        let word = if way == Way::There { THERE } else { BACK };
        write_atomic(&mark, word.as_bytes(), 0o644).map_err(at(Stage::Store))?;
        Ok(Unfinished(mark))
    }

    /// Everybody has been told.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let removed = std::fs::remove_file(&self.0);
        removed.with_context(|| format!("cannot remove {}", self.0.display())).map_err(at(Stage::Store))
    }
}

/// Which change before this one was not brought to its end, if one was not.
pub(crate) fn left_over(system: &System) -> Option<Way> {
    let mark = mark(system);
    // What cannot be read was begun and is not known: that of which less is certain.
    mark.exists().then(|| match read_text_bounded(&mark, 16).as_deref() {
        Ok(THERE) => Way::There,
        _ => Way::Back,
    })
}

/// What follows from a difference of files, and, after a change that was cut short, all that `artefacts` want as if nothing of it
/// were there: who is told twice does nothing twice, and what runs is not started again.
pub(crate) fn completed(
    system: &System,
    difference: Vec<UnitAction>,
    artefacts: &Artefacts,
) -> Vec<UnitAction> {
    match left_over(system) {
        None => difference,
        Some(way) => anew(way, difference, artefact_render::actions(&BTreeMap::new(), artefacts)),
    }
}

fn anew(way: Way, difference: Vec<UnitAction>, everything: Vec<UnitAction>) -> Vec<UnitAction> {
    let (mut all, mut restarted) = (Vec::new(), Vec::new());
    for action in difference {
        match action {
            UnitAction::Restart(mode, unit) => restarted.push((mode, unit)),
            action if everything.contains(&action) => {}
            action => all.push(action),
        }
    }
    for action in everything {
        match action {
            UnitAction::Start(mode, unit) => {
                let known = restarted.iter().position(|restart| *restart == (mode, unit.clone()));
                known.map(|index| restarted.swap_remove(index));
                let again = known.is_some() || way == Way::Back;
                all.push(if again { UnitAction::Restart(mode, unit) } else { UnitAction::Start(mode, unit) });
            }
            action => all.push(action),
        }
    }
    all.extend(restarted.into_iter().map(|(mode, unit)| UnitAction::Restart(mode, unit)));
    all
}

fn mark(system: &System) -> PathBuf {
    system.run("change-unfinished")
}

#[cfg(test)]
mod tests {
    use super::*;
    use appliance_config::Mode::Rootful;

    fn stop(unit: &str) -> UnitAction {
        UnitAction::Stop(Rootful, unit.to_owned())
    }

    fn start(unit: &str) -> UnitAction {
        UnitAction::Start(Rootful, unit.to_owned())
    }

    fn restart(unit: &str) -> UnitAction {
        UnitAction::Restart(Rootful, unit.to_owned())
    }

    #[test]
    fn what_was_cut_short_is_done_whole() {
        let reload = UnitAction::ReloadFirewall;
        let everything = || vec![reload.clone(), start("a"), start("b")];
        let rows = [
            // Nothing differs: the way there had stopped something, or the firewall does not know.
            (Way::There, vec![], everything()),
            // What did change is restarted, once, and what goes is stopped first.
            (
                Way::There,
                vec![stop("c"), restart("a")],
                vec![stop("c"), reload.clone(), restart("a"), start("b")],
            ),
            (
                Way::There,
                vec![reload.clone(), restart("v")],
                vec![reload.clone(), start("a"), start("b"), restart("v")],
            ),
            // Whatever runs may be the other configuration's.
            (Way::Back, vec![], vec![reload.clone(), restart("a"), restart("b")]),
        ];
        for (way, difference, expected) in rows {
            assert_eq!(anew(way, difference.clone(), everything()), expected, "{way:?} {difference:?}");
        }
    }
}
