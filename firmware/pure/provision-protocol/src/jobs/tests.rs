use super::events::KEPT;
use super::*;
use crate::UnixTime;
use crate::command::Command;
use crate::testing::by_alice;
use crate::verify::{Authorised, Who};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const IMPORT: Command = Command::Import { confirm: None };

fn time(seconds: u64) -> UnixTime {
    UnixTime::from_secs(1_795_360_000 + seconds)
}

fn id(number: u8) -> JobId {
    JobId::new([number; 16])
}

pub(super) fn start(seconds: u64) -> Start {
    Start { now: time(seconds), boot: BOOT.parse().unwrap(), before: appliance_types::Generation::new(3) }
}

pub(super) const BOOT: &str = "6f1c2b1e-3c7a-4d5e-9b20-1d2e3f405162";

/// A folder in memory: what is written is on the disk.
#[derive(Default)]
struct Disk(BTreeMap<String, Vec<u8>>);

impl Disk {
    fn write(&mut self, jobs: &mut Jobs, draft: Draft) -> JobRecord {
        self.0.insert(draft.file_name(), draft.bytes());
        let written = draft.written();
        let record = written.record().clone();
        for name in jobs.publish(written).remove {
            self.0.remove(&name).unwrap();
        }
        record
    }

    fn load(&self) -> Loaded {
        Jobs::load(self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
    }
}

fn accepted(jobs: &mut Jobs, disk: &mut Disk, number: u8, seconds: u64) -> Ticket {
    let (ticket, draft) = jobs.try_start(&by_alice(IMPORT), id(number), start(seconds)).unwrap();
    disk.write(jobs, draft);
    ticket
}

fn success() -> Ended {
    Ended::Succeeded(Success { generation: appliance_types::Generation::new(4), ..Success::default() })
}

#[test]
fn a03_one_job_at_a_time_and_who_comes_second_is_told_which_and_since_when() {
    let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
    let ticket = accepted(&mut jobs, &mut disk, 1, 10);
    let busy = Busy { job_id: id(1), command: JobKind::Import, since: time(10) };
    for command in [IMPORT, Command::Reboot, Command::Confirm] {
        let refused = jobs.try_start(&by_alice(command), id(2), start(20)).unwrap_err();
        assert_eq!(refused, NotStarted::Busy(busy.clone()));
    }
    assert_eq!(jobs.running(), Some(busy));
    disk.write(&mut jobs, ticket.end(success(), time(30)));
    assert_eq!(jobs.running(), None);
    let _next = accepted(&mut jobs, &mut disk, 2, 40);
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [id(2), id(1)]);
}

#[test]
fn what_is_no_job_does_not_become_one() {
    let mut jobs = Jobs::default();
    let refused = jobs.try_start(&by_alice(Command::Status), id(1), start(0)).unwrap_err();
    assert_eq!(refused, NotStarted::NoJob("status"));
    assert_eq!(jobs.running(), None);
}

#[test]
fn a_job_that_could_not_be_written_was_never_accepted() {
    let mut jobs = Jobs::default();
    let (ticket, draft) = jobs.try_start(&by_alice(IMPORT), id(1), start(0)).unwrap();
    assert_eq!(jobs.iter().count(), 0, "nobody sees what is not on the disk");
    assert!(jobs.running().is_some(), "and nobody comes in between");
    drop((ticket, draft));
    assert_eq!((jobs.running(), jobs.lost()), (None, None));
    let (_ticket, _draft) = jobs.try_start(&by_alice(IMPORT), id(2), start(1)).unwrap();
}

