//! The one door: a request and what it proves in, a command that may be done out.
//!
//! [`Authorised`] has no other maker than [`Gate::verify`], so a handler that takes one by value cannot be reached without proof.

mod mismatch;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use mismatch::Mismatch;

use crate::claim::{CLAIM_HEADER, Claim};
use crate::command::Guarded;
use crate::nonce::{Nonce, Nonces};
use crate::refusal::Refusal;
use crate::request::{REQUEST_HEADER, RequestFault, RequestHead, SIGNATURE_HEADER, SignedRequest, header};
use crate::sessions::{self, Sessions};
use crate::signers::{AllowedSigners, Signer};
use crate::tokens::{TokenFault, TokenId, TokenName, TokenText, Tokens};
use crate::words::{Arrival, DeviceId, Peer, Sha256Digest, WallClock};

/// Everything that decides who may ask.
#[derive(Debug)]
pub struct Gate {
    /// This device.
    pub device: DeviceId,
    /// Whose signatures count.
    pub signers: AllowedSigners,
    /// What was used already.
    pub nonces: Nonces,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Which tokens there are.
    pub tokens: Tokens,
    /// Whether somebody may still take possession.
    pub claim: Claim,
}

/// Where and when a request came in.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// From whom.
    pub peer: Peer,
    /// Which way.
    pub arrival: Arrival,
    /// Monotonic, as for [`Nonces::make`].
    pub now: Duration,
    /// For what has a date.
    pub clock: WallClock,
}

/// A command that may be done, and for whom.
#[derive(Debug, Clone)]
pub struct Authorised<C> {
    command: C,
    by: Who,
}

/// A command that may be done once its body is the one that was signed.
///
/// Known before the body is read: nobody without a proof makes the device take in 32 MiB, or an image.
#[derive(Debug, Clone)]
#[must_use = "nothing is authorised before the body was compared"]
pub struct AwaitingBody<C> {
    authorised: Authorised<C>,
    signed: Option<Sha256Digest>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Who {
    /// An administrator, by a signature made for this request.
    Admin(Signer),
    /// An administrator, by a console session.
    Session(Signer),
    /// A program, by a token.
    Token {
        /// Which.
        id: TokenId,
        /// What it is called.
        name: TokenName,
    },
    /// Whoever read the claim code off the console.
    Claimant,
}

impl Gate {
    /// Looks at what `head` proves, and whether that opens `command`.
    ///
    /// A signature is looked at before anything else: whoever sends one does not fall back to less.
    ///
    /// # Errors
    /// When it proves nothing, or not enough, with the reason.
    pub fn verify<C: Guarded>(
        &mut self,
        head: &RequestHead<'_>,
        command: C,
        caller: &Caller,
    ) -> Result<AwaitingBody<C>, Refusal> {
        let (by, signed) = self.proven(head, &command, caller)?;
        Ok(AwaitingBody { authorised: Authorised { command, by }, signed })
    }

    fn proven<C: Guarded>(
        &mut self,
        head: &RequestHead<'_>,
        command: &C,
        caller: &Caller,
    ) -> Result<(Who, Option<Sha256Digest>), Refusal> {
        if header(head, REQUEST_HEADER)?.is_some() || header(head, SIGNATURE_HEADER)?.is_some() {
            let request = SignedRequest::parse(head)?;
            let (signer, body) = self.signed(&request, caller.now)?;
            return Ok((Who::Admin(signer), Some(body)));
        }
        let access = command.access();
        if let Some(value) = header(head, "authorization")? {
            let token = std::str::from_utf8(value)
                .ok()
                .and_then(|value| value.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .and_then(|(_, token)| TokenText::parse(token.trim()))
                .ok_or(TokenFault::Unknown)?;
            let token = self.tokens.examine(&token, access.scope, caller.clock)?;
            return Ok((Who::Token { id: token.id.clone(), name: token.name.clone() }, None));
        }
        if let Some(code) = header(head, CLAIM_HEADER)? {
            if !access.claim {
                return Err(Refusal::ClaimOpensNotThis);
            }
            self.claim.examine(&String::from_utf8_lossy(code), caller.peer, caller.now)?;
            return Ok((Who::Claimant, None));
        }
        match sessions::cookie(head)? {
            Some(secret) => {
                let Caller { arrival, now, .. } = *caller;
                let signer =
                    self.sessions.examine(&secret, head, access.session, arrival, &self.signers, now)?;
                Ok((Who::Session(signer), None))
            }
            None => Err(RequestFault::Unsigned.into()),
        }
    }

    /// Who signed, and which body. The nonce is used up last: a request that was changed on its way does not take it from the
    /// one that was meant.
    fn signed(&mut self, request: &SignedRequest, now: Duration) -> Result<(Signer, Sha256Digest), Refusal> {
        let SignedRequest { actual, text, signature } = request;
        let fresh = self.nonces.examine(&text.nonce, now)?;
        // What is read is what is written: these are the bytes that came.
        let signer = signature.verify(text.to_string().as_bytes(), &self.signers)?;
        mismatch::compare(actual, text, &self.device)?;
        self.nonces.spend(fresh, &signer.key, now)?;
        Ok((signer, text.body))
    }

    /// A nonce for whoever asks. `random` is from the system's source of random numbers.
    pub fn nonce(&self, random: [u8; 16], now: Duration) -> Nonce {
        self.nonces.make(random, now)
    }

    /// The keys of the configuration changed: what hung on keys that are gone ends. Whose sessions ended.
    pub fn replace_signers(&mut self, signers: AllowedSigners, now: Duration) -> Vec<Signer> {
        self.signers = signers;
        self.sessions.prune(&self.signers, now)
    }
}

impl<C> AwaitingBody<C> {
    /// What is asked, to know where to put the body.
    pub fn command(&self) -> &C {
        &self.authorised.command
    }

    /// Who asks.
    pub fn by(&self) -> &Who {
        &self.authorised.by
    }

    /// The body arrived whole; this is the hash of all of it.
    ///
    /// # Errors
    /// When another one was signed.
    pub fn body(self, arrived: Sha256Digest) -> Result<Authorised<C>, Refusal> {
        match self.signed {
            Some(signed) if signed != arrived => Err(Mismatch::Body { signed, arrived }.into()),
            Some(_) | None => Ok(self.authorised),
        }
    }
}

#[cfg(test)]
impl<C> Authorised<C> {
    pub(crate) fn for_tests(command: C, by: Who) -> Authorised<C> {
        Authorised { command, by }
    }
}

impl<C> Authorised<C> {
    /// What to do.
    pub fn command(&self) -> &C {
        &self.command
    }

    /// For whom.
    pub fn by(&self) -> &Who {
        &self.by
    }

    /// Both.
    pub fn into_parts(self) -> (C, Who) {
        (self.command, self.by)
    }

    /// Whether it may change who the administrators are: by a signature made for this request, or by a first claim. A document that
    /// is imported tells only when it is read whether it does.
    ///
    /// # Errors
    /// When a session asks for it.
    pub fn may_change_users(&self) -> Result<(), Refusal> {
        match self.by {
            Who::Admin(_) | Who::Claimant => Ok(()),
            Who::Session(_) | Who::Token { .. } => Err(sessions::SessionFault::FreshSignatureNeeded.into()),
        }
    }
}
