//! A generation on trial: in force until a moment, and then no more, unless somebody confirms it.

use std::time::Duration;

use appliance_types::Generation;
use host_files::{BootMoment, wall_clock_ms, write_atomic};
use serde::{Deserialize, Serialize};

use super::change::{Settled, mark_settled};
use super::disk::Step;
use super::error::GenerationsError;
use super::stored::TRIAL;
use super::{Generations, StoredGenerations};

/// Until when a generation is on trial, in the boot in which the trial began. Any other boot is after it: whoever has cut
/// themselves off can always switch the box off and on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// The boot.
    pub boot_id: String,
    /// In milliseconds since that boot.
    pub uptime_ms: u64,
    /// The same moment in milliseconds since 1970, for people; `None` when the clock was not set.
    pub unix_ms: Option<u64>,
}

impl Deadline {
    /// So long from now on.
    pub fn after(window: Duration, now: &BootMoment) -> Deadline {
        let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        Deadline {
            boot_id: now.boot_id.clone(),
            uptime_ms: now.uptime_ms.saturating_add(window),
            unix_ms: wall_clock_ms().map(|unix_ms| unix_ms.saturating_add(window)),
        }
    }

    /// How long there still is; `None` when it is over.
    pub fn left(&self, now: &BootMoment) -> Option<Duration> {
        let left = self.uptime_ms.saturating_sub(now.uptime_ms);
        (self.boot_id == now.boot_id && left > 0).then(|| Duration::from_millis(left))
    }
}

/// A generation that is in force and works, and goes at its deadline, or with this boot. Dropped, it stays on trial: the
/// program that confirms it is another one.
#[derive(Debug)]
pub struct Provisional<'a> {
    generations: &'a mut Generations,
    generation: Generation,
    deadline: Deadline,
}

/// What an [`super::Active`] generation has become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTrial {
    /// Its number.
    pub generation: Generation,
    /// Until when.
    pub deadline: Deadline,
}

/// From here on the next start in the same boot leaves it in force.
pub(super) fn begin(
    generations: &mut Generations,
    generation: Generation,
    deadline: Deadline,
) -> Result<OnTrial, GenerationsError> {
    let json = serde_json::to_vec(&deadline).expect("text and numbers can always be written as JSON");
    write_atomic(&generations.stored().folder(generation).join(TRIAL), &json, 0o600)?;
    generations.disk.done(Step::OnTrial);
    generations.trial = Some(OnTrial { generation, deadline: deadline.clone() });
    Ok(OnTrial { generation, deadline })
}

impl<'a> Provisional<'a> {
    pub(super) fn found(generations: &'a mut Generations) -> Option<Provisional<'a>> {
        let OnTrial { generation, deadline } = generations.trial.clone()?;
        Some(Provisional { generations, generation, deadline })
    }

    /// Its number.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Until when.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// It stays. When this fails, it is still on trial.
    pub fn confirm(self) -> Result<Settled, GenerationsError> {
        mark_settled(self.generations, self.generation)?;
        Ok(self.generations.tidy_after_settling(self.generation))
    }

    /// It goes: what was in force before is again, or nothing if there was nothing.
    pub fn back(self) -> Result<Option<Generation>, GenerationsError> {
        let before = self.generations.stored().newest_settled()?;
        self.generations.go_back(before)?;
        Ok(before)
    }
}

impl StoredGenerations {
    /// The generation in force and its deadline, while it is on trial.
    ///
    /// What cannot be read of the deadline is one that is over.
    pub fn on_trial(&self, now: &BootMoment) -> Result<Option<OnTrial>, GenerationsError> {
        let Some(current) = self.current()?.filter(|&current| !self.is_settled(current)) else {
            return Ok(None);
        };
        let deadline = self.deadline(current).filter(|deadline| deadline.left(now).is_some());
        Ok(deadline.map(|deadline| OnTrial { generation: current, deadline }))
    }
}
