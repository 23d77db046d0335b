//! Console sessions: how a browser, which cannot sign, acts for somebody who did.
//!
//! ```text
//!   signed POST /api/session ──▶ offer: a one-time URL, 60 s ──▶ redeem: a cookie, 12 h ──▶ … ──▶ gone
//!                                                                        │ gone at once when the key goes
//! ```
//!
//! All of it is in memory: a restart of the API ends every session.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::command::{Command, SessionUse};
use crate::request::{RequestFault, RequestHead, header};
use crate::signers::{AllowedSigners, Fingerprint, Signer};
use crate::verify::{Authorised, Who};
use crate::words::{Arrival, Bearer, BearerHash};

/// How long a one-time URL is good.
pub const OFFER_LIFE: Duration = Duration::from_secs(60);

/// How long a session lasts, used or not.
pub const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);

/// How many one-time URLs and sessions one key may have. One more ends the oldest.
pub const PER_KEY: usize = 16;

/// `__Host-`: a browser takes such a cookie only from this host itself, over TLS, for all paths.
const COOKIE: &str = "__Host-slipway";

/// One-time URLs and sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    offers: BTreeMap<BearerHash, Held>,
    sessions: BTreeMap<BearerHash, Held>,
}

/// For whom, and until when.
#[derive(Debug, Clone)]
struct Held {
    signer: Signer,
    until: Duration,
}

/// A session that was just begun.
#[derive(Debug)]
pub struct Begun {
    /// Whose.
    pub signer: Signer,
    /// The value of the `Set-Cookie` header.
    pub set_cookie: String,
}

/// Why a session does not open something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionFault {
    /// The request came from WAN.
    #[error("sessions are for LAN: from elsewhere, use `ssh -L`")]
    NotFromLan,
    /// There is no such one-time URL, or it was used, or is over.
    #[error("this sign-in link is not good, or not any more: `slipway login` makes a new one")]
    NoOffer,
    /// There is no such session, or it is over.
    #[error("the session is over: `slipway login` begins a new one")]
    NoSession,
    /// The key is no administrator's any more.
    #[error("the session is over: {0} is not the key of an administrator any more")]
    KeyGone(Fingerprint),
    /// It did not come from our own pages.
    #[error(
        "the request did not come from this console's own pages (its Origin is not https:// and its Host)"
    )]
    ForeignOrigin,
    /// A session is not enough.
    #[error("this needs a signature made for this request: use the `slipway` command")]
    FreshSignatureNeeded,
}

impl Sessions {
    /// A one-time URL's secret for whoever signed for it; `None` when something else was asked, or not by a signature. `random` is from
    /// the system's source of random numbers.
    pub fn offer(&mut self, asked: &Authorised<Command>, random: [u8; 32], now: Duration) -> Option<Bearer> {
        let (Command::OpenSession, Who::Admin(signer)) = (asked.command(), asked.by()) else { return None };
        let code = Bearer::new(random);
        add(&mut self.offers, &code, signer.clone(), now, OFFER_LIFE);
        Some(code)
    }

    /// Takes a one-time URL, and begins a session. Whatever comes of it, the URL is used up.
    ///
    /// # Errors
    /// When it is not good, or its key is no administrator's any more.
    pub fn redeem(
        &mut self,
        code: &BearerHash,
        arrival: Arrival,
        signers: &AllowedSigners,
        random: [u8; 32],
        now: Duration,
    ) -> Result<Begun, SessionFault> {
        if arrival != Arrival::Lan {
            return Err(SessionFault::NotFromLan);
        }
        let offer = self.offers.remove(code).filter(|offer| now < offer.until);
        let Held { signer, .. } = offer.ok_or(SessionFault::NoOffer)?;
        if !signers.contains(&signer.key) {
            return Err(SessionFault::KeyGone(signer.key));
        }
        let secret = Bearer::new(random);
        add(&mut self.sessions, &secret, signer.clone(), now, SESSION_LIFE);
        let (secret, seconds) = (secret.reveal(), SESSION_LIFE.as_secs());
        let set_cookie =
            format!("{COOKIE}={secret}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
        Ok(Begun { signer, set_cookie })
    }

    /// Ends the session that asked for it. The answer's `Set-Cookie` header.
    pub fn close(&mut self, head: &RequestHead<'_>) -> String {
        if let Ok(Some(secret)) = cookie(head) {
            self.sessions.remove(&secret.hash());
        }
        format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
    }

    /// Ends what is over, and what belongs to keys that are gone. Whose sessions ended because of the latter.
    pub fn prune(&mut self, signers: &AllowedSigners, now: Duration) -> Vec<Signer> {
        self.offers.retain(|_, offer| now < offer.until && signers.contains(&offer.signer.key));
        self.sessions.retain(|_, session| now < session.until);
        let gone = self.sessions.extract_if(.., |_, session| !signers.contains(&session.signer.key));
        gone.map(|(_, session)| session.signer).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sessions.len()
    }

    /// Whose session it is, when it is good for this.
    pub(crate) fn examine(
        &mut self,
        secret: &Bearer,
        head: &RequestHead<'_>,
        needed: SessionUse,
        arrival: Arrival,
        signers: &AllowedSigners,
        now: Duration,
    ) -> Result<Signer, SessionFault> {
        if arrival != Arrival::Lan {
            return Err(SessionFault::NotFromLan);
        }
        let hash = secret.hash();
        let signer = match self.sessions.get(&hash) {
            Some(session) if now < session.until => session.signer.clone(),
            _ => return Err(SessionFault::NoSession),
        };
        if !signers.contains(&signer.key) {
            self.sessions.remove(&hash);
            return Err(SessionFault::KeyGone(signer.key));
        }
        match needed {
            SessionUse::FreshSignature => Err(SessionFault::FreshSignatureNeeded),
            SessionUse::Write if !is_same_origin(head) => Err(SessionFault::ForeignOrigin),
            SessionUse::Read | SessionUse::Write => Ok(signer),
        }
    }
}

/// The session's secret that a request carries.
///
/// # Errors
/// When there are several `Cookie` headers, or it is too long.
pub(crate) fn cookie(head: &RequestHead<'_>) -> Result<Option<Bearer>, RequestFault> {
    let Some(value) = header(head, "cookie")? else { return Ok(None) };
    let Ok(text) = std::str::from_utf8(value) else { return Ok(None) };
    let ours =
        text.split(';').filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == COOKIE);
    Ok(ours.map(|(_, value)| value).next().and_then(Bearer::parse))
}

/// RFC 6454: what sent the request is a page of the host that the request is to. Without an `Origin`, nobody knows.
fn is_same_origin(head: &RequestHead<'_>) -> bool {
    let (Ok(Some(origin)), Ok(Some(host))) = (header(head, "origin"), header(head, "host")) else {
        return false;
    };
    !host.is_empty()
        && origin.strip_prefix(b"https://").is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

fn add(to: &mut BTreeMap<BearerHash, Held>, secret: &Bearer, signer: Signer, now: Duration, life: Duration) {
    to.retain(|_, held| now < held.until);
    let of_key = to.iter().filter(|(_, held)| held.signer.key == signer.key);
    if of_key.clone().count() >= PER_KEY
        && let Some(oldest) = of_key.min_by_key(|(_, held)| held.until).map(|(hash, _)| *hash)
    {
        to.remove(&oldest);
    }
    to.insert(secret.hash(), Held { signer, until: now + life });
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
