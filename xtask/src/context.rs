//! Where things are: the checkout, its `target/slipway`, and the cache that checkouts share.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// The places every command needs. All paths are absolute.
pub(crate) struct Context {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// What a build leaves for people: images, manifests, logs (`target/slipway`).
    pub(crate) out: PathBuf,
    /// What is expensive and the same for every checkout, keyed by content: the tools tree, package
    /// downloads, U-Boot (`$XDG_CACHE_HOME/slipway`).
    pub(crate) cache: PathBuf,
}

impl Context {
    /// Finds the checkout this program was built from and makes its output and cache folders.
    pub(crate) fn discover() -> Result<Context> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root =
            manifest.parent().context("cannot find the checkout: xtask has no parent folder")?.to_owned();
        if !root.join("image/layout.toml").exists() {
            bail!(
                "cannot find the checkout: {} has no image/layout.toml. Was it moved? Run `cargo xtask` in the new place",
                root.display()
            );
        }
        let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
            Some(base) => PathBuf::from(base),
            None => PathBuf::from(
                std::env::var_os("HOME").context("cannot find the cache folder: HOME is not set")?,
            )
            .join(".cache"),
        }
        .join("slipway");
        let context = Context { out: root.join("target/slipway"), root, cache };
        for folder in [&context.out, &context.cache] {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        Ok(context)
    }

    /// The checkout's path of `relative`.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where a step's whole output goes; the terminal shows only the last line of it.
    pub(crate) fn log_path(&self, name: &str) -> PathBuf {
        self.out.join("logs").join(format!("{name}.log"))
    }
}
