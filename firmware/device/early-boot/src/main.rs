//! The appliance's /init: from kernel to systemd.

fn main() {}
