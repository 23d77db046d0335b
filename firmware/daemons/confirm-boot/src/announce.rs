//! What is thought of this boot, for everybody: the console, the journal, `systemctl status`, `/run/slipway/verdict.json`.
//!
//! Each is told what is new, and only that: a device waits for its configuration for weeks.

use appliance_types::SlotName;
use boot_verdict::Facts;
use host_files::{BootReport, Console, VerdictReport, VerdictState, uptime_ms};
use log::Level;

use crate::places::Places;

pub(crate) struct Announcer<'a> {
    places: &'a Places,
    /// What was said last: in this run, or in an earlier one of this boot.
    said: Option<Said>,
    /// The slot was marked good in this boot.
    marked_good: bool,
    slot: Option<SlotName>,
}

struct Said {
    verdict: VerdictState,
    reasons: Vec<String>,
    since_uptime_s: u64,
}

impl<'a> Announcer<'a> {
    /// Goes on where an earlier run of this boot ended.
    pub(crate) fn resume(places: &'a Places) -> Announcer<'a> {
        let slot = BootReport::read(&places.boot_report).ok().map(|boot| boot.slot);
        let report = VerdictReport::read(&places.verdict).ok().filter(|report| Some(report.slot) == slot);
        let marked_good = report.as_ref().is_some_and(|report| report.marked_good);
        let said = report.map(|report| Said {
            verdict: report.verdict,
            reasons: report.reasons,
            since_uptime_s: report.since_uptime_s,
        });
        Announcer { places, said, marked_good, slot }
    }

    /// Takes over which slot runs, as soon as that is known.
    pub(crate) fn notice(&mut self, facts: &Facts) {
        if let Ok(standing) = &facts.standing {
            self.slot = Some(standing.slot);
        }
    }

    /// Whether the slot has been marked good in this boot.
    pub(crate) fn has_marked_good(&self) -> bool {
        self.marked_good
    }

    pub(crate) fn waiting(&mut self, reasons: &[String]) {
        // To look again does not make a good slot doubtful.
        if self.said.as_ref().is_none_or(|said| said.verdict != VerdictState::Good) {
            self.tell(
                VerdictState::Waiting,
                reasons,
                Level::Info,
                &format!("waiting: {}", reasons.join("; ")),
            );
        }
    }

    /// Whether that is another verdict than before, and not the same one for other reasons.
    pub(crate) fn degraded(&mut self, reasons: &[String]) -> bool {
        let is_new = self.said.as_ref().is_none_or(|said| said.verdict != VerdictState::Degraded);
        self.tell(VerdictState::Degraded, reasons, Level::Warn, &format!("degraded: {}", reasons.join("; ")));
        is_new
    }

    /// `warnings` is what is not as it should be and speaks not against the slot.
    pub(crate) fn good(&mut self, warnings: &[String]) {
        let slot = self.slot.map_or(String::new(), |slot| format!("slot {slot} "));
        self.marked_good = true;
        let text = [&[format!("good: {slot}is confirmed")], warnings].concat().join("; ");
        self.tell(VerdictState::Good, warnings, Level::Info, &text);
    }

    pub(crate) fn bad(&mut self, check: &str, reason: &str) {
        let reasons = [format!("{check}: {reason}")];
        self.tell(VerdictState::Bad, &reasons, Level::Error, &format!("bad: {check}: {reason}"));
    }

    fn tell(&mut self, verdict: VerdictState, reasons: &[String], level: Level, text: &str) {
        let said = self.said.as_ref();
        if said.is_some_and(|said| said.verdict == verdict && said.reasons == reasons) {
            return;
        }
        log::log!(level, "{text}");
        host_systemd::status(text);
        Console::at(&self.places.console).say("verdict", text);
        let same = said.filter(|said| said.verdict == verdict);
        let since_uptime_s = same.map_or(uptime_ms() / 1000, |said| said.since_uptime_s);
        self.said = Some(Said { verdict, reasons: reasons.to_vec(), since_uptime_s });
        self.report(verdict, reasons, since_uptime_s);
    }

    /// A report is about a slot: without one there is none.
    fn report(&self, verdict: VerdictState, reasons: &[String], since_uptime_s: u64) {
        let Some(slot) = self.slot else { return };
        let reasons = reasons.to_vec();
        let report = VerdictReport { verdict, reasons, slot, marked_good: self.marked_good, since_uptime_s };
        if let Err(error) = report.write(&self.places.verdict) {
            log::warn!("{:#}", anyhow::Error::from(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appliance::testing::appliance_with;
    use disk_image::boot_state::BootState;

    fn console(places: &Places) -> String {
        std::fs::read_to_string(&places.console).unwrap()
    }

    #[test]
    fn each_is_told_what_is_new_once() {
        let (_folder, places) = appliance_with(SlotName::A, &BootState::factory());
        let mut announcer = Announcer::resume(&places);
        let reasons = |text: &str| vec![text.to_owned()];
        for _ in 0..3 {
            announcer.waiting(&reasons("not provisioned: no stick"));
        }
        announcer.waiting(&reasons("services"));
        assert!(announcer.degraded(&reasons("web.service has failed")));
        assert!(!announcer.degraded(&reasons("web.service has failed")));
        announcer.good(&[]);
        announcer.good(&[]);
        // A later look: the wait for a new verdict is nobody's business.
        announcer.waiting(&reasons("all is well"));
        let expected = "\
slipway: verdict: waiting: not provisioned: no stick
slipway: verdict: waiting: services
slipway: verdict: degraded: web.service has failed
slipway: verdict: good: slot A is confirmed
";
        assert_eq!(console(&places), expected);
        let report = VerdictReport::read(&places.verdict).unwrap();
        assert_eq!((report.verdict, report.marked_good), (VerdictState::Good, true));
    }

    #[test]
    fn a_later_run_of_the_same_boot_goes_on_where_the_first_one_ended() {
        let (_folder, places) = appliance_with(SlotName::A, &BootState::factory());
        let mut first = Announcer::resume(&places);
        assert!(!first.has_marked_good());
        first.good(&["there is no card eth1".to_owned()]);
        let mut second = Announcer::resume(&places);
        assert!(second.has_marked_good());
        second.good(&["there is no card eth1".to_owned()]);
        assert_eq!(console(&places), "slipway: verdict: good: slot A is confirmed; there is no card eth1\n");
        assert!(second.degraded(&["web.service has failed".to_owned()]));
        assert!(!Announcer::resume(&places).degraded(&["db.service has failed".to_owned()]));
        let report = VerdictReport::read(&places.verdict).unwrap();
        assert_eq!((report.verdict, report.marked_good), (VerdictState::Degraded, true));
    }

    #[test]
    fn where_it_is_not_known_which_slot_runs_that_is_said_once_and_no_report_is_written() {
        let (_folder, places) = appliance_with(SlotName::A, &BootState::factory());
        std::fs::remove_file(&places.boot_report).unwrap();
        let mut announcer = Announcer::resume(&places);
        for _ in 0..3 {
            announcer.waiting(&["cannot tell which slot runs".to_owned()]);
        }
        assert_eq!(console(&places), "slipway: verdict: waiting: cannot tell which slot runs\n");
        assert!(!places.verdict.exists());
    }

    #[test]
    fn a_bad_verdict_names_its_check() {
        let (_folder, places) = appliance_with(SlotName::B, &BootState::factory());
        Announcer::resume(&places).bad("web.service", "web.service has failed (exit-code), after 60 s");
        assert_eq!(
            console(&places),
            "slipway: verdict: bad: web.service: web.service has failed (exit-code), after 60 s\n"
        );
        let report = VerdictReport::read(&places.verdict).unwrap();
        assert_eq!(report.reasons, ["web.service: web.service has failed (exit-code), after 60 s"]);
    }
}
