//! The hands on the real thing: RAUC on the bus, `fw_setenv`, the black box, `systemctl`.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use appliance_types::SlotName;
use disk_image::blackbox::BreadcrumbKind;
use disk_image::boot_state::{BootState, key};
use host_bus::{Bus, Mark, Rauc, RaucSlot};
use host_files::{BlackBox, BootReport, Note, Program, Writer, run_program, write_atomic};

use crate::act::Hands;
use crate::gather;
use crate::patience;
use crate::places::Places;

pub(crate) struct Appliance<'a> {
    places: &'a Places,
    rauc: Rauc,
}

impl<'a> Appliance<'a> {
    pub(crate) fn new(places: &'a Places) -> Appliance<'a> {
        Appliance { places, rauc: Rauc::on(Bus::system()) }
    }
}

impl Hands for Appliance<'_> {
    fn boot_state(&self) -> anyhow::Result<BootState> {
        gather::boot_state(self.places)
    }

    fn mark(&self, mark: Mark) -> anyhow::Result<()> {
        let marked = self.rauc.mark(mark, RaucSlot::Booted)?;
        log::info!("RAUC: {}", marked.message);
        Ok(())
    }

    fn set_confirmed(&self, slot: SlotName) -> anyhow::Result<()> {
        // As RAUC does it, and under the same lock: our own writer has another one.
        run_program(&Program::new("fw_setenv").args([key::SLIPWAY_CONFIRMED, &slot.to_string()]))?;
        Ok(())
    }

    fn leave_breadcrumb(&self, kind: BreadcrumbKind, stage: &str, message: &str) -> anyhow::Result<()> {
        let boot = BootReport::read(&self.places.boot_report)?;
        let path = boot.black_box.as_ref().unwrap_or(&self.places.black_box);
        let writer = Writer { boot: boot.boot_number, slot: Some(boot.slot) };
        Ok(BlackBox::open(path)?.leave(writer, Note { kind, stage, message })?)
    }

    fn reboot(&self, reason: &str) -> anyhow::Result<()> {
        if let Err(error) =
            write_atomic(&self.places.shutdown_reason, format!("{reason}\n").as_bytes(), 0o644)
        {
            log::warn!("the black box will not know why the machine reboots: {error}");
        }
        let reboot = |how: &[&str]| run_program(&Program::new("systemctl").args(how));
        reboot(&["reboot", "--no-block"])
            .or_else(|error| {
                log::error!("{error}; rebooting without stopping the services");
                // What is on the disk is whole without that, too.
                let _synced = fs::File::open("/data").and_then(|data| data.sync_all());
                reboot(&["reboot", "--force"])
            })
            .context("cannot reboot")?;
        Ok(())
    }

    fn pause(&self, time: Duration) {
        patience::pause(time);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// The files of an appliance that runs `slot`, with this boot state, in a folder.
    pub(crate) fn appliance_with(slot: SlotName, state: &BootState) -> (tempfile::TempDir, Places) {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        let boot = format!(
            r#"{{"build":"0.1.0-3fa9c12d01","selector_build":null,"slot":"{slot}","disk":"/dev/vda","black_box":null,
                "token":null,"tries_left":8,"reason":null,"env":null,"reset":null,"last_resort":false,
                "fresh_flash":false,"data":"present","boot_number":7}}"#
        );
        fs::write(&places.boot_report, boot).unwrap();
        for env in &places.env {
            fs::write(env, state.to_env().encode()).unwrap();
        }
        fs::write(&places.black_box, vec![0; 1024 * 1024]).unwrap();
        fs::write(&places.console, "").unwrap();
        (folder, places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_reaches_the_black_box_with_boot_and_slot() {
        let (_folder, places) = testing::appliance_with(SlotName::B, &BootState::factory());
        let appliance = Appliance::new(&places);
        appliance.leave_breadcrumb(BreadcrumbKind::MarkBad, "web.service", "it failed").unwrap();
        let black_box = BlackBox::open_read_only(&places.black_box).unwrap();
        let crumb = black_box.ring().newest().unwrap();
        assert_eq!((crumb.boot, crumb.slot, crumb.kind), (7, Some(SlotName::B), BreadcrumbKind::MarkBad));
        assert_eq!((crumb.stage.as_str(), crumb.message.as_str()), ("web.service", "it failed"));
    }
}
