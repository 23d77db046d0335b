//! DHCP: whole exchanges a second, with every lease on the disk where the server puts it there.

use super::load::{Relay, Seen, rate};
use super::server::{Kind, Running};
use crate::bench::Row;
use crate::context::Context;
use anyhow::{Context as _, Result};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Clients at any time.
const AT_ONCE: usize = 16;
/// Clients at any time when more of them share a wait for the disk.
const MANY_AT_ONCE: usize = 64;
/// How long one measurement lasts.
const TIME: Duration = Duration::from_secs(4);
/// Leases in the test of whether the rate depends on how many there are.
const MANY: usize = 20_000;

/// One measurement of one server, from an empty store.
struct Measured {
    rate: f64,
    /// CPU seconds of the server for one exchange.
    cpu: f64,
    p99: Duration,
    twice: usize,
}

pub(super) fn rows(context: &Context, peers: &Path, ours: &Path, runs: usize) -> Result<Vec<Row>> {
    let disk = context.out.join("bench");
    std::fs::create_dir_all(&disk).with_context(|| format!("cannot create {}", disk.display()))?;
    let start = |kind| Running::start(kind, peers, ours, &disk);
    let mut measured: Vec<Vec<Measured>> = Kind::ALL.iter().map(|_| Vec::new()).collect();
    let (mut syncs, mut our_many, mut kea_many) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=runs {
        syncs.push(sync_latency(&disk)?);
        for (kind, list) in Kind::ALL.into_iter().zip(&mut measured) {
            let one = measure(&start(kind)?, AT_ONCE)?;
            eprintln!(
                "      DHCP run {run} of {runs}: {:<9} {:6.0}/s, {:4.0} us CPU each, p99 {:.1} ms",
                kind.name(),
                one.rate,
                one.cpu * 1e6,
                one.p99.as_secs_f64() * 1e3
            );
            list.push(one);
        }
        our_many.push(measure(&start(Kind::Ours)?, MANY_AT_ONCE)?.rate);
        kea_many.push(measure(&start(Kind::Kea)?, MANY_AT_ONCE)?.rate);
    }
    let of = |kind: Kind, value: fn(&Measured) -> f64| -> f64 {
        let position = Kind::ALL.iter().position(|other| *other == kind).unwrap_or_default();
        median(measured[position].iter().map(value).collect())
    };
    let rate_of = |kind| of(kind, |one| one.rate);
    let cpu_of = |kind| of(kind, |one| one.cpu * 1e6);
    let (our_rate, dnsmasq, kea) = (rate_of(Kind::Ours), rate_of(Kind::Dnsmasq), rate_of(Kind::Kea));
    let twice: usize = measured.iter().flatten().map(|one| one.twice).sum();
    let each = |rate: f64| format!("{rate:.0}/s");
    let row = |what: &str, goal: &str, measured: String, peer: String, ratio: String| Row {
        what: what.into(),
        goal: goal.into(),
        measured,
        peer,
        ratio,
    };
    let (sync, our_many, kea_many) = (median(syncs), median(our_many), median(kea_many));
    let many = many(&start(Kind::Ours)?)?;
    let best = our_rate.max(many.first).max(many.last);
    let (overload, offered) = overload(&start(Kind::Ours)?, best)?;
    let p99 = of(Kind::Ours, |one| one.p99.as_secs_f64() * 1e3);
    let kea_p99 = of(Kind::Kea, |one| one.p99.as_secs_f64() * 1e3);
    Ok(vec![
        row(
            "DHCP, 16 clients, all on disk",
            ">= 10 x",
            each(our_rate),
            format!("dnsmasq (on disk) {dnsmasq:.0}/s"),
            format!("{:.1}", our_rate / dnsmasq),
        ),
        row(
            "DHCP, 16 clients, all on disk",
            ">= 0.8 x",
            each(our_rate),
            format!("Kea (never synced) {kea:.0}/s"),
            format!("{:.2}", our_rate / kea),
        ),
        row(
            "DHCP, 16 clients, all on disk",
            "-",
            each(our_rate),
            format!("a wait for the disk each, {:.2} ms: {:.0}/s", sync * 1e3, AT_ONCE as f64 / sync),
            format!("{:.2}", our_rate * sync / AT_ONCE as f64),
        ),
        row(
            "DHCP, 64 clients, all on disk",
            ">= 0.8 x",
            each(our_many),
            format!("Kea (never synced) {kea_many:.0}/s"),
            format!("{:.2}", our_many / kea_many),
        ),
        row("addresses given twice", "0", twice.to_string(), "by all servers".into(), "-".into()),
        row(
            "DHCP, server CPU per exchange",
            "<= 1.5 x",
            format!("{:.0} us", cpu_of(Kind::Ours)),
            format!("Kea {:.0} us", cpu_of(Kind::Kea)),
            format!("{:.2}", cpu_of(Kind::Ours) / cpu_of(Kind::Kea)),
        ),
        row(
            "DHCP, p99 of an exchange",
            "-",
            format!("{p99:.1} ms"),
            format!("Kea {kea_p99:.1} ms"),
            format!("{:.2}", p99 / kea_p99),
        ),
        row(
            "DHCP, at 20,000 leases",
            "flat",
            each(many.last),
            format!("the first 2,000: {:.0}/s", many.first),
            format!("{:.2}", many.last / many.first),
        ),
        row(
            "DHCP, offered 4 x its best",
            ">= 0.8 x",
            each(overload),
            format!("its best {best:.0}/s, offered {offered:.0}/s"),
            format!("{:.2}", overload / best),
        ),
        row(
            "netbootd, memory at rest (PSS)",
            "<= 15 MB",
            megabytes(many.idle),
            "the goal".into(),
            ratio(many.idle, 15e6),
        ),
        row(
            "netbootd, memory, 10,000 leases",
            "<= 20 MB",
            megabytes(many.loaded),
            "the goal".into(),
            ratio(many.loaded, 20e6),
        ),
    ])
}

