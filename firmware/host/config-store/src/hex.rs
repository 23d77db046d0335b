//! Checksums as text.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// SHA-256 of some bytes, as 64 hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    finish_hex(Sha256::new_with_prefix(bytes))
}

/// Ends a running SHA-256, as 64 hexadecimal digits.
pub(crate) fn finish_hex(hash: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _cannot_fail = write!(text, "{byte:02x}");
    }
    text
}
