//! Who may ask what of the appliance, and what became of it. No sockets, files, clock or random numbers: those are arguments.
//!
//! ```text
//! head of a request ── Route::parse ──▶ Command ── Gate::verify ──▶ AwaitingBody ── body ──▶ Authorised<Command>
//!                        │ RouteFault                 │ Refusal           │ other body         │
//!                        └────────────▶ Problem ◀─────┴───────────────────┘                    ▼
//!                                          ▲ Busy ◀──────────────────────────────────── Jobs::try_start
//!                                                                                              ▼ Ticket → Draft → Written
//! ```
//!
//! | Part | Here |
//! |---|---|
//! | what can be asked, and who may | [`command`] |
//! | the head of a signed request | [`request`], with the exact text in [`request::SignedText`] |
//! | the one door | [`verify`]: [`verify::Gate`], [`verify::Authorised`] |
//! | what opens it | [`signers`], [`nonce`], [`sessions`], [`tokens`], [`claim`] |
//! | what takes longer | [`jobs`] |
//! | who did what | [`audit`] |
//! | errors as they are answered | [`Problem`], [`Refusal`] |
//!
//! For clients, `docs/api-signing.md` says it byte for byte.

#![forbid(unsafe_code)]

mod words;

pub mod command;
pub mod request;

pub mod nonce;
mod signature;
pub mod signers;

pub mod claim;
pub mod sessions;
pub mod tokens;
pub mod verify;

mod refusal;

pub mod jobs;

pub mod audit;

mod problem;
#[cfg(test)]
mod testing;

pub use problem::{CHALLENGE, Code, ConfigProblem, PROBLEM_TYPE, Problem, RunningJob};
pub use refusal::Refusal;
pub use signature::{NAMESPACE, SignatureFault};
pub use signers::Fingerprint;
pub use words::{Arrival, Bearer, BearerHash, BodyHasher, DeviceId, Peer, Sha256Digest, UnixTime, WallClock};
