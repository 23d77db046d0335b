//! `leases.db`: SQLite, so that an image that was rolled back reads what the newer one wrote, and so that anybody can look into it:
//! `sqlite3 /data/netboot/leases.db 'select * from lease_text'`.
//!
//! One row for each address that is or was somebody's. What is committed is on the disk (WAL, `synchronous = FULL`).

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use netboot_protocol::client::ClientClass;
use netboot_protocol::dhcp::{ClientKey, Hardware, Lease, LeaseState};
use rusqlite::{Connection, ErrorCode, Row, params};

use crate::clock::Anchor;

/// Newer versions only add columns, so that this one reads and writes theirs.
const SCHEMA: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS lease (
        address INTEGER PRIMARY KEY,
        hardware_kind INTEGER NOT NULL,
        hardware BLOB NOT NULL,
        client_id BLOB,
        class TEXT NOT NULL,
        hostname TEXT,
        state TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    );
    CREATE VIEW IF NOT EXISTS lease_text AS SELECT
        (address >> 24) || '.' || ((address >> 16) & 255) || '.' || ((address >> 8) & 255) || '.' || (address & 255) AS address,
        hex(hardware) AS hardware, hex(client_id) AS client_id, class, hostname, state,
        datetime(at_ms / 1000, 'unixepoch') AS at
        FROM lease;
    COMMIT;
";

/// Of the schema.
const VERSION: u32 = 1;
/// Pages in the log before they are put into their places.
const LOG_PAGES: u32 = 1000;

const PUT: &str = "INSERT INTO lease (address, hardware_kind, hardware, client_id, class, hostname, state, at_ms)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (address) DO UPDATE SET hardware_kind = ?2, hardware = ?3, client_id = ?4, class = ?5, hostname = ?6,
    state = ?7, at_ms = ?8";

/// The leases on the disk.
pub(crate) struct LeaseStore {
    database: Connection,
}

impl LeaseStore {
    /// Opens `leases.db` in `folder`, which exists, and reads it.
    ///
    /// A file that is no database any more is put aside, and an empty one begun: clients keep their addresses by asking for them
    /// again, and new ones are probed for. Not to serve at all would take the whole LAN down with it.
    pub(crate) fn open(folder: &Path, anchor: Anchor) -> anyhow::Result<(LeaseStore, Vec<Lease>)> {
        let path = folder.join("leases.db");
        let opened = LeaseStore::open_file(&path, anchor);
        match opened {
            Err(error) if is_damaged(&error) => {
                let aside = put_aside(&path)?;
                log::error!(
                    "{} is damaged ({error}); it is kept as {}, and leases begin anew",
                    path.display(),
                    aside.display()
                );
                LeaseStore::open_file(&path, anchor)
            }
            other => other,
        }
        .with_context(|| format!("cannot open the leases in {}", path.display()))
    }

    fn open_file(path: &Path, anchor: Anchor) -> rusqlite::Result<(LeaseStore, Vec<Lease>)> {
        let database = Connection::open(path)?;
        database.busy_timeout(std::time::Duration::from_secs(2))?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.execute_batch(SCHEMA)?;
        let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            database.pragma_update(None, "user_version", VERSION)?;
        }
        grow_log(&database, path)?;
        let verdict: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(damage(verdict));
        }
        let leases = {
            let mut statement = database.prepare(
                "SELECT address, hardware_kind, hardware, client_id, class, hostname, state, at_ms FROM lease",
            )?;
            let rows = statement.query_map([], |row| match read(row, anchor) {
                // What SQLite says of the file; everything else is about this row.
                Err(error) if error.sqlite_error_code().is_none() => {
                    log::error!("a lease in {} makes no sense and is left out: {error}", path.display());
                    Ok(None)
                }
                read => read,
            })?;
            rows.collect::<rusqlite::Result<Vec<Option<Lease>>>>()?
        };
        // A row that makes no sense is one that we have not written; it holds nobody's promise.
        Ok((LeaseStore { database }, leases.into_iter().flatten().collect()))
    }

    /// Puts leases on the disk: when this returns, they are there.
    pub(crate) fn commit<'l>(
        &mut self,
        leases: impl Iterator<Item = &'l Lease>,
        anchor: Anchor,
    ) -> rusqlite::Result<()> {
        let transaction = self.database.transaction()?;
        {
            let mut put = transaction.prepare_cached(PUT)?;
            for lease in leases {
                let (state, at) = match lease.state {
                    LeaseState::Bound { until } => ("bound", until),
                    LeaseState::Quarantined { until } => ("quarantined", until),
                    LeaseState::Free { since } => ("free", since),
                    // Never durable.
                    LeaseState::Offered { .. } => continue,
                };
                put.execute(params![
                    lease.address.to_bits(),
                    lease.client.hardware.kind(),
                    lease.client.hardware.address(),
                    lease.client.id.as_deref(),
                    lease.class.as_str(),
                    lease.hostname.as_ref().map(appliance_types::HostLabel::as_str),
                    state,
                    anchor.to_wall_ms(at),
                ])?;
            }
        }
        transaction.commit()
    }
}