#[test]
fn a03_a_worker_that_dies_leaves_a_job_that_is_told_of_and_no_room_for_another() {
    let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
    let mut ticket = accepted(&mut jobs, &mut disk, 1, 0);
    let draft = ticket.advance(Step::Checking, time(1)).unwrap();
    disk.write(&mut jobs, draft);
    assert_eq!(jobs.lost(), None);
    drop(ticket);
    assert_eq!(jobs.lost().map(|job| (job.id, job.step())), Some((id(1), Some(Step::Checking))));
    assert!(jobs.try_start(&by_alice(IMPORT), id(2), start(2)).is_err());
    let lost = jobs.lost().unwrap().clone();
    let ticket = jobs.resume(lost).unwrap();
    disk.write(&mut jobs, ticket.end(Ended::Cancelled, time(3)));
    assert_eq!((jobs.running(), jobs.lost()), (None, None));
}

#[test]
fn a_job_is_not_lost_between_its_end_and_that_being_seen() {
    let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
    let ticket = accepted(&mut jobs, &mut disk, 1, 0);
    let draft = ticket.end(success(), time(1));
    assert_eq!(jobs.lost(), None);
    let written = draft.written();
    assert_eq!(jobs.lost(), None);
    jobs.publish(written);
    assert_eq!(jobs.find(id(1)).unwrap().step(), None);
}

#[test]
fn steps_go_forward_and_are_those_of_the_kind() {
    let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
    let mut ticket = accepted(&mut jobs, &mut disk, 1, 0);
    let out = |from, to| Err(AdvanceFault::OutOfOrder { kind: JobKind::Import, from, to });
    let mut go = |step| ticket.advance(step, time(1)).map(|draft| draft.written().record().step());
    assert_eq!(go(Step::Accepted), out(Step::Accepted, Step::Accepted));
    assert_eq!(go(Step::Wiping), out(Step::Accepted, Step::Wiping));
    assert_eq!(go(Step::Checking), Ok(Some(Step::Checking)));
    assert_eq!(go(Step::GoingBack), Ok(Some(Step::GoingBack)));
    assert_eq!(go(Step::Applying), out(Step::GoingBack, Step::Applying));
}

/// What cannot be undone by doing nothing is in a step that changes something, for every kind.
#[test]
fn every_kind_begins_harmless_and_comes_to_something() {
    use JobKind::*;
    for kind in [Import, Change, Confirm, Revert, Rollback, Reboot, UsbRecovery, FactoryReset, RepairData] {
        let steps = kind.steps();
        assert_eq!(steps[0], Step::Accepted);
        let first = steps.iter().position(|step| step.changes_something()).unwrap();
        assert!(steps[first..].iter().all(|step| step.changes_something()), "{kind}");
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        for step in steps {
            assert_eq!(serde_json::to_string(step).unwrap(), format!("\"{step}\""));
        }
    }
}

#[test]
fn a_job_is_cancelled_before_it_changes_something_and_not_after() {
    let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
    assert_eq!(jobs.cancel(id(1)), Err(CancelFault::Unknown(id(1))));
    let mut ticket = accepted(&mut jobs, &mut disk, 1, 0);
    let draft = ticket.advance(Step::Checking, time(1)).unwrap();
    disk.write(&mut jobs, draft);
    assert_eq!(jobs.cancel(id(1)), Ok(()));
    assert_eq!(jobs.cancel(id(1)), Ok(()), "asking twice is no fault");
    assert_eq!(ticket.advance(Step::Applying, time(2)).unwrap_err(), AdvanceFault::Cancelled);
    disk.write(&mut jobs, ticket.end(Ended::Cancelled, time(3)));
    assert_eq!(jobs.cancel(id(1)), Err(CancelFault::Over(id(1))));

    let mut ticket = accepted(&mut jobs, &mut disk, 2, 4);
    // Decided, though not written yet: from here on it goes its way.
    let draft = ticket.advance(Step::Applying, time(5)).unwrap();
    assert_eq!(jobs.cancel(id(2)), Err(CancelFault::TooLate(id(2))));
    disk.write(&mut jobs, draft);
    assert_eq!(jobs.cancel(id(2)), Err(CancelFault::TooLate(id(2))));
    // Also after a restart.
    drop(ticket);
    let interrupted = disk.load().interrupted.remove(0);
    let mut jobs = Jobs::default();
    let _ticket = jobs.resume(interrupted).unwrap();
    assert_eq!(jobs.cancel(id(2)), Err(CancelFault::TooLate(id(2))));
}

