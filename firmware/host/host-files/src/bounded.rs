//! Reading files that might be larger than they should be.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a bounded read failed. The path is part of every message.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {path}")]
    Io {
        /// What was read.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file holds more bytes than the caller allows.
    #[error("{path} is larger than the {limit} bytes allowed here")]
    TooLarge {
        /// What was read.
        path: PathBuf,
        /// The largest size that would have been accepted, in bytes.
        limit: usize,
    },
    /// The file was to be text and is not UTF-8.
    #[error("{path} is not UTF-8 text")]
    NotText {
        /// What was read.
        path: PathBuf,
    },
}

impl ReadError {
    /// True when the file does not exist, which is often an answer and not a failure.
    pub fn is_not_found(&self) -> bool {
        matches!(self, ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a whole file of at most `limit` bytes.
///
/// The bound is kept while reading, not by asking for the size first: `/proc`, `/sys` and pipes say
/// zero, and a file may grow in between.
pub fn read_bounded(path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
    let io_error = |source| ReadError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io_error)?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know that it is too large.
    let ask = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(ask).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() > limit {
        return Err(ReadError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Reads a whole UTF-8 file of at most `limit` bytes.
pub fn read_text_bounded(path: &Path, limit: usize) -> Result<String, ReadError> {
    String::from_utf8(read_bounded(path, limit)?).map_err(|_| ReadError::NotText { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
        let refused = read_bounded(&path, 4).unwrap_err();
        assert!(matches!(refused, ReadError::TooLarge { limit: 4, .. }));
        assert_eq!(
            refused.to_string(),
            format!("{} is larger than the 4 bytes allowed here", path.display())
        );
    }

    #[test]
    fn an_endless_file_is_refused_instead_of_read_for_ever() {
        assert!(matches!(read_bounded(Path::new("/dev/zero"), 1000), Err(ReadError::TooLarge { .. })));
    }

    #[test]
    fn a_missing_file_is_told_apart_and_named() {
        let error = read_bounded(Path::new("/nonexistent/file"), 10).unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "cannot read /nonexistent/file");
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(read_text_bounded(&path, 10), Err(ReadError::NotText { .. })));
    }
}
