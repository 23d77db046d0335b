//! The slot's counter: a confirmed slot gets its tries back, one that keeps dying loses them.

use anyhow::Context;
use appliance_types::BuildId;
use disk_image::blackbox::stage;
use disk_image::boot_state::{RearmDecision, rearm as decide};
use host_files::BootStateStore;

use crate::black_box::Past;
use crate::command_line::CommandLine;
use crate::report::Report;
use crate::sysfs::Disk;

/// Decides and writes. Runs when nothing but the switch to the root file system is left: a slot that never gets this far
/// uses up its tries.
///
/// Not fatal: the slot runs, and the counter is one less than it could be.
pub(crate) fn rearm(
    disk: &Disk,
    command_line: &CommandLine,
    build: &BuildId,
    past: &Past,
    report: &mut Report,
) {
    match decide_and_write(disk, command_line, build, past) {
        Ok(decision) => report.leave(decision.breadcrumb_kind(), stage::REARM, &decision),
        Err(error) => report.warn(stage::REARM, format_args!("{error:#}")),
    }
}

fn decide_and_write(
    disk: &Disk,
    command_line: &CommandLine,
    build: &BuildId,
    past: &Past,
) -> anyhow::Result<RearmDecision> {
    let partition = |name: &str| {
        disk.partition(name).with_context(|| format!("cannot find {name} on {}", disk.node.display()))
    };
    let store = BootStateStore::open(partition("env0")?, partition("env1")?)?;
    let state = store.read()?.state();
    let decision = decide(&state, command_line.slot, &past.history.endings_of(command_line.slot, build));
    // Also when nothing changes: copies that differ are made equal.
    store.change(|env| decision.apply(state).write_into(env))?;
    Ok(decision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use appliance_types::SlotName;
    use disk_image::blackbox::{Breadcrumb, BreadcrumbKind, History, MessageText, StageText};
    use disk_image::boot_state::{BootOrder, BootState, TriesLeft};

    fn command_line() -> CommandLine {
        CommandLine { slot: SlotName::A, token: None, last_resort: false, init: "/sbin/init".into() }
    }

    fn build() -> BuildId {
        "0.1.0-abc".parse().unwrap()
    }

    /// Boots slot A with this state and these earlier boots of the same build; returns what is in the state afterwards.
    fn after(state: BootState, panics: u32) -> (BootState, RearmDecision) {
        after_boots_of(&build(), state, panics)
    }

    fn after_boots_of(ran: &BuildId, state: BootState, panics: u32) -> (BootState, RearmDecision) {
        let folder = tempfile::tempdir().unwrap();
        let names = ["env0", "env1"];
        let partitions = names.map(|name| (name.to_owned(), folder.path().join(name)));
        for (_, path) in &partitions {
            std::fs::write(path, state.to_env().encode()).unwrap();
        }
        let crumb = |boot, kind, stage: &str, message: &str| Breadcrumb {
            seq: u64::from(boot),
            boot,
            slot: Some(SlotName::A),
            unix_ms: None,
            uptime_ms: 1,
            kind,
            stage: StageText::new(stage),
            message: MessageText::new(message),
        };
        let crumbs: Vec<Breadcrumb> = (1..=panics)
            .flat_map(|boot| {
                let handed_over = crumb(boot, BreadcrumbKind::Stage, stage::HANDOVER, &ran.to_string());
                [handed_over, crumb(boot, BreadcrumbKind::Panic, "start", "it died")]
            })
            .collect();
        let past =
            Past { boot: panics + 1, history: History::of(&crumbs, Some(panics + 1)), ..Past::default() };
        let disk =
            Disk { name: "vda".into(), node: "/dev/vda".into(), partitions: partitions.clone().into() };
        let decision = decide_and_write(&disk, &command_line(), &build(), &past).unwrap();
        let contents = partitions.map(|(_, path)| std::fs::read(path).unwrap());
        assert_eq!(contents[0], contents[1], "the copies differ");
        let store =
            BootStateStore::open_read_only(disk.partition("env0").unwrap(), disk.partition("env1").unwrap());
        (store.unwrap().read().unwrap().state(), decision)
    }

    fn both_slots(a: u8, b: u8) -> BootState {
        let left = |tries| TriesLeft::new(tries).unwrap();
        BootState {
            order: BootOrder::First(SlotName::A),
            a_left: left(a),
            b_left: left(b),
            ..BootState::factory()
        }
    }

    #[test]
    fn a_confirmed_slot_gets_its_tries_back_on_the_disk() {
        let (state, decision) = after(both_slots(5, 9), 0);
        assert_eq!((state.a_left.get(), state.b_left.get()), (9, 9));
        assert_eq!(decision.breadcrumb_kind(), BreadcrumbKind::Rearmed);
    }

    #[test]
    fn a_trial_keeps_what_it_has() {
        let (state, decision) = after(both_slots(2, 9), 0);
        assert_eq!(state.a_left.get(), 2);
        assert_eq!(decision.breadcrumb_kind(), BreadcrumbKind::Stage);
    }

    #[test]
    fn a_slot_that_keeps_dying_is_given_up_when_there_is_another() {
        let (state, decision) = after(both_slots(5, 9), 3);
        assert_eq!((state.a_left.get(), state.b_left.get()), (0, 9));
        assert_eq!(decision.breadcrumb_kind(), BreadcrumbKind::GaveUp);
        let (state, _) = after(both_slots(5, 0), 3);
        assert_eq!(state.a_left.get(), 5, "there is no other slot to try");
    }

    #[test]
    fn a_new_build_does_not_answer_for_the_one_before_it_in_the_slot() {
        let (state, decision) = after_boots_of(&"0.0.9-old".parse().unwrap(), both_slots(5, 9), 3);
        assert_eq!((state.a_left.get(), state.b_left.get()), (9, 9));
        assert_eq!(decision.breadcrumb_kind(), BreadcrumbKind::Rearmed);
    }

    #[test]
    fn a_disk_without_boot_state_is_reported_and_the_boot_goes_on() {
        let disk = Disk { name: "vda".into(), node: "/dev/vda".into(), partitions: [].into() };
        let error = decide_and_write(&disk, &command_line(), &build(), &Past::default()).unwrap_err();
        assert_eq!(error.to_string(), "cannot find env0 on /dev/vda");
        rearm(&disk, &command_line(), &build(), &Past::default(), &mut Report::on_standard_error());
    }
}
