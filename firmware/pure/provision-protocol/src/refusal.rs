use crate::claim::ClaimFault;
use crate::nonce::NonceFault;
use crate::request::RequestFault;
use crate::sessions::SessionFault;
use crate::signature::SignatureFault;
use crate::tokens::TokenFault;
use crate::verify::Mismatch;

/// Why a request is not done: each reason its own. How it is answered is in [`Problem`](crate::Problem).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not signed, or what should be a signature cannot be read.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    /// The nonce is not good.
    #[error(transparent)]
    Nonce(#[from] NonceFault),
    /// Something else was signed.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The session is over, or not enough.
    #[error(transparent)]
    Session(#[from] SessionFault),
    /// The token is void, or not enough.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// The claim code is wrong, or comes too late.
    #[error(transparent)]
    Claim(#[from] ClaimFault),
    /// The claim code is for the first configuration only.
    #[error(
        "the claim code opens /api/validate and /api/config only: sign the request with an administrator's key"
    )]
    ClaimOpensNotThis,
}
