//! Who has which address. A value: what time it is and what is reserved are told to it, what must be kept it gives out.
//!
//! Times are those of a clock that never jumps (since the machine started, say), because a wall clock that is set by NTP must not
//! end every lease at once.
//!
//! ```text
//!            offer            request                 release, expiry
//!  (unknown) ─────▶ Offered ─────────▶ Bound ──────────────────────────▶ Free ──▶ offered again: to the same client, or, the
//!                      │  nobody came    │ somebody else has it              ▲     longest free one first, to another
//!                      └─────────────────┼───────────▶ Quarantined ──────────┘
//!                                        └───────────────────▲      time is up
//! ```

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use appliance_types::{HostLabel, Ipv4Cidr};

use super::Hardware;
use crate::client::ClientClass;
use crate::policy::{AddressRange, Policy, SubnetTable};

/// What tells one client from another: its card, and the identifier (option 61) that it has beside it.
///
/// Both, because disks are cloned, machine ids and all: two machines with one identifier are two clients. And because a card may
/// be shared: two systems behind one card with two identifiers are two clients as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientKey {
    /// The card.
    pub hardware: Hardware,
    /// Option 61; `None` for stages of a boot, which each have another one, and for clients without it.
    pub id: Option<Box<[u8]>>,
}

/// An address and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Whose it is, or was last.
    pub client: ClientKey,
    /// What the client was when it last asked.
    pub class: ClientClass,
    /// What the client calls itself, or what its reservation calls it.
    pub hostname: Option<HostLabel>,
    /// What holds for the address.
    pub state: LeaseState,
}

/// What holds for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// Kept for the client that it was offered to.
    Offered {
        /// Until then.
        until: Duration,
    },
    /// Promised to the client.
    Bound {
        /// The latest promise ends then.
        until: Duration,
    },
    /// Nobody's. The client is remembered and gets it again, if nobody else did.
    Free {
        /// Since then.
        since: Duration,
    },
    /// Somebody uses it whom we did not give it.
    Quarantined {
        /// Left alone until then.
        until: Duration,
    },
}

impl LeaseState {
    /// Whether it must survive a power cut. An offer need not: a request for it is looked at on its own merits.
    pub fn is_durable(self) -> bool {
        !matches!(self, LeaseState::Offered { .. })
    }

    fn ends(self) -> Option<Duration> {
        match self {
            LeaseState::Offered { until }
            | LeaseState::Bound { until }
            | LeaseState::Quarantined { until } => Some(until),
            LeaseState::Free { .. } => None,
        }
    }
}

/// Whose an address is, as far as one client is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has it, and this client may.
    Open,
    /// It is this client's: offered to it or promised to it, under this or another name of the same card.
    Own,
    /// It is somebody else's, or nobody may have it now.
    Taken,
}

/// All addresses that are or were somebody's.
#[derive(Debug, Clone)]
pub struct LeaseTable {
    by_address: HashMap<Ipv4Addr, Lease>,
    by_hardware: HashMap<Hardware, Vec<Ipv4Addr>>,
    /// States that end by themselves, soonest first.
    ending: BTreeSet<(Duration, Ipv4Addr)>,
    subnets: Vec<SubnetState>,
    /// Never for everybody: reserved for somebody, or our own.
    kept: HashSet<Ipv4Addr>,
}

#[derive(Debug, Clone)]
struct SubnetState {
    network: Ipv4Cidr,
    pools: Vec<PoolState>,
    /// Free ones that were somebody's, longest free first: switches and clients remember an address for a while (ARP).
    free: BTreeSet<(Duration, Ipv4Addr)>,
}

#[derive(Debug, Clone)]
struct PoolState {
    range: AddressRange,
    /// All below it are known or kept; none when the pool is used up.
    next: Option<Ipv4Addr>,
}

impl LeaseTable {
    /// Nobody has anything yet.
    pub fn new(policy: &Policy) -> LeaseTable {
        let reserved = policy.reservations().map(|reservation| reservation.address);
        let own = policy.interfaces().map(|(_, interface)| interface.address.address());
        let mut table = LeaseTable {
            by_address: HashMap::new(),
            by_hardware: HashMap::new(),
            ending: BTreeSet::new(),
            subnets: policy.subnets().iter().map(SubnetState::new).collect(),
            kept: reserved.chain(own).collect(),
        };
        for subnet in 0..table.subnets.len() {
            table.advance(subnet);
        }
        table
    }

    /// The lease of an address, in force or not.
    pub fn get(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.by_address.get(&address)
    }

    /// Every address that is or was somebody's.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.by_address.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// Ends what has ended by `now`. Comes before every decision.
    pub fn expire(&mut self, now: Duration) {
        while let Some(&(until, address)) = self.ending.first()
            && until <= now
        {
            let Some(lease) = self.by_address.get(&address) else {
                self.ending.remove(&(until, address));
                continue;
            };
            let ended = Lease { state: LeaseState::Free { since: until }, ..lease.clone() };
            self.put(ended);
        }
    }

    /// Takes in a change that was decided, and gives out what must be kept of it: the lease, unless it is but an offer, and other
    /// addresses of the client in the same network, which it has given up by taking this one.
    pub fn apply(&mut self, lease: Lease, now: Duration) -> Vec<Lease> {
        let mut kept = Vec::new();
        if matches!(lease.state, LeaseState::Bound { .. }) {
            for other in self.given_up_by(&lease) {
                let freed = Lease { state: LeaseState::Free { since: now }, ..other };
                let was_promised = freed.state.is_durable();
                self.put(freed.clone());
                if was_promised {
                    kept.push(freed);
                }
            }
        }
        if lease.state.is_durable() {
            kept.push(lease.clone());
        }
        self.put(lease);
        kept
    }

