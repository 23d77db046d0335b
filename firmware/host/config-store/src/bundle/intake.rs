//! Where the members of a bundle go, whatever kind of bundle they come from. Every rule about a member is here or in its
//! name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::budget::Budget;
use super::error::{BundleError, BundleFault, MemberFault};
use super::image_archive::{self, Failure};
use super::limits::{CONFIG_LIMIT, Limits};
use super::name::{MemberName, Place, is_device};
use super::source::Source;
use super::{ImageArchive, Unpacked};
use crate::hex::{finish_hex, sha256_hex};
use crate::space::free_bytes;
use crate::staging_folder::{StagingError, StagingFolder};

/// Containers read these as any user.
const FOLDER_MODE: u32 = 0o755;

/// Of which devices the files are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Devices<'a> {
    All,
    /// By MAC address or serial number, however it is spelt.
    Named(&'a [String]),
}

impl Devices<'_> {
    fn has(self, stem: &str) -> bool {
        match self {
            Devices::All => true,
            Devices::Named(names) => names.iter().any(|name| is_device(stem, name)),
        }
    }
}

/// Members on their way into a staging folder.
pub(crate) struct Intake<'a> {
    staging: &'a StagingFolder,
    limits: &'a Limits,
    budget: Rc<Budget>,
    source: Source<'a>,
    wanted_devices: Devices<'a>,
    /// All names so far: what was a member of its own, and the folders that follow from those.
    seen: BTreeMap<MemberName, Seen>,
    members: usize,
    implied: usize,
    config: Option<Vec<u8>>,
    devices: BTreeMap<String, Vec<u8>>,
    /// What is below `files/`, for the digest.
    payload: BTreeMap<String, Payload>,
    images: Vec<ImageArchive>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    File,
    Folder,
    /// Nobody has named it yet; something lies in it.
    ImpliedFolder,
}

enum Payload {
    Folder,
    File { mode: u32, sha256: String },
}

/// A file of a bundle: what is known before it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileFacts {
    pub(crate) bytes: u64,
    pub(crate) executable: bool,
}

