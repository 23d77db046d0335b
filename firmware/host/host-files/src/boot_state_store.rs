//! The boot state on its two partitions.

use std::path::Path;

use disk_image::boot_state::{BootEnv, CurrentEnv, EnvCopy};

use crate::region::{BlockRegion, RegionError};

/// What went wrong with the boot state.
#[derive(Debug, thiserror::Error)]
pub enum BootStateError {
    /// One of its partitions.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The new state does not fit, or holds something a boot script would misread.
    #[error("cannot build the new boot state")]
    State(#[from] disk_image::boot_state::EnvError),
}

/// The partitions `env0` and `env1`.
#[derive(Debug)]
pub struct BootStateStore {
    env0: BlockRegion,
    env1: BlockRegion,
}

impl BootStateStore {
    /// Opens both partitions for reading and writing.
    pub fn open(env0: &Path, env1: &Path) -> Result<BootStateStore, BootStateError> {
        Ok(BootStateStore { env0: BlockRegion::open(env0)?, env1: BlockRegion::open(env1)? })
    }

    /// Opens both partitions for reading.
    pub fn open_read_only(env0: &Path, env1: &Path) -> Result<BootStateStore, BootStateError> {
        Ok(BootStateStore {
            env0: BlockRegion::open_read_only(env0)?,
            env1: BlockRegion::open_read_only(env1)?,
        })
    }

    /// Reads both copies and decides which one counts.
    pub fn read(&self) -> Result<CurrentEnv, BootStateError> {
        Ok(CurrentEnv::decide(&self.env0.read_array(0)?, &self.env1.read_array(0)?))
    }

    /// Changes the boot state: `change` edits the environment that counts, then both copies are made to hold the result,
    /// write by write and each synced ([`CurrentEnv::writes_to`] says in which order, and why that survives a power
    /// cut). Copies that differ are made equal also when `change` changes nothing.
    ///
    /// The lock of `env0` is held, so that two programs of ours take turns; `fw_setenv` has a lock of its own.
    pub fn change(
        &self,
        change: impl FnOnce(&mut BootEnv) -> Result<(), disk_image::boot_state::EnvError>,
    ) -> Result<(), BootStateError> {
        let env0 = self.env0.lock()?;
        let env1 = self.env1.lock()?;
        let current = self.read()?;
        let mut new = current.env().clone();
        change(&mut new)?;
        for write in current.writes_to(&new) {
            match write.copy {
                EnvCopy::Env0 => env0.write(0, &write.bytes)?,
                EnvCopy::Env1 => env1.write(0, &write.bytes)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_image::boot_state::{BootState, EnvSource};
    use std::path::PathBuf;

    fn partitions(folder: &tempfile::TempDir, contents: [&[u8]; 2]) -> [PathBuf; 2] {
        ["env0", "env1"].map(|name| folder.path().join(name)).into_iter().zip(contents).for_each(
            |(path, content)| {
                let mut bytes = vec![0; 2048];
                bytes[..content.len()].copy_from_slice(content);
                std::fs::write(path, bytes).unwrap();
            },
        );
        ["env0", "env1"].map(|name| folder.path().join(name))
    }

    #[test]
    fn a_change_reaches_both_copies_and_keeps_unknown_keys() {
        let folder = tempfile::tempdir().unwrap();
        let mut env = BootState::factory().to_env();
        env.set("LATER_KEY", "kept").unwrap();
        let [env0, env1] = partitions(&folder, [&env.encode(), &env.encode()]);

        let store = BootStateStore::open(&env0, &env1).unwrap();
        store.change(|env| env.set("BOOT_A_LEFT", "4")).unwrap();

        let (first, second) = (std::fs::read(&env0).unwrap(), std::fs::read(&env1).unwrap());
        assert_eq!(first, second);
        assert!(first[512..].iter().all(|&byte| byte == 0), "more than the first sector was written");
        let current = BootStateStore::open_read_only(&env0, &env1).unwrap().read().unwrap();
        assert_eq!(current.env().get("LATER_KEY"), Some("kept"));
        assert_eq!(current.state().a_left.get(), 4);
    }

    #[test]
    fn a_torn_copy_is_repaired_by_a_change_that_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let good = BootState::factory().to_env();
        let [env0, env1] = partitions(&folder, [&[0xff; 512], &good.encode()]);
        let store = BootStateStore::open(&env0, &env1).unwrap();
        assert_eq!(store.read().unwrap().source(), EnvSource::Env1);
        store.change(|_| Ok(())).unwrap();
        assert_eq!(store.read().unwrap().source(), EnvSource::Env0);
        assert_eq!(std::fs::read(&env0).unwrap(), std::fs::read(&env1).unwrap());
    }

    #[test]
    fn a_refused_change_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let good = BootState::factory().to_env();
        let [env0, env1] = partitions(&folder, [&good.encode(), &good.encode()]);
        let before = std::fs::read(&env0).unwrap();
        let store = BootStateStore::open(&env0, &env1).unwrap();
        let error = store.change(|env| env.set("BAD KEY", "1")).unwrap_err();
        assert_eq!(error.to_string(), "cannot build the new boot state");
        assert_eq!(std::fs::read(&env0).unwrap(), before);
    }
}