fn measure(server: &Running, at_once: usize) -> Result<Measured> {
    server.lab.client.enter(|| {
        let mut relay = Relay::open()?;
        // The first exchanges are about ARP and empty caches.
        relay.closed_loop(AT_ONCE, 200, TIME)?;
        let cpu = server.cpu();
        let mut seen: Seen = relay.closed_loop(at_once, usize::MAX, TIME)?;
        let cpu = (server.cpu() - cpu) / seen.acks.len().max(1) as f64;
        Ok(Measured { rate: seen.rate(), cpu, p99: seen.percentile(99), twice: seen.twice })
    })
}

/// Our server while it fills up.
struct Many {
    first: f64,
    last: f64,
    idle: u64,
    loaded: u64,
}

fn many(server: &Running) -> Result<Many> {
    let idle = server.memory();
    server.lab.client.enter(|| {
        let mut relay = Relay::open()?;
        let limit = Duration::from_secs(120);
        let first = relay.closed_loop(AT_ONCE, MANY / 2, limit)?;
        let loaded = server.memory();
        let second = relay.closed_loop(AT_ONCE, MANY / 2, limit)?;
        let part = 2000;
        let (early, late) = (
            first.acks.get(..part),
            second.acks.len().checked_sub(part).and_then(|from| second.acks.get(from..)),
        );
        let rates =
            early.zip(late).context("the server did not give out 20,000 leases within four minutes")?;
        Ok(Many { first: rate(rates.0), last: rate(rates.1), idle, loaded })
    })
}

/// Exchanges a second, and beginnings of exchanges a second that this machine could make.
fn overload(server: &Running, best: f64) -> Result<(f64, f64)> {
    server.lab.client.enter(|| {
        let mut relay = Relay::open()?;
        relay.closed_loop(AT_ONCE, 200, TIME)?;
        let (seen, sent) = relay.open_loop(best * 4.0, TIME)?;
        Ok((seen.acks.len() as f64 / TIME.as_secs_f64(), sent as f64 / TIME.as_secs_f64()))
    })
}

/// What the disk takes to keep 4 KiB, in seconds: the median of many.
fn sync_latency(disk: &Path) -> Result<f64> {
    let mut file = tempfile::tempfile_in(disk).context("cannot make a file")?;
    let mut times = Vec::new();
    for _ in 0..100 {
        file.write_all(&[7; 4096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64());
    }
    Ok(median(times))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn ratio(bytes: u64, goal: f64) -> String {
    format!("{:.2}", bytes as f64 / goal)
}
