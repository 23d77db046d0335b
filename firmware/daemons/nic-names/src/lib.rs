//! Gives network interfaces their fixed names: eth0 is WAN, eth1 and up are LAN.
//!
//! A level-triggered reconciler: each run reads what there is, decides, renames. It does not matter how
//! often it runs, in which order cards appeared, or where an earlier run was cut off. Why not `.link` files
//! stands in `docs/decisions/0002-nic-names.md`.

mod board;
mod path_id;
mod plan;
mod reconcile;
mod sysfs;

pub use board::{BoardNics, read_board_nics};
pub use plan::{Nic, Place, Rename, WanNameTaken, plan};
pub use reconcile::{ReconcileError, reconcile, rename};
pub use sysfs::{Interfaces, read_interfaces};
