//! `cargo xtask bench`: how good it is, as ratios in one run against a named peer or limit. Never a test: a busy machine
//! must not fail anybody's build.

mod bare;
mod boot;
mod config;
mod netboot;

use crate::board::Board;
use crate::context::Context;
use crate::image::{self, Built, ImageArgs};
use anyhow::{Context as _, Result};

/// Which figures.
#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// What to measure; all without one.
    #[arg(value_enum)]
    what: Vec<What>,
    /// Runs of each thing that is timed; the median is shown.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Sizes of the image's parts against their limits.
    Size,
    /// Kernel start to services up, against a bare Debian of the same packages.
    Boot,
    /// Changing a configuration, on this machine, against the limits.
    Config,
    /// Our DHCP server against dnsmasq and Kea.
    Netboot,
}

/// A line of the table.
struct Row {
    what: String,
    goal: String,
    measured: String,
    peer: String,
    ratio: String,
}

/// Measures and prints one table.
pub(crate) fn run(context: &Context, args: &BenchArgs) -> Result<()> {
    let wanted = |what| args.what.is_empty() || args.what.contains(&what);
    let mut rows = Vec::new();
    if wanted(What::Size) || wanted(What::Boot) {
        rows.extend(of_the_image(context, &wanted, args.runs)?);
    }
    if wanted(What::Config) {
        rows.extend(config::rows(context)?);
    }
    if wanted(What::Netboot) {
        rows.extend(netboot::rows(context, args.runs)?);
    }
    println!("{:<34} {:<12} {:<12} {:<34} {:<6}", "what", "goal", "measured", "peer or limit", "ratio");
    for row in rows {
        println!("{:<34} {:<12} {:<12} {:<34} {:<6}", row.what, row.goal, row.measured, row.peer, row.ratio);
    }
    Ok(())
}

fn of_the_image(context: &Context, wanted: &dyn Fn(What) -> bool, runs: usize) -> Result<Vec<Row>> {
    let options = ImageArgs::default();
    let peer = match wanted(What::Boot) {
        true => Some(bare::ensure(context, &Board::load(context, &options.board)?)?),
        false => None,
    };
    let built = image::build(context, &options)?;
    let mut rows = Vec::new();
    if wanted(What::Size) {
        rows.extend(size(&built)?);
    }
    if let Some(peer) = &peer {
        rows.extend(boot::rows(context, &built, peer, runs)?);
    }
    Ok(rows)
}

fn size(built: &Built) -> Result<Vec<Row>> {
    /// The goal for the root file system, in bytes.
    const ROOT_GOAL: u64 = 120_000_000;
    let length = |path: &std::path::Path| -> Result<u64> {
        Ok(path.metadata().with_context(|| format!("cannot read {}", path.display()))?.len())
    };
    let root = length(&built.squashfs)?;
    let initrd = length(&built.initramfs)?;
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    Ok(vec![
        Row {
            what: "root squashfs".into(),
            goal: "<= 120 MB".into(),
            measured: megabytes(root),
            peer: "the goal".into(),
            ratio: format!("{:.2}", root as f64 / ROOT_GOAL as f64),
        },
        Row {
            what: "initramfs".into(),
            goal: "-".into(),
            measured: megabytes(initrd),
            peer: "-".into(),
            ratio: "-".into(),
        },
    ])
}
