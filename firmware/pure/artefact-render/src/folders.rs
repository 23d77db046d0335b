//! The tokens that stand for folders of the configuration in force. Always the live ones, also in a candidate that lies elsewhere
//! while it is looked at: `current` leads to it once it counts.

/// Where the files of a bundle are.
pub(crate) const FILES_TOKEN: &str = "${FILES_DIR}";
/// Where the configuration itself is.
pub(crate) const CONFIG_TOKEN: &str = "${CONFIG_DIR}";
const CONFIG_DIR: &str = "/data/config/current";
const FILES_DIR: &str = "/data/config/current/files";

/// The value, with the folders that the tokens stand for. Every other `${…}` stays.
pub(crate) fn with_folders(value: &str) -> String {
    value.replace(FILES_TOKEN, FILES_DIR).replace(CONFIG_TOKEN, CONFIG_DIR)
}
