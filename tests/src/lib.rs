//! Boots the real image in QEMU and tells stories about it.
