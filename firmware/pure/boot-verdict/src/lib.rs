//! Facts about this boot in, a verdict out.
//!
//! Whoever gathers the facts asks [`Judge::observe`] again every few seconds; the judge remembers what it has seen before. What
//! is done about a verdict is not known here.
//!
//! | Provisioned | All checks pass | The slot | Verdict |
//! |---|---|---|---|
//! | no | | | [`Verdict::Wait`], for as long as it takes |
//! | yes | for the hold, with no restart in it | | [`Verdict::Good`] |
//! | yes | not yet, and there is time left | | [`Verdict::Wait`] |
//! | yes | no, and time is up or a failure lasts | on trial, another slot of the order has tries left | [`Verdict::Bad`] |
//! | yes | no, and time is up or a failure lasts | any other | [`Verdict::Degraded`] |
//!
//! What could not be found out is a fact like any other: it passes no check.

#![forbid(unsafe_code)]

mod facts;

mod finding;
mod judge;

pub use facts::{Asked, Facts, LanFact, Provisioning, Services, Standing, UnitFact, UnitRole};
pub use finding::Finding;
pub use judge::{Judge, Policy, Verdict};
