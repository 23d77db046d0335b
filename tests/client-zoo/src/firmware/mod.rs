//! Kinds of firmware, each from what it does to what it ends with.

mod edk2;
mod ipxe;
mod pi;
mod u_boot;

pub use edk2::{http_boot, pxe_boot};
pub use ipxe::{Ipxe, ipxe_boot};
pub use pi::{Generation, Pi};
pub use u_boot::u_boot_tftp;
