//! Which keys a section has. The lists of Podman's sections are those of Quadlet 5.4 (podman-systemd.unit(5)), which refuses
//! a unit for an unknown key; less the ones that would get around a rule of ours; and with those of a later Podman that the
//! renderer can say in another way. Those of systemd's sections are ours.

/// The keys of a section.
pub(super) struct Keys {
    /// Only the last of several values would count.
    pub(super) single: &'static [&'static str],
    /// Each value counts.
    pub(super) listed: &'static [&'static str],
    /// Those of them that only a later Podman's Quadlet has: the renderer says them to Podman itself, as one word of its command
    /// line.
    pub(super) as_options: &'static [&'static str],
    /// Keys that ask for nothing here, with the reason: a warning, and they are left out.
    pub(super) without_effect: &'static [(&'static str, &'static str)],
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
const RELOAD: &str = "it has no effect: what changed is restarted, and nothing is reloaded";
const DELETED: &str = "it has no effect: a network is made anew each time its service starts";

/// What a declared network's bridge is called is the firewall's affair.
pub(super) const BRIDGE_NAME: &str =
    "the firewall knows the bridges of containers by the names that Podman gives them";

const PODMAN: &[(&str, &str)] = &[
    ("PodmanArgs", ARGUMENTS),
    ("GlobalArgs", ARGUMENTS),
    ("ContainersConfModule", MODULE),
    ("ServiceName", SERVICE_NAME),
];

#[rustfmt::skip]
pub(super) const CONTAINER: Keys = Keys {
    single: &[
        "AutoUpdate", "CgroupsMode", "ContainerName", "Entrypoint", "EnvironmentHost", "Exec", "Group", "HealthCmd",
        "HealthInterval", "HealthLogDestination", "HealthMaxLogCount", "HealthMaxLogSize", "HealthOnFailure", "HealthRetries",
        "HealthStartPeriod", "HealthStartupCmd", "HealthStartupInterval", "HealthStartupRetries", "HealthStartupSuccess",
        "HealthStartupTimeout", "HealthTimeout", "HostName", "HttpProxy", "IP", "IP6", "Image", "LogDriver", "Memory",
        "NoNewPrivileges", "Notify", "PidsLimit", "Pod", "Pull", "ReadOnly", "ReadOnlyTmpfs", "RemapUidSize", "RemapUsers", "Retry",
        "RetryDelay", "RunInit", "SeccompProfile",
        "SecurityLabelDisable", "SecurityLabelFileType", "SecurityLabelLevel", "SecurityLabelNested", "SecurityLabelType",
        "ShmSize", "StartWithPod", "StopSignal", "StopTimeout", "SubGIDMap", "SubUIDMap", "Timezone", "User", "UserNS", "VolatileTmp",
        "WorkingDir",
    ],
    listed: &[
        "AddCapability", "AddDevice", "AddHost", "Annotation", "DNS", "DNSOption", "DNSSearch", "DropCapability",
        "Environment", "EnvironmentFile", "ExposeHostPort", "GIDMap", "GroupAdd", "Label", "LogOpt", "Mask", "Mount",
        "Network", "NetworkAlias", "PublishPort", "RemapGid", "RemapUid", "Secret", "Sysctl", "Tmpfs", "UIDMap", "Ulimit",
        "Unmask", "Volume",
    ],
    as_options: &["HttpProxy", "Memory", "Retry", "RetryDelay"],
    without_effect: &[("ReloadCmd", RELOAD), ("ReloadSignal", RELOAD)],
    refused: &[
        ("PodmanArgs", ARGUMENTS), ("GlobalArgs", ARGUMENTS), ("ContainersConfModule", MODULE), ("ServiceName", SERVICE_NAME),
        ("Rootfs", "a container is made from an image; write `Image`"),
    ],
    others: None,
};

#[rustfmt::skip]
pub(super) const NETWORK: Keys = Keys {
    single: &["DisableDNS", "Driver", "IPAMDriver", "IPv6", "Internal", "NetworkName"],
    listed: &["DNS", "Gateway", "IPRange", "Label", "Options", "Subnet"],
    as_options: &[],
    without_effect: &[("NetworkDeleteOnStop", DELETED)],
    refused: &[
        ("PodmanArgs", ARGUMENTS), ("GlobalArgs", ARGUMENTS), ("ContainersConfModule", MODULE), ("ServiceName", SERVICE_NAME),
        ("InterfaceName", BRIDGE_NAME),
    ],
    others: None,
};

#[rustfmt::skip]
pub(super) const VOLUME: Keys = Keys {
    single: &["Copy", "Device", "Driver", "Group", "Image", "Options", "Type", "User", "VolumeName"],
    listed: &["Label"],
    as_options: &[],
    without_effect: &[],
    refused: PODMAN,
    others: None,
};

#[rustfmt::skip]
pub(super) const IMAGE: Keys = Keys {
    single: &[
        "AllTags", "Arch", "AuthFile", "CertDir", "Creds", "DecryptionKey", "Image", "ImageTag", "OS", "TLSVerify", "Variant",
    ],
    listed: &[],
    as_options: &[],
    without_effect: &[],
    refused: PODMAN,
    others: None,
};

