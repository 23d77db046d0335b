//! Waiting for a stick, or for a configuration from elsewhere, without looking again and again.

use std::ffi::{CStr, OsStr};
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::stick::Stick;

/// Where udev links file systems on USB disks, and where reports are.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// Links named after devices.
    pub(crate) sticks: PathBuf,
    /// The report of what is in force: replaced when something was imported, by whomever.
    pub(crate) report: PathBuf,
}

/// Wakes up for changes.
#[derive(Debug)]
pub(crate) struct Watch {
    watched: Watched,
    inotify: OwnedFd,
    sticks: i32,
}

impl Watched {
    /// Watches from now on. Look after that: then nothing is missed in between.
    pub(crate) fn begin(&self) -> anyhow::Result<Watch> {
        let inotify = inotify::init(CreateFlags::CLOEXEC).context("cannot watch for sticks")?;
        let sticks = watch_sticks(&inotify, &self.sticks)?;
        if let Some(folder) = self.report.parent() {
            inotify::add_watch(&inotify, folder, WatchFlags::MOVED_TO)
                .with_context(|| format!("cannot watch {}", folder.display()))?;
        }
        Ok(Watch { watched: self.clone(), inotify, sticks })
    }
}

impl Watch {
    /// Waits until a stick appeared or disappeared, or the report was replaced; at most for `limit`, and without one for
    /// ever if need be.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> anyhow::Result<()> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let mut changed = false;
        // All that is known by now is one change.
        while !changed || !reader.is_buffer_empty() {
            if reader.is_buffer_empty() && !is_ready(&self.inotify, deadline)? {
                return Ok(());
            }
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error).context("cannot wait for sticks"),
            };
            if event.events().contains(ReadFlags::IGNORED) {
                // udev removes the folder with the last link in it.
                self.sticks = watch_sticks(&self.inotify, &self.watched.sticks)?;
                changed = true;
            } else if event.wd() == self.sticks || event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                changed = true;
            } else {
                let name = event.file_name().map(CStr::to_bytes);
                let report = self.watched.report.file_name().map(OsStr::as_encoded_bytes);
                changed |= name.is_some() && name == report;
            }
        }
        Ok(())
    }
}

/// Waits for something to read; `false` when there is nothing by the deadline.
fn is_ready(inotify: &OwnedFd, deadline: Option<Instant>) -> anyhow::Result<bool> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.map(Timespec::try_from).transpose().context("cannot wait for so long")?;
        match poll(&mut [PollFd::new(inotify, PollFlags::IN)], left.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for sticks"),
        }
    }
}

fn watch_sticks(inotify: &OwnedFd, folder: &Path) -> anyhow::Result<i32> {
    // Removed again between the two: once more.
    loop {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        match inotify::add_watch(inotify, folder, flags) {
            Err(Errno::NOENT) => {}
            watch => return watch.with_context(|| format!("cannot watch {}", folder.display())),
        }
    }
}

/// The sticks that are plugged in, in the order of their ports; not the disk `own`, should the system run from a USB disk:
/// the seed on its boot partition counts once only.
pub(crate) fn plugged_in(links: &Path, root: &Path, own: Option<&str>) -> Vec<Stick> {
    let names = fs::read_dir(links)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut sticks: Vec<Stick> = names.filter_map(|name| Stick::read(root, &name)).collect();
    sticks.retain(|stick| own != Some(stick.disk.as_str()));
    sticks.sort_by(|a, b| a.port.cmp(&b.port));
    sticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(folder: &Path) -> Watched {
        Watched { sticks: folder.join("dev/usb"), report: folder.join("provisioning.json") }
    }

    /// Waits in a thread, so that a wait that does not end is a failure and not a test that hangs.
    fn wakes_up(watch: Watch) -> Option<Watch> {
        let (done, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut watch = watch;
            let result = watch.wait(None);
            let _gone = done.send(result.map(|()| watch));
        });
        end.recv_timeout(Duration::from_secs(20)).ok().map(Result::unwrap)
    }

    #[test]
    fn a_stick_wakes_it_also_after_udev_has_removed_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let watched = watched(folder.path());
        let watch = watched.begin().unwrap();
        std::os::unix::fs::symlink("../sda1", watched.sticks.join("sda1")).unwrap();
        let watch = wakes_up(watch).expect("a stick was plugged in");

        fs::remove_dir_all(&watched.sticks).unwrap();
        let watch = wakes_up(watch).expect("the folder is gone");
        std::os::unix::fs::symlink("../sda1", watched.sticks.join("sda1")).unwrap();
        wakes_up(watch).expect("a stick was plugged in again");
    }

    #[test]
    fn only_the_report_wakes_it_of_all_that_happens_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let watched = watched(folder.path());
        let watch = watched.begin().unwrap();
        host_files::write_atomic(&folder.path().join("verdict.json"), b"{}", 0o644).unwrap();
        host_files::write_atomic(&watched.report, b"{}", 0o644).unwrap();
        let watch = wakes_up(watch).expect("the report was replaced");
        drop(watch);
    }

    #[test]
    fn it_wakes_up_by_itself_when_the_time_has_come_whatever_else_happens() {
        let folder = tempfile::tempdir().unwrap();
        let watched = watched(folder.path());
        let mut watch = watched.begin().unwrap();
        host_files::write_atomic(&folder.path().join("verdict.json"), b"{}", 0o644).unwrap();
        let (start, limit) = (Instant::now(), Duration::from_millis(20));
        watch.wait(Some(limit)).unwrap();
        assert!(start.elapsed() >= limit);
        watch.wait(Some(Duration::ZERO)).unwrap();
    }

    #[test]
    fn sticks_are_in_the_order_of_their_ports() {
        let folder = tempfile::tempdir().unwrap();
        let (root, links) = (folder.path(), folder.path().join("usb"));
        let sys = root.join("sys");
        fs::create_dir_all(sys.join("class/block")).unwrap();
        fs::create_dir_all(&links).unwrap();
        for (name, port) in [("sda1", "usb1/1-2"), ("sdb", "usb1/1-1")] {
            let device = sys.join("devices").join(port).join(name);
            fs::create_dir_all(&device).unwrap();
            std::os::unix::fs::symlink(&device, sys.join("class/block").join(name)).unwrap();
            std::os::unix::fs::symlink(Path::new("..").join(name), links.join(name)).unwrap();
        }
        std::os::unix::fs::symlink("../gone", links.join("gone")).unwrap();
        let names = |own: Option<&str>| -> Vec<String> {
            plugged_in(&links, root, own).into_iter().map(|stick| stick.plugged.name).collect()
        };
        assert_eq!(names(Some("vda")), ["sdb", "sda1"]);
        assert_eq!(names(Some("sdb")), ["sda1"], "the disk of the system is no stick");
        assert!(plugged_in(Path::new("/nonexistent"), root, None).is_empty());
    }
}
