//! What the services share.

use std::sync::{Arc, PoisonError, RwLock};

use netboot_protocol::boot_policy::BootPolicy;
use netboot_protocol::policy::Policy;

/// What the services share.
pub(crate) struct Shared {
    /// What is served.
    pub(crate) policy: Policy,
    boot_policy: RwLock<Option<Arc<BootPolicy>>>,
}

impl Shared {
    /// Until the first look at it, a boot policy that the configuration names lets nobody boot from here.
    pub(crate) fn new(policy: Policy) -> Arc<Shared> {
        let named = policy.state().boot_policy.is_some();
        let boot_policy = RwLock::new(named.then(|| Arc::new(BootPolicy::nobody_boots())));
        Arc::new(Shared { policy, boot_policy })
    }

    /// What is published for each device; `None` when the configuration names no such file, and its rules decide.
    pub(crate) fn boot_policy(&self) -> Option<Arc<BootPolicy>> {
        self.boot_policy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
