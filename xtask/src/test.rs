//! `cargo xtask test`: unit, namespace and golden tests first, then one build and the VM stories.
//!
//! The last line is "N passed, N failed, N skipped". A skipped test is one that ran and said why it could not do its
//! work here; `full` counts it as a failure, because nothing may be claimed from a test that did not run.

use crate::check::{self, CheckArgs};
use crate::context::Context;
use crate::image::{self, ImageArgs};
use crate::{crates, host, machine, sh};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a test prints, at the start of a line, when it cannot run here.
const SKIP_MARK: &str = "SKIPPED:";
/// Installed when this machine has none.
const NEXTEST: &str = "cargo-nextest";

/// Which tests to run.
#[derive(clap::Args)]
pub(crate) struct TestArgs {
    /// `unit`: everything without a VM. `vm`: the stories of every run. `full`: all stories. Without it: check, unit, then vm.
    what: Option<What>,
    /// Only tests whose name contains this.
    filter: Option<String>,
    /// Only the k-th of n parts, for example 1/4.
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Unit,
    Vm,
    Full,
}

/// How many of each.
#[derive(Default, Debug, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
    /// Names and reasons.
    skipped: Vec<String>,
}

/// Runs them and fails if one failed, or none ran.
pub(crate) fn run(context: &Context, args: &TestArgs) -> Result<()> {
    let nextest = ensure_nextest(context)?;
    let mut count = Count::default();
    if args.what.is_none() && args.filter.is_none() {
        eprintln!("-- what needs no compiler: layers, dependencies, text");
        crates::fetch(context, &sh::Log::create(context.log_path("crates"))?)?;
        check::run(context, &CheckArgs::quick())?;
    }
    if matches!(args.what, None | Some(What::Unit)) {
        host::ensure_peers(&sh::Log::create(context.log_path("peers"))?);
        eprintln!("-- unit, namespace and golden tests");
        count.add(nextest.run(context, "default", args, None)?);
    }
    // A story on an image whose parts are known to be wrong wastes half an hour.
    if args.what != Some(What::Unit) && count.failed == 0 {
        let built = image::build(context, &ImageArgs::default())?;
        let testbed = machine::write_testbed(context, &built)?;
        let profile = if args.what == Some(What::Full) { "full" } else { "vm" };
        eprintln!("-- stories on the image (profile {profile}), one machine at a time");
        count.add(nextest.run(context, profile, args, Some(&testbed))?);
    }
    for reason in &count.skipped {
        println!("skipped: {reason}");
    }
    println!("{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped.len());
    if count.failed > 0 {
        bail!("{} tests failed", count.failed);
    }
    if count.passed == 0 {
        bail!("no test ran");
    }
    if args.what == Some(What::Full) && !count.skipped.is_empty() {
        bail!("{} cases could not run here, and `full` claims that all do", count.skipped.len());
    }
    Ok(())
}

struct Nextest {
    program: PathBuf,
}

/// Finds cargo-nextest, or installs it under `target/`.
fn ensure_nextest(context: &Context) -> Result<Nextest> {
    if sh::installed(NEXTEST) {
        return Ok(Nextest { program: NEXTEST.into() });
    }
    let folder = context.root.join("target/tools");
    let program = folder.join("bin").join(NEXTEST);
    if !program.exists() {
        eprintln!("installing {NEXTEST} under target/tools (this machine has none; some minutes)");
        let log = sh::Log::create(context.log_path("nextest"))?;
        let mut install = sh::command(cargo());
        install.args(["install", "--locked", "--root"]).arg(&folder).arg(NEXTEST);
        log.run(&mut install).with_context(|| format!("cannot install {NEXTEST}"))?;
    }
    Ok(Nextest { program })
}

impl Nextest {
    fn run(
        &self,
        context: &Context,
        profile: &str,
        args: &TestArgs,
        testbed: Option<&Path>,
    ) -> Result<Count> {
        let report = context.root.join("target/nextest").join(profile).join("junit.xml");
        let _ = std::fs::remove_file(&report);
        let mut command = sh::command(&self.program);
        command.current_dir(&context.root).args(["nextest", "run", "--locked", "--profile", profile]);
        command.args(["--no-tests", "pass"]);
        command.args(if testbed.is_some() {
            ["--package", "image-tests"].as_slice()
        } else {
            &["--workspace"]
        });
        if let Some(filter) = &args.filter {
            command.arg(filter);
        }
        if let Some(shard) = &args.shard {
            command.arg("--partition").arg(format!("slice:{shard}"));
        }
        if let Some(path) = testbed {
            command.env("SLIPWAY_TESTBED", path);
        }
        let finished = status(&mut command)?;
        // No report: nothing was compiled, or nothing was selected.
        let Ok(xml) = std::fs::read_to_string(&report) else {
            if finished {
                return Ok(Count::default());
            }
            bail!("the tests of profile {profile} could not run; what cargo said stands above");
        };
        let count = Count::from_junit(&xml).with_context(|| format!("cannot read {}", report.display()))?;
        if !finished && count.failed == 0 {
            bail!("nextest failed on profile {profile} though no test did; what it said stands above");
        }
        Ok(count)
    }
}

/// Runs a program whose output is for the person who waits; whether it succeeded.
fn status(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("cannot start `{}`", sh::describe(command)))?;
    Ok(status.success())
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Count {
    fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }

    /// Reads nextest's JUnit report: one `<testcase>` per test, with what it printed.
    fn from_junit(xml: &str) -> Result<Count> {
        let mut count = Count::default();
        for case in xml.split("<testcase ").skip(1) {
            let case = case.split("</testcase>").next().unwrap_or(case);
            let name = case
                .split("name=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .context("a test without a name")?;
            let skipped = case
                .lines()
                .map(|line| line.rsplit('>').next().unwrap_or(line))
                .find_map(|line| line.trim().strip_prefix(SKIP_MARK));
            if case.contains("<failure") || case.contains("<error") {
                count.failed += 1;
            } else if let Some(reason) = skipped {
                count.skipped.push(format!("{name}: {}", reason.trim()));
            } else {
                count.passed += 1;
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_counted_and_skips_keep_their_reason() {
        let xml = r#"<testsuites tests="3"><testsuite name="a">
            <testcase name="one" classname="a" time="0.1"><system-out>fine</system-out></testcase>
            <testcase name="two" classname="a" time="0.1">
              <failure type="test failure">panicked</failure></testcase>
            <testcase name="three" classname="a" time="0.1"><system-out>running 1 test
SKIPPED: only root makes network namespaces
</system-out></testcase></testsuite></testsuites>"#;
        let count = Count::from_junit(xml).unwrap();
        assert_eq!((count.passed, count.failed), (1, 1));
        assert_eq!(count.skipped, ["three: only root makes network namespaces"]);
    }

    #[test]
    fn a_test_that_talks_about_skipping_is_not_skipped() {
        let xml = r#"<testcase name="one"><system-out>the server SKIPPED: nothing</system-out></testcase>"#;
        assert_eq!(Count::from_junit(xml).unwrap(), Count { passed: 1, ..Count::default() });
    }
}
