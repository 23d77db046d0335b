//! Files, block devices and programs of the machine we run on.
//!
//! The only shared code of the firmware that touches files and starts programs. It knows no D-Bus and no
//! sockets, so that a daemon that uses it links neither.
//!
//! | Job | Here |
//! |---|---|
//! | read a file that may be too large | [`read_bounded`], [`read_text_bounded`] |
//! | replace a file whole | [`write_atomic`] |
//! | have the names in a folder on the disk | [`sync_folder`] |
//! | take turns | [`FileLock`] |
//! | say something on the console | [`Console`] |
//! | run a program | [`Program`], [`run_program`], [`run_program_to_end`] |
//! | what systemd says of units | [`unit_states`] |
//! | network cards and their addresses | [`network_cards`] |
//! | sectors of a raw partition | [`BlockRegion`] |
//! | the black box and the boot state on such partitions | [`BlackBox`], [`BootStateStore`] |
//! | the time | [`wall_clock_ms`], [`uptime_ms`], [`BootMoment`] |
//! | what this image and this boot are | [`BuildFacts`], [`BootReport`] |
//! | how far this boot has come | [`ProvisioningReport`], [`VerdictReport`] |
//! | has anything been imported since the flash | [`FreshMarker`] |
//! | what a configuration wants to see running | [`RequiredFacts`] |

mod atomic;
mod bounded;
mod lock;

mod program;

mod region;

mod cards;
mod units;

mod black_box;
mod boot_state_store;

mod clock;
mod console;

mod facts;
mod fresh_marker;
mod reports;
mod required;

pub use atomic::{WriteError, sync_folder, write_atomic};
pub use black_box::{BlackBox, BlackBoxError, Note, Writer};
pub use boot_state_store::{BootStateError, BootStateStore};
pub use bounded::{ReadError, read_bounded, read_text_bounded};
pub use cards::{CardAddress, CardsError, NetworkCard, network_cards};
pub use clock::{BootMoment, uptime_ms, wall_clock_ms};
pub use console::Console;
pub use facts::{BootReport, BuildFacts, DataPartition, FactsError};
pub use fresh_marker::{FreshMarker, FreshMarkerError};
pub use lock::{FileLock, LockError};
pub use program::{
    APP_USER_HOME, APP_USER_ID, APP_USER_NAME, Ended, OUTPUT_LIMIT, Output, Program, ProgramError,
    run_program, run_program_to_end,
};
pub use region::{BlockRegion, LockedRegion, RegionError};
pub use reports::{ProvisioningReport, ProvisioningState, ReportError, VerdictReport, VerdictState};
pub use required::{LanAddress, RequiredFacts, RequiredUnit, UnitMode};
pub use units::{Manager, UnitState, UnitsError, unit_states};
