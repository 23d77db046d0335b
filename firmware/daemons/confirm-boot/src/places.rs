//! Where things are on the appliance. A test puts them elsewhere.

use std::path::PathBuf;

use host_files::{BootReport, ProvisioningReport, RequiredFacts, VerdictReport};

#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// What early-boot left about this boot.
    pub(crate) boot_report: PathBuf,
    /// Whether there is a configuration.
    pub(crate) provisioning: PathBuf,
    /// What the configuration requires.
    pub(crate) required: PathBuf,
    /// Made when all that is started at boot has had its turn.
    pub(crate) services_up: PathBuf,
    /// The two copies of the boot state.
    pub(crate) env: [PathBuf; 2],
    /// The black box, where early-boot's report does not name it.
    pub(crate) black_box: PathBuf,
    /// What we think, for everybody.
    pub(crate) verdict: PathBuf,
    /// Why the machine is shut down, for the black box.
    pub(crate) shutdown_reason: PathBuf,
    pub(crate) console: PathBuf,
}

impl Places {
    pub(crate) fn of_the_appliance() -> Places {
        Places {
            boot_report: BootReport::PATH.into(),
            provisioning: ProvisioningReport::PATH.into(),
            required: RequiredFacts::PATH.into(),
            services_up: "/run/slipway/services-up".into(),
            env: ["/dev/slipway/env0".into(), "/dev/slipway/env1".into()],
            black_box: "/dev/slipway/blackbox".into(),
            verdict: VerdictReport::PATH.into(),
            shutdown_reason: "/run/slipway/shutdown-reason".into(),
            console: "/dev/console".into(),
        }
    }

    /// All of them below one folder.
    #[cfg(test)]
    pub(crate) fn below(folder: &std::path::Path) -> Places {
        let at = |name: &str| folder.join(name);
        Places {
            boot_report: at("boot.json"),
            provisioning: at("provisioning.json"),
            required: at("required.json"),
            services_up: at("services-up"),
            env: [at("env0"), at("env1")],
            black_box: at("blackbox"),
            verdict: at("verdict.json"),
            shutdown_reason: at("shutdown-reason"),
            console: at("console"),
        }
    }
}