    /// Takes in a lease as it was kept.
    pub fn restore(&mut self, lease: Lease) {
        self.put(lease);
    }

    /// The lease that a client has or had in a network: its own, or else one under another name of the same card, when one of
    /// the two is without an identifier (see [`ClientKey`]).
    pub(super) fn of_client(&self, client: &ClientKey, network: Ipv4Cidr) -> Option<&Lease> {
        let addresses = self.by_hardware.get(&client.hardware)?;
        let here = addresses.iter().filter(|address| network.contains(**address));
        let leases = here.filter_map(|address| self.by_address.get(address));
        let candidates = leases.filter(|lease| is_same(&lease.client, client));
        candidates.max_by_key(|lease| {
            let rank = match lease.state {
                LeaseState::Bound { until } => (3, until),
                LeaseState::Offered { until } => (2, until),
                LeaseState::Free { since } => (1, since),
                LeaseState::Quarantined { until } => (0, until),
            };
            (rank.0 > 0, lease.client == *client, rank)
        })
    }

    /// Whether a client may have an address that the policy allows it.
    pub(super) fn standing(&self, address: Ipv4Addr, client: &ClientKey) -> Standing {
        match self.by_address.get(&address) {
            None => Standing::Open,
            Some(lease) => match lease.state {
                LeaseState::Quarantined { .. } => Standing::Taken,
                LeaseState::Free { .. } => Standing::Open,
                _ if is_same(&lease.client, client) => Standing::Own,
                _ => Standing::Taken,
            },
        }
    }

    /// An address of the subnet's pools for a client that has none: one that was never anybody's, else the one that has been free
    /// for longest.
    pub(super) fn unused(&self, subnet: &SubnetTable) -> Option<Ipv4Addr> {
        let state = self.subnets.iter().find(|state| state.network == subnet.network)?;
        let fresh = state.pools.iter().find_map(|pool| pool.next);
        fresh.or_else(|| state.free.first().map(|&(_, address)| address))
    }

    /// Whether an address is in a pool of the subnet, and not kept for anybody.
    pub(super) fn is_in_pool(&self, subnet: &SubnetTable, address: Ipv4Addr) -> bool {
        subnet.pools.iter().any(|pool| pool.contains(address)) && !self.kept.contains(&address)
    }

    fn given_up_by(&self, lease: &Lease) -> Vec<Lease> {
        let Some(network) = self.network_of(lease.address) else { return Vec::new() };
        let addresses = self.by_hardware.get(&lease.client.hardware).into_iter().flatten();
        let others = addresses.filter(|&&address| address != lease.address && network.contains(address));
        let leases = others.filter_map(|address| self.by_address.get(address));
        let held = leases.filter(|other| {
            other.client == lease.client
                && matches!(other.state, LeaseState::Bound { .. } | LeaseState::Offered { .. })
        });
        held.cloned().collect()
    }

    fn network_of(&self, address: Ipv4Addr) -> Option<Ipv4Cidr> {
        self.subnets.iter().map(|subnet| subnet.network).find(|network| network.contains(address))
    }

    /// The only place that changes a lease: all indexes follow.
    fn put(&mut self, lease: Lease) {
        let address = lease.address;
        if let Some(old) = self.by_address.remove(&address) {
            if let Some(until) = old.state.ends() {
                self.ending.remove(&(until, address));
            }
            if let LeaseState::Free { since } = old.state {
                self.subnets.iter_mut().for_each(|subnet| {
                    subnet.free.remove(&(since, address));
                });
            }
            if let Some(addresses) = self.by_hardware.get_mut(&old.client.hardware) {
                addresses.retain(|other| *other != address);
                if addresses.is_empty() {
                    self.by_hardware.remove(&old.client.hardware);
                }
            }
        }
        if let Some(until) = lease.state.ends() {
            self.ending.insert((until, address));
        }
        self.by_hardware.entry(lease.client.hardware).or_default().push(address);
        let state = lease.state;
        self.by_address.insert(address, lease);
        let subnet = self.subnets.iter().position(|subnet| subnet.network.contains(address));
        if let Some(index) = subnet {
            if let LeaseState::Free { since } = state
                && !self.kept.contains(&address)
                && let Some(subnet) = self.subnets.get_mut(index)
                && subnet.pools.iter().any(|pool| pool.range.contains(address))
            {
                subnet.free.insert((since, address));
            }
            self.advance(index);
        }
    }

    /// Moves the marks of a subnet's pools past what is known or kept.
    fn advance(&mut self, index: usize) {
        let Some(subnet) = self.subnets.get_mut(index) else { return };
        for pool in &mut subnet.pools {
            while let Some(address) = pool.next
                && (self.by_address.contains_key(&address) || self.kept.contains(&address))
            {
                pool.next = (address < pool.range.last()).then(|| Ipv4Addr::from_bits(address.to_bits() + 1));
            }
        }
    }
}

impl SubnetState {
    fn new(subnet: &SubnetTable) -> SubnetState {
        let pools = subnet.pools.iter().map(|&range| PoolState { range, next: Some(range.first()) });
        SubnetState { network: subnet.network, pools: pools.collect(), free: BTreeSet::new() }
    }
}

/// Whether two keys are one machine: the same card, and no two different identifiers.
fn is_same(one: &ClientKey, other: &ClientKey) -> bool {
    one.hardware == other.hardware && (one.id == other.id || one.id.is_none() || other.id.is_none())
}

#[cfg(test)]
#[path = "leases_tests.rs"]
mod tests;
