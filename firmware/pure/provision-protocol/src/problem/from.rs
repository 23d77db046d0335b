//! Which error is which code.

use std::time::Duration;

use super::{Code, Problem, RunningJob};
use crate::claim::{ClaimFault, WhyClosed};
use crate::command::RouteFault;
use crate::jobs::{Busy, CancelFault, NotStarted};
use crate::nonce::NonceFault;
use crate::refusal::Refusal;
use crate::request::RequestFault;
use crate::sessions::SessionFault;
use crate::signature::SignatureFault;
use crate::tokens::TokenFault;
use crate::verify::Mismatch;

impl Refusal {
    /// Its code.
    pub fn code(&self) -> Code {
        match self {
            Refusal::Request(RequestFault::Unsigned) => Code::Unsigned,
            // Of method, path and content type: the line of the request, not its signature.
            Refusal::Request(RequestFault::Line(_)) => Code::BadRequest,
            Refusal::Request(_) => Code::BadSignatureHeader,
            Refusal::Signature(fault) => match fault {
                SignatureFault::NobodyMaySign => Code::NobodyMaySign,
                SignatureFault::Namespace(_) => Code::WrongNamespace,
                SignatureFault::NotAnAdmin(_) => Code::WrongKey,
                SignatureFault::Untouched => Code::Untouched,
                SignatureFault::Wrong => Code::WrongSignature,
            },
            Refusal::Nonce(fault) => match fault {
                NonceFault::Unknown => Code::NonceUnknown,
                NonceFault::Expired => Code::NonceExpired,
                NonceFault::Replayed => Code::NonceReplayed,
                NonceFault::TooMany { .. } => Code::TooManyRequests,
            },
            Refusal::Mismatch(mismatch) => match mismatch {
                Mismatch::Device { .. } => Code::OtherDevice,
                Mismatch::Method { .. } => Code::OtherMethod,
                Mismatch::Path { .. } => Code::OtherPath,
                Mismatch::Query { .. } => Code::OtherQuery,
                Mismatch::ContentType { .. } => Code::OtherContentType,
                Mismatch::Body { .. } => Code::OtherBody,
            },
            Refusal::Session(fault) => session(fault),
            Refusal::Token(fault) => token(fault),
            Refusal::Claim(fault) => match fault {
                ClaimFault::Closed(WhyClosed::Claimed) => Code::Claimed,
                ClaimFault::Closed(WhyClosed::OwnedByImage | WhyClosed::Unknown) => Code::NotClaimable,
                ClaimFault::Wrong => Code::WrongClaimCode,
                ClaimFault::Wait { .. } => Code::ClaimWait,
            },
            Refusal::ClaimOpensNotThis => Code::ClaimOpensNotThis,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Refusal::Nonce(NonceFault::TooMany { retry_after: wait })
            | Refusal::Claim(ClaimFault::Wait { wait }) => Some(*wait),
            _ => None,
        }
    }
}

fn session(fault: &SessionFault) -> Code {
    match fault {
        SessionFault::NotFromLan => Code::LanOnly,
        SessionFault::NoOffer => Code::SignInLink,
        SessionFault::NoSession => Code::SessionOver,
        SessionFault::KeyGone(_) => Code::KeyGone,
        SessionFault::ForeignOrigin => Code::ForeignOrigin,
        SessionFault::FreshSignatureNeeded => Code::FreshSignatureNeeded,
    }
}

fn token(fault: &TokenFault) -> Code {
    match fault {
        TokenFault::Unknown => Code::TokenUnknown,
        TokenFault::Expired(..) => Code::TokenExpired,
        TokenFault::ClockNotSet(_) => Code::ClockNotSet,
        TokenFault::Scope(_) => Code::TokenScope,
        TokenFault::TooMany => Code::TooManyTokens,
        TokenFault::AlreadyOver => Code::TokenAlreadyOver,
        TokenFault::NotAsked => Code::FreshSignatureNeeded,
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Problem {
        // Rounded up: whoever waits that long does not come too early.
        let retry_after_s =
            refusal.retry_after().map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        Problem { retry_after_s, ..Problem::new(refusal.code(), refusal.to_string()) }
    }
}

impl From<&RouteFault> for Problem {
    fn from(fault: &RouteFault) -> Problem {
        let (code, allowed) = match fault {
            RouteFault::NotFound(_) => (Code::NotFound, &[][..]),
            RouteFault::MethodNotAllowed { allowed, .. } => (Code::MethodNotAllowed, &allowed[..]),
            RouteFault::Query(_) => (Code::BadQuery, &[][..]),
        };
        let allowed = allowed.iter().map(|method| method.as_str().to_owned()).collect();
        Problem { allowed, ..Problem::new(code, fault.to_string()) }
    }
}

impl From<&Busy> for Problem {
    fn from(busy: &Busy) -> Problem {
        let Busy { job_id, command, since } = *busy;
        let running = RunningJob { job_id, command, since, url: format!("/api/jobs/{job_id}") };
        Problem { running: Some(running), ..Problem::new(Code::Busy, busy.to_string()) }
    }
}

impl From<&NotStarted> for Problem {
    fn from(not_started: &NotStarted) -> Problem {
        match not_started {
            NotStarted::Busy(busy) => busy.into(),
            NotStarted::NoJob(_) => Problem::new(Code::Internal, not_started.to_string()),
        }
    }
}

impl From<&CancelFault> for Problem {
    fn from(fault: &CancelFault) -> Problem {
        let code = match fault {
            CancelFault::Unknown(_) => Code::NotFound,
            CancelFault::Over(_) => Code::JobOver,
            CancelFault::TooLate(_) => Code::TooLateToCancel,
        };
        Problem::new(code, fault.to_string())
    }
}
