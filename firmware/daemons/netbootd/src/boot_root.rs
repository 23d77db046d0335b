//! The folder of boot files: which there are, and the ones in use opened once for all who load them.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use netboot_protocol::tftp::{BootFiles, FileName, PublishError, Viewer};
use rustix::fs::{Mode, OFlags, ResolveFlags};

/// How old the list of files may be when somebody asks for one.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Bounds of the walk: what is deeper or more is no boot tree but a mistake, such as `root = "/"`.
const DEEPEST: usize = 12;
const MOST_FILES: usize = 50_000;

/// The folder, and what is known of it.
pub(crate) struct BootRoot {
    path: PathBuf,
    folder: OwnedFd,
    pi_trees: Vec<String>,
    state: Mutex<State>,
}

/// A boot file that somebody loads. What replaces it on the disk, by a rename, does not change it.
pub(crate) struct BootFile {
    file: File,
    identity: Identity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

#[derive(Default)]
struct State {
    files: BootFiles,
    refused: Vec<PublishError>,
    /// Every folder of the tree and when something was last put into it, renamed or removed.
    folders: Vec<(PathBuf, (i64, i64))>,
    looked: Option<Instant>,
    open: HashMap<FileName, Weak<BootFile>>,
}

impl BootRoot {
    /// Looks at the folder `path`. Files in `pi_trees` must be small enough for the firmware of a Raspberry Pi.
    pub(crate) fn open(path: &Path, pi_trees: Vec<String>) -> anyhow::Result<BootRoot> {
        use anyhow::Context as _;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())
            .with_context(|| format!("cannot open the folder of boot files {}", path.display()))?;
        let root = BootRoot { path: path.to_owned(), folder, pi_trees, state: Mutex::default() };
        root.look(&mut root.lock());
        Ok(root)
    }

    /// The files that are not served, and why.
    pub(crate) fn refused(&self) -> Vec<PublishError> {
        self.lock().refused.clone()
    }

    /// What `viewer` calls `asked`; `None` if there is no such file for it.
    pub(crate) fn find(&self, viewer: &Viewer, asked: &FileName) -> Option<Arc<BootFile>> {
        let mut state = self.lock();
        if state.looked.is_none_or(|at| at.elapsed() > LOOK_AGAIN) {
            state.looked = Some(Instant::now());
            let unchanged = |(folder, at): &(PathBuf, _)| modified(folder).as_ref() == Some(at);
            if state.folders.is_empty() || !state.folders.iter().all(unchanged) {
                self.look(&mut state);
            }
        }
        let name = state.files.find(viewer, asked)?.name.clone();
        let opened = self.open_file(&name)?;
        // One open file for all who load the same, so that ten thousand transfers are not ten thousand files more.
        if let Some(known) = state.open.get(&name).and_then(Weak::upgrade)
            && known.identity == opened.identity
        {
            return Some(known);
        }
        let opened = Arc::new(opened);
        state.open.retain(|_, file| file.strong_count() > 0);
        state.open.insert(name, Arc::downgrade(&opened));
        Some(opened)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a name of the set. Links may lead to another place below the root, never out of it.
    fn open_file(&self, name: &FileName) -> Option<BootFile> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let opened = rustix::fs::openat2(&self.folder, name.as_str(), flags, Mode::empty(), resolve);
        let file = match opened {
            Ok(fd) => File::from(fd),
            Err(error) => {
                log::warn!("cannot open the boot file {}/{name}: {error}", self.path.display());
                return None;
            }
        };
        let facts = file.metadata().ok()?;
        let identity = Identity {
            device: facts.dev(),
            inode: facts.ino(),
            size: facts.len(),
            modified: (facts.mtime(), facts.mtime_nsec()),
        };
        facts.is_file().then_some(BootFile { file, identity })
    }

    /// Reads the whole tree anew.
    fn look(&self, state: &mut State) {
        state.looked = Some(Instant::now());
        state.folders.clear();
        let mut found = Vec::new();
        walk(&self.path, "", 0, &mut state.folders, &mut found);
        let (files, refused) = BootFiles::publish(found, &self.pi_trees);
        for error in refused.iter().filter(|error| !state.refused.contains(error)) {
            log::error!("a boot file is not served: {error}");
        }
        log::info!("{} boot files below {}", files.len(), self.path.display());
        state.files = files;
        state.refused = refused;
    }
}

impl BootFile {
    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        self.identity.size
    }

    /// Text that is different for every content.
    pub(crate) fn tag(&self) -> String {
        let Identity { inode, size, modified: (seconds, nanoseconds), .. } = self.identity;
        format!("{inode:x}-{size:x}-{seconds:x}.{nanoseconds:x}")
    }

    /// Fills `buffer` with what is at `offset`.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

fn modified(path: &Path) -> Option<(i64, i64)> {
    let facts = path.metadata().ok()?;
    Some((facts.mtime(), facts.mtime_nsec()))
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    folders: &mut Vec<(PathBuf, (i64, i64))>,
    found: &mut Vec<(FileName, u64)>,
) {
    // The time first: what is put into it while it is read is found by the next look.
    let Some(at) = modified(folder) else { return };
    folders.push((folder.to_owned(), at));
    let Ok(entries) = std::fs::read_dir(folder) else {
        log::warn!("cannot read the folder of boot files {}", folder.display());
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        // Follows links; the ones that lead out of the root fail when they are opened.
        let (Ok(facts), Some(name)) = (path.metadata(), entry.file_name().to_str().map(str::to_owned)) else {
            continue;
        };
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if facts.is_dir() && depth < DEEPEST {
            walk(&path, &name, depth + 1, folders, found);
        } else if facts.is_file() && found.len() < MOST_FILES {
            match FileName::parse(name.as_bytes()) {
                Ok(name) => found.push((name, facts.len())),
                Err(error) => log::warn!("{} is not served: {error}", path.display()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(tree: &str) -> Viewer {
        Viewer::Tree { tree: tree.to_owned(), prefixes: Vec::new() }
    }

    fn name(text: &str) -> FileName {
        FileName::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_replaced_file_is_seen_and_a_running_transfer_keeps_what_it_began_with() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), b"first").unwrap();
        let root = BootRoot::open(folder.path(), Vec::new()).unwrap();
        let running = root.find(&viewer(""), &name("a")).unwrap();
        assert!(
            Arc::ptr_eq(&running, &root.find(&viewer(""), &name("a")).unwrap()),
            "one open file for both"
        );
        std::fs::write(folder.path().join("b"), b"second one").unwrap();
        std::fs::rename(folder.path().join("b"), folder.path().join("a")).unwrap();
        let next = root.find(&viewer(""), &name("a")).unwrap();
        assert_eq!((running.size(), next.size()), (5, 10));
        let mut bytes = [0; 5];
        running.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"first");
        assert_ne!(running.tag(), next.tag());
    }

    #[test]
    fn links_lead_to_other_places_below_the_root_and_never_out_of_it() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), b"no").unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("pi")).unwrap();
        std::fs::write(folder.path().join("pi/start4.elf"), b"yes").unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        link("pi", "1234abcd");
        link(outside.path().to_str().unwrap(), "out");
        link("/etc/hostname", "pi/host");
        let root = BootRoot::open(folder.path(), Vec::new()).unwrap();
        assert!(root.find(&viewer(""), &name("1234abcd/start4.elf")).is_some());
        assert!(root.find(&viewer(""), &name("out/secret")).is_none());
        assert!(root.find(&viewer(""), &name("pi/host")).is_none());
    }
}
