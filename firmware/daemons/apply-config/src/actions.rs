//! Telling the running system what has changed.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use appliance_config::Mode;
use artefact_render::{Service, UnitAction};
use host_files::{Manager, Program, run_program};

use crate::stage::{Failure, Stage, at};

/// A container gets a minute to end in order.
const STOP_LIMIT: Duration = Duration::from_secs(120);

/// Generators run in it, and emulated boards are slow.
const RELOAD_LIMIT: Duration = Duration::from_secs(120);

/// The name service.
const RESOLVER: &str = "systemd-resolved.service";

/// The application user's systemd.
const APP_MANAGER: &str = "user@900.service";

/// Whose systemd runs the containers of this mode.
pub(crate) fn manager(mode: Mode) -> Manager {
    match mode {
        Mode::Rootful => Manager::System,
        Mode::Rootless => Manager::AppUser,
    }
}

/// Does one of them.
///
/// # Errors
/// The stage it belongs to, and what the tool said.
pub(crate) fn perform(action: &UnitAction) -> Result<(), Failure> {
    log::info!("{action:?}");
    match action {
        UnitAction::MakeHomes => make_homes().map_err(at(Stage::Users)),
        UnitAction::PlaceSecrets => place_secrets().map_err(at(Stage::Containers)),
        // Somebody without a session has none to end.
        UnitAction::EndSessions(user) => {
            let ended = run(&Program::new("loginctl").args(["terminate-user", user.as_str()]));
            ended.unwrap_or_else(|error| log::info!("{error:#}"));
            Ok(())
        }
        // It may never have been made: its card is not there.
        UnitAction::DeleteVlan(name) => {
            let deleted = run(&Program::new("ip").args(["link", "delete", "dev", name.as_str()]));
            deleted.unwrap_or_else(|error| log::info!("{error:#}"));
            Ok(())
        }
        UnitAction::ReloadNetwork => {
            run(&Program::new("networkctl").arg("reload").timeout(Duration::from_secs(60)))
                .map_err(at(Stage::Network))
        }
        UnitAction::Tell(service) => {
            let (verbs, unit): (&[&str], _) = match service {
                // Not waited for: it looks for other servers first, and beside one it does not start.
                Service::Netboot => (&["--no-block", "restart"], "slipway-netboot.service"),
                // It ends when it is done.
                Service::LocalNames => (&["start"], "slipway-local-names.service"),
                Service::Resolver => (&["reload-or-restart"], RESOLVER),
                Service::Clock => (&["restart"], "chrony.service"),
                // Reloaded, it listens anew, and nobody's session ends.
                Service::Ssh => (&["reload-or-restart"], "ssh.service"),
            };
            let tell = Manager::System.systemctl().args(verbs).arg(unit).timeout(Duration::from_secs(60));
            run(&tell).map_err(at(Stage::Network))
        }
        UnitAction::ReloadFirewall => {
            run(&Program::new("nft").args(["--file", "/etc/nftables.conf"]).timeout(Duration::from_secs(30)))
                .map_err(at(Stage::Firewall))
        }
        UnitAction::ReloadManager(mode) => reload(*mode).map_err(at(Stage::Containers)),
        UnitAction::Stop(mode, unit) => stop(*mode, unit).map_err(at(Stage::Containers)),
        // Whether they come up is asked afterwards; a pull may take many minutes.
        UnitAction::Restart(mode, unit) => start(*mode, "restart", unit).map_err(at(Stage::Containers)),
        UnitAction::Start(mode, unit) => start(*mode, "start", unit).map_err(at(Stage::Containers)),
    }
}

/// Makes the homes of the users, in memory.
pub(crate) fn make_homes() -> anyhow::Result<()> {
    const LIST: &str = "/etc/tmpfiles.d/slipway-homes.conf";
    run(&Program::new("systemd-tmpfiles").args(["--create", LIST]))?;
    // It leaves a file where a folder should be, and is content.
    let list = host_files::read_text_bounded(Path::new(LIST), 1 << 20)?;
    let homes = list.lines().filter_map(|line| line.strip_prefix("d ")?.split(' ').next());
    match homes.into_iter().find(|home| !Path::new(home).is_dir()) {
        Some(home) => anyhow::bail!("{home} is no folder; something else is in its place"),
        None => Ok(()),
    }
}

/// Puts the secrets of the containers in place, in memory: all that were there are removed, then those that are written are made.
pub(crate) fn place_secrets() -> anyhow::Result<()> {
    let list = ["--remove", "--create", "/etc/tmpfiles.d/slipway-secrets.conf"];
    run(&Program::new("systemd-tmpfiles").args(list)).context("cannot put the secrets of containers in place")
}

/// Has the name service read its files again, without waiting for it: at boot it may still be starting.
pub(crate) fn tell_resolver() -> anyhow::Result<()> {
    run(&Manager::System.systemctl().args(["--no-block", "reload-or-restart", RESOLVER]))
}

/// Lets a systemd read its units again. The application user's is started when it does not run yet: it reads them then.
pub(crate) fn reload(mode: Mode) -> anyhow::Result<()> {
    if mode == Mode::Rootless && !Path::new("/run/user/900/systemd/private").exists() {
        return start_app_manager();
    }
    run(&manager(mode).systemctl().arg("daemon-reload").timeout(RELOAD_LIMIT))
}

/// Starts the application user's systemd, unless it runs.
pub(crate) fn start_app_manager() -> anyhow::Result<()> {
    let start = Manager::System.systemctl().args(["start", APP_MANAGER]).timeout(RELOAD_LIMIT);
    run(&start).context("cannot start the application user's systemd")
}

/// Has everything on the data partition written out.
pub(crate) fn sync_data() -> anyhow::Result<()> {
    run(&Program::new("sync").args(["--file-system", "/data"]).timeout(Duration::from_secs(600)))
}

/// Starts or restarts a unit without waiting for it. That it failed some time ago is forgotten: whoever watches it from now on
/// must not take that for an answer.
pub(crate) fn start(mode: Mode, verb: &str, unit: &str) -> anyhow::Result<()> {
    let forgotten = run(&systemctl(mode, "reset-failed", unit));
    forgotten.unwrap_or_else(|error| log::info!("{error:#}"));
    run(&systemctl(mode, verb, unit).arg("--no-block"))
}

/// Stops a unit. One that this systemd has never read has not been started either: so it is on the way back from a
/// configuration that failed before its units were read. A container that had to be killed leaves a failed unit behind; it is
/// forgotten, so that nothing of what is gone is found wrong.
fn stop(mode: Mode, unit: &str) -> anyhow::Result<()> {
    let Err(error) = run(&systemctl(mode, "stop", unit).timeout(STOP_LIMIT)) else {
        let forgotten = run(&systemctl(mode, "reset-failed", unit));
        forgotten.unwrap_or_else(|error| log::info!("{error:#}"));
        return Ok(());
    };
    let state = run_program(&systemctl(mode, "show", unit).arg("--property=LoadState").arg("--value"));
    match state {
        Ok(state) if state.stdout.trim() == "not-found" => Ok(()),
        _ => Err(error),
    }
}

fn systemctl(mode: Mode, verb: &str, unit: &str) -> Program {
    manager(mode).systemctl().args([verb, unit])
}

fn run(program: &Program) -> anyhow::Result<()> {
    run_program(program)?;
    Ok(())
}
