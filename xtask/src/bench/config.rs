//! Changing a configuration, natively: what of the time is ours. Each measurement is an ignored test of the crate it is about, in
//! release mode, and prints a line `NAME-ms N`.

use super::Row;
use crate::context::Context;
use crate::sh;
use anyhow::{Context as _, Result, bail};

/// A measurement, and its limit in milliseconds.
struct Figure {
    what: &'static str,
    package: &'static str,
    test: &'static str,
    name: &'static str,
    limit_ms: u64,
}

const FIGURES: &[Figure] = &[
    Figure {
        what: "check of 1,000 containers",
        package: "appliance-config",
        test: "speed",
        name: "check-1000-containers-ms",
        limit_ms: 50,
    },
    Figure {
        what: "apply, one of 101 containers changed",
        package: "apply-config",
        test: "speed",
        name: "one-changed-container-ms",
        limit_ms: 300,
    },
];

/// The lines of the table.
pub(super) fn rows(context: &Context) -> Result<Vec<Row>> {
    FIGURES.iter().map(|figure| row(context, figure)).collect()
}

fn row(context: &Context, figure: &Figure) -> Result<Row> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let printed = sh::output(
        sh::command(cargo)
            .current_dir(&context.root)
            .args(["test", "--release", "--locked", "--package", figure.package, "--test", figure.test])
            .args(["--", "--ignored", "--nocapture", "--test-threads=1"]),
    )?;
    // The test's own name may stand before it on the line.
    let figures = printed.lines().find_map(|line| line.split_once(figure.name));
    let Some((_, measured)) = figures else {
        bail!("the measurement `{}` printed no figure; it needs root: {printed}", figure.name);
    };
    let measured: u64 = measured.trim().parse().with_context(|| format!("`{measured}` is not a figure"))?;
    Ok(Row {
        what: figure.what.into(),
        goal: format!("<= {} ms", figure.limit_ms),
        measured: format!("{measured} ms"),
        peer: "the goal".into(),
        ratio: format!("{:.2}", measured as f64 / figure.limit_ms as f64),
    })
}
