//! A board: `image/boards/<name>.toml` laid over the file it inherits, read strictly.

use crate::context::Context;
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Everything that differs between boards.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Board {
    pub(crate) name: String,
    pub(crate) description: String,
    /// RAUC's name for "bundles of this board".
    pub(crate) compatible: String,
    pub(crate) packages: Vec<String>,
    pub(crate) kernel_package: String,
    /// Module names for the initramfs, each with its parameters after a blank.
    pub(crate) early_modules: Vec<String>,
    pub(crate) drop_modules: Vec<String>,
    pub(crate) prune: Vec<String>,
    pub(crate) dtbs: Vec<String>,
    pub(crate) squashfs: Squashfs,
    pub(crate) loader: Loader,
    pub(crate) nics: Nics,
    pub(crate) qemu: Qemu,
}

/// How the root file system is packed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Squashfs {
    /// Bytes, a power of two from 4 KiB to 1 MiB.
    pub(crate) block: u32,
    /// zstd, 1 to 22.
    pub(crate) level: u8,
    pub(crate) release_level: u8,
}

/// The board's loader and where its first stages look for the next.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Loader {
    pub(crate) defconfig: String,
    pub(crate) bl31_package: String,
    pub(crate) bl31_file: String,
    pub(crate) idbloader_lba: u64,
    pub(crate) u_boot_lba: u64,
}

/// Which network interface is which.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nics {
    pub(crate) wan: Vec<String>,
}

/// The emulated board.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Qemu {
    pub(crate) defconfig: String,
    pub(crate) cpu: String,
    pub(crate) memory_mib: u32,
    /// PCI slots of the two network interfaces; `nics.wan` names the first.
    pub(crate) wan_slot: String,
    pub(crate) lan_slot: String,
}

impl Board {
    /// Reads the board called `name`.
    pub(crate) fn load(context: &Context, name: &str) -> Result<Board> {
        let folder = context.path("image/boards");
        let path = folder.join(format!("{name}.toml"));
        if !path.exists() {
            bail!("there is no board `{name}`. Boards: {}", names(&folder).join(", "));
        }
        let merged = merged(&folder, &path)?;
        let board: Board = merged.try_into().with_context(|| format!("cannot read {}", path.display()))?;
        Ok(board)
    }

    /// The text that decides the build: a stamp's input.
    pub(crate) fn canonical(&self) -> Result<String> {
        serde_json::to_string_pretty(self).context("cannot write the board as JSON")
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

fn merged(folder: &Path, path: &Path) -> Result<toml::Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut table: toml::Table = text.parse().with_context(|| format!("cannot read {}", path.display()))?;
    let Some(parent) = table.remove("inherits") else { return Ok(table) };
    let parent = parent.as_str().with_context(|| format!("`inherits` in {} is not text", path.display()))?;
    let mut base = merged(folder, &folder.join(parent))?;
    lay_over(&mut base, table);
    Ok(base)
}

/// Tables merge, two lists are added to, everything else is replaced.
fn lay_over(base: &mut toml::Table, over: toml::Table) {
    const ADDED_TO: &[&str] = &["packages", "early_modules"];
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (Some(toml::Value::Array(below)), toml::Value::Array(above))
                if ADDED_TO.contains(&key.as_str()) =>
            {
                below.extend(above);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_adds_to_lists_and_replaces_values() {
        let mut base: toml::Table =
            "packages = ['a']\ndtbs = ['x']\n[squashfs]\nblock = 1\nlevel = 2".parse().unwrap();
        lay_over(&mut base, "packages = ['b']\ndtbs = ['y']\n[squashfs]\nlevel = 3".parse().unwrap());
        let expected: toml::Table =
            "packages = ['a', 'b']\ndtbs = ['y']\n[squashfs]\nblock = 1\nlevel = 3".parse().unwrap();
        assert_eq!(base, expected);
    }

    #[test]
    fn the_shipped_board_loads() {
        let context = Context::discover().unwrap();
        let board = Board::load(&context, "rock64").unwrap();
        assert!(board.early_modules.iter().any(|module| module == "squashfs"));
        assert!(board.early_modules.iter().any(|module| module == "virtio_blk"));
    }

    #[test]
    fn an_unknown_board_is_told_the_known_ones() {
        let error = Board::load(&Context::discover().unwrap(), "rock65").unwrap_err().to_string();
        assert_eq!(error, "there is no board `rock65`. Boards: rock64");
    }
}
