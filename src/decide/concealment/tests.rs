//! Values that are written and never shown.

use proptest::prelude::*;

use super::*;
use crate::sample::person;
use crate::scim::parse_path;

fn secrets(texts: &[&str]) -> Secrets {
    let mut secrets = Secrets::default();
    texts.iter().for_each(|text| secrets.learn_text(text));
    secrets.sort();
    secrets
}

fn check(texts: &[&str], sentence: &str, expected: &str) {
    assert_eq!(secrets(texts).in_text(sentence), expected);
}

fn hiding(paths: &[&str]) -> Concealment {
    Concealment { paths: paths.iter().map(|path| parse_path(path).unwrap()).collect(), attributes: Vec::new() }
}

#[test]
fn a_secret_in_a_sentence_is_concealed_however_it_is_written() {
    check(&["1964-7777"], "Invalid value '1964-7777', or 1964-7777x", "Invalid value '[Redact]', or [Redact]x");
    check(&["Anna B"], "ANNA B and anna b", "[Redact] and [Redact]");
    check(&["Sales, East"], "OU=Sales\\, East,DC=contoso", "OU=[Redact],DC=contoso");
    check(&["Öberg"], "vid Öberg", "vid [Redact]");
    check(&["Öberg"], "ÖBERG, öberg, İÖBERG", "[Redact], [Redact], İ[Redact]");
}

#[test]
fn nothing_is_left_of_a_secret_that_holds_another() {
    check(&["1964", "1964-7777"], "1964-7777 of 1964", "[Redact] of [Redact]");
    check(&["Redact"], "Redact", "[Redact]");
}

#[test]
fn a_secret_too_short_to_be_sought_does_not_mangle_sentences() {
    check(&["a", "no"], "a person with no name", "a person with no name");
}

#[test]
fn what_a_path_reaches_is_concealed_and_what_stands_beside_it_is_not() {
    let mut anna = person(&[
        ("emails[type eq \"home\"].value", Value::text("x")),
        ("emails[type eq \"work\"].value", Value::text("w@contoso.example")),
        ("name.familyName", Value::text("Berg")),
        ("title", Value::text("of the house of Berg")),
        ("nickName", Value::Null),
    ]);
    let concealment = hiding(&["emails[type eq \"home\"].value", "name.familyName", "nickName"]);
    let mut secrets = secrets(&["Berg"]);
    secrets.sort();
    concealment.person(&mut anna.attributes, &secrets);
    let told = |path: &str| parse_path(path).unwrap().reached(&anna.attributes);
    assert_eq!(told("emails[type eq \"home\"].value"), Value::text(CONCEALED));
    assert_eq!(told("emails[type eq \"work\"].value"), Value::text("w@contoso.example"));
    assert_eq!(told("name.familyName"), Value::text(CONCEALED));
    assert_eq!(told("title"), Value::text("of the house of [Redact]"));
    assert_eq!(told("nickName"), Value::Null, "that there is nothing is no secret");
}

#[test]
fn a_wider_path_reaches_what_a_narrower_one_hides() {
    let concealment = hiding(&["emails[type eq \"home\"].value"]);
    for (path, hides) in [
        ("emails", true),
        ("emails.value", true),
        ("emails[type eq \"work\"].value", false),
        ("emails.type", false),
        ("title", false),
    ] {
        assert_eq!(concealment.hides_path(&parse_path(path).unwrap()), hides, "{path}");
    }
}

proptest! {
    #[test]
    fn no_secret_is_left_in_any_sentence(secret in "[a-zA-Z0-9 ,é]{4,12}", before in ".{0,9}", after in ".{0,9}") {
        // What the mark itself is made of stands in it.
        prop_assume!(!CONCEALED.to_ascii_lowercase().contains(&secret.to_ascii_lowercase()));
        let told = secrets(&[&secret]).in_text(&format!("{before}{secret}{after}{secret}"));
        prop_assert!(told.contains(CONCEALED));
        let rest = told.replace(CONCEALED, "\0").to_ascii_lowercase();
        prop_assert!(!rest.contains(&secret.to_ascii_lowercase()), "{}", told);
    }
}
