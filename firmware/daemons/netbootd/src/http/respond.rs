//! A request in, an answer out.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};
use netboot_protocol::tftp::{FileName, Viewer};

use crate::boot_client::boot_client;
use crate::boot_root::{BootFile, BootRoot};
use crate::shared::Shared;

use super::body::FileBody;
use super::range::{Part, part};

/// Answers one request of `client`.
pub(super) fn respond(
    shared: &Shared,
    root: Option<&BootRoot>,
    client: SocketAddrV4,
    (method, path, headers): (&Method, &str, &HeaderMap),
    progress: Arc<AtomicU64>,
) -> Response<FileBody> {
    if method != Method::GET && method != Method::HEAD {
        let mut answer = refuse(StatusCode::METHOD_NOT_ALLOWED, "boot files can be read, and nothing else");
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let head_only = method == Method::HEAD;
    let file = match find(shared, root, client, path) {
        Ok(file) => file,
        Err((status, why)) => {
            log::debug!("HTTP refused to {client}: {path}: {why}");
            return without_body(head_only, refuse(status, why));
        }
    };
    let tag = format!("\"{}\"", file.tag());
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A download that is resumed after the file was replaced begins anew (RFC 9110 section 13.1.5).
    let still_the_same = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let range = text(header::RANGE).filter(|_| still_the_same);
    let size = file.size();
    let (status, from, length, content_range) = match part(range, size) {
        Part::Whole => (StatusCode::OK, 0, size, None),
        Part::Bytes { from, length } => {
            let range = format!("bytes {from}-{}/{size}", from + length - 1);
            (StatusCode::PARTIAL_CONTENT, from, length, Some(range))
        }
        Part::Outside => {
            let mut answer = refuse(StatusCode::RANGE_NOT_SATISFIABLE, "the file ends before that range");
            set(&mut answer, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return without_body(head_only, answer);
        }
    };
    let mut answer = Response::new(match head_only {
        true => FileBody::nothing(),
        false => FileBody::file(file, from, length, progress),
    });
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_LENGTH, &length.to_string());
    set(&mut answer, header::CONTENT_TYPE, content_type(path));
    set(&mut answer, header::ACCEPT_RANGES, "bytes");
    set(&mut answer, header::ETAG, &tag);
    if let Some(range) = content_range {
        set(&mut answer, header::CONTENT_RANGE, &range);
    }
    answer
}

fn find(
    shared: &Shared,
    root: Option<&BootRoot>,
    client: SocketAddrV4,
    path: &str,
) -> Result<Arc<BootFile>, (StatusCode, &'static str)> {
    let decoded =
        percent_decode(path).ok_or((StatusCode::BAD_REQUEST, "a % without two hexadecimal digits"))?;
    // Doubled slashes are read as one, and never by a redirect: UEFI does not follow those.
    let name = FileName::parse(&decoded).map_err(|_| (StatusCode::NOT_FOUND, "no such file"))?;
    let who = boot_client(shared, *client.ip(), &name);
    let why = match who.viewer {
        Viewer::Nothing => "this device boots from its own disk",
        Viewer::Tree { .. } => "no such file",
    };
    root.and_then(|root| root.find(&who.viewer, &name)).ok_or((StatusCode::NOT_FOUND, why))
}

fn refuse(status: StatusCode, why: &str) -> Response<FileBody> {
    let text = format!("{why}\n");
    let length = text.len().to_string();
    let mut answer = Response::new(FileBody::text(text));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_LENGTH, &length);
    set(&mut answer, header::CONTENT_TYPE, "text/plain");
    answer
}

/// HEAD is answered with the headers of GET.
fn without_body(head_only: bool, answer: Response<FileBody>) -> Response<FileBody> {
    if head_only { answer.map(|_| FileBody::nothing()) } else { answer }
}

fn set(answer: &mut Response<FileBody>, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// Some UEFI firmware decides by it what to do with the file (UEFI specification, section 24.7.2).
fn content_type(path: &str) -> &'static str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("efi") => "application/efi",
        Some("iso") => "application/vnd.efi-iso",
        Some("img") => "application/vnd.efi-img",
        Some("ipxe" | "txt" | "cfg") => "text/plain",
        _ => "application/octet-stream",
    }
}

fn percent_decode(path: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        decoded.push(digit()? << 4 | digit()?);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r4_5_57_types_are_those_that_uefi_knows() {
        assert_eq!(content_type("/a/grubaa64.EFI"), "application/efi");
        assert_eq!(content_type("/installer.iso"), "application/vnd.efi-iso");
        assert_eq!(content_type("/boot.img?x=1"), "application/vnd.efi-img");
        assert_eq!(content_type("/vmlinuz"), "application/octet-stream");
    }

    #[test]
    fn r4_5_59_percent_signs_are_read() {
        assert_eq!(percent_decode("/a%20b%2Fc").as_deref(), Some(&b"/a b/c"[..]));
        assert_eq!(percent_decode("/a%2"), None);
        assert_eq!(percent_decode("/a%zz"), None);
    }
}