/// Makes SQLite's log as long as it is going to be, once in the life of the file. A file system keeps bytes in blocks that it has
/// already several times faster than in new ones, whose place it must keep as well.
fn grow_log(database: &Connection, path: &Path) -> rusqlite::Result<()> {
    let mut log = OsString::from(path);
    log.push("-wal");
    if Path::new(&log).metadata().is_ok_and(|log| log.len() >= u64::from(LOG_PAGES) * 4096) {
        return Ok(());
    }
    database.pragma_update(None, "wal_autocheckpoint", 0)?;
    let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // Nothing in it matters yet: one wait for the disk at the end is enough.
    database.pragma_update(None, "synchronous", "OFF")?;
    for _ in 0..LOG_PAGES {
        // The page with the version, again and again, as it is.
        database.pragma_update(None, "user_version", version)?;
    }
    database.pragma_update(None, "synchronous", "FULL")?;
    // From here on it is written from its beginning.
    database.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
    database.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)
}

fn read(row: &Row<'_>, anchor: Anchor) -> rusqlite::Result<Option<Lease>> {
    let (kind, hardware): (u8, Vec<u8>) = (row.get(1)?, row.get(2)?);
    let Some(hardware) = Hardware::new(kind, &hardware) else { return Ok(None) };
    let at = anchor.at_wall_ms(row.get(7)?);
    let state = match row.get::<_, String>(6)?.as_str() {
        "bound" => LeaseState::Bound { until: at },
        "quarantined" => LeaseState::Quarantined { until: at },
        _ => LeaseState::Free { since: at },
    };
    Ok(Some(Lease {
        address: Ipv4Addr::from_bits(row.get(0)?),
        client: ClientKey { hardware, id: row.get::<_, Option<Vec<u8>>>(3)?.map(Into::into) },
        class: class(&row.get::<_, String>(4)?),
        hostname: row.get::<_, Option<String>>(5)?.and_then(|name| name.parse().ok()),
        state,
    }))
}

fn class(word: &str) -> ClientClass {
    use ClientClass::{Generic, HttpBoot, Ipxe, Pxe, RaspberryPi, UBoot};
    [RaspberryPi, Pxe, HttpBoot, Ipxe, UBoot]
        .into_iter()
        .find(|class| class.as_str() == word)
        .unwrap_or(Generic)
}

fn damage(what: String) -> rusqlite::Error {
    let code = rusqlite::ffi::Error { code: ErrorCode::DatabaseCorrupt, extended_code: 11 };
    rusqlite::Error::SqliteFailure(code, Some(what))
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure)
    )
}

/// With what belongs to it: another database must not find the log of this one.
fn put_aside(path: &Path) -> anyhow::Result<PathBuf> {
    let named = |end: String| {
        let mut name = OsString::from(path);
        name.push(end);
        PathBuf::from(name)
    };
    let free = (1..).map(|number| format!(".damaged-{number}")).find(|end| !named(end.clone()).exists());
    let aside = free.unwrap_or_default();
    for part in ["-wal", "-shm", ""] {
        let from = named(part.to_owned());
        if from.exists() {
            let to = named(format!("{aside}{part}"));
            std::fs::rename(&from, &to)
                .with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?;
        }
    }
    Ok(named(aside))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