impl<'a> Intake<'a> {
    pub(crate) fn new(
        staging: &'a StagingFolder,
        limits: &'a Limits,
        budget: &Rc<Budget>,
        source: Source<'a>,
        wanted_devices: Devices<'a>,
    ) -> Intake<'a> {
        Intake {
            staging,
            limits,
            budget: Rc::clone(budget),
            source,
            wanted_devices,
            seen: BTreeMap::new(),
            members: 0,
            implied: 0,
            config: None,
            devices: BTreeMap::new(),
            payload: BTreeMap::new(),
            images: Vec::new(),
        }
    }

    /// A folder.
    pub(crate) fn folder(&mut self, name: &MemberName) -> Result<(), BundleError> {
        self.note(name, Seen::Folder)?;
        match name.place() {
            Place::Config => Err(refused(name, MemberFault::NotAFile)),
            Place::Other => Err(refused(name, MemberFault::TopEntry)),
            // Made when something else than an image turns out to be in it.
            Place::Payload("images") | Place::TopFolder | Place::Ignored | Place::Device(_) => Ok(()),
            Place::Image(_) => Err(refused(name, MemberFault::NotAFile)),
            Place::Payload(below) => {
                self.staging.make_folder(name.as_str(), FOLDER_MODE)?;
                self.list(below, Payload::Folder);
                Ok(())
            }
        }
    }

    /// A regular file. `content` has `facts.bytes` bytes, unless its source is lying or cut off.
    pub(crate) fn file(
        &mut self,
        name: &MemberName,
        facts: FileFacts,
        content: &mut dyn Read,
    ) -> Result<(), BundleError> {
        self.note(name, Seen::File)?;
        match name.place() {
            Place::TopFolder => Err(refused(name, MemberFault::NotAFolder)),
            Place::Other => Err(refused(name, MemberFault::TopEntry)),
            Place::Config => {
                self.config = Some(self.read_whole(name, facts.bytes, content)?);
                Ok(())
            }
            Place::Device(stem) if self.wanted_devices.has(stem) => {
                let bytes = self.read_whole(name, facts.bytes, content)?;
                self.devices.insert(name.as_str().to_owned(), bytes);
                Ok(())
            }
            Place::Device(_) | Place::Ignored => within(name, facts.bytes, self.limits.member),
            Place::Payload(below) => {
                within(name, facts.bytes, self.limits.member)?;
                let mode = if facts.executable { 0o755 } else { 0o644 };
                let sha256 = self.copy(name, mode, facts.bytes, content)?;
                self.list(below, Payload::File { mode, sha256 });
                Ok(())
            }
            Place::Image(below) => {
                let budget = Rc::clone(&self.budget);
                budget.exempt(|| self.image(name, below, facts.bytes, content))
            }
        }
    }

    /// All members have been handed in.
    pub(crate) fn finish(self) -> Result<Unpacked, BundleError> {
        let files_digest = self.digest();
        let config = self.config.ok_or(BundleFault::NoConfig)?;
        Ok(Unpacked { config, devices: self.devices, files_digest, images: self.images })
    }

    /// Counts a member, and refuses one that was there before or that cannot be beside what was.
    fn note(&mut self, name: &MemberName, seen: Seen) -> Result<(), BundleError> {
        self.count_member()?;
        for folder in name.folders() {
            match self.seen.get(&folder) {
                Some(Seen::File) => return Err(refused(&folder, MemberFault::Clash)),
                Some(Seen::Folder | Seen::ImpliedFolder) => {}
                None => {
                    self.implied += 1;
                    if self.implied > self.limits.members {
                        return Err(BundleFault::Members(self.limits.members).into());
                    }
                    self.seen.insert(folder, Seen::ImpliedFolder);
                }
            }
        }
        match (self.seen.insert(name.clone(), seen), seen) {
            (None, _) | (Some(Seen::ImpliedFolder), Seen::Folder) => Ok(()),
            (Some(Seen::ImpliedFolder | Seen::Folder), Seen::File) | (Some(Seen::File), Seen::Folder) => {
                Err(refused(name, MemberFault::Clash))
            }
            (Some(_), _) => Err(refused(name, MemberFault::Duplicate)),
        }
    }

    /// Whether `more` members could still come.
    pub(crate) fn room_for(&self, more: usize) -> Result<(), BundleFault> {
        if self.members + more >= self.limits.members {
            return Err(BundleFault::Members(self.limits.members));
        }
        Ok(())
    }

    /// Counts a member.
    pub(crate) fn count_member(&mut self) -> Result<(), BundleFault> {
        self.members += 1;
        if self.members > self.limits.members {
            Err(BundleFault::Members(self.limits.members))
        } else {
            Ok(())
        }
    }

    fn read_whole(
        &self,
        name: &MemberName,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<Vec<u8>, BundleError> {
        within(name, size, CONFIG_LIMIT)?;
        let mut bytes = Vec::new();
        let read = content.take(size).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.unreadable(name, &error))?;
        self.whole(name, size, read as u64)?;
        Ok(bytes)
    }

    /// Copies a file to the staging folder; its checksum.
    fn copy(
        &self,
        name: &MemberName,
        mode: u32,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<String, BundleError> {
        let mut file = self.staging.create_file(name.as_str(), mode, FOLDER_MODE)?;
        let (mut hash, mut copied) = (Sha256::new(), 0);
        let mut content = content.take(size);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.unreadable(name, &error)),
            };
            file.write_all(&buffer[..count]).map_err(|source| self.unwritable(name.as_str(), source))?;
            hash.update(&buffer[..count]);
            copied += count as u64;
        }
        self.whole(name, size, copied)?;
        Ok(finish_hex(hash))
    }

    fn image(
        &mut self,
        name: &MemberName,
        below: &str,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<(), BundleError> {
        let free = free_bytes(self.staging).map_err(|source| self.unwritable("images", source))?;
        let room = free.saturating_sub(self.limits.spare);
        if size > room {
            return Err(refused(name, MemberFault::NoRoom { bytes: size, room }));
        }
        let target = format!("images/{below}");
        let file: File = self.staging.create_file(&target, 0o600, 0o700)?;
        let stored = image_archive::store(content, size, &file).map_err(|failure| match failure {
            Failure::Read(error) => self.unreadable(name, &error),
            Failure::Short => self.short(name),
            Failure::Write(source) => self.unwritable(&target, source),
            Failure::NotAnImage(why) => refused(name, MemberFault::NotAnImage(why)),
        })?;
        let image_archive::Stored { sha256, tags } = stored;
        self.images.push(ImageArchive { name: below.to_owned(), bytes: size, sha256, tags });
        Ok(())
    }

    /// Notes what was made below `files/`, with the folders on the way.
    fn list(&mut self, below: &str, payload: Payload) {
        for (at, _) in below.match_indices('/') {
            self.payload.entry(below[..at].to_owned()).or_insert(Payload::Folder);
        }
        self.payload.insert(below.to_owned(), payload);
    }

    /// One checksum over all that a container can see of `files/`: names, execute bits, content; not owners or times.
    fn digest(&self) -> Option<String> {
        let lines = self.payload.iter().map(|(name, payload)| match payload {
            Payload::Folder => format!("folder {name}\n"),
            Payload::File { mode, sha256 } => format!("file {mode:o} {sha256} {name}\n"),
        });
        // A name has no control character, so no two trees make the same list.
        let list: String = lines.collect();
        (!list.is_empty()).then(|| sha256_hex(list.as_bytes()))
    }

    fn whole(&self, name: &MemberName, size: u64, read: u64) -> Result<(), BundleError> {
        if read == size { Ok(()) } else { Err(self.short(name)) }
    }

    fn short(&self, name: &MemberName) -> BundleError {
        match self.source {
            Source::Archive(_) => BundleFault::CutOff.into(),
            Source::Folder(_) => refused(name, MemberFault::Changed),
        }
    }

    fn unreadable(&self, name: &MemberName, error: &std::io::Error) -> BundleError {
        self.budget.explain(&self.source.path_of(name), error)
    }

    fn unwritable(&self, name: &str, source: std::io::Error) -> BundleError {
        StagingError { action: "write", path: self.staging.path().join(name), source }.into()
    }
}

/// A member that is refused.
pub(crate) fn refused(name: &MemberName, fault: MemberFault) -> BundleError {
    BundleError::Member { member: name.as_str().to_owned(), fault }
}

fn within(name: &MemberName, bytes: u64, limit: u64) -> Result<(), BundleError> {
    if bytes > limit { Err(refused(name, MemberFault::Large { bytes, limit })) } else { Ok(()) }
}
