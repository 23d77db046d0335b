//! Configurations for stories.

use crate::Testbed;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// The administrator of [`config_with`].
pub const ADMIN: &str = "admin";

/// A root container from the local archive that answers on port 8000 and counts in a volume; it must run.
pub const HELLO: &str = r#"
[containers.container.hello]
privileged = true
[containers.container.hello.Container]
Image = "localhost/hello:latest"
Pull = "never"
Exec = "serve 8000"
Volume = "hello.volume:/state"
StopTimeout = 1
[containers.container.hello.Service]
Restart = "always"
[containers.volume.hello.Volume]

[activation]
required = ["hello"]
timeout_seconds = 300
"#;

/// An administrator with `key`, SSH and port 8000 open from WAN, and `extra` behind.
#[must_use]
pub fn config_with(key: &str, extra: &str) -> String {
    format!(
        "version = 1\n\n[users.{ADMIN}]\nisAdmin = true\nshell = \"bash\"\nssh_key = \"{key}\"\n\n\
         [network.firewall.inbound.wan]\nssh = true\ntcp = [8000]\n{extra}"
    )
}

/// A folder with the files of a seed.
pub struct Seed {
    folder: PathBuf,
}

impl Seed {
    /// A new one, `name` below `folder`, with this config.toml.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(folder: &Path, name: &str, config: impl AsRef<[u8]>) -> Result<Seed> {
        Seed { folder: folder.join(name) }.file("config.toml", config)
    }

    /// Adds a file.
    ///
    /// # Errors
    /// As [`Seed::new`].
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Result<Seed> {
        let path = self.folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(self)
    }

    /// Adds the image that [`HELLO`] runs.
    ///
    /// # Errors
    /// As [`Seed::new`].
    pub fn hello_image(self, testbed: &Testbed) -> Result<Seed> {
        self.image(&testbed.hello)
    }

    /// Adds an archive with a container image.
    ///
    /// # Errors
    /// As [`Seed::new`].
    pub fn image(self, archive: &Path) -> Result<Seed> {
        let bytes = std::fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?;
        let name = archive.file_name().context("an archive without a name")?.to_string_lossy();
        self.file(&format!("files/images/{name}"), bytes)
    }

    /// Packs it as a bundle of its own, `name` below `folder`, in the format of its ending, and returns where it is.
    ///
    /// # Errors
    /// When `tar` fails.
    pub fn pack(&self, testbed: &Testbed, folder: &Path, name: &str) -> Result<PathBuf> {
        let path = folder.join(name);
        let (from, to) = (self.folder.to_string_lossy(), path.to_string_lossy());
        testbed.tool(&["tar", "--auto-compress", "--owner=0", "--group=0", "-C", &from, "-cf", &to, "."])?;
        Ok(path)
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
