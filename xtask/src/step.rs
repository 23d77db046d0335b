//! Steps of a build. A step has named inputs, outputs, and a stamp of the inputs' content beside the outputs;
//! it runs when an input's content changed, and says which one.

use crate::context::Context;
use crate::sh::Log;
use anyhow::{Context as _, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a step depends on: a name a person knows, and the SHA-256 of its content in hex.
#[derive(Clone, Default)]
pub(crate) struct Inputs(BTreeMap<String, String>);

impl Inputs {
    /// A value: a version, an option, another step's stamp.
    pub(crate) fn value(mut self, name: &str, value: impl AsRef<[u8]>) -> Inputs {
        self.0.insert(name.to_owned(), hex(&Sha256::digest(value.as_ref())));
        self
    }

    /// A file, or a folder with everything in it: names, contents and executable bits. Modification times
    /// do not count, so a fresh checkout is up to date.
    pub(crate) fn path(mut self, name: &str, path: &Path) -> Result<Inputs> {
        let mut hasher = Sha256::new();
        hash_path(path, path, &mut hasher)?;
        self.0.insert(name.to_owned(), hex(&hasher.finalize()));
        Ok(self)
    }

    /// One hash over all inputs: the step's stamp, and its key in the cache.
    pub(crate) fn stamp(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, hash) in &self.0 {
            hasher.update(format!("{name}={hash}\n"));
        }
        hex(&hasher.finalize())
    }

    /// Names whose content differs from `earlier`, or which are new or gone.
    fn changed_since<'a>(&'a self, earlier: &'a Inputs) -> Vec<&'a str> {
        let names = self.0.keys().chain(earlier.0.keys()).collect::<std::collections::BTreeSet<_>>();
        names
            .into_iter()
            .filter(|name| self.0.get(*name) != earlier.0.get(*name))
            .map(String::as_str)
            .collect()
    }
}

/// One line of the build's output, numbered.
pub(crate) struct Plan {
    total: usize,
    next: usize,
}

impl Plan {
    /// A build of `total` steps.
    pub(crate) fn new(total: usize) -> Plan {
        Plan { total, next: 1 }
    }

    /// Runs `work` unless the stamp beside `outputs[0]` says that it ran with these very inputs and all outputs are
    /// there. The stamp is removed before the work begins and written after it, so an interrupted step
    /// runs again.
    pub(crate) fn step(
        &mut self,
        name: &str,
        inputs: &Inputs,
        outputs: &[&Path],
        log: &Path,
        work: impl FnOnce(&Log) -> Result<()>,
    ) -> Result<()> {
        let number = self.next;
        self.next += 1;
        let stamp = stamp_path(outputs[0]);
        let reason = match why_run(inputs, outputs, &stamp) {
            None => {
                eprintln!("[{number}/{}] {name}: up to date", self.total);
                return Ok(());
            }
            Some(reason) => reason,
        };
        eprintln!("[{number}/{}] {name}: {reason}", self.total);
        let begun = Instant::now();
        if stamp.exists() {
            std::fs::remove_file(&stamp).with_context(|| format!("cannot remove {}", stamp.display()))?;
        }
        work(&Log::create(log.to_owned())?).with_context(|| format!("cannot make the {name}"))?;
        for output in outputs {
            anyhow::ensure!(output.exists(), "the step `{name}` ended without making {}", output.display());
        }
        let text = serde_json::to_string_pretty(&inputs.0).context("cannot write a stamp")?;
        std::fs::write(&stamp, text).with_context(|| format!("cannot write {}", stamp.display()))?;
        eprintln!("[{number}/{}] {name}: done in {} s", self.total, begun.elapsed().as_secs());
        Ok(())
    }
}

impl Plan {
    /// As [`Plan::step`], for an output in the shared cache whose name holds the stamp of its inputs. The stamp tells nothing about why
    /// it is new, so this checkout remembers the inputs it used last.
    pub(crate) fn cached(
        &mut self,
        context: &Context,
        name: &str,
        inputs: &Inputs,
        output: &Path,
        work: impl FnOnce(&Log) -> Result<()>,
    ) -> Result<()> {
        let number = self.next;
        self.next += 1;
        let file_name = name.replace(' ', "-");
        let memory = context.out.join("inputs").join(format!("{file_name}.json"));
        let remembered =
            std::fs::read(&memory).ok().and_then(|text| serde_json::from_slice(&text).ok()).map(Inputs);
        // One build at a time, whatever checkout asks. A finished output is moved to its name at the end, so being there is
        // being complete.
        let lock_path = context.cache.join(format!("{file_name}.lock"));
        let lock =
            File::create(&lock_path).with_context(|| format!("cannot create {}", lock_path.display()))?;
        lock.lock().with_context(|| format!("cannot lock {}", lock_path.display()))?;
        if output.exists() {
            eprintln!("[{number}/{}] {name}: up to date", self.total);
        } else {
            let changed =
                remembered.map(|earlier| inputs.changed_since(&earlier).join(", ")).unwrap_or_default();
            let reason =
                if changed.is_empty() { "not built yet".to_owned() } else { format!("{changed} changed") };
            eprintln!("[{number}/{}] {name}: {reason}", self.total);
            let begun = Instant::now();
            work(&Log::create(context.log_path(&file_name))?)
                .with_context(|| format!("cannot make the {name}"))?;
            anyhow::ensure!(output.exists(), "the step `{name}` ended without making {}", output.display());
            eprintln!("[{number}/{}] {name}: done in {} s", self.total, begun.elapsed().as_secs());
        }
        if let Some(folder) = memory.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let text = serde_json::to_string_pretty(&inputs.0).context("cannot write a stamp")?;
        std::fs::write(&memory, text).with_context(|| format!("cannot write {}", memory.display()))
    }
}

