use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The work of this daemon has begun: units that are ordered after it may start. See sd_notify(3).
pub fn ready() {
    send("READY=1");
}

/// One line for an owner, which `systemctl status` shows.
pub fn status(text: &str) {
    send(&format!("STATUS={text}"));
}

/// Without systemd there is nobody to tell, and a message that is lost changes nothing.
fn send(message: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(name),
    };
    let _lost = address
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address).map(drop));
}