#[rustfmt::skip]
pub(super) const BUILD: Keys = Keys {
    single: &[
        "Arch", "AuthFile", "File", "ForceRM", "IgnoreFile", "Pull", "Retry", "RetryDelay", "SetWorkingDirectory", "TLSVerify",
        "Target", "Variant",
    ],
    listed: &[
        "Annotation", "BuildArg", "DNS", "DNSOption", "DNSSearch", "Environment", "GroupAdd", "ImageTag", "Label", "Network",
        "Secret", "Volume",
    ],
    as_options: &["BuildArg", "IgnoreFile", "Retry", "RetryDelay"],
    without_effect: &[],
    refused: PODMAN,
    others: None,
};

#[rustfmt::skip]
pub(super) const POD: Keys = Keys {
    single: &["HostName", "IP", "IP6", "PodName", "ShmSize", "SubGIDMap", "SubUIDMap", "UserNS"],
    listed: &[
        "AddHost", "DNS", "DNSOption", "DNSSearch", "GIDMap", "Label", "Network", "NetworkAlias", "PublishPort", "UIDMap",
        "Volume",
    ],
    as_options: &["HostName", "Label"],
    without_effect: &[],
    refused: PODMAN,
    others: None,
};

#[rustfmt::skip]
pub(super) const UNIT: Keys = Keys {
    single: &[
        "CollectMode", "Description", "JobRunningTimeoutSec", "JobTimeoutSec", "StartLimitBurst", "StartLimitIntervalSec",
        "StopWhenUnneeded",
    ],
    listed: &[
        "After", "Before", "BindsTo", "Documentation", "OnFailure", "OnSuccess", "PartOf", "Requires", "RequiresMountsFor",
        "Requisite", "Upholds", "Wants", "WantsMountsFor",
        // A container may be left alone where something is not so.
        "AssertACPower", "AssertArchitecture", "AssertCPUFeature", "AssertCPUPressure", "AssertCPUs", "AssertCapability",
        "AssertControlGroupController", "AssertCredential", "AssertDirectoryNotEmpty", "AssertEnvironment",
        "AssertFileIsExecutable", "AssertFileNotEmpty", "AssertFirmware", "AssertFirstBoot", "AssertGroup", "AssertHost",
        "AssertIOPressure", "AssertKernelCommandLine", "AssertKernelVersion", "AssertMemory", "AssertMemoryPressure",
        "AssertNeedsUpdate", "AssertOSRelease", "AssertPathExists", "AssertPathExistsGlob", "AssertPathIsDirectory",
        "AssertPathIsEncrypted", "AssertPathIsMountPoint", "AssertPathIsReadWrite", "AssertPathIsSymbolicLink",
        "AssertSecurity", "AssertUser", "AssertVirtualization",
        "ConditionACPower", "ConditionArchitecture", "ConditionCPUFeature", "ConditionCPUPressure", "ConditionCPUs",
        "ConditionCapability", "ConditionControlGroupController", "ConditionCredential", "ConditionDirectoryNotEmpty",
        "ConditionEnvironment", "ConditionFileIsExecutable", "ConditionFileNotEmpty", "ConditionFirmware",
        "ConditionFirstBoot", "ConditionGroup", "ConditionHost", "ConditionIOPressure", "ConditionKernelCommandLine",
        "ConditionKernelVersion", "ConditionMemory", "ConditionMemoryPressure", "ConditionNeedsUpdate", "ConditionOSRelease",
        "ConditionPathExists", "ConditionPathExistsGlob", "ConditionPathIsDirectory", "ConditionPathIsEncrypted",
        "ConditionPathIsMountPoint", "ConditionPathIsReadWrite", "ConditionPathIsSymbolicLink", "ConditionSecurity",
        "ConditionUser", "ConditionVirtualization",
    ],
    as_options: &[],
    without_effect: &[],
    refused: &[
        ("Conflicts", "a container stops no other unit"),
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
    as_options: &[],
    without_effect: &[],
    refused: &[],
    others: Some("the service of a container runs Podman and nothing else, as the user that `privileged` says"),
};

#[rustfmt::skip]
pub(super) const INSTALL: Keys = Keys {
    single: &[],
    listed: &["RequiredBy", "UpheldBy", "WantedBy"],
    as_options: &[],
    without_effect: &[],
    refused: &[("Alias", "a unit is named after its table")],
    others: Some("only what wants a container can be said here"),
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_key_is_in_two_lists() {
        for keys in [CONTAINER, NETWORK, VOLUME, IMAGE, BUILD, POD, UNIT, SERVICE, INSTALL] {
            let others = keys.refused.iter().chain(keys.without_effect).map(|(key, _)| *key);
            let all: Vec<&str> = keys.allowed().chain(others).collect();
            let unique: BTreeSet<&str> = all.iter().copied().collect();
            assert_eq!(all.len(), unique.len(), "{all:?}");
            // The rule for a key's name, so that none can end the line it stands in.
            let plain = |key: &&str| key.bytes().all(|b| b.is_ascii_alphanumeric()) && !key.is_empty();
            assert!(all.iter().all(plain));
            assert!(keys.as_options.iter().all(|key| keys.allowed().any(|allowed| allowed == *key)));
        }
    }
}
