//! The peer of our boot: Debian as it comes, with the same packages, its own kernel package, initramfs and units.

use crate::board::Board;
use crate::context::Context;
use crate::emulation;
use crate::host::Mirror;
use crate::namespace::Entry;
use crate::step::{Inputs, Plan};
use crate::tools::{SUITE, Tools};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A bare Debian: an ext4 root, and the kernel and initramfs of its own making.
pub(super) struct Bare {
    pub(super) folder: PathBuf,
}

const SCRIPT: &str = r#"
out=$1 suite=$2 include=$3
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep '^deb ' | grep -v backports > /tmp/sources.list
mkdir -p "$out.partial"
mmdebstrap --mode=root --variant=essential --architectures=arm64 --skip=check/qemu --format=tar \
    --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --include="$include,initramfs-tools,zstd" "$suite" /tmp/bare.tar /tmp/sources.list
mkdir /tmp/bare
# Device nodes are the kernel's to make, and nobody's inside a user namespace.
tar -C /tmp/bare -xp --exclude './dev/*' -f /tmp/bare.tar
cp /tmp/bare/boot/vmlinuz-* "$out.partial/vmlinuz"
cp /tmp/bare/boot/initrd.img-* "$out.partial/initrd.img"
rm -rf /tmp/bare/boot/*
echo '/dev/vda / ext4 rw 0 1' > /tmp/bare/etc/fstab
# DHCP on every card, as ours has on WAN.
mkdir -p /tmp/bare/etc/systemd/network
printf '[Match]\nType=ether\n[Network]\nDHCP=yes\n' > /tmp/bare/etc/systemd/network/80-dhcp.network
systemctl --root=/tmp/bare --quiet enable systemd-networkd.service
truncate --size 2G "$out.partial/root.ext4"
mke2fs -q -t ext4 -d /tmp/bare "$out.partial/root.ext4"
mv "$out.partial" "$out"
"#;

/// Makes it, once per package list: about ten minutes of emulation.
pub(super) fn ensure(context: &Context, board: &Board) -> Result<Bare> {
    let tools = Tools::ensure(context, &Mirror::choose(None), &mut Plan::new(1))?;
    let mut packages = board.packages.clone();
    packages.push(board.kernel_package.clone());
    let include = packages.join(",");
    let inputs =
        Inputs::default().value("recipe", SCRIPT).value("list of packages", &include).value("suite", SUITE);
    let folder = context.cache.join(format!("bare-{}", &inputs.stamp()[..16]));
    Plan::new(1).cached(context, "bare Debian", &inputs, &folder, |log| {
        let entry = Entry::default().bind(&context.cache).bind(Path::new("/etc/resolv.conf"));
        let entry = emulation::enter(entry, &tools)?;
        tools.script(log, &entry, SCRIPT, &[&folder.to_string_lossy(), SUITE, &include])
    })?;
    Ok(Bare { folder })
}