#[test]
fn a03_after_a_restart_what_was_over_is_there_and_what_was_not_is_told_of() {
    let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
    for number in 1..=3 {
        let ticket = accepted(&mut jobs, &mut disk, number, u64::from(number) * 10);
        disk.write(&mut jobs, ticket.end(success(), time(u64::from(number) * 10 + 1)));
    }
    let mut ticket = accepted(&mut jobs, &mut disk, 4, 40);
    let draft = ticket.advance(Step::Applying, time(41)).unwrap();
    let running = disk.write(&mut jobs, draft);
    disk.0.insert("torn.json".to_owned(), b"{\"version\":1,".to_vec());
    disk.0.insert(format!("{}.json", id(9)), running.to_bytes());
    let newer =
        String::from_utf8(running.to_bytes()).unwrap().replace("\"version\":1", "\"version\":2,\"x\":0");
    disk.0.insert("newer.json".to_owned(), newer.into_bytes());

    let loaded = disk.load();
    assert_eq!(loaded.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [id(3), id(2), id(1)]);
    assert_eq!(loaded.jobs.find(id(2)), jobs.find(id(2)));
    assert_eq!(loaded.interrupted, [running]);
    let mut unreadable: Vec<String> =
        loaded.unreadable.iter().map(|(name, error)| format!("{name}: {error}")).collect();
    unreadable.sort();
    assert_eq!(unreadable.len(), 3, "{unreadable:?}");
    assert!(unreadable[0].contains("holds the record of job"), "{unreadable:?}");
    assert!(unreadable[1].contains("version 2"), "{unreadable:?}");
    assert_eq!(loaded.remove, [""; 0]);
}

#[test]
fn sixty_four_jobs_are_kept_and_their_files_with_them() {
    let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
    for number in 0..100 {
        let ticket = accepted(&mut jobs, &mut disk, number, u64::from(number));
        disk.write(&mut jobs, ticket.end(success(), time(u64::from(number))));
    }
    assert_eq!((jobs.iter().count(), disk.0.len()), (HISTORY, HISTORY));
    assert_eq!(disk.load().jobs.iter().map(|job| job.id).collect::<Vec<_>>(), {
        (36..100).rev().map(id).collect::<Vec<_>>()
    });
    // A file that a power cut kept from being removed is removed at the next start.
    let old = JobRecord::new(id(200), JobKind::Import, Who::Claimant, start(0));
    let mut over = old.clone();
    over.end(Ended::Cancelled, time(0));
    disk.0.insert(over.file_name(), over.to_bytes());
    assert_eq!(disk.load().remove, [over.file_name()]);
}

#[test]
fn events_are_numbered_and_old_messages_go_first() {
    let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
    let mut ticket = accepted(&mut jobs, &mut disk, 1, 0);
    disk_step(&mut jobs, &mut disk, &mut ticket, Step::Checking);
    for n in 0..1_000 {
        let draft = ticket.say(&format!("line {n}\nand \u{1b}[31mmore"), time(2));
        if n % 100 == 0 {
            disk.write(&mut jobs, draft);
        }
    }
    disk_step(&mut jobs, &mut disk, &mut ticket, Step::Applying);
    disk.write(&mut jobs, ticket.end(success(), time(9)));
    let job = jobs.find(id(1)).unwrap();
    assert_eq!(job.events.len(), KEPT);
    let steps: Vec<u32> = job
        .events
        .iter()
        .filter(|event| !matches!(event.kind, EventKind::Message { .. }))
        .map(|event| event.number)
        .collect();
    assert_eq!(steps, [1, 2, 1003, 1004]);
    assert!(job.events.windows(2).all(|pair| pair[0].number < pair[1].number));
    let text = EventKind::Message { text: "line 999 and [31mmore".to_owned() };
    assert_eq!(job.events[KEPT - 3].kind, text);
    // Who comes back asks for what it has not seen.
    assert_eq!(job.events_after(Some(1002)).map(|event| event.number).collect::<Vec<_>>(), [1003, 1004]);
    assert_eq!(job.events_after(None).count(), KEPT);
    assert_eq!(job.events_after(Some(u32::MAX)).count(), 0);
}