fn stamp_path(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".stamp");
    PathBuf::from(name)
}

/// Why the step has to run, in words for its line; `None` when it need not.
fn why_run(inputs: &Inputs, outputs: &[&Path], stamp: &Path) -> Option<String> {
    let Ok(text) = std::fs::read(stamp) else {
        return Some(
            if outputs[0].exists() { "was interrupted last time" } else { "not built yet" }.to_owned(),
        );
    };
    let Ok(earlier) = serde_json::from_slice(&text).map(Inputs) else {
        return Some("its stamp is unreadable".to_owned());
    };
    let changed = inputs.changed_since(&earlier);
    if !changed.is_empty() {
        return Some(format!("{} changed", changed.join(", ")));
    }
    let gone = outputs.iter().find(|output| !output.exists())?;
    Some(format!("{} is gone", gone.display()))
}

fn hash_path(base: &Path, path: &Path, hasher: &mut Sha256) -> Result<()> {
    let metadata = path.symlink_metadata().with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned();
    if metadata.is_symlink() {
        let target = std::fs::read_link(path).with_context(|| format!("cannot read {}", path.display()))?;
        hasher.update(format!("link {name}\0{}\0", target.display()));
    } else if metadata.is_dir() {
        hasher.update(format!("dir {name}\0"));
        let mut entries = std::fs::read_dir(path)
            .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
            .with_context(|| format!("cannot list {}", path.display()))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            hash_path(base, &entry.path(), hasher)?;
        }
    } else {
        use std::os::unix::fs::PermissionsExt;
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let executable = metadata.permissions().mode() & 0o100 != 0;
        hasher.update(format!("file {name}\0{executable}\0{}\0", bytes.len()));
        hasher.update(bytes);
    }
    Ok(())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(dir: &Path, inputs: &Inputs) -> usize {
        let output = dir.join("out");
        let mut ran = 0;
        Plan::new(1)
            .step("thing", inputs, &[&output], &dir.join("log"), |_| {
                ran += 1;
                Ok(std::fs::write(&output, "x")?)
            })
            .unwrap();
        ran
    }

    #[test]
    fn runs_once_and_again_only_when_an_input_or_the_output_changes() {
        let dir = tempfile::tempdir().unwrap();
        let one = Inputs::default().value("layout", "1");
        assert_eq!(run(dir.path(), &one), 1);
        assert_eq!(run(dir.path(), &one), 0);
        assert_eq!(run(dir.path(), &one.clone().value("layout", "2")), 1);
        std::fs::remove_file(dir.path().join("out")).unwrap();
        assert_eq!(run(dir.path(), &one.clone().value("layout", "2")), 1);
    }

    #[test]
    fn the_reason_names_the_input() {
        let dir = tempfile::tempdir().unwrap();
        let inputs = Inputs::default().value("board", "1").value("layout", "1");
        run(dir.path(), &inputs);
        let output = dir.path().join("out");
        let changed = inputs.value("layout", "2");
        assert_eq!(why_run(&changed, &[&output], &stamp_path(&output)).as_deref(), Some("layout changed"));
    }

    #[test]
    fn a_step_that_failed_half_way_runs_again() {
        let dir = tempfile::tempdir().unwrap();
        let inputs = Inputs::default().value("a", "1");
        run(dir.path(), &inputs);
        let output = dir.path().join("out");
        let changed = inputs.value("a", "2");
        let failed = Plan::new(1)
            .step("thing", &changed, &[&output], &dir.path().join("log"), |_| anyhow::bail!("power cut"));
        assert!(failed.is_err());
        assert_eq!(
            why_run(&changed, &[&output], &stamp_path(&output)).as_deref(),
            Some("was interrupted last time")
        );
    }

    #[test]
    fn content_counts_and_times_do_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        std::fs::write(dir.path().join("d/f"), "1").unwrap();
        let first = Inputs::default().path("d", &dir.path().join("d")).unwrap().stamp();
        std::fs::write(dir.path().join("d/f"), "1").unwrap();
        assert_eq!(Inputs::default().path("d", &dir.path().join("d")).unwrap().stamp(), first);
        std::fs::write(dir.path().join("d/f"), "2").unwrap();
        assert_ne!(Inputs::default().path("d", &dir.path().join("d")).unwrap().stamp(), first);
    }
}
