//! The figures of the README, each beside its ceiling: `cargo bench`, or `cargo bench -- --size 1` for one per cent.
//!
//! At any size every result is checked for being right; how fast it was is only printed.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark prints what it finds, and stops where it cannot go on"
)]

mod accept;
mod client;
mod decide;
mod figure;
mod import;
#[path = "../support/people.rs"]
mod people;
mod sample;

use figure::Figure;

fn main() {
    // The one provider of cryptography; only a second call could fail.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let size = size();
    println!("muster's figures at {size} % of full size\n");
    let mut figures: Vec<Figure> = Vec::new();
    figures.push(decide::figure(size));
    figures.extend(import::figures(size));
    figures.extend(accept::figures(size));
    figure::print(&figures);
}

/// `--size N`, in per cent. What else cargo passes along is for harnesses of another kind.
fn size() -> u32 {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == "--size");
    at.and_then(|at| words.get(at + 1)).map_or(100, |word| word.parse().expect("--size takes a number of per cent"))
}