fn disk_step(jobs: &mut Jobs, disk: &mut Disk, ticket: &mut Ticket, step: Step) {
    let draft = ticket.advance(step, time(1)).unwrap();
    disk.write(jobs, draft);
}

#[test]
fn an_event_is_a_server_sent_event() {
    let event = |kind| Event { number: 7, at: UnixTime::from_secs(0), kind }.to_sse();
    assert_eq!(
        event(EventKind::Step { step: Step::Applying }),
        "id: 7\nevent: step\ndata: {\"number\":7,\"at\":\"1970-01-01T00:00:00Z\",\"event\":\"step\",\"step\":\"applying\"}\n\n"
    );
    // Nothing that is said can begin another event.
    let said = event(EventKind::message("a\r\n\r\nevent: ended\u{2028}b"));
    assert_eq!(said.matches('\n').count(), 4, "{said:?}");
    assert!(said.contains("a event: ended b"), "{said:?}");
}

#[test]
fn a_client_sees_how_a_job_is() {
    let mut record = JobRecord::new(id(1), JobKind::Import, Who::Claimant, start(0));
    let view = |record: &JobRecord| serde_json::to_value(JobView::from(record)).unwrap();
    let running = view(&record);
    assert_eq!((&running["status"], &running["step"]), (&"running".into(), &"accepted".into()));
    assert_eq!(running["command"], "import");
    let rollback = Rollback::Done { to: appliance_types::Generation::new(3) };
    record.end(Ended::Failed(Failure::new("eth1 has no address", rollback)), time(5));
    let failed = view(&record);
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error"]["reason"], "eth1 has no address");
    assert_eq!(failed["error"]["rollback"], serde_json::json!({"outcome": "done", "to": 3}));
    assert_eq!(serde_json::from_value::<JobView>(failed).unwrap(), JobView::from(&record));
}

#[test]
fn a_job_carries_for_whom_it_is() {
    let mut jobs = Jobs::default();
    let asked = Authorised::for_tests(IMPORT, Who::Claimant);
    let (ticket, _draft) = jobs.try_start(&asked, id(1), start(0)).unwrap();
    assert_eq!(ticket.record().by, Who::Claimant);
}

/// A file of the first version, byte for byte: what later programs must read.
#[test]
fn a_record_of_version_1_is_read() {
    const FILE: &str = concat!(
        r#"{"version":1,"id":"01010101010101010101010101010101","kind":"import","#,
        r#""by":{"kind":"admin","user":"alice","key":"SHA256:x"},"started":"2026-11-22T15:06:40Z","#,
        r#""boot":"6f1c2b1e-3c7a-4d5e-9b20-1d2e3f405162","before":3,"#,
        r#""state":{"state":"ended","at":"2026-11-22T15:06:45Z","how":{"how":"failed","reason":"r","stage":"network","#,
        r#""problems":[],"rollback":{"outcome":"done","to":3}}},"#,
        r#""events":[{"number":1,"at":"2026-11-22T15:06:40Z","event":"step","step":"accepted"},"#,
        r#"{"number":2,"at":"2026-11-22T15:06:45Z","event":"ended"}]}"#,
    );
    let record = JobRecord::parse(FILE.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(record.to_bytes()).unwrap(), FILE);
    assert!(JobRecord::parse(FILE.replace("\"before\"", "\"befor\"").as_bytes()).is_err());
}

#[test]
fn an_id_has_one_spelling() {
    let text = "00112233445566778899aabbccddeeff";
    assert_eq!(text.parse::<JobId>().unwrap().to_string(), text);
    for wrong in ["", &text[1..], &text.to_uppercase(), &format!("+{}", &text[1..])] {
        assert!(wrong.parse::<JobId>().is_err(), "{wrong:?}");
    }
}

