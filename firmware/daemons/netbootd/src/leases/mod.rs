//! Leases outside of memory: on the disk, so that a promise outlives us, and published, so that names can be found.

mod publish;
mod store;

pub(crate) use publish::Publisher;
pub(crate) use store::LeaseStore;
