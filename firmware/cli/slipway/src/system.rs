//! Where things are on the appliance, and what more than one command asks of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use host_files::{BlackBox, BootReport, Program, run_program};
use serde::Deserialize;

/// The black box, once udev has made its links.
const BLACK_BOX: &str = "/dev/slipway/blackbox";

/// The two copies of the boot state.
pub(crate) const ENV: [&str; 2] = ["/dev/slipway/env0", "/dev/slipway/env1"];

/// Where the data partition is mounted.
pub(crate) const DATA: &str = "/data";

/// What changes configurations.
pub(crate) const APPLY_CONFIG: &str = "/usr/lib/slipway/apply-config";

/// systemd answers in milliseconds, or not at all.
const SYSTEMCTL_LIMIT: Duration = Duration::from_secs(5);

/// What early-boot left about this boot.
pub(crate) fn boot_report() -> anyhow::Result<BootReport> {
    Ok(BootReport::read(Path::new(BootReport::PATH))?)
}

/// Where this machine's black box is.
pub(crate) fn black_box_path() -> PathBuf {
    let known = boot_report().ok().and_then(|boot| boot.black_box);
    known.unwrap_or_else(|| BLACK_BOX.into())
}

/// Opens this machine's black box for reading.
pub(crate) fn black_box() -> anyhow::Result<BlackBox> {
    BlackBox::open_read_only(&black_box_path()).context("cannot read the black box (are you root?)")
}

/// Says how to become root where only root may go on.
pub(crate) fn only_root(command: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        rustix::process::geteuid().is_root(),
        "only root may do this, on the appliance: run0 slipway {command} …"
    );
    Ok(())
}

/// The names of the units that have failed.
pub(crate) fn failed_units() -> anyhow::Result<Vec<String>> {
    let program = Program::new("systemctl")
        .args(["list-units", "--state=failed", "--all", "--output=json"])
        .timeout(SYSTEMCTL_LIMIT);
    parse_units(&run_program(&program)?.stdout)
}

fn parse_units(json: &str) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Unit {
        unit: String,
    }
    let units: Vec<Unit> = serde_json::from_str(json).context("cannot understand what systemctl lists")?;
    Ok(units.into_iter().map(|unit| unit.unit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_from_systemctls_json() {
        let json = r#"[{"unit":"data.mount","load":"loaded","active":"failed","sub":"failed","description":"Data"}]"#;
        assert_eq!(parse_units(json).unwrap(), ["data.mount"]);
        assert!(parse_units("[]").unwrap().is_empty());
        assert_eq!(parse_units("oops").unwrap_err().to_string(), "cannot understand what systemctl lists");
    }
}
