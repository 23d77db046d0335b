//! The one thread that writes leases. All that has been decided while the last commit was on its way to the disk is one commit:
//! the slower the disk, the larger the groups. Replies leave when their lease is on the disk, and not at all when it is not.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use netboot_protocol::dhcp::Lease;

use super::wire::{Outgoing, Wire};
use crate::clock::Anchor;
use crate::leases::{LeaseStore, Publisher};
use crate::shared::Shared;
use crate::trace::Direction;

/// Beyond it, whoever decides waits for the disk, and the sockets keep what comes in meanwhile.
const QUEUE: usize = 2048;
/// The longest wait for company, on the slowest disk.
const LONGEST_WAIT: Duration = Duration::from_millis(3);
/// The most that one commit holds.
const GROUP: usize = 512;

/// What is to be kept, and what is to be said then.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) leases: Vec<Lease>,
    pub(super) reply: Option<Outgoing>,
    /// The times on the disk are to be counted from here on in this way.
    pub(super) anchor: Option<Anchor>,
}

/// Writes and sends.
pub(super) struct Writer {
    store: LeaseStore,
    anchor: Anchor,
    wires: Arc<[Wire]>,
    publisher: Publisher,
    shared: Arc<Shared>,
    jobs: Receiver<Job>,
}

impl Writer {
    /// A writer, and what is to be filled for it.
    pub(super) fn new(
        store: LeaseStore,
        anchor: Anchor,
        wires: Arc<[Wire]>,
        publisher: Publisher,
        shared: Arc<Shared>,
    ) -> (Writer, SyncSender<Job>) {
        let (sender, jobs) = sync_channel(QUEUE);
        (Writer { store, anchor, wires, publisher, shared, jobs }, sender)
    }

    /// Writes until nobody decides any more.
    pub(super) fn run(mut self) -> anyhow::Error {
        let mut group = Vec::with_capacity(GROUP);
        let mut pace = Pace::default();
        let mut failing = false;
        loop {
            group.clear();
            match self.jobs.recv_timeout(Duration::from_secs(3600)) {
                Ok(job) => group.push(job),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return anyhow!("nobody decides any more"),
            }
            self.gather(&mut group, pace.patience());
            if let Some(anchor) = group.iter().rev().find_map(|job| job.anchor) {
                self.anchor = anchor;
            }
            let leases = group.iter().flat_map(|job| &job.leases);
            let begun = Instant::now();
            match self.store.commit(leases, self.anchor) {
                Ok(()) => {
                    pace.committed(group.len(), begun.elapsed());
                    if std::mem::take(&mut failing) {
                        log::info!("leases can be written again");
                    }
                    group.iter().filter_map(|job| job.reply.as_ref()).for_each(|reply| self.send(reply));
                    self.publisher.changed();
                }
                // Said once. What was decided stays in memory, so nobody else gets the address; clients ask again.
                Err(error) if !failing => {
                    failing = true;
                    log::error!(
                        "cannot write leases ({error}): requests stay unanswered until they can be written"
                    );
                }
                Err(_) => {}
            }
        }
    }

    /// Takes in what has been decided by now, and what is within `patience`.
    fn gather(&self, group: &mut Vec<Job>, patience: Duration) {
        let end = Instant::now() + patience;
        while group.len() < GROUP {
            let left = end.saturating_duration_since(Instant::now());
            match self.jobs.recv_timeout(left) {
                Ok(job) => group.push(job),
                Err(_) => return,
            }
        }
    }

    fn send(&self, reply: &Outgoing) {
        send(&self.wires, &self.shared, reply);
    }
}

/// How long it pays to wait for company. Clients that were answered together come back together, a little apart; without a wait the
/// first of them would take the disk for itself and make all the others wait for a whole turn of it.
#[derive(Debug, Default)]
struct Pace {
    /// What a commit takes, lately.
    commit: Duration,
    /// How many the last one was for.
    group: usize,
}

impl Pace {
    /// A third of a commit, when there was company the last time.
    fn patience(&self) -> Duration {
        if self.group > 1 { (self.commit / 3).min(LONGEST_WAIT) } else { Duration::ZERO }
    }

    fn committed(&mut self, group: usize, took: Duration) {
        self.group = group;
        self.commit = (self.commit * 3 + took) / 4;
    }
}

/// Sends a reply, and remembers it for who asks why a machine does not boot.
pub(super) fn send(wires: &[Wire], shared: &Shared, reply: &Outgoing) {
    let Some(wire) = wires.get(reply.wire) else { return };
    match wire.send(reply) {
        Ok(to) => shared.trace.dhcp(Direction::Sent, wire.own_at(reply.port), to, reply.mac, &reply.bytes),
        Err(error) => log::debug!("a reply on {} is lost: {error}", wire.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_client_never_waits_and_many_wait_a_third_of_what_the_disk_takes() {
        let mut pace = Pace::default();
        assert_eq!(pace.patience(), Duration::ZERO);
        for _ in 0..50 {
            pace.committed(16, Duration::from_millis(6));
        }
        assert!((1900..=2000).contains(&pace.patience().as_micros()), "{:?}", pace.patience());
        pace.committed(16, Duration::from_secs(2));
        assert_eq!(pace.patience(), LONGEST_WAIT);
        pace.committed(1, Duration::from_millis(6));
        assert_eq!(pace.patience(), Duration::ZERO);
    }
}
