//! Services of the machine we run on, over D-Bus.
//!
//! The only shared code of the firmware that links D-Bus, so that a daemon which does not use it does not carry it. It knows no
//! files and starts no programs.
//!
//! Every call connects, asks, waits no longer than its limit and disconnects: what calls here asks a question or two in a boot,
//! and a connection that is kept would only have more ways to be broken. The runtime behind it is made for the call, on the
//! calling thread: zbus needs one. It is tokio, which our network services use, and not zbus's own: that one makes neither the
//! program smaller nor its memory.
//!
//! | Service | Here |
//! |---|---|
//! | RAUC, which keeps the slots | [`Rauc`] |

#![forbid(unsafe_code)]

mod rauc;

mod bus;

pub use bus::{Bus, BusError};
pub use rauc::{Mark, Marked, Rauc, RaucSlot, SlotStatus};
