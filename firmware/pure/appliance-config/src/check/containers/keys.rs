//! Which keys a section has. The lists of Podman's sections are those of Quadlet 5.4 (podman-systemd.unit(5)), which refuses
//! a unit for an unknown key; less the ones that would get around a rule of ours. Those of systemd's sections are ours.

/// The keys of a section.
pub(super) struct Keys {
    /// Only the last of several values would count.
    pub(super) single: &'static [&'static str],
    /// Each value counts.
    pub(super) listed: &'static [&'static str],
    /// Keys that exist and may not be used, with the reason.
    pub(super) refused: &'static [(&'static str, &'static str)],
    /// Why every other key is refused, where that is so. `None`: other keys do not exist.
    pub(super) others: Option<&'static str>,
}

impl Keys {
    /// All that may be used.
    pub(super) fn allowed(&self) -> impl Iterator<Item = &'static str> {
        self.single.iter().chain(self.listed).copied()
    }
}

const ARGUMENTS: &str = "arguments for Podman could undo every rule about networks and isolation";
const MODULE: &str = "another configuration of Podman could undo every rule about networks and isolation";
const SERVICE_NAME: &str = "a unit is named after its table, so that it can be waited for";
const POD: &str = "a pod has a network of its own, and this Slipway runs no pods yet";

#[rustfmt::skip]
pub(super) const CONTAINER: Keys = Keys {
    single: &[
        "AutoUpdate", "CgroupsMode", "ContainerName", "Entrypoint", "EnvironmentHost", "Exec", "Group", "HealthCmd",
        "HealthInterval", "HealthLogDestination", "HealthMaxLogCount", "HealthMaxLogSize", "HealthOnFailure", "HealthRetries",
        "HealthStartPeriod", "HealthStartupCmd", "HealthStartupInterval", "HealthStartupRetries", "HealthStartupSuccess",
        "HealthStartupTimeout", "HealthTimeout", "HostName", "IP", "IP6", "Image", "LogDriver", "NoNewPrivileges", "Notify",
        "PidsLimit", "Pull", "ReadOnly", "ReadOnlyTmpfs", "RemapUidSize", "RemapUsers", "RunInit", "SeccompProfile",
        "SecurityLabelDisable", "SecurityLabelFileType", "SecurityLabelLevel", "SecurityLabelNested", "SecurityLabelType",
        "ShmSize", "StopSignal", "StopTimeout", "SubGIDMap", "SubUIDMap", "Timezone", "User", "UserNS", "VolatileTmp",
        "WorkingDir",
    ],
    listed: &[
        "AddCapability", "AddDevice", "AddHost", "Annotation", "DNS", "DNSOption", "DNSSearch", "DropCapability",
        "Environment", "EnvironmentFile", "ExposeHostPort", "GIDMap", "GroupAdd", "Label", "LogOpt", "Mask", "Mount",
        "Network", "NetworkAlias", "PublishPort", "RemapGid", "RemapUid", "Secret", "Sysctl", "Tmpfs", "UIDMap", "Ulimit",
        "Unmask", "Volume",
    ],
    refused: &[
        ("PodmanArgs", ARGUMENTS), ("GlobalArgs", ARGUMENTS), ("ContainersConfModule", MODULE), ("ServiceName", SERVICE_NAME),
        ("Pod", POD), ("StartWithPod", POD), ("Rootfs", "a container is made from an image; write `Image`"),
    ],
    others: None,
};

#[rustfmt::skip]
pub(super) const NETWORK: Keys = Keys {
    single: &["DisableDNS", "Driver", "IPAMDriver", "IPv6", "Internal", "NetworkName"],
    listed: &["DNS", "Gateway", "IPRange", "Label", "Options", "Subnet"],
    refused: &[
        ("PodmanArgs", ARGUMENTS), ("GlobalArgs", ARGUMENTS), ("ContainersConfModule", MODULE), ("ServiceName", SERVICE_NAME),
    ],
    others: None,
};

#[rustfmt::skip]
pub(super) const VOLUME: Keys = Keys {
    single: &["Copy", "Device", "Driver", "Group", "Image", "Options", "Type", "User", "VolumeName"],
    listed: &["Label"],
    refused: &[
        ("PodmanArgs", ARGUMENTS), ("GlobalArgs", ARGUMENTS), ("ContainersConfModule", MODULE), ("ServiceName", SERVICE_NAME),
    ],
    others: None,
};

#[rustfmt::skip]
pub(super) const IMAGE: Keys = Keys {
    single: &[
        "AllTags", "Arch", "AuthFile", "CertDir", "Creds", "DecryptionKey", "Image", "ImageTag", "OS", "TLSVerify", "Variant",
    ],
    listed: &[],
    refused: &[
        ("PodmanArgs", ARGUMENTS), ("GlobalArgs", ARGUMENTS), ("ContainersConfModule", MODULE), ("ServiceName", SERVICE_NAME),
    ],
    others: None,
};

#[rustfmt::skip]
pub(super) const UNIT: Keys = Keys {
    single: &["Description", "StartLimitBurst", "StartLimitIntervalSec"],
    listed: &["After", "Before", "BindsTo", "Documentation", "PartOf", "Requires", "Requisite", "Upholds", "Wants"],
    refused: &[
        ("Conflicts", "a container stops no other unit"),
        ("OnFailure", "a container starts no unit of the system"),
        ("OnSuccess", "a container starts no unit of the system"),
        ("FailureAction", "a container does not restart the device"),
        ("SuccessAction", "a container does not restart the device"),
        ("StartLimitAction", "a container does not restart the device"),
        ("JobTimeoutAction", "a container does not restart the device"),
        ("DefaultDependencies", "without them the container would not be stopped before the disk goes away"),
    ],
    others: Some("this key of systemd cannot be set for a container"),
};

#[rustfmt::skip]
pub(super) const SERVICE: Keys = Keys {
    single: &[
        "CPUQuota", "CPUWeight", "IOWeight", "MemoryHigh", "MemoryLow", "MemoryMax", "MemoryMin", "MemorySwapMax", "Nice",
        "OOMPolicy", "OOMScoreAdjust", "Restart", "RestartMaxDelaySec", "RestartSec", "RestartSteps", "RuntimeMaxSec",
        "SyslogIdentifier", "TasksMax", "TimeoutAbortSec", "TimeoutSec", "TimeoutStartSec", "TimeoutStopSec",
    ],
    listed: &["RestartForceExitStatus", "RestartPreventExitStatus", "SuccessExitStatus"],
    refused: &[],
    others: Some("the service of a container runs Podman and nothing else, as the user that `privileged` says"),
};

#[rustfmt::skip]
pub(super) const INSTALL: Keys = Keys {
    single: &[],
    listed: &["RequiredBy", "UpheldBy", "WantedBy"],
    refused: &[("Alias", "a unit is named after its table")],
    others: Some("only what wants a container can be said here"),
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_key_is_in_two_lists() {
        for keys in [CONTAINER, NETWORK, VOLUME, IMAGE, UNIT, SERVICE, INSTALL] {
            let all: Vec<&str> = keys.allowed().chain(keys.refused.iter().map(|(key, _)| *key)).collect();
            let unique: BTreeSet<&str> = all.iter().copied().collect();
            assert_eq!(all.len(), unique.len(), "{all:?}");
            // The rule for a key's name, so that none can end the line it stands in.
            let plain = |key: &&str| key.bytes().all(|b| b.is_ascii_alphanumeric()) && !key.is_empty();
            assert!(all.iter().all(plain));
        }
    }
}
