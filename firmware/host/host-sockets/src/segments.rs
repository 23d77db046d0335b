//! Batches of datagrams that the kernel, or the network card, cuts into packets.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

/// From now on, what is sent on `socket` in one call goes out in datagrams of `bytes` each, the last one shorter: one way
/// through the network stack in place of one per packet (UDP segmentation offload, Linux 4.18).
///
/// `bytes` must fit into the packets of the route, or sending fails with `EINVAL`.
///
/// # Errors
/// The kernel cannot do it.
pub fn set_segment_size(socket: impl AsFd, bytes: u16) -> io::Result<()> {
    let value = libc::c_int::from(bytes);
    let length = libc::socklen_t::try_from(size_of_val(&value)).unwrap_or_default();
    // SAFETY: the pointer and the length are those of a local integer, which is what this option wants, and the
    // descriptor is borrowed, hence open, for the whole call.
    #[expect(unsafe_code, reason = "no crate of ours has this option")]
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_UDP,
            libc::UDP_SEGMENT,
            std::ptr::from_ref(&value).cast(),
            length,
        )
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
