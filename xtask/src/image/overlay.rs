//! `buildroot-overlay/` and everything else of ours, as one tar archive to lay over the root.
//!
//! The overlay follows Buildroot's rules for `BR2_ROOTFS_OVERLAY`: version-control folders, `.empty` files and editors'
//! `*~` are left out, and modes are `u=rwX,go=rX` whatever the checkout has. One thing differs: setuid, setgid and sticky
//! bits, which git cannot hold, are dropped, so that a checkout inside a setgid folder gives the same image.

use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Names that Buildroot leaves out.
const LEFT_OUT: &[&str] = &[".git", ".svn", ".hg", ".bzr", "CVS", ".empty"];

/// What lies at a path of the root.
enum Node {
    Folder,
    File { bytes: Vec<u8>, executable: bool },
    Link(String),
}

/// Files to lay over the root, by path without a leading slash, in order.
#[derive(Default)]
pub(super) struct Overlay(BTreeMap<String, Node>);

impl Overlay {
    /// Adds everything below `folder`.
    pub(super) fn folder(mut self, folder: &Path) -> Result<Overlay> {
        self.add(folder, "")?;
        Ok(self)
    }

    /// Adds one file.
    pub(super) fn file(mut self, path: &str, bytes: Vec<u8>, executable: bool) -> Overlay {
        let mut parent = String::new();
        for part in path.split('/').take(path.matches('/').count()) {
            parent = if parent.is_empty() { part.to_owned() } else { format!("{parent}/{part}") };
            self.0.entry(parent.clone()).or_insert(Node::Folder);
        }
        self.0.insert(path.to_owned(), Node::File { bytes, executable });
        self
    }

    /// The archive: owned by root, every time stamp `epoch`.
    pub(super) fn write(&self, out: impl Write, epoch: u64) -> Result<()> {
        let mut archive = tar::Builder::new(out);
        for (path, node) in &self.0 {
            let mut header = tar::Header::new_gnu();
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(epoch);
            header.set_size(0);
            let added = match node {
                Node::Folder => {
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_mode(0o755);
                    archive.append_data(&mut header, path, std::io::empty())
                }
                Node::File { bytes, executable } => {
                    header.set_entry_type(tar::EntryType::Regular);
                    header.set_mode(if *executable { 0o755 } else { 0o644 });
                    header.set_size(bytes.len() as u64);
                    archive.append_data(&mut header, path, &bytes[..])
                }
                Node::Link(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_mode(0o777);
                    archive.append_link(&mut header, path, target)
                }
            };
            added.with_context(|| format!("cannot add {path} to the overlay"))?;
        }
        archive.finish().context("cannot finish the overlay")
    }

    fn add(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
            let path = entry.path();
            let name = entry.file_name().into_string().ok();
            let name = name.with_context(|| format!("{} has a name that is not UTF-8", path.display()))?;
            if LEFT_OUT.contains(&name.as_str()) || name.ends_with('~') {
                continue;
            }
            let inner = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            let metadata =
                path.symlink_metadata().with_context(|| format!("cannot read {}", path.display()))?;
            if metadata.is_symlink() {
                let target =
                    std::fs::read_link(&path).with_context(|| format!("cannot read {}", path.display()))?;
                self.0.insert(inner, Node::Link(target.to_string_lossy().into_owned()));
            } else if metadata.is_dir() {
                self.0.insert(inner.clone(), Node::Folder);
                self.add(&path, &inner)?;
            } else {
                use std::os::unix::fs::PermissionsExt;
                let bytes =
                    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let executable = metadata.permissions().mode() & 0o111 != 0;
                self.0.insert(inner, Node::File { bytes, executable });
            }
        }
        Ok(())
    }
}

// In a file of its own, because this one is an input of the root file system.
#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
