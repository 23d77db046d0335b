//! What every daemon tells systemd: its log lines, and how it is.
//!
//! No D-Bus: whoever asks systemd to do something uses `host-bus`, or `systemctl` by way of `host-files`.

mod logging;
mod notify;

pub use logging::log_as;
pub use notify::{ready, status};
