//! How long a change takes that is ours: `cargo xtask bench config` runs this. The system's tools are scripts that answer at once,
//! and `sync` is the real one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;

use bench::{Bench, MINIMAL};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Containers beside the one that changes.
const OTHERS: usize = 100;
const RUNS: usize = 9;

/// A hundred containers that stay as they are, and one of this image.
fn config(tag: usize) -> String {
    let mut text = MINIMAL.to_owned();
    let mut container = |name: &str, image: &str| {
        write!(text, "\n[containers.container.{name}]\nprivileged = true\nContainer.Image = \"{image}\"\n")
            .unwrap();
    };
    (0..OTHERS).for_each(|number| container(&format!("other{number}"), "localhost/other:1"));
    container("web", &format!("localhost/web:{tag}"));
    text
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

#[test]
#[ignore = "a measurement, not a test: cargo xtask bench config"]
fn one_changed_container() {
    let Some(bench) = Bench::new() else { return };
    bench.remove("/test/bin/sync");
    assert_eq!(bench.import(&config(0))["outcome"], "settled");
    let mut times: Vec<Duration> = (1..=RUNS)
        .map(|tag| {
            let text = config(tag);
            // What it takes to enter the root and start the program is the bench's.
            let idle = timed(|| drop(bench.run(&["--version"])));
            bench.forget_calls();
            let import = timed(|| assert_eq!(bench.import(&text)["outcome"], "settled"));
            assert_eq!(bench.calls().matches("restart").count(), 1, "{}", bench.calls());
            import.saturating_sub(idle)
        })
        .collect();
    times.sort();
    println!("one-changed-container-ms {}", times[RUNS / 2].as_millis());
}
