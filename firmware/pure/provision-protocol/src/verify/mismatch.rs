use crate::request::{Actual, ContentType, Method, SignedText};
use crate::words::{DeviceId, Sha256Digest};

/// A good signature, over another request than this one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// For another device.
    #[error("the request was signed for device {signed}, and this is {here}")]
    Device {
        /// For which.
        signed: DeviceId,
        /// This one.
        here: DeviceId,
    },
    /// Another method.
    #[error("{signed} was signed, and {sent} was sent")]
    Method {
        /// What was signed.
        signed: Method,
        /// What came.
        sent: Method,
    },
    /// Another path.
    #[error("the path {signed} was signed, and {sent} was sent")]
    Path {
        /// What was signed.
        signed: String,
        /// What came.
        sent: String,
    },
    /// Another query.
    #[error("the query {signed:?} was signed, and {sent:?} was sent")]
    Query {
        /// What was signed.
        signed: String,
        /// What came.
        sent: String,
    },
    /// Another content type.
    #[error("the content type {signed:?} was signed, and {sent:?} was sent")]
    ContentType {
        /// What was signed.
        signed: String,
        /// What came.
        sent: String,
    },
    /// Another body.
    #[error("a body with the SHA-256 {signed} was signed, and one with {arrived} was sent")]
    Body {
        /// What was signed.
        signed: Sha256Digest,
        /// What came.
        arrived: Sha256Digest,
    },
}

/// Everything that is known before the body is.
pub(super) fn compare(actual: &Actual, text: &SignedText, here: &DeviceId) -> Result<(), Mismatch> {
    if text.device != *here {
        return Err(Mismatch::Device { signed: text.device.clone(), here: here.clone() });
    }
    if text.method != actual.method {
        return Err(Mismatch::Method { signed: text.method, sent: actual.method });
    }
    let (signed, sent) = (&text.target, &actual.target);
    if signed.path() != sent.path() {
        return Err(Mismatch::Path { signed: signed.path().to_owned(), sent: sent.path().to_owned() });
    }
    if signed != sent {
        let query = |query: Option<&str>| query.map_or(String::new(), |query| format!("?{query}"));
        return Err(Mismatch::Query { signed: query(signed.query()), sent: query(sent.query()) });
    }
    if text.content_type != actual.content_type {
        let words = |value: &Option<ContentType>| value.as_ref().map_or("-", ContentType::as_str).to_owned();
        let (signed, sent) = (words(&text.content_type), words(&actual.content_type));
        return Err(Mismatch::ContentType { signed, sent });
    }
    Ok(())
}
