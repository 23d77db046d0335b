//! Files, block devices and programs of the machine we run on.
//!
//! The only shared code of the firmware that touches files and starts programs. It knows no D-Bus and no
//! sockets, so that a daemon that uses it links neither.

mod atomic;
mod bounded;
mod lock;
mod program;

pub use atomic::{WriteError, write_atomic};
pub use bounded::{ReadError, read_bounded, read_text_bounded};
pub use lock::{FileLock, LockError};
pub use program::{OUTPUT_LIMIT, Output, Program, ProgramError, run_program};
