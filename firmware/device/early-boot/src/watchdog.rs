//! The watchdog: armed here, petted by systemd once it runs. What hangs in between is reset.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use disk_image::blackbox::{WATCHDOG_LIMIT_MS, stage};
use host_files::read_text_bounded;

use crate::report::Report;

const DEVICE: &str = "/dev/watchdog";

/// What the kernel says about the first watchdog.
const FACTS: &str = "/sys/class/watchdog/watchdog0";

/// Arms the watchdog, or says that there is none.
pub(crate) fn arm(report: &mut Report) {
    match pet_once(Path::new(DEVICE)) {
        Ok(()) => {
            let (text, is_as_expected) = describe(&fact("identity"), fact("timeout").parse().ok());
            report.reached(stage::WATCHDOG, text);
            if !is_as_expected {
                let expected = WATCHDOG_LIMIT_MS / 1000;
                report.warn(
                    "modules",
                    format_args!("the watchdog's limit should be {expected} s; see load.list"),
                );
            }
        }
        Err(error) => report.warn("modules", format_args!("no watchdog: {error:#}")),
    }
}

/// Opening starts it, a byte restarts its time. It is closed without the letter V that would stop it: the kernel then says
/// "watchdog did not stop!", which is what we want, and systemd can open it next.
fn pet_once(device: &Path) -> anyhow::Result<()> {
    let action = || format!("cannot arm {}", device.display());
    let mut watchdog = OpenOptions::new().write(true).open(device).with_context(action)?;
    watchdog.write_all(b".").with_context(action)
}

fn describe(identity: &str, timeout_s: Option<u64>) -> (String, bool) {
    let identity = if identity.is_empty() { "watchdog" } else { identity };
    match timeout_s {
        Some(seconds) => (
            format!("{identity} armed, resets after {seconds} s without a sign of life"),
            seconds * 1000 == WATCHDOG_LIMIT_MS,
        ),
        None => (format!("{identity} armed"), true),
    }
}

fn fact(name: &str) -> String {
    const LIMIT: usize = 4096;
    read_text_bounded(&Path::new(FACTS).join(name), LIMIT).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_the_device_and_its_limit() {
        let (text, expected) = describe("i6300ESB timer", Some(30));
        assert_eq!(text, "i6300ESB timer armed, resets after 30 s without a sign of life");
        assert!(expected);
        assert!(!describe("i6300ESB timer", Some(60)).1);
        assert_eq!(describe("", None), ("watchdog armed".to_owned(), true));
    }

    #[test]
    fn petting_writes_one_byte_that_is_not_the_magic_close() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("watchdog");
        std::fs::write(&device, "").unwrap();
        pet_once(&device).unwrap();
        let written = std::fs::read(&device).unwrap();
        assert!(written.len() == 1 && written != b"V", "{written:?}");
        let error = format!("{:#}", pet_once(&folder.path().join("none")).unwrap_err());
        assert!(error.contains("cannot arm") && error.contains("No such file"), "{error}");
    }
}
