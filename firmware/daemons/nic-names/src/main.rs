//! Gives network interfaces their fixed names.

fn main() {}
