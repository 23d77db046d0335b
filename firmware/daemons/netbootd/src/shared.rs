//! What the services share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use netboot_protocol::boot_policy::BootPolicy;
use netboot_protocol::dhcp::PxeMemory;
use netboot_protocol::policy::Policy;
use netboot_protocol::tftp::{Admission, AdmissionLimits};

use crate::boot_client::SeenClients;
use crate::trace::Trace;

/// What the services share.
pub(crate) struct Shared {
    /// What is served.
    pub(crate) policy: Policy,
    /// Who has which address.
    pub(crate) seen: SeenClients,
    /// The last packets of each device.
    pub(crate) trace: Trace,
    admission: Mutex<Admission>,
    boot_policy: RwLock<Option<Arc<BootPolicy>>>,
    pxe_memory: Mutex<PxeMemory>,
}

impl Shared {
    /// Until the first look at it, a boot policy that the configuration names lets nobody boot from here.
    pub(crate) fn new(policy: Policy) -> Arc<Shared> {
        let named = policy.state().boot_policy.is_some();
        let boot_policy = RwLock::new(named.then(|| Arc::new(BootPolicy::nobody_boots())));
        Arc::new(Shared {
            policy,
            seen: SeenClients::default(),
            trace: Trace::new(),
            admission: Mutex::new(Admission::new(AdmissionLimits::default())),
            boot_policy,
            pxe_memory: Mutex::new(PxeMemory::default()),
        })
    }

    /// Who may load now, when everybody wants to.
    pub(crate) fn admission(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is published for each device; `None` when the configuration names no such file, and its rules decide.
    pub(crate) fn boot_policy(&self) -> Option<Arc<BootPolicy>> {
        self.boot_policy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces what is published.
    pub(crate) fn set_boot_policy(&self, policy: BootPolicy) {
        *self.boot_policy.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(policy));
    }

    /// Which PXE clients have been told of a file, and have not loaded it.
    pub(crate) fn pxe_memory(&self) -> MutexGuard<'_, PxeMemory> {
        self.pxe_memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
