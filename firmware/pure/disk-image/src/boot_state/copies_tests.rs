use appliance_types::SlotName;
use proptest::prelude::*;

use super::*;
use crate::boot_state::{ENV_BYTES, TriesLeft};

/// Three states that are easy to tell apart.
fn env(tries: u8) -> BootEnv {
    BootState::factory().with_left(SlotName::A, TriesLeft::new(tries).unwrap()).to_env()
}

const TORN: Sector = [0x5a; ENV_BYTES];

/// The two sectors of a disk.
#[derive(Debug, Clone, PartialEq)]
struct Disk {
    env0: Sector,
    env1: Sector,
}

impl Disk {
    fn decide(&self) -> CurrentEnv {
        CurrentEnv::decide(&self.env0, &self.env1)
    }

    /// The environment that counts.
    fn env(&self) -> BootEnv {
        self.decide().env
    }

    fn write(&mut self, write: &EnvWrite) {
        match write.copy {
            EnvCopy::Env0 => self.env0 = write.bytes,
            EnvCopy::Env1 => self.env1 = write.bytes,
        }
    }

    /// What a power cut in the middle of `write` leaves: nonsense in that copy.
    fn tear(&mut self, write: &EnvWrite) {
        self.write(&EnvWrite { copy: write.copy, bytes: TORN });
    }
}

#[test]
fn the_first_copy_counts_then_the_second_then_the_default() {
    let (three, seven) = (env(3).encode(), env(7).encode());
    let rows = [
        (three, seven, env(3), EnvSource::Env0),
        (three, TORN, env(3), EnvSource::Env0),
        (TORN, seven, env(7), EnvSource::Env1),
        (TORN, TORN, BootState::both_copies_lost().to_env(), EnvSource::Default),
        ([0; ENV_BYTES], seven, env(7), EnvSource::Env1),
    ];
    for (env0, env1, env, source) in rows {
        let current = Disk { env0, env1 }.decide();
        assert_eq!((current.env(), current.source()), (&env, source));
        assert_eq!(current.state(), BootState::from_env(&env));
        assert_eq!(current.damage(EnvCopy::Env0).is_some(), BootEnv::parse(&env0).is_err());
        assert_eq!(current.damage(EnvCopy::Env1).is_some(), BootEnv::parse(&env1).is_err());
    }
}

#[test]
fn a_valid_copy_without_an_order_is_exhausted_not_torn() {
    let empty = BootEnv::default().encode();
    let current = Disk { env0: empty, env1: env(9).encode() }.decide();
    assert_eq!(current.source(), EnvSource::Env0);
    assert_eq!(current.state().next_slot(), None);
}

#[test]
fn what_is_written_in_which_order() {
    use EnvCopy::{Env0, Env1};
    let (old, older, new) = (env(7), env(3), env(9));
    let bytes = |env: &BootEnv| env.encode();
    /// What it is, env0, env1, what to write; the writes.
    type Row<'a> = (&'a str, Sector, Sector, &'a BootEnv, Vec<(EnvCopy, &'a BootEnv)>);
    let rows: [Row<'_>; 9] = [
        ("both agree", bytes(&old), bytes(&old), &new, vec![(Env0, &new), (Env1, &new)]),
        ("nothing to do", bytes(&old), bytes(&old), &old, vec![]),
        (
            "env1 older: equal first",
            bytes(&old),
            bytes(&older),
            &new,
            vec![(Env1, &old), (Env0, &new), (Env1, &new)],
        ),
        ("env1 torn: equal first", bytes(&old), TORN, &new, vec![(Env1, &old), (Env0, &new), (Env1, &new)]),
        ("env1 torn, repair", bytes(&old), TORN, &old, vec![(Env1, &old)]),
        ("env0 torn: it is free", TORN, bytes(&old), &new, vec![(Env0, &new), (Env1, &new)]),
        ("env0 torn, repair", TORN, bytes(&old), &old, vec![(Env0, &old)]),
        ("both torn", TORN, TORN, &new, vec![(Env0, &new), (Env1, &new)]),
        (
            "back to the older",
            bytes(&old),
            bytes(&older),
            &older,
            vec![(Env1, &old), (Env0, &older), (Env1, &older)],
        ),
    ];
    for (what, env0, env1, new, expected) in rows {
        let writes = Disk { env0, env1 }.decide().writes_to(new);
        let expected: Vec<_> =
            expected.iter().map(|(copy, env)| EnvWrite { copy: *copy, bytes: env.encode() }).collect();
        assert_eq!(writes, expected, "{what}");
    }
}

fn any_copy() -> impl Strategy<Value = Sector> {
    let blank = prop_oneof![Just(TORN), Just([0; ENV_BYTES]), Just([0xff; ENV_BYTES])];
    prop_oneof![(0..=9u8).prop_map(|tries| env(tries).encode()), blank]
}

proptest! {
    #[test]
    fn one_damaged_copy_never_loses_the_state(
        tries in 0..=9u8,
        garbage in proptest::collection::vec(any::<u8>(), ENV_BYTES),
        tear_at in 0..=ENV_BYTES,
        first in any::<bool>(),
    ) {
        let whole = env(tries).encode();
        let mut damaged = whole;
        damaged[..tear_at].copy_from_slice(&garbage[..tear_at]);
        let disk = if first { Disk { env0: damaged, env1: whole } } else { Disk { env0: whole, env1: damaged } };
        prop_assert_eq!(disk.env(), env(tries));
    }

    /// Power cuts, each tearing the write under way, at every point of an update; then again at every point of the
    /// repair after it.
    #[test]
    fn a_power_cut_leaves_the_old_state_or_the_new_one(
        env0 in any_copy(),
        env1 in any_copy(),
        new in (0..=9u8).prop_map(env),
    ) {
        let start = Disk { env0, env1 };
        let old = start.env();
        let writes = start.decide().writes_to(&new);
        for cut in 0..=writes.len() {
            let mut disk = start.clone();
            writes[..cut].iter().for_each(|write| disk.write(write));
            prop_assert!([&old, &new].contains(&&disk.env()), "cut after write {}", cut);
            let Some(write) = writes.get(cut) else { continue };
            disk.tear(write);
            let torn = disk.decide();
            prop_assert!([&old, &new].contains(&&torn.env), "cut in write {}", cut);
            let expected = torn.env.clone();
            for repair in torn.repairs() {
                disk.tear(&repair);
                prop_assert_eq!(disk.env(), expected.clone(), "cut in the repair after write {}", cut);
                disk.write(&repair);
                prop_assert_eq!(disk.env(), expected.clone());
            }
            prop_assert_eq!(disk.env0, disk.env1, "repaired after write {}", cut);
        }
        let mut disk = start;
        writes.iter().for_each(|write| disk.write(write));
        prop_assert_eq!((disk.env(), disk.env0 == disk.env1), (new, true));
    }
}

#[test]
fn a_source_is_written_as_the_selector_writes_it() {
    for source in [EnvSource::Env0, EnvSource::Env1, EnvSource::Default] {
        assert_eq!(source.to_string().parse(), Ok(source));
        assert_eq!(serde_json::to_string(&source).unwrap(), format!("\"{source}\""));
    }
    assert!("env2".parse::<EnvSource>().is_err());
    assert_eq!((EnvCopy::Env0.partition(), EnvCopy::Env1.partition()), ("env0", "env1"));
}
