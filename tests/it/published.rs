//! What expressions come to, by table: `tests/cases/expr/`. Below each stands its value, as JSON; `!` begins a mistake.
//! `MUSTER_BLESS=1` writes the values; what is published and comes out otherwise is told at the head of its table.

use std::fmt::Write as _;
use std::path::Path;

use muster::expr::{Evaluated, Expression, Inputs};
use muster::model::{Attributes, Timestamp};
use muster::scim::json::value_to_json;
use muster::scim::loose::{loose_attributes, loose_path};
use serde_json::json;

/// `Now`: 2025-07-30, as in the guides.
const NOW: Timestamp = Timestamp(1_753_833_600_000);

fn value(text: &str, person: &Attributes) -> String {
    let expression = match Expression::parse(text, &|path| loose_path(path, person)) {
        Ok(expression) => expression,
        Err(mistake) => return format!("! {}", mistake.message),
    };
    let again = Expression::parse(&expression.to_string(), &|path| loose_path(path, person));
    assert_eq!(again.as_ref(), Ok(&expression), "{text} does not print as itself");
    let inputs = Inputs { now: NOW, default_domain: Some("contoso.com"), ..Inputs::of(person) };
    match expression.evaluate(&inputs) {
        Ok(Evaluated::Value(value)) => format!("= {}", value_to_json(&value)),
        Ok(Evaluated::Dropped) => "= left alone".to_owned(),
        Ok(Evaluated::OneOf(candidates)) => format!("= the first that is free of {}", json!(candidates)),
        Err(error) => format!("! {}", error.message),
    }
}

/// The table with the values that come.
fn filled(table: &str) -> String {
    let mut person = Attributes::new();
    let mut filled = String::new();
    for line in table.lines().filter(|line| !line.starts_with("= ") && !line.starts_with("! ")) {
        let _ = writeln!(filled, "{line}");
        if let Some(said) = line.strip_prefix("person ") {
            person = loose_attributes(&serde_json::from_str(said).unwrap());
        } else if !line.is_empty() && !line.starts_with('#') {
            let _ = writeln!(filled, "{}", value(line, &person));
        }
    }
    filled
}

#[track_caller]
fn check(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/expr").join(name);
    let table = std::fs::read_to_string(&file).unwrap();
    let came = filled(&table);
    if std::env::var_os("MUSTER_BLESS").is_some() {
        std::fs::write(&file, came).unwrap();
        return;
    }
    for (expected, came) in table.lines().zip(came.lines()) {
        assert_eq!(came, expected, "{name}; if that is right, MUSTER_BLESS=1 cargo test --test it published");
    }
    assert_eq!(came.lines().count(), table.lines().count(), "{name} lacks values; MUSTER_BLESS=1 writes them");
}

#[test]
fn the_examples_of_the_reference_come_out_as_published() {
    check("reference.case");
}

#[test]
fn the_examples_of_the_guides_come_out_as_published() {
    check("guides.case");
}

#[test]
fn what_is_absent_empty_or_of_another_type_has_one_meaning_each() {
    check("edges.case");
}
