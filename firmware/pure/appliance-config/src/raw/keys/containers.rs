use crate::reference::{Kind, NamesDoc, TableDoc, integer, key, text};

pub(crate) static CONTAINERS: TableDoc = TableDoc {
    help: "What runs in containers: units of Podman's Quadlet, one table each, as in `podman-systemd.unit(5)`.",
    keys: &[
        key("container", Kind::Names(&NAMED_CONTAINERS), "Containers."),
        key("network", Kind::Names(&NETWORKS), "Networks of their own that containers join with `Network`."),
        key("volume", Kind::Names(&VOLUMES), "Volumes that containers mount with `Volume`."),
        key("image", Kind::Names(&IMAGES), "Images that are pulled before a container starts."),
        key("build", Kind::Names(&BUILDS), "Images that are built before a container starts."),
        key("pod", Kind::Names(&PODS), "Containers that share a network and its ports."),
    ],
};

const PATTERN: &str = "^[A-Za-z0-9_][A-Za-z0-9_-]*$";

static NAMED_CONTAINERS: NamesDoc =
    NamesDoc { placeholder: "NAME", pattern: PATTERN, example: "web", each: Kind::Table(&CONTAINER) };

static CONTAINER: TableDoc = TableDoc {
    help: "A container. Its service is called after it: `web.service`.",
    keys: &[
        key(
            "privileged",
            Kind::Boolean,
            "Whose Podman runs it: root's (`true`) or the application user's (`false`).",
        )
        .required()
        .example("false"),
        key("Unit", Kind::Names(&SECTION), "The section `[Unit]`: what it comes after and needs.")
            .default("empty"),
        key(
            "Container",
            Kind::Names(&CONTAINER_SECTION),
            "The section `[Container]`. `Image` must be in it.",
        )
        .required(),
        key(
            "Service",
            Kind::Names(&SERVICE_SECTION),
            "The section `[Service]`: restarts and time limits. Not what is run.",
        )
        .default("empty"),
        key("Install", Kind::Names(&INSTALL_SECTION), "The section `[Install]`.")
            .default("started at every boot"),
    ],
};

static NETWORKS: NamesDoc =
    NamesDoc { placeholder: "NAME", pattern: PATTERN, example: "back", each: Kind::Table(&NETWORK) };

static NETWORK: TableDoc = TableDoc {
    help: "A network that containers join with `Network = \"NAME\"`. In it they find each other by name.",
    keys: &[key("Network", Kind::Names(&NETWORK_SECTION), "The section `[Network]`.").required()],
};

static VOLUMES: NamesDoc =
    NamesDoc { placeholder: "NAME", pattern: PATTERN, example: "data", each: Kind::Table(&VOLUME) };

static VOLUME: TableDoc = TableDoc {
    help: "A volume that containers mount with `Volume = \"NAME:/path\"`. It stays when the configuration changes.",
    keys: &[key("Volume", Kind::Names(&VOLUME_SECTION), "The section `[Volume]`.").required()],
};

static IMAGES: NamesDoc =
    NamesDoc { placeholder: "NAME", pattern: PATTERN, example: "proxy", each: Kind::Table(&IMAGE) };

static IMAGE: TableDoc = TableDoc {
    help: "An image that is pulled before the containers start that name it with `Image = \"NAME\"`.",
    keys: &[key("Image", Kind::Names(&IMAGE_SECTION), "The section `[Image]`.").required()],
};

static BUILDS: NamesDoc =
    NamesDoc { placeholder: "NAME", pattern: PATTERN, example: "app", each: Kind::Table(&BUILD) };

static BUILD: TableDoc = TableDoc {
    help: "An image that is built on the device, before the containers start that name it with `Image = \"NAME.build\"` or by \
           its `ImageTag`.",
    keys: &[key(
        "Build",
        Kind::Names(&BUILD_SECTION),
        "The section `[Build]`. `ImageTag` must be in it, and `File` or `SetWorkingDirectory`.",
    )
    .required()],
};

static PODS: NamesDoc =
    NamesDoc { placeholder: "NAME", pattern: PATTERN, example: "shop", each: Kind::Table(&POD) };

static POD: TableDoc = TableDoc {
    help: "Containers that share a network and its ports; they join with `Pod = \"NAME\"`. Its service is `NAME-pod.service`.",
    keys: &[
        key("privileged", Kind::Boolean, "Whose Podman runs it. That of its containers is the same.")
            .required()
            .example("false"),
        key("Unit", Kind::Names(&SECTION), "The section `[Unit]`.").default("empty"),
        key("Pod", Kind::Names(&POD_SECTION), "The section `[Pod]`: its network and its ports.").required(),
        key("Service", Kind::Names(&SERVICE_SECTION), "The section `[Service]`.").default("empty"),
        key("Install", Kind::Names(&INSTALL_SECTION), "The section `[Install]`.")
            .default("started at every boot"),
    ],
};

/// A section takes any key of Quadlet and systemd but those that would get around a rule.
const fn section(example: &'static str) -> NamesDoc {
    NamesDoc { placeholder: "KEY", pattern: "^[A-Za-z][A-Za-z0-9]*$", example, each: VALUE }
}

static SECTION: NamesDoc = section("Description");
static CONTAINER_SECTION: NamesDoc = section("Image");
static SERVICE_SECTION: NamesDoc = section("Restart");
static INSTALL_SECTION: NamesDoc = section("WantedBy");
static NETWORK_SECTION: NamesDoc = section("Internal");
static VOLUME_SECTION: NamesDoc = section("Label");
static IMAGE_SECTION: NamesDoc = section("Image");
static BUILD_SECTION: NamesDoc = section("ImageTag");
static POD_SECTION: NamesDoc = section("PublishPort");

const ONE: Kind = Kind::Either(&[text("text"), integer(i64::MIN, i64::MAX), Kind::Boolean]);

/// Several values stand for a key that is repeated.
const VALUE: Kind =
    Kind::Either(&[text("text"), integer(i64::MIN, i64::MAX), Kind::Boolean, Kind::List(&ONE)]);
