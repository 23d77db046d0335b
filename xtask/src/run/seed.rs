//! What `cargo xtask run` gives a freshly flashed disk to set itself up with, and sticks to plug in.

use crate::context::Context;
use crate::image::Built;
use crate::{machine, sh};
use anyhow::{Context as _, Result, bail, ensure};
use std::path::{Path, PathBuf};

/// The user of the example.
const EXAMPLE_USER: &str = "admin";
/// What a stick has at least: a FAT32 that other systems would make, too.
const STICK_BYTES: u64 = 64 << 20;
/// Where a stick's only partition begins.
const STICK_START: u64 = 1 << 20;

/// What is put onto the disk.
pub(super) enum Seed {
    /// image/example, with a key of ours.
    Example,
    /// A config.toml, or a folder with one.
    Given(PathBuf),
    /// Nothing.
    None,
}

/// The key pair that the example's administrator logs in with: made once per checkout and board.
pub(super) struct Key {
    /// Its private half.
    pub(super) path: PathBuf,
    public: String,
}

impl Key {
    /// The pair in `folder`.
    pub(super) fn ensure(context: &Context, built: &Built, folder: &Path) -> Result<Key> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join("id_ed25519");
        let public = folder.join("id_ed25519.pub");
        if !path.exists() || !public.exists() {
            let _ = std::fs::remove_file(&path);
            let file = path.to_string_lossy();
            let program =
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "cargo xtask run", "-f", &file];
            tool(context, built, &program)?;
        }
        let public = std::fs::read_to_string(&public)
            .with_context(|| format!("cannot read {}", public.display()))?
            .trim()
            .to_owned();
        Ok(Key { path, public })
    }
}

impl Seed {
    /// How it is remembered beside the disk it went onto.
    pub(super) fn name(&self) -> String {
        match self {
            Seed::Example => "the example".to_owned(),
            Seed::Given(path) => path.display().to_string(),
            Seed::None => "nothing".to_owned(),
        }
    }

    /// Puts it onto the `bootsel` partition of `disk`. `folder` is for what has to be made first.
    pub(super) fn write(
        &self,
        context: &Context,
        built: &Built,
        key: &Key,
        folder: &Path,
        disk: &Path,
    ) -> Result<()> {
        let staging = folder.join("seed");
        let _ = std::fs::remove_dir_all(&staging);
        std::fs::create_dir_all(&staging).with_context(|| format!("cannot create {}", staging.display()))?;
        match self {
            Seed::None => return Ok(()),
            Seed::Example => example(context, built, key, &staging)?,
            Seed::Given(path) if path.is_dir() => {
                ensure!(path.join("config.toml").exists(), "{} has no config.toml", path.display());
                sh::output(sh::command("cp").args(["-r", "-T"]).arg(path).arg(&staging))?;
            }
            Seed::Given(path) => {
                std::fs::copy(path, staging.join("config.toml"))
                    .with_context(|| format!("cannot read {}", path.display()))?;
            }
        }
        let bootsel = built.layout.partition("bootsel").context("image/layout.toml has no bootsel")?;
        let target = format!("{}@@{}", disk.display(), bootsel.offset());
        copy_tree(context, built, &staging, &target).with_context(|| {
            format!("cannot put {} onto the boot partition of {} MiB", self.name(), bootsel.bytes() >> 20)
        })
    }
}

/// The example as an operator would lay it out: config.toml, and the image that its containers run.
fn example(context: &Context, built: &Built, key: &Key, staging: &Path) -> Result<()> {
    let template = context.path("image/example/config.toml");
    let text =
        std::fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
    ensure!(text.contains("\"@ADMIN_KEY@\""), "{} has no place for a key", template.display());
    let config = staging.join("config.toml");
    std::fs::write(&config, text.replace("\"@ADMIN_KEY@\"", &format!("\"{}\"", key.public)))
        .with_context(|| format!("cannot write {}", config.display()))?;
    let images = staging.join("files/images");
    std::fs::create_dir_all(&images).with_context(|| format!("cannot create {}", images.display()))?;
    std::fs::copy(&built.hello, images.join("hello.tar"))
        .with_context(|| format!("cannot read {}", built.hello.display()))?;
    Ok(())
}

/// The words that log in to the example, as one would type them.
pub(super) fn login(key: &Key, port: u16) -> String {
    let known = key.path.with_file_name("known_hosts");
    format!(
        "ssh -i {} -p {port} -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={} {EXAMPLE_USER}@127.0.0.1",
        key.path.display(),
        known.display()
    )
}

/// Forgets the host keys of the disk that is no more.
pub(super) fn forget_host_keys(key: &Key) {
    let _ = std::fs::remove_file(key.path.with_file_name("known_hosts"));
}

/// A stick with the files of `content`: a partition table and one FAT32, as they are sold.
pub(super) fn stick(context: &Context, built: &Built, content: &Path, path: &Path) -> Result<()> {
    if !content.is_dir() {
        bail!("{} is not a folder; --usb wants one, whose files go onto the stick", content.display());
    }
    // FAT rounds every file up to a cluster, so some room beside.
    let bytes = STICK_BYTES.max((size(content)? + (16 << 20)).next_multiple_of(1 << 20));
    let _ = std::fs::remove_file(path);
    let file =
        std::fs::File::create_new(path).with_context(|| format!("cannot create {}", path.display()))?;
    file.set_len(bytes).with_context(|| format!("cannot make {} {bytes} bytes large", path.display()))?;
    let staging = path.with_extension("files");
    let _ = std::fs::remove_dir_all(&staging);
    // The tools tree sees the checkout, and not where this folder may be.
    sh::output(sh::command("cp").args(["-r", "-T"]).arg(content).arg(&staging))?;
    let image = path.to_string_lossy().into_owned();
    let table = format!("echo 'start={}, type=c' | sfdisk --quiet --label dos \"$1\"", STICK_START / 512);
    tool(context, built, &["sh", "-euc", &table, "sh", &image])?;
    let offset = (STICK_START / 512).to_string();
    let blocks = ((bytes - STICK_START) / 1024).to_string();
    tool(
        context,
        built,
        &["mkfs.vfat", "-F", "32", "-n", "SLIPSTICK", "--offset", &offset, &image, &blocks],
    )?;
    copy_tree(context, built, &staging, &format!("{image}@@{STICK_START}"))
}

/// Copies everything in `folder` onto a FAT, replacing what has the same name.
fn copy_tree(context: &Context, built: &Built, folder: &Path, target: &str) -> Result<()> {
    let mut program = vec!["mcopy".to_owned(), "-s".into(), "-o".into(), "-i".into(), target.into()];
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        names.push(path.display().to_string());
    }
    if names.is_empty() {
        return Ok(());
    }
    names.sort();
    program.extend(names);
    program.push("::/".into());
    let words: Vec<&str> = program.iter().map(String::as_str).collect();
    tool(context, built, &words)
}

fn size(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        let metadata = path.metadata().with_context(|| format!("cannot read {}", path.display()))?;
        sum += if metadata.is_dir() { size(&path)? } else { metadata.len() };
    }
    Ok(sum)
}

/// Runs a short program of the tools tree on files of the checkout.
fn tool(context: &Context, built: &Built, program: &[&str]) -> Result<()> {
    sh::output(&mut built.tools.command(&machine::entry(context), program)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_one_place_for_the_key_and_is_toml() {
        let text =
            std::fs::read_to_string(Context::discover().unwrap().path("image/example/config.toml")).unwrap();
        assert_eq!(text.matches("\"@ADMIN_KEY@\"").count(), 1);
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["activation"]["required"][0].as_str(), Some("hello"));
    }
}
