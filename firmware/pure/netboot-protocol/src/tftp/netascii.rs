//! The text encoding of RFC 1350 and RFC 764, for people who fetch a text file with an old command line client.

/// The largest file that is converted, in bytes: texts are smaller, and a converted file is held in memory. Whoever asks
/// for a kernel in netascii would get a broken kernel, so that is refused.
pub const NETASCII_LIMIT: u64 = 32 * 1024;

/// Line feed becomes CR LF, a lone carriage return CR NUL.
#[must_use]
pub fn to_netascii(text: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len() + text.len() / 16);
    for byte in text {
        match byte {
            b'\n' => encoded.extend(b"\r\n"),
            b'\r' => encoded.extend(b"\r\0"),
            other => encoded.push(*other),
        }
    }
    encoded
}
