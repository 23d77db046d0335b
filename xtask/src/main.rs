//! Builds, runs, tests and checks Slipway. `cargo xtask help` lists the commands; each has a file of its own.

mod bench;
mod board;
mod check;
mod chroot;
mod context;
mod crates;
mod emulation;
mod host;
mod image;
mod machine;
mod man;
mod namespace;
mod print;
mod run;
mod sh;
mod step;
mod test;
mod tools;

use clap::{Parser, Subcommand};
use context::Context;
use std::process::ExitCode;

/// Slipway's builder: from this checkout to a bootable, tested appliance image.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    /// Set by xtask itself when it starts again out of a chroot.
    #[arg(long = chroot::AGAIN.trim_start_matches('-'), hide = true)]
    again: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the disk image of a board.
    Image(image::ImageArgs),
    /// Build the image and boot it in QEMU.
    Run(run::RunArgs),
    /// Run the tests: all that needs no VM, then the stories on the image.
    Test(test::TestArgs),
    /// Measure, as ratios in one run against a named peer or limit.
    Bench(bench::BenchArgs),
    /// Check what must be true of the whole repository: format, lints, layers, dependencies, documentation.
    Check(check::CheckArgs),
    /// Show what the build knows: the disk layout, a board with all its defaults, the packages of the last image.
    Print(print::PrintArgs),
    /// Make the manual pages of `slipway`.
    Man,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = own_root(&cli).and_then(|()| Context::discover()).and_then(|context| match cli.command {
        Command::Image(args) => image::run(&context, &args),
        Command::Run(args) => run::run(&context, &args),
        Command::Test(args) => test::run(&context, &args),
        Command::Check(args) => check::run(&context, &args),
        Command::Bench(args) => bench::run(&context, &args),
        Command::Print(args) => print::run(&context, &args),
        Command::Man => man::run(&context),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Sees to it that the commands that build are not held up by a chroot.
fn own_root(cli: &Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Check(_) | Command::Print(_) | Command::Man => Ok(()),
        _ if cli.again => chroot::take_root(),
        _ => chroot::leave(),
    }
}
