use std::cell::{Cell, RefCell};

use super::*;
use anyhow::bail;
use disk_image::boot_state::BootOrder;

use SlotName::{A, B};

/// A machine in memory, with the marks of RAUC's `uboot` backend. It can lose power after any step that writes.
struct Machine {
    slot: SlotName,
    state: Cell<BootState>,
    done: RefCell<Vec<String>>,
    /// Steps until the power is cut.
    power_for: Cell<u32>,
    rauc: bool,
}

impl Machine {
    fn running(slot: SlotName, order: BootOrder, [a, b]: [u8; 2], confirmed: Option<SlotName>) -> Machine {
        let tries = |tries| TriesLeft::new(tries).unwrap();
        let state = BootState { order, a_left: tries(a), b_left: tries(b), confirmed, start_ums: false };
        Machine {
            slot,
            state: Cell::new(state),
            done: RefCell::default(),
            power_for: Cell::new(u32::MAX),
            rauc: true,
        }
    }

    fn step(&self, what: String) -> anyhow::Result<()> {
        let left = self.power_for.get();
        if left == 0 {
            bail!("the power is off");
        }
        self.power_for.set(left - 1);
        self.done.borrow_mut().push(what);
        Ok(())
    }

    fn done(&self) -> Vec<String> {
        self.done.borrow().clone()
    }
}

impl Hands for Machine {
    fn boot_state(&self) -> anyhow::Result<BootState> {
        Ok(self.state.get())
    }

    fn mark(&self, mark: Mark) -> anyhow::Result<()> {
        if !self.rauc {
            self.done.borrow_mut().push("RAUC is asked in vain".to_owned());
            bail!("RAUC is not there");
        }
        self.step(format!("mark {}", mark.as_str()))?;
        let state = self.state.get();
        self.state.set(match mark {
            Mark::Good => state.with_left(self.slot, TriesLeft::FULL),
            Mark::Active => {
                let other_is_in = state.order.slots().any(|slot| slot != self.slot);
                let order =
                    if other_is_in { BootOrder::First(self.slot) } else { BootOrder::Only(self.slot) };
                BootState { order, ..state.with_left(self.slot, TriesLeft::TRIAL) }
            }
            Mark::Bad => {
                let other_is_in = state.order.slots().any(|slot| slot != self.slot);
                let order = if other_is_in { BootOrder::Only(self.slot.other()) } else { BootOrder::Empty };
                BootState { order, ..state.with_left(self.slot, TriesLeft::NONE) }
            }
        });
        Ok(())
    }

    fn set_confirmed(&self, slot: SlotName) -> anyhow::Result<()> {
        self.step(format!("confirmed {slot}"))?;
        self.state.set(BootState { confirmed: Some(slot), ..self.state.get() });
        Ok(())
    }

    fn leave_breadcrumb(&self, kind: BreadcrumbKind, stage: &str, message: &str) -> anyhow::Result<()> {
        self.step(format!("{} {stage}: {message}", kind.as_str()))
    }

    fn reboot(&self, reason: &str) -> anyhow::Result<()> {
        self.step(format!("reboot: {reason}"))
    }

    fn pause(&self, _time: Duration) {}
}

const NOTED: &str = "mark-good verdict: slot B is confirmed";

#[test]
fn a_good_slot_is_confirmed_with_as_few_steps_as_it_takes() {
    let table: &[(&str, Machine, &[&str])] = &[
        (
            "a trial",
            Machine::running(B, BootOrder::First(B), [9, 2], Some(A)),
            &["mark good", "confirmed B", NOTED],
        ),
        (
            "every other boot",
            Machine::running(B, BootOrder::First(B), [9, 9], Some(B)),
            &["mark good", NOTED],
        ),
        (
            "not in the order",
            Machine::running(B, BootOrder::Only(A), [0, 0], Some(B)),
            &["mark active", "mark good", NOTED],
        ),
        (
            "no order at all",
            Machine::running(B, BootOrder::Empty, [0, 0], Some(A)),
            &["mark active", "mark good", "confirmed B", NOTED],
        ),
        (
            "behind one that is used up",
            Machine::running(B, BootOrder::First(A), [0, 9], Some(B)),
            &["mark active", "mark good", NOTED],
        ),
        (
            "behind an update that waits for its first boot",
            Machine::running(B, BootOrder::First(A), [3, 9], Some(B)),
            &["mark good", NOTED],
        ),
    ];
    for (case, machine, steps) in table {
        confirm(machine, B).unwrap();
        assert_eq!(machine.done(), *steps, "{case}");
        let state = machine.state.get();
        assert_eq!((state.left(B), state.confirmed), (TriesLeft::FULL, Some(B)), "{case}");
        let waiting_update = state.a_left == TriesLeft::TRIAL;
        assert_eq!(state.next_slot(), Some(if waiting_update { A } else { B }), "{case}");
    }
}

