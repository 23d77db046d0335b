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

/// The stage of what is wrong with it. Not [`stage::WATCHDOG`]: a breadcrumb of that stage means that it is armed.
const TROUBLE: &str = "no-watchdog";

/// How much shorter than [`WATCHDOG_LIMIT_MS`] the limit may be (the Rock64's counter ends at 28 s) for a hang to be told
/// from a power cut by the last sign of life.
const SHORTER_MS: u64 = 5_000;

/// The longest limit that still resets a hung machine within a minute.
const LONGEST_MS: u64 = 60_000;

/// Arms the watchdog, or says that there is none.
pub(crate) fn arm(report: &mut Report) {
    match pet_once(Path::new(DEVICE)) {
        Ok(()) => {
            let limit_s = fact("timeout").parse().ok();
            report.reached(stage::WATCHDOG, describe(&fact("identity"), limit_s));
            if let Some(trouble) = limit_s.and_then(trouble_with) {
                report.warn(TROUBLE, trouble);
            }
        }
        Err(error) => report.warn(TROUBLE, format_args!("{error:#}")),
    }
}

/// Opening starts it, a byte restarts its time. It is closed without the letter V that would stop it: the kernel then says
/// "watchdog did not stop!", which is what we want, and systemd can open it next.
fn pet_once(device: &Path) -> anyhow::Result<()> {
    let action = || format!("cannot arm {}", device.display());
    let mut watchdog = OpenOptions::new().write(true).open(device).with_context(action)?;
    watchdog.write_all(b".").with_context(action)
}

fn describe(identity: &str, limit_s: Option<u64>) -> String {
    let identity = if identity.is_empty() { "watchdog" } else { identity };
    let limit =
        limit_s.map_or(String::new(), |seconds| format!(", resets after {seconds} s without a sign of life"));
    format!("{identity} armed{limit}")
}

fn trouble_with(limit_s: u64) -> Option<String> {
    let wanted = WATCHDOG_LIMIT_MS - SHORTER_MS..=LONGEST_MS;
    let should =
        || format!("its limit of {limit_s} s should be about {} s; see load.list", WATCHDOG_LIMIT_MS / 1000);
    (!wanted.contains(&limit_s.saturating_mul(1000))).then(should)
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
        let text = describe("i6300ESB timer", Some(30));
        assert_eq!(text, "i6300ESB timer armed, resets after 30 s without a sign of life");
        assert_eq!(describe("", None), "watchdog armed");
    }

    #[test]
    fn a_limit_that_the_black_box_would_misjudge_or_that_takes_too_long_is_said() {
        for limit_s in [25, 28, 30, 60] {
            assert_eq!(trouble_with(limit_s), None, "{limit_s} s");
        }
        for limit_s in [0, 10, 24, 61, u64::MAX] {
            assert!(trouble_with(limit_s).is_some(), "{limit_s} s");
        }
        assert_eq!(trouble_with(10).unwrap(), "its limit of 10 s should be about 30 s; see load.list");
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
