//! `PCase`: each word with a capital, and the rest of it in lower case.

use std::borrow::Cow;
use std::collections::HashSet;

use unicode_normalization::char::is_combining_mark;

use super::super::EvaluateError;
use super::super::datum::Flow;
use super::super::evaluate::Given;
use super::casing::{lower, upper};
use super::{Beyond, Example, Function, Kind, Sample, anything, optional, required};

pub(super) static P_CASE: Function = Function {
    name: "PCase",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Text), optional("wordSeparators", Kind::Text)],
    description: "A text in which each word begins with a capital and goes on in lower case, also words that were all \
                  capitals. Words end at spaces, punctuation and symbols, but not at an apostrophe ('), as in .NET's \
                  ToTitleCase; with wordSeparators, at these characters alone.",
    examples: &[
        Example {
            expression: "PCase([firstName])",
            person: &[("firstName", Sample::Text("PABLO GONSALVES (SECOND)"))],
            gives: Sample::Text("Pablo Gonsalves (Second)"),
        },
        Example {
            expression: r#"PCase([lastName]," '-")"#,
            person: &[("lastName", Sample::Text("PINTO-DE'SILVA"))],
            gives: Sample::Text("Pinto-De'Silva"),
        },
        Example {
            expression: r#"PCase(Join(" ",[firstName],[lastName]))"#,
            person: &[("firstName", Sample::Text("GREGORY")), ("lastName", Sample::Text("JAMES"))],
            gives: Sample::Text("Gregory James"),
        },
        Example {
            expression: r#"PCase("anna-maria o'neill, élodie_müller")"#,
            person: &[],
            gives: Sample::Text("Anna-Maria O'neill, Élodie_Müller"),
        },
        Example { expression: r#"PCase("head of IT", " ")"#, person: &[], gives: Sample::Text("Head Of It") },
        Example { expression: "PCase([lastName])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: p_case,
};

fn p_case<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let separators = given.text(1)?.filter(|words| !words.text.is_empty());
    let Some(source) = given.text(0)? else { return Ok(Flow::nothing()) };
    let changed = match separators {
        Some(separators) => between(&source.text, &separators.text.chars().collect()),
        None => title(&source.text),
    };
    Ok(source.map(|_| Cow::Owned(changed)))
}

/// As .NET's `ToTitleCase` of the text in lower case: a word begins with a letter, and goes on to the next character
/// that can end it.
fn title(text: &str) -> String {
    let mut is_inside = false;
    let change = |c: char| {
        if !is_inside {
            is_inside = is_letter(c);
            return if is_inside { titled(lower(c)) } else { lower(c) };
        }
        is_inside = c.is_alphanumeric() || is_combining_mark(c) || c == '\'';
        lower(c)
    };
    text.chars().map(change).collect()
}

/// Unicode's general category L: alphabetic, but no mark, no number, and no letter in a circle.
fn is_letter(c: char) -> bool {
    let is_circled = ('\u{24B6}'..='\u{24E9}').contains(&c);
    c.is_alphabetic() && !is_combining_mark(c) && !c.is_numeric() && !is_circled
}

/// What a word begins with: a capital, and of two letters in one the first (`ǆungla`, `ǅungla`).
fn titled(c: char) -> char {
    match c {
        'ǆ' => 'ǅ',
        'ǉ' => 'ǈ',
        'ǌ' => 'ǋ',
        'ǳ' => 'ǲ',
        _ => upper(c),
    }
}

/// A word begins behind a separator, whatever it begins with.
fn between(text: &str, separators: &HashSet<char>) -> String {
    let mut is_inside = false;
    let change = |c: char| {
        let was_inside = is_inside;
        is_inside = !separators.contains(&c);
        if was_inside { lower(c) } else { upper(c) }
    };
    text.chars().map(change).collect()
}
