//! The figures of the README, each beside its ceiling.

fn main() {}