#[test]
fn a_power_cut_after_any_step_leaves_a_slot_that_starts_again_and_is_confirmed_then() {
    let orders = [BootOrder::Empty, BootOrder::Only(A), BootOrder::First(A), BootOrder::First(B)];
    for order in orders {
        for steps in 0..4 {
            let machine = Machine::running(B, order, [0, 2], Some(A));
            machine.power_for.set(steps);
            let cut = confirm(&machine, B);
            machine.power_for.set(u32::MAX);
            let case = format!("{order:?}, cut after {steps} steps: {cut:?}");
            if steps > 0 {
                assert_eq!(machine.state.get().next_slot(), Some(B), "{case}");
            }
            confirm(&machine, B).unwrap();
            let state = machine.state.get();
            assert!(state.is_confirmed(B) && state.left(B) == TriesLeft::FULL, "{case}");
            assert_eq!((state.next_slot(), state.confirmed), (Some(B), Some(B)), "{case}");
        }
    }
}

/// A RAUC that takes another slot for the booted one.
struct Mistaken(Machine);

impl Hands for Mistaken {
    fn boot_state(&self) -> anyhow::Result<BootState> {
        self.0.boot_state()
    }
    fn mark(&self, mark: Mark) -> anyhow::Result<()> {
        self.0.mark(mark)
    }
    fn set_confirmed(&self, slot: SlotName) -> anyhow::Result<()> {
        self.0.set_confirmed(slot)
    }
    fn leave_breadcrumb(&self, _: BreadcrumbKind, _: &str, _: &str) -> anyhow::Result<()> {
        panic!("the slot is not confirmed");
    }
    fn reboot(&self, _: &str) -> anyhow::Result<()> {
        panic!("nothing asks for a reboot");
    }
    fn pause(&self, _: Duration) {}
}

#[test]
fn that_a_slot_was_marked_is_believed_when_the_boot_state_shows_it() {
    let mistaken = Mistaken(Machine::running(A, BootOrder::First(B), [9, 2], Some(A)));
    let error = confirm(&mistaken, B).unwrap_err();
    assert_eq!(
        error.to_string(),
        "slot B was marked good, but the boot state does not show it: order \"B A\", 2 tries left"
    );
}

#[test]
fn a_bad_slot_is_noted_then_marked_then_left() {
    let machine = Machine::running(B, BootOrder::First(B), [9, 2], Some(A));
    give_up(&machine, B, "web.service", "it has failed").unwrap();
    let steps = [
        "mark-bad web.service: it has failed",
        "mark bad",
        "reboot: slot B is bad: web.service: it has failed",
    ];
    assert_eq!(machine.done(), steps);
    assert_eq!((machine.state.get().next_slot(), machine.state.get().left(B)), (Some(A), TriesLeft::NONE));
}

#[test]
fn without_rauc_a_bad_slot_is_left_all_the_same() {
    let machine = Machine { rauc: false, ..Machine::running(B, BootOrder::First(B), [9, 2], Some(A)) };
    give_up(&machine, B, "lan eth1", "no address").unwrap();
    let done = machine.done();
    assert_eq!(done.iter().filter(|step| *step == "RAUC is asked in vain").count(), 3);
    assert_eq!(done.last().unwrap(), "reboot: slot B is bad: lan eth1: no address");
}

#[test]
fn what_stays_degraded_is_in_the_black_box_with_its_reasons() {
    let machine = Machine::running(A, BootOrder::Only(A), [9, 0], Some(A));
    stay_degraded(&machine, &["/data is not mounted".to_owned(), "data.mount has failed".to_owned()]);
    let done = machine.done();
    assert!(
        matches!(&done[..], [one] if one.contains("degraded: /data is not mounted; data.mount has failed")),
        "{done:?}"
    );
}
