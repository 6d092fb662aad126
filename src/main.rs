//! The `muster` command: hands its words to `cli`.

fn main() {}
