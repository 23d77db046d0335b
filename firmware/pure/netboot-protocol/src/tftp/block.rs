//! Block numbers: a file's blocks are counted from 1 without an end, the wire has 16 bits for it.

/// What follows block 65535. No RFC says; clients differ, so it is a rule per client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollover {
    /// 0, as most clients expect.
    #[default]
    ToZero,
    /// 1: block 0 is never used again.
    ToOne,
    /// Nothing: the client's loader cannot go on, so such a file is not begun.
    Refuse,
}

/// The last block a client without roll-over can take.
pub(super) const LAST_WITHOUT_ROLLOVER: u64 = 65_535;

impl Rollover {
    /// The number that block `block` has on the wire.
    pub(super) fn on_wire(self, block: u64) -> u16 {
        let number = match self {
            Rollover::ToOne if block > 0 => (block - 1) % 65_535 + 1,
            Rollover::ToZero | Rollover::ToOne | Rollover::Refuse => block % 65_536,
        };
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    /// Which of the blocks from `acknowledged` to `sent` has this number on the wire.
    pub(super) fn find(self, number: u16, acknowledged: u64, sent: u64) -> Option<u64> {
        // The newest first: in the ordinary case it is that one.
        (acknowledged..=sent).rev().find(|block| self.on_wire(*block) == number)
    }
}
