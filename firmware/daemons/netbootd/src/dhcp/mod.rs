//! DHCP on the LAN: sockets and threads around `netboot_protocol::dhcp`, which decides.
//!
//! ```text
//!  sockets ── intake.rs: requests before discoveries, the oldest discoveries dropped when it is too much
//!     └─▶ serve.rs: decide ─┬─ offer, never had the address ──▶ parking.rs: ARP asks, then ──▶ wire.rs: sent
//!                           ├─ offer, NAK ─────────────────────────────────────────────────▶ wire.rs: sent
//!                           └─ a lease ──▶ writer.rs: one commit for all that wait, then ──▶ wire.rs: sent
//! ```
//!
//! The thread that decides never waits for the disk, and what it has decided is not said before the disk has it. Beside it,
//! rogue.rs looks for other servers.

mod intake;
mod parking;
mod rogue;
mod serve;
mod wire;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use netboot_protocol::dhcp::{Lease, LeaseState, LeaseTable};
use netboot_protocol::policy::{DhcpMode, Policy};

use crate::clock::{self, Anchor};
use crate::leases::{LeaseStore, Publisher};
use crate::service::Service;
use crate::shared::Shared;

use serve::Server;
use wire::Wire;
use writer::Writer;

/// A mark older than this is of another time.
const JUST_NOW: Duration = Duration::from_secs(60);

/// Opens the sockets, looks whether another server is there already, and opens the lease store.
///
/// # Errors
/// Something cannot be opened, or another server answers and the policy does not say `force`.
pub(crate) fn services(shared: &Arc<Shared>) -> anyhow::Result<Vec<Service>> {
    let policy = &shared.policy;
    if policy.listen().dhcp_port == 0
        || policy.interfaces().all(|(_, interface)| interface.dhcp == DhcpMode::Off)
    {
        return Ok(Vec::new());
    }
    policy.warnings().iter().for_each(|warning| log::warn!("{warning}"));
    // First what may refuse the start: systemd tries for ever, and opening the store writes.
    let wires: Vec<Wire> = Wire::open_all(policy)?;
    let wires: Arc<[Wire]> = wires.into();
    let search = rogue::Search::open(policy, &wires)?;
    if !served_just_now(policy) {
        search.refuse_company(policy)?;
    }

    let anchor = Anchor::now();
    let (store, kept) = LeaseStore::open(&policy.state().dir, anchor)?;
    let mut table = LeaseTable::new(policy);
    for lease in kept {
        table.restore(bounded(policy, lease, clock::now()));
    }
    log::info!("{} addresses are or were somebody's", table.len());
    let leases = Arc::new(Mutex::new(table));

    let publisher = Publisher::default();
    let (writer, queue) =
        Writer::new(store, anchor, Arc::clone(&wires), publisher.clone(), Arc::clone(shared));
    let server = Server::open(Arc::clone(shared), wires, Arc::clone(&leases), queue, search.told())?;
    let mut services = vec![
        Service::new("DHCP", move || server.run()),
        Service::new("the lease store", move || writer.run()),
    ];
    if let Some(search) = search.periodic(policy) {
        services.push(Service::new("the search for other DHCP servers", move || search.run()));
    }
    if let Some(path) = policy.state().leases_json.clone() {
        let folder = path.parent().context("leases_json has no folder")?;
        anyhow::ensure!(folder.is_dir(), "cannot publish leases: {} is no folder", folder.display());
        let shared = Arc::clone(shared);
        services.push(Service::new("leases.json", move || publisher.run(&path, &shared.policy, &leases)));
    }
    Ok(services)
}

/// The file that says when we last served. In a folder that does not outlive the machine's run; without one nothing is said.
fn serving_mark(policy: &Policy) -> Option<PathBuf> {
    policy.state().leases_json.as_ref().map(|path| path.with_file_name("serving"))
}

/// Whether we are back after a crash, for which nobody should wait: other servers are looked for all the same, a little later.
fn served_just_now(policy: &Policy) -> bool {
    let written = serving_mark(policy).and_then(|path| path.metadata().ok()?.modified().ok());
    written.and_then(|at| at.elapsed().ok()).is_some_and(|ago| ago < JUST_NOW)
}

/// A lease from the disk ends no later than one that is given now: the wall clock may have been ahead when it was written.
fn bounded(policy: &Policy, lease: Lease, now: Duration) -> Lease {
    let longest = policy.subnet_of(lease.address).map_or(0, |subnet| subnet.lease_s.max(subnet.boot_lease_s));
    let quarantine = Duration::from_secs(policy.dhcp().quarantine_s.into());
    let state = match lease.state {
        LeaseState::Bound { until } => {
            LeaseState::Bound { until: until.min(now + Duration::from_secs(longest.into())) }
        }
        LeaseState::Quarantined { until } => LeaseState::Quarantined { until: until.min(now + quarantine) },
        LeaseState::Free { since } => LeaseState::Free { since: since.min(now) },
        offered => offered,
    };
    Lease { state, ..lease }
}
