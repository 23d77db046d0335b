//! The PID 1 of a test slot: says that it is up and does what the command line says.

fn main() {}
