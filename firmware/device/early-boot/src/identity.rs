//! Who this machine is: its machine id, and what is recorded for its lifetime.

use std::path::Path;

use anyhow::Context;
use appliance_types::MachineId;
use disk_image::blackbox::Records;
use host_files::{BlackBox, write_atomic};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::report::Report;
use crate::root::Root;

const STAGE: &str = "identity";

/// What the records say; `None` when they cannot be read, which never means "nothing recorded".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The records of the black box.
    pub(crate) records: Option<Records>,
}

/// Writes `/etc/machine-id` before systemd looks for it: the recorded id, or on the first boot a new one, recorded first.
///
/// Never fatal: without records the machine gets an id for this boot only, and says so.
pub(crate) fn provide(root: &Root, report: &mut Report) -> Identity {
    let records = report.black_box().context("there is no black box to read it from").and_then(known_or_new);
    let (id, identity) = match records {
        Ok((id, records)) => (Some(id), Identity { records: Some(records) }),
        Err(error) => {
            report.warn(STAGE, format_args!("the machine id is for this boot only: {error:#}"));
            (new_id().ok(), Identity::default())
        }
    };
    let written =
        id.context("there are no random numbers").and_then(|id| write_id(&root.file("/etc/machine-id"), id));
    if let Err(error) = written {
        report.warn(STAGE, format_args!("systemd will make a machine id of its own: {error:#}"));
    }
    identity
}

/// The recorded machine id, recording a new one where there is none; and the records.
fn known_or_new(black_box: &BlackBox) -> anyhow::Result<(MachineId, Records)> {
    let records = black_box.records()?;
    if let Some(id) = records.machine_id {
        return Ok((id, records));
    }
    let id = new_id()?;
    black_box.change_records(|records| records.machine_id = Some(id))?;
    Ok((id, black_box.records()?))
}

/// A random id, marked as a version 4 UUID as machine-id(5) asks for. Waits, in the first second of a boot, until the
/// kernel has gathered randomness: boxes flashed alike must not become the same machine.
fn new_id() -> anyhow::Result<MachineId> {
    let mut bytes = [0; 16];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty()).context("cannot make a machine id")?;
    anyhow::ensure!(filled == bytes.len(), "cannot make a machine id: only {filled} random bytes");
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    MachineId::from_bytes(bytes).context("cannot make a machine id: it is all zeros")
}

fn write_id(path: &Path, id: MachineId) -> anyhow::Result<()> {
    Ok(write_atomic(path, format!("{id}\n").as_bytes(), 0o444)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_files::Writer;

    fn root() -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        let root = Root::at(folder.path());
        (folder, root)
    }

    fn report_with(path: &Path) -> Report {
        let mut report = Report::on_standard_error();
        report.attach(BlackBox::open(path).unwrap(), Writer { boot: 1, slot: None }, path);
        report
    }

    fn id_in(root: &Root) -> String {
        std::fs::read_to_string(root.file("/etc/machine-id")).unwrap()
    }

    #[test]
    fn the_first_boot_makes_an_id_and_every_later_one_finds_it() {
        let boxes = tempfile::tempdir().unwrap();
        let path = boxes.path().join("blackbox");
        std::fs::write(&path, vec![0; 1024 * 1024]).unwrap();

        let (_first_folder, first) = root();
        let identity = provide(&first, &mut report_with(&path));
        let id = id_in(&first);
        assert_eq!(id.trim_end().len(), 32);
        assert_eq!(&id[12..13], "4", "{id} is no version 4 UUID");
        assert_eq!(identity.records.unwrap().machine_id.unwrap().to_string(), id.trim_end());

        let (_second_folder, second) = root();
        provide(&second, &mut report_with(&path));
        assert_eq!(id_in(&second), id);
    }

    #[test]
    fn damaged_records_are_not_overwritten_and_the_id_is_for_this_boot() {
        let boxes = tempfile::tempdir().unwrap();
        let path = boxes.path().join("blackbox");
        let mut bytes = vec![0; 1024 * 1024];
        bytes[8 * 512..24 * 512].fill(0xff);
        std::fs::write(&path, &bytes).unwrap();

        let (_folder, root) = root();
        let identity = provide(&root, &mut report_with(&path));
        assert_eq!(identity.records, None);
        assert_eq!(id_in(&root).trim_end().len(), 32);
        let after = std::fs::read(&path).unwrap();
        assert_eq!(after[8 * 512..24 * 512], bytes[8 * 512..24 * 512]);
    }

    #[test]
    fn without_a_black_box_there_is_an_id_for_this_boot() {
        let (_folder, root) = root();
        assert_eq!(provide(&root, &mut Report::on_standard_error()), Identity::default());
        assert_eq!(id_in(&root).trim_end().len(), 32);
    }
}
