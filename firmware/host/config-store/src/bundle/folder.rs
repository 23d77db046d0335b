//! A folder as a bundle: most often a USB stick, with any file system that Linux reads, written by anybody.
//!
//! Only `config.toml`, `files/` and `devices/` are looked at; the rest of a stick is its owner's business. No link is
//! followed, and nothing is opened that is not a regular file or a folder: opening a device or a pipe can do things.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::budget::{Budget, Metered, Side};
use super::error::{BundleError, MemberFault};
use super::intake::{FileFacts, Intake, refused};
use super::name::{MemberName, Place, shown};

const OPEN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Hands all members of the folder at `path` to `intake`.
pub(crate) fn read(
    folder: BorrowedFd<'_>,
    path: &Path,
    budget: &Rc<Budget>,
    intake: &mut Intake<'_>,
) -> Result<(), BundleError> {
    let walk = Walk { path, budget, bits_are_ours: false };
    ["config.toml", "devices", "files"].iter().try_for_each(|top| walk.top(folder, top, intake))
}

/// Hands the files of the kept generation at `path` to `intake`: they were judged when it was accepted, and have the modes they
/// were given then.
pub(crate) fn read_kept(
    folder: BorrowedFd<'_>,
    path: &Path,
    budget: &Rc<Budget>,
    intake: &mut Intake<'_>,
) -> Result<(), BundleError> {
    Walk { path, budget, bits_are_ours: true }.top(folder, "files", intake)
}

struct Walk<'a> {
    path: &'a Path,
    budget: &'a Rc<Budget>,
    /// Whether the execute bits are ours, and mean what they say.
    bits_are_ours: bool,
}

impl Walk<'_> {
    fn top(&self, folder: BorrowedFd<'_>, top: &str, intake: &mut Intake<'_>) -> Result<(), BundleError> {
        match rustix::fs::statat(folder, top, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => self.entry(folder, top.as_bytes(), &name_of(top.as_bytes())?, &found, intake),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.failed("look at", top, error)),
        }
    }

    /// One entry of the folder `at`: `last` is its name there, `name` its name in the bundle.
    fn entry(
        &self,
        at: BorrowedFd<'_>,
        last: &[u8],
        name: &MemberName,
        found: &Stat,
        intake: &mut Intake<'_>,
    ) -> Result<(), BundleError> {
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => {
                intake.folder(name)?;
                let folder = self.open(at, last, name, OFlags::DIRECTORY)?;
                self.folder(&folder, name, intake)
            }
            FileType::RegularFile => {
                let file = File::from(self.open(at, last, name, OFlags::empty())?);
                self.file(&file, name, intake)
            }
            FileType::Symlink => Err(refused(name, MemberFault::Symlink)),
            FileType::Fifo => Err(refused(name, MemberFault::Special("named pipe"))),
            FileType::Socket => Err(refused(name, MemberFault::Special("socket"))),
            _ => Err(refused(name, MemberFault::Special("device"))),
        }
    }

    /// The entries of a folder, sorted: what is refused must not depend on the file system's order. The name's limit of
    /// depth ends the recursion.
    fn folder(
        &self,
        folder: &OwnedFd,
        name: &MemberName,
        intake: &mut Intake<'_>,
    ) -> Result<(), BundleError> {
        let failed = |error| self.failed("list", name.as_str(), error);
        let mut entries: Vec<CString> = Vec::new();
        for entry in Dir::read_from(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?.file_name().to_owned();
            if !matches!(entry.to_bytes(), b"." | b"..") {
                intake.room_for(entries.len())?;
                entries.push(entry);
            }
        }
        entries.sort_unstable();
        for last in &entries {
            let raw = [name.as_str().as_bytes(), b"/", last.to_bytes()].concat();
            let child = name_of(&raw)?;
            let found = rustix::fs::statat(folder, last, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| self.failed("look at", child.as_str(), error))?;
            self.entry(folder.as_fd(), last.to_bytes(), &child, &found, intake)?;
        }
        Ok(())
    }

    fn file(&self, file: &File, name: &MemberName, intake: &mut Intake<'_>) -> Result<(), BundleError> {
        let failed = |error| self.failed("read", name.as_str(), error);
        let found = rustix::fs::fstat(file).map_err(failed)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(refused(name, MemberFault::Changed));
        }
        let bytes = u64::try_from(found.st_size).unwrap_or(0);
        let executable = found.st_mode & 0o111 != 0
            && (self.bits_are_ours
                || is_program(file).map_err(|source| BundleError::Source {
                    action: "read",
                    path: self.path.join(name.as_str()),
                    source,
                })?);
        let mut content = Metered::new(file, Side::Plain, self.budget);
        if !matches!(name.place(), Place::Image(_)) {
            self.budget.unpacked(bytes)?;
        }
        intake.file(name, FileFacts { bytes, executable }, &mut content)
    }

    fn open(
        &self,
        at: BorrowedFd<'_>,
        last: &[u8],
        name: &MemberName,
        more: OFlags,
    ) -> Result<OwnedFd, BundleError> {
        rustix::fs::openat(at, last, OPEN | more, Mode::empty())
            .map_err(|error| self.failed("open", name.as_str(), error))
    }

    fn failed(&self, action: &'static str, name: &str, error: Errno) -> BundleError {
        BundleError::Source { action, path: self.path.join(name), source: error.into() }
    }
}

fn name_of(raw: &[u8]) -> Result<MemberName, BundleError> {
    let refused = |fault| BundleError::Member { member: shown(raw), fault };
    MemberName::parse(raw).map_err(refused)?.ok_or_else(|| refused(MemberFault::EmptyName))
}

/// Whether a file with the execute bit is one that could be executed: on FAT and exFAT every file has the bit. So it
/// counts only where the content says the same, a script or a program; on other file systems that costs nothing.
fn is_program(file: &File) -> io::Result<bool> {
    let mut head = [0; 4];
    let filled = file.read_at(&mut head, 0)?;
    Ok(head[..filled].starts_with(b"#!") || head == *b"\x7fELF")
}
