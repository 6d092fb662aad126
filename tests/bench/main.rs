//! The figures of the README, each beside its ceiling: `cargo bench`, `cargo bench -- --size 1` for one per cent,
//! `cargo bench -- --only import` for some.
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
mod deliver;
mod directory;
mod figure;
mod graph;
mod import;
mod language;
#[path = "../support/nats.rs"]
#[expect(dead_code, reason = "what is killed and what is a cluster is for tests")]
mod nats;
#[path = "../support/people.rs"]
mod people;
mod queue;
#[path = "../support/samba.rs"]
#[expect(dead_code, reason = "what is stopped and killed is for tests")]
mod samba;
mod sample;

use figure::Figure;

/// The product's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // The one provider of cryptography; only a second call could fail.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let size = size();
    println!("muster's figures at {size} % of full size\n");
    let only = word_behind("--only");
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let mut figures: Vec<Figure> = Vec::new();
    if wanted("decide") {
        figures.push(decide::figure(size));
    }
    if wanted("language") {
        figures.extend(language::figures(size));
    }
    if wanted("import") {
        figures.extend(import::figures(size));
    }
    if wanted("accept") {
        figures.extend(accept::figures(size));
    }
    if wanted("graph") {
        figures.extend(graph::figures(size));
    }
    if wanted("queue") {
        figures.extend(queue::figure(size));
    }
    if wanted("deliver") {
        figures.extend(deliver::figures(size));
    }
    if wanted("samba") {
        figures.extend(directory::figures(size));
    }
    let named = ["decide", "language", "import", "accept", "deliver", "graph", "queue", "samba"];
    assert!(only.is_none_or(|only| named.contains(&only.as_str())), "--only takes {}", named.join(", "));
    figure::print(&figures);
}

/// `--size N`, in per cent.
fn size() -> u32 {
    word_behind("--size").map_or(100, |word| word.parse().expect("--size takes a number of per cent"))
}

/// What stands behind an option. What else cargo passes along is for harnesses of another kind.
fn word_behind(option: &str) -> Option<String> {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == option)?;
    words.get(at + 1).cloned()
}
