use super::*;
use crate::clock;
use std::time::Duration;

fn lease(last: u8, state: LeaseState) -> Lease {
    let hardware = Hardware::new(1, &[2, 0, 0, 0, 0, last]).unwrap();
    Lease {
        address: Ipv4Addr::new(10, 0, 0, last),
        client: ClientKey { hardware, id: last.is_multiple_of(2).then(|| [255, last].into()) },
        class: if last == 3 { ClientClass::RaspberryPi } else { ClientClass::Generic },
        hostname: (last == 1).then(|| "printer".parse().unwrap()),
        state,
    }
}

fn sorted(mut leases: Vec<Lease>) -> Vec<Lease> {
    leases.sort_by_key(|lease| lease.address);
    leases
}

#[test]
fn what_is_committed_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let anchor = Anchor::now();
    let at = clock::now() + Duration::from_secs(600);
    let leases = vec![
        lease(1, LeaseState::Bound { until: at }),
        lease(2, LeaseState::Quarantined { until: at }),
        lease(3, LeaseState::Free { since: at }),
    ];
    {
        let (mut store, kept) = LeaseStore::open(folder.path(), anchor).unwrap();
        assert_eq!(kept, []);
        store.commit(leases.iter(), anchor).unwrap();
        store.commit([lease(9, LeaseState::Offered { until: at })].iter(), anchor).unwrap();
    }
    let (mut store, kept) = LeaseStore::open(folder.path(), anchor).unwrap();
    assert_eq!(sorted(kept), leases);
    let moved = lease(1, LeaseState::Free { since: at });
    store.commit([moved.clone()].iter(), anchor).unwrap();
    let kept = LeaseStore::open(folder.path(), anchor).unwrap().1;
    assert_eq!(sorted(kept), [vec![moved], leases[1..].to_vec()].concat());
}

#[test]
fn a_damaged_file_is_put_aside_and_leases_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leases.db");
    for number in 1..3 {
        std::fs::write(&path, b"this was a database once, before the disk had its way with it").unwrap();
        let (mut store, kept) = LeaseStore::open(folder.path(), Anchor::now()).unwrap();
        assert_eq!(kept, []);
        store.commit([lease(1, LeaseState::Bound { until: clock::now() })].iter(), Anchor::now()).unwrap();
        assert!(folder.path().join(format!("leases.db.damaged-{number}")).exists());
    }
}

/// A flipped bit that SQLite has no checksum against costs one lease, and not all of them for ever.
#[test]
fn a_row_that_makes_no_sense_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let anchor = Anchor::now();
    let bound = |last| lease(last, LeaseState::Bound { until: clock::now() + Duration::from_secs(60) });
    let (mut store, _) = LeaseStore::open(folder.path(), anchor).unwrap();
    store.commit([bound(1), bound(2), bound(3), bound(4)].iter(), anchor).unwrap();
    for (last, odd) in [(1, "class = CAST(x'ff' AS TEXT)"), (2, "hardware_kind = 999"), (3, "at_ms = 'soon'")]
    {
        let which = lease(last, LeaseState::Free { since: clock::now() }).address.to_bits();
        store.database.execute(&format!("UPDATE lease SET {odd} WHERE address = {which}"), []).unwrap();
    }
    drop(store);
    let kept = LeaseStore::open(folder.path(), anchor).unwrap().1;
    assert_eq!(kept.iter().map(|lease| lease.address.octets()[3]).collect::<Vec<_>>(), [4]);
}

#[test]
fn a_newer_image_has_added_a_column_and_this_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let anchor = Anchor::now();
    let first = lease(1, LeaseState::Bound { until: Duration::from_secs(9) });
    let (mut store, _) = LeaseStore::open(folder.path(), anchor).unwrap();
    store.commit([first.clone()].iter(), anchor).unwrap();
    store
        .database
        .execute_batch("ALTER TABLE lease ADD COLUMN vlan INTEGER; PRAGMA user_version = 2")
        .unwrap();
    drop(store);
    let (mut store, kept) = LeaseStore::open(folder.path(), anchor).unwrap();
    assert_eq!(kept, [first]);
    store.commit([lease(2, LeaseState::Bound { until: Duration::from_secs(9) })].iter(), anchor).unwrap();
    let version: u32 = store.database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2, "it is still the newer one's");
}

#[test]
fn an_operator_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = LeaseStore::open(folder.path(), Anchor::now()).unwrap();
    store.commit([lease(200, LeaseState::Bound { until: clock::now() })].iter(), Anchor::now()).unwrap();
    let row = store.database.query_row("SELECT address, hardware, state FROM lease_text", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    });
    assert_eq!(row.unwrap(), ("10.0.0.200".into(), "0200000000C8".into(), "bound".into()));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = LeaseStore::open(Path::new("/nonexistent"), Anchor::now()).err().unwrap();
    assert!(
        format!("{error:#}").starts_with("cannot open the leases in /nonexistent/leases.db: "),
        "{error:#}"
    );
}

#[test]
fn the_log_has_its_length_from_the_beginning_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let length = || std::fs::metadata(folder.path().join("leases.db-wal")).unwrap().len();
    let (mut store, _) = LeaseStore::open(folder.path(), Anchor::now()).unwrap();
    let grown = length();
    assert!(grown >= u64::from(LOG_PAGES) * 4096, "{grown}");
    for number in 0..50 {
        store
            .commit([lease(number, LeaseState::Bound { until: clock::now() })].iter(), Anchor::now())
            .unwrap();
    }
    assert_eq!(length(), grown, "leases are written from its beginning");
}
