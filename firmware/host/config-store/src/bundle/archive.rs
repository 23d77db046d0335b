//! A tar archive: header after header, in the order they come.
//!
//! Entries are taken raw, and the extensions for long names read here: the crate would read them whole, however large
//! they say they are. A sparse file, an archive with something behind its end, and one without an end are refused, because
//! other programs would see something else in them than we do.

use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use tar::{Entry, EntryType, PaxExtensions};

use super::budget::Budget;
use super::error::{BundleError, BundleFault, MemberFault};
use super::intake::{FileFacts, Intake};
use super::name::{MemberName, one_line, shown};

/// The largest extension header, in bytes: several names of the greatest length, and other programs' remarks.
const EXTENSION_LIMIT: u64 = 64 * 1024;

/// Hands all members of an archive to `intake`. `reader` counts in `budget`; `path` is what messages call it.
pub(crate) fn read(
    reader: impl Read,
    path: &Path,
    budget: &Rc<Budget>,
    intake: &mut Intake<'_>,
) -> Result<(), BundleError> {
    let broken = |error: io::Error| budget.explain(path, &error);
    let mut archive = tar::Archive::new(reader);
    let mut next = Extensions::default();
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        match entry.header().entry_type() {
            EntryType::GNULongName => next.name = Some(long_name(&mut entry, path, budget)?),
            // Belongs to a link, and the link is refused.
            EntryType::GNULongLink => {}
            EntryType::XHeader => next.read_pax(&extension(&mut entry, path, budget)?)?,
            EntryType::XGlobalHeader => global_pax(&extension(&mut entry, path, budget)?)?,
            _ => member(&mut entry, std::mem::take(&mut next), path, budget, intake)?,
        }
    }
    if next != Extensions::default() || budget.at_end() {
        return Err(BundleFault::CutOff.into());
    }
    only_zeros(archive.into_inner()).map_err(broken)?.then_some(()).ok_or(BundleFault::Trailing.into())
}

/// What headers before a member say about it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Extensions {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl Extensions {
    fn read_pax(&mut self, bytes: &[u8]) -> Result<(), BundleError> {
        for extension in PaxExtensions::new(bytes) {
            let extension = extension.map_err(|error| BundleFault::Damaged(one_line(&error.to_string())))?;
            match extension.key_bytes() {
                b"path" => self.name = Some(extension.value_bytes().to_owned()),
                b"size" => {
                    let size = extension.value().ok().and_then(|text| text.parse().ok());
                    let damaged = || BundleFault::Damaged("a size is no number".to_owned());
                    self.size = Some(size.ok_or_else(damaged)?);
                }
                key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Extensions for all members. git writes a remark there; what would change members is not understood alike by all.
fn global_pax(bytes: &[u8]) -> Result<(), BundleError> {
    let mut all = Extensions::default();
    all.read_pax(bytes)?;
    if all == Extensions::default() {
        Ok(())
    } else {
        Err(BundleFault::Damaged("one header would rename or resize all members".to_owned()).into())
    }
}

fn member<R: Read>(
    entry: &mut Entry<'_, R>,
    extensions: Extensions,
    path: &Path,
    budget: &Rc<Budget>,
    intake: &mut Intake<'_>,
) -> Result<(), BundleError> {
    let raw = extensions.name.unwrap_or_else(|| entry.header().path_bytes().into_owned());
    let refused = |fault| BundleError::Member { member: shown(&raw), fault };
    let header = entry.header();
    let name = MemberName::parse(&raw).map_err(refused)?;
    let is_folder = match header.entry_type() {
        EntryType::Directory => true,
        // Archives older than 1988 had no kind for folders.
        EntryType::Regular => raw.ends_with(b"/"),
        EntryType::Continuous => false,
        kind => return Err(refused(unacceptable(kind))),
    };
    if extensions.sparse {
        return Err(refused(MemberFault::Sparse));
    }
    let bytes = entry.size();
    if extensions.size.is_some_and(|size| size != bytes) {
        return Err(refused(MemberFault::TwoSizes));
    }
    match (name, is_folder) {
        (None, true) => Ok(intake.count_member()?),
        (None, false) => Err(refused(MemberFault::EmptyName)),
        (Some(name), true) => intake.folder(&name),
        (Some(name), false) => {
            let mode = header.mode().map_err(|error| budget.explain(path, &error))?;
            let facts = FileFacts { bytes, executable: mode & 0o111 != 0 };
            intake.file(&name, facts, entry)
        }
    }
}

fn unacceptable(kind: EntryType) -> MemberFault {
    match kind {
        EntryType::Symlink => MemberFault::Symlink,
        EntryType::Link => MemberFault::Hardlink,
        EntryType::Char | EntryType::Block => MemberFault::Special("device"),
        EntryType::Fifo => MemberFault::Special("named pipe"),
        EntryType::GNUSparse => MemberFault::Sparse,
        kind => MemberFault::Unknown(char::from(kind.as_byte())),
    }
}

fn long_name<R: Read>(
    entry: &mut Entry<'_, R>,
    path: &Path,
    budget: &Rc<Budget>,
) -> Result<Vec<u8>, BundleError> {
    let mut name = extension(entry, path, budget)?;
    // It ends in a NUL that is not part of it.
    name.pop_if(|last| *last == 0);
    Ok(name)
}

fn extension<R: Read>(
    entry: &mut Entry<'_, R>,
    path: &Path,
    budget: &Rc<Budget>,
) -> Result<Vec<u8>, BundleError> {
    let size = entry.size();
    if size > EXTENSION_LIMIT {
        let what = format!("an extension header has more than {EXTENSION_LIMIT} bytes");
        return Err(BundleFault::Damaged(what).into());
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| budget.explain(path, &error))?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(BundleFault::CutOff.into()) }
}

/// Reads to the end, which also has the decompressor check its checksum. False when there is anything but padding.
fn only_zeros(mut reader: impl Read) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(count) if buffer[..count].iter().any(|&byte| byte != 0) => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
