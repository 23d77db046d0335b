use std::fmt;

use serde::{Deserialize, Serialize};

/// One row for each code: its name, its HTTP status, and what it means.
macro_rules! codes {
    ($($variant:ident $name:literal $status:literal $title:literal;)*) => {
        /// What went wrong. Names are stable: clients compare them, and a name is never given another meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $name)] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The HTTP status that it is answered with.
            pub fn status(self) -> u16 {
                match self { $(Code::$variant => $status,)* }
            }

            /// What it means, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }
        }
    };
}

codes! {
    Unsigned "unsigned" 401 "The request proves nothing";
    BadSignatureHeader "bad-signature-header" 401 "The signature or the signed text cannot be read";
    NobodyMaySign "nobody-may-sign" 401 "The device knows no administrator";
    WrongNamespace "wrong-namespace" 401 "The signature was made for another purpose";
    WrongKey "wrong-key" 401 "The key is not an administrator's";
    Untouched "untouched" 401 "Nobody touched the security key";
    WrongSignature "wrong-signature" 401 "The signature is not one over the signed text";
    NonceUnknown "nonce-unknown" 401 "The nonce is not one of this device";
    NonceExpired "nonce-expired" 401 "The nonce is too old";
    NonceReplayed "nonce-replayed" 401 "The nonce was used already";
    OtherDevice "other-device" 401 "The request was signed for another device";
    OtherMethod "other-method" 401 "Another method was signed";
    OtherPath "other-path" 401 "Another path was signed";
    OtherQuery "other-query" 401 "Another query was signed";
    OtherContentType "other-content-type" 401 "Another content type was signed";
    OtherBody "other-body" 401 "Another body was signed";
    TooManyRequests "too-many-requests" 429 "The key made too many requests";

    SignInLink "sign-in-link" 401 "The sign-in link is used, over or unknown";
    SessionOver "session-over" 401 "The session is over";
    KeyGone "key-gone" 401 "The key is not an administrator's any more";
    LanOnly "lan-only" 403 "Sessions are for LAN";
    ForeignOrigin "foreign-origin" 403 "The request did not come from the console's own pages";
    FreshSignatureNeeded "fresh-signature-needed" 403 "This needs a signature made for this request";

    TokenUnknown "token-unknown" 401 "The token is not one of this device";
    TokenExpired "token-expired" 401 "The token is over";
    ClockNotSet "clock-not-set" 401 "The token expires, and the device does not know the time yet";
    TokenScope "token-scope" 403 "The token is for something else";
    TooManyTokens "too-many-tokens" 409 "There are as many tokens as there may be";
    TokenAlreadyOver "token-already-over" 422 "The token would be over before it is made";

    Claimed "claimed" 403 "The device belongs to somebody";
    NotClaimable "not-claimable" 403 "The device cannot be claimed";
    WrongClaimCode "wrong-claim-code" 401 "That is not the claim code";
    ClaimWait "claim-wait" 429 "Too many wrong claim codes";
    ClaimOpensNotThis "claim-opens-not-this" 403 "The claim code is for the first configuration only";

    NotFound "not-found" 404 "There is nothing here";
    MethodNotAllowed "method-not-allowed" 405 "This is not possible here";
    BadRequest "bad-request" 400 "The request cannot be read";
    BadQuery "bad-query" 400 "The query is not right";
    BodyTooLarge "body-too-large" 413 "The body is too large";
    UnsupportedMediaType "unsupported-media-type" 415 "The body is of a type that is not read here";
    ConfigRefused "config-refused" 422 "The configuration is not right";
    Busy "busy" 409 "Another job runs";
    JobOver "job-over" 409 "The job is over";
    TooLateToCancel "too-late-to-cancel" 409 "The job changes something already";
    Timeout "timeout" 408 "The request took too long";
    Overloaded "overloaded" 503 "The device has enough to do";
    DataUnavailable "data-unavailable" 503 "The data partition cannot be used";
    Internal "internal" 500 "Something went wrong on the device";
}

impl Code {
    /// The code of this name.
    pub fn find(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
