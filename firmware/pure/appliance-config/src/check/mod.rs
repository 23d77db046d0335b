//! What was written against its rules, and against the rest of the document. Every check goes on after a problem and says
//! nothing about what was already reported: a value that is not there was missed where it was read.

mod activation;
mod containers;
mod network;
mod users;

use crate::raw::RawV1;
use crate::report::Report;
use crate::{Config, SystemFacts};

/// The configuration that `raw` means. Whole only where nothing was reported.
pub(crate) fn check(raw: &RawV1, facts: &SystemFacts, report: &Report<'_>) -> Config {
    let network = network::check(&raw.network, report);
    Config {
        users: raw.users.as_ref().map(|raw| users::check(raw, facts, report)).unwrap_or_default(),
        containers: containers::check(&raw.containers, &network, facts, report),
        activation: activation::check(raw.activation.as_ref(), &raw.containers, report),
        network,
    }
}
