//! Run by udev whenever a network interface appears: gives all cards their fixed names.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use host_files::FileLock;
use nic_names::{plan, read_board_nics, read_interfaces, reconcile};

const SYS: &str = "/sys";
const BOARD: &str = "/usr/share/slipway/nics.toml";

/// Runs started for several cards at once take turns. Created by early-boot's `/run/slipway`.
const LOCK: &str = "/run/slipway/nic-names.lock";

/// Longer than any run takes, shorter than udev's patience with an event (180 s).
const LOCK_LIMIT: Duration = Duration::from_secs(60);

const USAGE: &str = "\
usage: nic-names [--dry-run]

Renames the network cards of this machine: eth0 is WAN, where /usr/share/slipway/nics.toml says it is
plugged in; the others are eth1 and up. udev runs it whenever a card appears; running it again is harmless.

  --dry-run  only print the cards with their places, and the renames that would be done";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => name_all(),
        ["--dry-run"] => show(),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // udev puts this into the journal.
            eprintln!("slipway: nic-names: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn name_all() -> anyhow::Result<()> {
    let board = read_board_nics(Path::new(BOARD))?;
    let _turn = FileLock::take(Path::new(LOCK), LOCK_LIMIT)?;
    for rename in reconcile(Path::new(SYS), &board)? {
        println!("{} is now {}", rename.from, rename.to);
    }
    Ok(())
}

fn show() -> anyhow::Result<()> {
    let board = read_board_nics(Path::new(BOARD))?;
    let interfaces = read_interfaces(Path::new(SYS))?;
    for card in &interfaces.cards {
        let state = if card.in_use { "up" } else { "down" };
        println!("{}\t{}\tport {}\t{state}", card.name, card.place.path, card.place.port);
    }
    for rename in plan(&interfaces.cards, &board.wan, &interfaces.others)? {
        println!("would rename {} to {}", rename.from, rename.to);
    }
    Ok(())
}
