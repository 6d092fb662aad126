//! Every text the fuzzer ever found worth keeping, asked again: what is true of the language is true of each.

use std::fs;
use std::path::Path;

use muster::{dotnet, expr, model, scim, scope};

#[path = "../fuzz/src/check.rs"]
mod check;

#[test]
fn nothing_in_the_corpus_makes_the_language_stumble() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let inputs: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(inputs.len() > 50, "the corpus is there");
    inputs.iter().for_each(|input| check::check(input));
}