/// What may happen to a process that runs jobs.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Start,
    Go(Step),
    Say,
    Cancel,
    End,
    /// The draft is made and the power goes before it is written.
    Cut(Step),
    /// The process starts again; what it finds goes on.
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    let step = || prop::sample::select(vec![Step::Checking, Step::Applying, Step::GoingBack]);
    prop_oneof![
        3 => Just(Happening::Start),
        6 => step().prop_map(Happening::Go),
        2 => Just(Happening::Say),
        1 => Just(Happening::Cancel),
        3 => Just(Happening::End),
        2 => step().prop_map(Happening::Cut),
        2 => Just(Happening::Restart),
    ]
}

proptest! {
    /// Whatever happens: one job at a time, what was done is on the disk before, none disappears, all that ended stay ended.
    #[test]
    fn the_disk_is_never_behind_and_never_forgets(happenings in prop::collection::vec(happening(), 0..60)) {
        let (mut jobs, mut disk) = (Jobs::default(), Disk::default());
        let mut ticket: Option<Ticket> = None;
        let mut known = BTreeSet::new();
        for (number, happening) in (1u8..).zip(happenings) {
            match happening {
                Happening::Start => match jobs.try_start(&by_alice(IMPORT), id(number), start(number.into())) {
                    Ok((started, draft)) => {
                        prop_assert!(ticket.is_none(), "two at a time");
                        disk.write(&mut jobs, draft);
                        known.insert(id(number));
                        ticket = Some(started);
                    }
                    Err(_) => prop_assert!(ticket.is_some()),
                },
                Happening::Go(step) => {
                    if let Some(draft) = ticket.as_mut().and_then(|ticket| ticket.advance(step, time(0)).ok()) {
                        let acted_on = disk.write(&mut jobs, draft);
                        let on_disk = JobRecord::parse(&disk.0[&acted_on.file_name()]).unwrap();
                        prop_assert_eq!(on_disk.step(), Some(step));
                    }
                }
                Happening::Say => {
                    if let Some(ticket) = ticket.as_mut() {
                        let draft = ticket.say("x", time(0));
                        disk.write(&mut jobs, draft);
                    }
                }
                Happening::Cancel => {
                    if let Some(ticket) = &ticket {
                        let step = jobs.find(ticket.id()).and_then(JobRecord::step).unwrap();
                        prop_assert_eq!(jobs.cancel(ticket.id()).is_ok(), !step.changes_something());
                    }
                }
                Happening::End => {
                    if let Some(ticket) = ticket.take() {
                        disk.write(&mut jobs, ticket.end(success(), time(0)));
                    }
                }
                Happening::Cut(step) => {
                    if let Some(ticket) = ticket.as_mut() {
                        let _never_written = ticket.advance(step, time(0));
                    }
                    ticket = restart(&mut jobs, &disk);
                }
                Happening::Restart => ticket = restart(&mut jobs, &disk),
            }
            let found: BTreeSet<JobId> = jobs.iter().map(|job| job.id).collect();
            prop_assert_eq!(&found, &known);
            prop_assert_eq!(jobs.running().is_some(), ticket.is_some());
        }
    }

    #[test]
    fn any_file_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..600usize) {
        let _either = JobRecord::parse(&bytes);
        let mut good = JobRecord::new(id(1), JobKind::Import, Who::Claimant, start(0)).to_bytes();
        let at = at.min(good.len());
        good.splice(at.., bytes);
        let _either = JobRecord::parse(&good);
        let _either = Answer::parse(&good);
    }
}

fn restart(jobs: &mut Jobs, disk: &Disk) -> Option<Ticket> {
    let mut loaded = disk.load();
    *jobs = loaded.jobs;
    loaded.interrupted.pop().map(|record| jobs.resume(record).unwrap())
}
