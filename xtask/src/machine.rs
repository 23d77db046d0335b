//! The emulated board: QEMU's command line, for `cargo xtask run` and for the stories in `tests/`.

use crate::context::Context;
use crate::image::Built;
use crate::namespace::Entry;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::PathBuf;

/// QEMU and its options for the board, without disks, networks and consoles.
pub(crate) fn qemu(built: &Built) -> Vec<String> {
    let qemu = &built.board.qemu;
    let mut words: Vec<String> = vec![
        "qemu-system-aarch64".into(),
        "-machine".into(),
        "virt".into(),
        "-cpu".into(),
        qemu.cpu.clone(),
        "-smp".into(),
        "2".into(),
        "-m".into(),
        qemu.memory_mib.to_string(),
        "-bios".into(),
        built.qemu_u_boot.display().to_string(),
    ];
    words.extend(
        [
            // Two threads of emulation for two cores. An arm64 host could use KVM; the tools tree is for amd64.
            "-accel",
            "tcg,thread=multi",
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            // A watchdog that resets, as the board's does.
            "-device",
            "i6300esb",
            "-action",
            "watchdog=reset",
            "-device",
            "virtio-rng-pci",
            // USB, for sticks.
            "-device",
            "qemu-xhci,id=usb",
        ]
        .map(String::from),
    );
    words
}

/// What programs in the tools tree see of this checkout: everything, at its own path.
pub(crate) fn entry(context: &Context) -> Entry {
    Entry::default().bind(&context.root).bind(&context.cache)
}

/// Writes the hand-over for the stories and returns its path.
pub(crate) fn write_testbed(context: &Context, built: &Built) -> Result<PathBuf> {
    let prefix = built.tools.command(&entry(context), &[]);
    let words = std::iter::once(prefix.get_program()).chain(prefix.get_args());
    let tools: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let work = context.out.join("stories");
    std::fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
    let testbed = json!({
        "image": built.image,
        "build_id": built.build_id,
        "squashfs": built.squashfs,
        "guest_init": built.guest_init,
        "hello": built.hello,
        "hello_oci": built.hello_oci,
        "checkout": context.root,
        "work": work,
        "tools": tools,
        "qemu": qemu(built),
        "wan_slot": built.board.qemu.wan_slot,
        "lan_slot": built.board.qemu.lan_slot,
    });
    let path = context.out.join("testbed.json");
    std::fs::write(&path, format!("{testbed:#}\n"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
