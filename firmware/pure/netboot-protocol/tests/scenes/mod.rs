//! Scenes: what goes over the wire between a device and us, second by second.

mod failures;
mod healthy;
mod stage;

use netboot_protocol::explain::Record;
pub(crate) use stage::Stage;

/// A name and what is done on a stage.
pub(crate) type Scene = (&'static str, fn(&mut Stage));

/// All scenes with their packets.
pub(crate) fn all() -> Vec<(&'static str, Vec<Record>)> {
    let play = |(name, scene): &Scene| {
        let mut stage = Stage::new();
        scene(&mut stage);
        (*name, stage.records)
    };
    healthy::SCENES.iter().chain(failures::SCENES).map(play).collect()
}
