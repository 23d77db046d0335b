//! Debian's kernel: image, modules and device trees, taken out of its package without installing it. (Installing
//! would bring an initramfs generator and two thirds of the build time with it.)

use super::Build;
use crate::namespace::Entry;
use crate::step::{Inputs, Plan};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// The unpacked kernel package.
pub(super) struct Kernel {
    /// Holds `version`, `vmlinuz`, `modules/<version>/`, `dtbs/`.
    pub(super) folder: PathBuf,
    pub(super) stamp: String,
}

impl Kernel {
    /// The release, as `uname -r` says it.
    pub(super) fn version(&self) -> Result<String> {
        let path = self.folder.join("version");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(text.trim().to_owned())
    }

    /// The uncompressed kernel image.
    pub(super) fn image(&self) -> PathBuf {
        self.folder.join("vmlinuz")
    }

    /// `/usr/lib/modules/<version>` of the package.
    pub(super) fn modules(&self) -> Result<PathBuf> {
        Ok(self.folder.join("modules").join(self.version()?))
    }
}

const SCRIPT: &str = r#"
out=$1 meta=$2
apt-get --quiet update
package=$(apt-cache depends --important "$meta:arm64" | sed -n 's/.*Depends: \(linux-image-[^:]*\):arm64$/\1/p' | head -n 1)
[ -n "$package" ] || { echo "cannot find the kernel that $meta stands for" >&2; exit 1; }
cd /tmp
apt-get download "$package:arm64"
dpkg-deb --extract "$package"_*.deb x
rm -rf "$out.partial"
mkdir "$out.partial"
version=$(ls x/usr/lib/modules)
echo "$version" > "$out.partial/version"
dpkg-deb --show --showformat '${Package}\t${Version}\t${Architecture}\t${Installed-Size}\n' "$package"_*.deb > "$out.partial/package.tsv"
cp x/boot/vmlinuz-* "$out.partial/vmlinuz"
cp x/boot/config-* "$out.partial/config"
mkdir "$out.partial/modules"
cp -r x/usr/lib/modules/"$version" "$out.partial/modules/"
cp -r x/usr/lib/linux-image-"$version" "$out.partial/dtbs"
depmod --basedir /tmp/x/usr "$version"
cp x/usr/lib/modules/"$version"/modules.* "$out.partial/modules/$version/"
sync "$out.partial"
mv "$out.partial" "$out"
"#;

pub(super) fn step(plan: &mut Plan, build: &Build<'_>, age: &str) -> Result<Kernel> {
    let inputs = Inputs::default()
        .value("recipe", SCRIPT)
        .value("kernel package", &build.board.kernel_package)
        .value("age of packages", age);
    let stamp = inputs.stamp();
    let folder = build.context.cache.join(format!("kernel-{}", &stamp[..16]));
    plan.cached(build.context, "kernel", &inputs, &folder, |log| {
        let entry = Entry::default().bind(&build.context.cache).bind(Path::new("/etc/resolv.conf"));
        let out = folder.to_string_lossy();
        build.tools.script(log, &entry, SCRIPT, &[&out, &build.board.kernel_package])
    })?;
    Ok(Kernel { folder, stamp })
}
