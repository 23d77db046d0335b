//! What tests of several modules use.

use std::path::Path;

/// A folder for a test that syncs a lot or makes many files: that costs nothing in memory.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    in_memory.or_else(|_| tempfile::tempdir()).unwrap()
}
