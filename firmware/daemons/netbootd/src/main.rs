//! DHCP, TFTP and HTTP boot on the LAN: sockets, files and the lease store around `netboot-protocol`, which decides.
//!
//! Each service has its sockets open before we say that we are ready, and then a thread of its own. It is ended by being
//! killed: what a client was promised is on the disk before the client hears of it.

mod arguments;

mod policy_file;

mod clock;

mod boot_policy_file;
mod leases;

mod dhcp;
mod log_limit;

mod boot_client;
mod boot_root;
mod control;
mod files;
mod http;
mod service;
mod shared;
mod tftp;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use service::Service;
use shared::Shared;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    host_systemd::log_as("netbootd");
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let policy = policy_file::read(&arguments.config)?;
    if arguments.check {
        files::check(&policy)?;
        println!("{} is fine", arguments.config.display());
        return Ok(());
    }
    let shared = Shared::new(policy);
    let mut services: Vec<Service> = Vec::new();
    services.extend(boot_policy_file::service(&shared)?);
    services.extend(dhcp::services(&shared)?);
    services.extend(files::services(&shared)?);
    services.extend(control::service(&shared)?);
    host_systemd::ready();
    Err(service::run_until_one_ends(services))
}
