//! The appliance's `/init`: from the kernel to systemd, in one straight line.
//!
//! Every stage either does its work, or says why not in one line on the console, leaves a breadcrumb and resets the
//! machine: the selector then counts, and another slot gets its turn. What is not needed to come up (modules, watchdog,
//! black box, boot state, clock) is reported and passed over.
//!
//! Runs as PID 1 in the initramfs, with nothing but itself and `/modules`.

mod command_line;
mod report;

mod alive;
mod black_box;
mod boot_disk;
mod clock;
mod handover;
mod identity;
mod modules;
mod mounts;
mod partition_table;
mod pstore;
mod rearm;
mod root;
mod switch_root;
mod sysfs;
mod watchdog;

use std::convert::Infallible;
use std::path::Path;
use std::process::ExitCode;

use disk_image::blackbox::stage;

use command_line::CommandLine;
use report::{At, Failure, Report};

fn main() -> ExitCode {
    if alive::is_what_we_are_started_as() {
        return alive::run();
    }
    if std::process::id() != 1 {
        eprintln!("early-boot is the init of the appliance's initramfs; it does nothing unless it is PID 1");
        return ExitCode::from(2);
    }

    let mut report = Report::on_standard_error();
    report::reset_when_we_panic();
    let Err(failure) = boot(&mut report);
    report.fail(&failure);
    report::reset()
}

/// The way from the kernel to systemd. Each stage gets what the ones before it found, and nothing else.
fn boot(report: &mut Report) -> Result<Infallible, Failure> {
    mounts::mount_kernel_file_systems().at(stage::START)?;
    report.open_console();
    report.reached(stage::START, "early-boot runs");
    let command_line = CommandLine::read(Path::new("/proc/cmdline")).at(stage::START)?;

    modules::load_all(Path::new("/modules"), report);
    watchdog::arm(report);

    let disk = boot_disk::find(&command_line, report).at(stage::DISK)?;
    let past = black_box::open(&disk, &command_line, report);
    partition_table::mend_torn_copy(&disk, report);
    alive::spawn(&disk, &command_line, &past, report);
    let past = pstore::collect(past, report);

    let root = root::mount(&disk, &command_line, report)?;
    let identity = identity::provide(&root, report);
    clock::set(&root, &past, report);
    let build =
        handover::leave_facts(&disk, &command_line, &past, &identity, &root, report).at(stage::HANDOVER)?;

    // After all that can fail: a slot that is reset behind this line has its tries back, and would be started for ever.
    rearm::rearm(&disk, &command_line, &build, &past, report);
    switch_root::switch(&root, &command_line, report).at(stage::SWITCH_ROOT)
}
