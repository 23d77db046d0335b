//! How programs of the board's architecture run on this machine while its packages are installed.

use crate::host;
use crate::namespace::Entry;
use crate::sh;
use crate::tools::Tools;
use anyhow::{Context as _, Result, bail};
use std::path::Path;

/// Where the kernel lists the binary formats it hands to interpreters.
const FORMATS: &str = "/proc/sys/fs/binfmt_misc";
/// Bytes 18 and 19 of an ELF file of arm64, as the kernel shows the magic of a format.
const ARM64: &str = "0200b700";

/// What there is, the least intrusive first.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// This machine runs arm64 programs already, also behind a chroot.
    Registered,
    /// The tools tree's emulator, registered in a user namespace of its own: nobody else sees it.
    Own,
    /// Debian's package has to be installed on this machine.
    Install,
}

/// Makes `entry` one in which arm64 programs run.
pub(crate) fn enter(entry: Entry, tools: &Tools) -> Result<Entry> {
    match choose(&registered_formats(), &kernel_release()?) {
        Way::Registered => Ok(entry),
        Way::Own => Ok(entry.emulate(&tools.emulator())),
        Way::Install => {
            install()?;
            Ok(entry)
        }
    }
}

fn choose(formats: &[String], kernel: &str) -> Way {
    if formats.iter().any(|format| runs_arm64(format)) {
        Way::Registered
    } else if has_private_formats(kernel) {
        Way::Own
    } else {
        Way::Install
    }
}

/// Flag F: the interpreter was opened when it was registered, so a chroot does not hide it.
fn runs_arm64(format: &str) -> bool {
    let line = |name: &str| format.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    format.lines().next() == Some("enabled")
        && line("magic ").contains(ARM64)
        && line("flags: ").contains('F')
}

/// Since Linux 6.7 a user namespace has a table of formats of its own.
fn has_private_formats(release: &str) -> bool {
    let mut numbers =
        release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6, 7)
}

fn registered_formats() -> Vec<String> {
    let entries =
        std::fs::read_dir(FORMATS).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    entries.iter().filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).collect()
}

fn kernel_release() -> Result<String> {
    let path = Path::new("/proc/sys/kernel/osrelease");
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn install() -> Result<()> {
    const PACKAGES: [&str; 2] = ["qemu-user-static", "binfmt-support"];
    let list = PACKAGES.join(" ");
    let command = format!("apt-get install {list}");
    if !host::is_root() {
        bail!(
            "cannot run arm64 programs: this kernel is older than 6.7 and has no emulator registered. Run `sudo {command}`, then this command again"
        );
    }
    eprintln!(
        "installing {list}: this kernel is older than 6.7, so arm64 programs need an emulator registered for the whole machine"
    );
    let mut install = sh::command("apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(PACKAGES);
    sh::output(install.env("DEBIAN_FRONTEND", "noninteractive"))
        .with_context(|| format!("cannot install {list}"))?;
    if !registered_formats().iter().any(|format| runs_arm64(format)) {
        bail!(
            "cannot run arm64 programs: {list} are installed, but {FORMATS} lists no enabled format for them with flag F. Is binfmt_misc mounted?"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QEMU: &str = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POCF\noffset 0\n\
        magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

    #[test]
    fn a_registered_emulator_is_used_only_if_it_is_on_and_survives_a_chroot() {
        let formats = |text: &str| vec![text.to_owned()];
        assert_eq!(choose(&formats(QEMU), "5.10.0"), Way::Registered);
        assert_eq!(choose(&formats(&QEMU.replace("POCF", "POC")), "5.10.0"), Way::Install);
        assert_eq!(choose(&formats(&QEMU.replace("enabled", "disabled")), "6.18.44-fc"), Way::Own);
        assert_eq!(choose(&formats(&QEMU.replace("b700", "2800")), "6.7.0-rc1"), Way::Own);
    }

    #[test]
    fn the_kernels_age_decides_about_the_rest() {
        for (release, way) in [
            ("6.1.0-28-amd64\n", Way::Install),
            ("6.6.99", Way::Install),
            ("6.7.0", Way::Own),
            ("7.0.1", Way::Own),
        ] {
            assert_eq!(choose(&[], release), way, "{release}");
        }
    }
}
