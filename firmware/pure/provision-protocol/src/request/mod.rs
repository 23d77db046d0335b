//! The head of a request that claims to be signed, read.
//!
//! ```text
//! Slipway-Request:   base64 of the signed text      what the client wants, in its own words
//! Slipway-Signature: base64 of the SSHSIG blob      by an administrator's key, over exactly that text
//! ```
//!
//! The client sends the text that it signed, and does not leave it to the server to put it together again. So nothing depends on two
//! programs spelling a request alike, and where text and request differ, the refusal says in what.

mod content_type;
mod method;
mod signed_text;
mod target;
#[cfg(test)]
mod tests;

use base64ct::{Base64, Encoding as _};

pub use content_type::ContentType;
pub use method::Method;
pub use signed_text::{SIGNED_TEXT_LIMIT, SignedText, SignedTextFault};
pub use target::Target;

use crate::signature::RequestSignature;

/// The header with the signed text.
pub const REQUEST_HEADER: &str = "slipway-request";

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "slipway-signature";

/// The longest value of one of these headers, in bytes: an RSA key of 16384 bits and a signature by it.
pub const HEADER_LIMIT: usize = 8 * 1024;

/// A request as it came in, without its body. `headers` in any order, names in any case.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// `POST`
    pub method: &'a str,
    /// `/api/config?confirm=120`, as in the request line.
    pub target: &'a str,
    /// Names and values.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// A request that claims to be signed. Nothing of it is proven yet.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    pub(crate) actual: Actual,
    pub(crate) text: SignedText,
    pub(crate) signature: RequestSignature,
}

/// What is asked, whoever asks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actual {
    /// What to do.
    pub method: Method,
    /// With what.
    pub target: Target,
    /// What the body is said to be.
    pub content_type: Option<ContentType>,
}

/// Why the head of a request cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// There is neither signed text nor signature.
    #[error("the request is not signed: it has no Slipway-Request and no Slipway-Signature header")]
    Unsigned,
    /// One of the two is missing.
    #[error("the request has no {0} header: a signed request has both Slipway-Request and Slipway-Signature")]
    HalfSigned(&'static str),
    /// The same header twice.
    #[error("the header {0} is there more than once")]
    Twice(&'static str),
    /// A header longer than [`HEADER_LIMIT`].
    #[error("the header {0} is longer than {HEADER_LIMIT} bytes")]
    TooLong(&'static str),
    /// Not base64.
    #[error("the header {0} is not base64 on one line")]
    NotBase64(&'static str),
    /// The method, target or content type is not one.
    #[error("{0}")]
    Line(#[from] appliance_types::InvalidWord),
    /// The signed text is not one.
    #[error("the signed text in Slipway-Request is not right: {0}")]
    Text(#[from] SignedTextFault),
    /// The signature is not one.
    #[error(
        "the signature in Slipway-Signature cannot be read: send the lines between BEGIN and END SSH SIGNATURE, joined"
    )]
    Signature,
}

impl Actual {
    /// Reads method, target and content type.
    ///
    /// # Errors
    /// When one of them is malformed, or there are two content types.
    pub fn parse(head: &RequestHead<'_>) -> Result<Actual, RequestFault> {
        let content_type = header(head, "content-type")?.map(ContentType::from_header).transpose()?;
        Ok(Actual { method: head.method.parse()?, target: head.target.parse()?, content_type })
    }
}

impl SignedRequest {
    /// Reads the head of a request.
    ///
    /// # Errors
    /// When it is not signed, or something of it is malformed.
    pub fn parse(head: &RequestHead<'_>) -> Result<SignedRequest, RequestFault> {
        let (text, signature) = match (header(head, REQUEST_HEADER)?, header(head, SIGNATURE_HEADER)?) {
            (Some(text), Some(signature)) => (text, signature),
            (None, None) => return Err(RequestFault::Unsigned),
            (None, Some(_)) => return Err(RequestFault::HalfSigned("Slipway-Request")),
            (Some(_), None) => return Err(RequestFault::HalfSigned("Slipway-Signature")),
        };
        let actual = Actual::parse(head)?;
        let text = SignedText::parse(&decoded("Slipway-Request", text)?)?;
        let signature = RequestSignature::parse(&decoded("Slipway-Signature", signature)?)
            .ok_or(RequestFault::Signature)?;
        Ok(SignedRequest { actual, text, signature })
    }

    /// What is asked.
    pub fn actual(&self) -> &Actual {
        &self.actual
    }
}

/// The value of a header, without the white space around it.
pub(crate) fn header<'a>(
    head: &RequestHead<'a>,
    name: &'static str,
) -> Result<Option<&'a [u8]>, RequestFault> {
    let mut found =
        head.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    let Some(first) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(RequestFault::Twice(name));
    }
    match first.len() > HEADER_LIMIT {
        true => Err(RequestFault::TooLong(name)),
        false => Ok(Some(first.trim_ascii())),
    }
}

fn decoded(name: &'static str, value: &[u8]) -> Result<Vec<u8>, RequestFault> {
    let text = std::str::from_utf8(value).map_err(|_| RequestFault::NotBase64(name))?;
    Base64::decode_vec(text).map_err(|_| RequestFault::NotBase64(name))
}
