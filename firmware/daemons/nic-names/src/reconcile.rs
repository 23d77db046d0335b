//! Read, decide, rename; and once more when the world changed in between.

use std::path::Path;

use host_files::{Program, ProgramError, run_program};

use crate::board::BoardNics;
use crate::plan::{Rename, WanNameTaken, plan};
use crate::sysfs::{Interfaces, read_interfaces};

/// How often a rename is tried anew when the kernel named a new card, or a card was pulled out, between
/// reading and renaming. Each such event also starts a run of its own.
const ATTEMPTS: usize = 3;

/// Why names are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The interfaces could not be read.
    #[error("cannot read the network interfaces")]
    Read(#[source] anyhow::Error),
    /// `eth0` belongs to something that is not a card.
    #[error(transparent)]
    WanNameTaken(#[from] WanNameTaken),
    /// The kernel refused a rename, several times.
    #[error("cannot rename network interface {from} to {to}")]
    Rename {
        /// The name it has.
        from: String,
        /// The name it should get.
        to: String,
        /// What the tool said.
        source: ProgramError,
    },
}

/// Gives every card under `sys` its name and returns the renames done, in order.
pub fn reconcile(sys: &Path, board: &BoardNics) -> Result<Vec<Rename>, ReconcileError> {
    let mut done = Vec::new();
    let mut attempts_left = ATTEMPTS;
    loop {
        let Interfaces { cards, others } = read_interfaces(sys).map_err(ReconcileError::Read)?;
        attempts_left -= 1;
        match rename_all(plan(&cards, &board.wan, &others)?, &mut done) {
            Ok(()) => return Ok(done),
            Err(error) if attempts_left == 0 => return Err(error),
            Err(_changed_under_us) => {}
        }
    }
}

fn rename_all(steps: Vec<Rename>, done: &mut Vec<Rename>) -> Result<(), ReconcileError> {
    for step in steps {
        rename(&step)?;
        done.push(step);
    }
    Ok(())
}

/// Renames one interface. The kernel allows it while the interface is up (since 6.2).
pub fn rename(step: &Rename) -> Result<(), ReconcileError> {
    let program = Program::new("ip").args(["link", "set", "dev", &step.from, "name", &step.to]);
    match run_program(&program) {
        Ok(_) => Ok(()),
        Err(source) => Err(ReconcileError::Rename { from: step.from.clone(), to: step.to.clone(), source }),
    }
}
