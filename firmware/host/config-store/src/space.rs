//! How full the disk is.

use std::error::Error;
use std::io;
use std::os::fd::AsFd;

/// How many bytes an unprivileged program could still write to the file system of this folder.
///
/// What is reserved for root is not counted: whoever fills that up takes it from the system itself.
pub fn free_bytes(folder: &impl AsFd) -> io::Result<u64> {
    let found = rustix::fs::fstatvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Whether an error of ours comes down to a disk without room: the one failure that its owner can do something about.
pub fn is_disk_full(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn free_space_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&std::fs::File::open(folder.path()).unwrap()).unwrap() > 0);
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures_at_any_depth() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);

        let full = std::fs::File::options().write(true).open("/dev/full").unwrap().write_all(b"x");
        assert!(is_disk_full(&Outer(full.unwrap_err())));
        assert!(!is_disk_full(&Outer(io::Error::from(io::ErrorKind::NotFound))));
    }
}
