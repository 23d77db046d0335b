//! What a build could leave behind on the machine: mounts, loop devices, processes.

use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// Mounts and loop devices of the machine at one moment.
pub(super) struct Traces(BTreeSet<String>);

impl Traces {
    /// As they are now. Children whose parent dies become ours from now on, so that [`Traces::wait_gone`] finds them.
    pub(super) fn now() -> Result<Traces> {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .context("cannot adopt the orphans of what we start")?;
        Traces::read()
    }

    /// Waits until no process that we started is alive, and no mount or loop device is there that was not there before.
    pub(super) fn wait_gone(&self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let left: Vec<String> =
                Traces::read()?.0.difference(&self.0).cloned().chain(descendants()?).collect();
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("still there after {limit:?}:\n  {}", left.join("\n  "));
            }
            poll();
        }
    }

    fn read() -> Result<Traces> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").context("cannot read our mounts")?;
        let mut traces: BTreeSet<String> = mounts.lines().map(|line| format!("mount {line}")).collect();
        for device in std::fs::read_dir("/sys/block").context("cannot list /sys/block")?.flatten() {
            // Without a file behind it, a loop device is not attached and lacks this attribute.
            if let Ok(file) = std::fs::read_to_string(device.path().join("loop/backing_file")) {
                traces.insert(format!("{} of {}", device.file_name().display(), file.trim()));
            }
        }
        Ok(Traces(traces))
    }
}

/// The live processes that descend from this one, those in process namespaces of their own included.
fn descendants() -> Result<Vec<String>> {
    let mut processes = Vec::new();
    for entry in std::fs::read_dir("/proc").context("cannot list /proc")?.flatten() {
        let folder = entry.path();
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // proc_pid_stat(5): `id (name) state parent …`; the name may hold anything. A process may end at any moment.
        let Ok(stat) = std::fs::read_to_string(folder.join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let mut fields = rest.split_whitespace();
        let (state, parent) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let alive = !matches!(state, "Z" | "X");
        processes.push((id, parent.parse::<u32>().unwrap_or_default(), alive, folder));
    }
    let mut family = BTreeSet::from([std::process::id()]);
    loop {
        let before = family.len();
        family.extend(
            processes
                .iter()
                .filter(|(_, parent, ..)| family.contains(parent))
                .map(|(id, ..)| *id)
                .collect::<Vec<_>>(),
        );
        if family.len() == before {
            break;
        }
    }
    family.remove(&std::process::id());
    let ours = processes.into_iter().filter(|(id, _, alive, _)| *alive && family.contains(id));
    Ok(ours.map(|(id, _, _, folder)| format!("process {id} {}", command_line(&folder))).collect())
}

fn command_line(folder: &Path) -> String {
    let words = std::fs::read(folder.join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ").chars().take(200).collect()
}

#[expect(clippy::disallowed_methods, reason = "the poll of a wait with a deadline")]
fn poll() {
    std::thread::sleep(Duration::from_millis(50));
}
