//! `boot-policy.json`, watched. Whatever is wrong with it, nobody boots from here until it is right again.

use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use netboot_protocol::boot_policy::{BOOT_POLICY_VERSION, BootPolicy};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

use crate::service::Service;
use crate::shared::Shared;

const LARGEST: usize = 16 << 20;

/// The thread that keeps an eye on the file, if the policy names one.
pub(crate) fn service(shared: &Arc<Shared>) -> anyhow::Result<Option<Service>> {
    let Some(path) = shared.policy.state().boot_policy.clone() else { return Ok(None) };
    let folder = path.parent().map(Path::to_owned).context("the boot policy has no folder")?;
    let inotify = inotify::init(CreateFlags::CLOEXEC).context("cannot watch for the boot policy")?;
    // Watched first, read second: nothing is missed in between.
    inotify::add_watch(
        &inotify,
        &folder,
        WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE,
    )
    .with_context(|| format!("cannot watch {} for the boot policy; make the folder", folder.display()))?;
    take(shared, &path);
    let shared = Arc::clone(shared);
    Ok(Some(Service::new("the boot policy", move || {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_bytes().to_vec());
                    if name.as_deref() == path.file_name().map(std::ffi::OsStr::as_encoded_bytes) {
                        take(&shared, &path);
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return anyhow::Error::new(error).context("cannot watch the boot policy"),
            }
        }
    })))
}

fn take(shared: &Shared, path: &Path) {
    let policy = match read(path) {
        Ok(Some(policy)) => {
            log::info!("{}: answers for {} devices", path.display(), policy.devices.len());
            policy
        }
        Ok(None) => {
            log::info!("{} is not there: every device boots from its own disk", path.display());
            BootPolicy::nobody_boots()
        }
        Err(error) => {
            log::error!("{error:#}; until it is replaced, every device boots from its own disk");
            BootPolicy::nobody_boots()
        }
    };
    shared.set_boot_policy(policy);
}

fn read(path: &Path) -> anyhow::Result<Option<BootPolicy>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = host_files::read_text_bounded(path, LARGEST)?;
    let policy: BootPolicy =
        serde_json::from_str(&text).with_context(|| format!("{} is no boot policy", path.display()))?;
    if policy.version != BOOT_POLICY_VERSION {
        bail!("{} has version {}, of which nothing is known", path.display(), policy.version);
    }
    Ok(Some(policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_wrong_lets_nobody_boot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boot-policy.json");
        assert_eq!(read(&path).unwrap(), None);
        std::fs::write(&path, "{").unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("boot-policy.json is no boot policy: "));
        std::fs::write(&path, r#"{ "version": 2 }"#).unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("has version 2, of which nothing is known"));
        std::fs::write(&path, r#"{ "version": 1, "unknown": "rules" }"#).unwrap();
        assert!(read(&path).unwrap().unwrap().answer(None).is_none());
    }
}
