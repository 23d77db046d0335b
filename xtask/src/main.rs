//! Builds, runs, tests and checks Slipway.

fn main() {}
