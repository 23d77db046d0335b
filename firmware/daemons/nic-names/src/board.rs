//! The board's facts about its network ports.

use std::path::Path;

use anyhow::Context;
use host_files::read_text_bounded;
use serde::Deserialize;

/// `nics.toml`, written by the image build from the board's file.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardNics {
    /// Where the WAN port is: udev's `ID_PATH` or its end from a bus on; the first that is plugged in is
    /// WAN. One image serves several boards, so there may be one entry for each.
    pub wan: Vec<String>,
}

/// Reads the board's facts.
pub fn read_board_nics(path: &Path) -> anyhow::Result<BoardNics> {
    const LIMIT: usize = 64 * 1024;
    let text = read_text_bounded(path, LIMIT)?;
    toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<BoardNics> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nics.toml");
        std::fs::write(&path, text).unwrap();
        read_board_nics(&path)
    }

    #[test]
    fn the_wan_entries_keep_their_order() {
        let board = read("wan = [\"platform-ff540000.ethernet\", \"pci-0000:00:08.0\"]\n").unwrap();
        assert_eq!(board.wan, ["platform-ff540000.ethernet", "pci-0000:00:08.0"]);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_name_and_the_file() {
        let error = format!("{:#}", read("wan = []\nlan = []\n").unwrap_err());
        assert!(error.contains("cannot understand") && error.contains("nics.toml"), "{error}");
        assert!(error.contains("unknown field `lan`"), "{error}");
    }
}
