//! Functions that put texts together, and take parts of them. Positions and lengths count characters.

use std::borrow::Cow;

use crate::model::{Diagnostic, Span};

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow, Words, fault};
use super::super::evaluate::{Given, Manner, Writing};
use super::super::node::{Node, Term};
use super::{Beyond, Example, Function, Kind, Sample, anything, optional, repeats, required};

pub(super) static APPEND: Function = Function {
    name: "Append",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Text), required("suffix", Kind::Text)],
    description: "The source with the suffix behind it. Nothing, where the source is absent.",
    examples: &[
        Example {
            expression: "Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))",
            person: &[("givenName", Sample::Text("John")), ("surname", Sample::Text("Doe"))],
            gives: Sample::Text("JohDoe"),
        },
        Example {
            expression: r#"Append([userPrincipalName], ".test")"#,
            person: &[("userPrincipalName", Sample::Text("John.Doe@contoso.com"))],
            gives: Sample::Text("John.Doe@contoso.com.test"),
        },
        Example { expression: r#"Append([mail], "@contoso.com")"#, person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: append,
};

fn append<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Some(source) = given.words(0, given.manner)? else { return Ok(Flow::nothing()) };
    let mut writing = Writing::new(given.manner, given.span);
    writing.add(&source.text, source.from_person)?;
    if let Some(suffix) = given.words(1, given.manner)? {
        writing.add(&suffix.text, suffix.from_person)?;
    }
    Ok(writing.finish())
}

pub(super) static PREPEND: Function = Function {
    name: "Prepend",
    beyond: Beyond::Nothing,
    parameters: &[required("prefix", Kind::Text), required("source", Kind::Text)],
    description: "The source with the prefix before it. Nothing, where the source is absent.",
    examples: &[
        Example {
            expression: r#"Prepend("t-", [alias])"#,
            person: &[("alias", Sample::Text("anna"))],
            gives: Sample::Text("t-anna"),
        },
        Example { expression: r#"Prepend("t-", [alias])"#, person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: prepend,
};

fn prepend<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Some(source) = given.words(1, given.manner)? else { return Ok(Flow::nothing()) };
    let mut writing = Writing::new(given.manner, given.span);
    if let Some(prefix) = given.words(0, given.manner)? {
        writing.add(&prefix.text, prefix.from_person)?;
    }
    writing.add(&source.text, source.from_person)?;
    Ok(writing.finish())
}

pub(super) static JOIN: Function = Function {
    name: "Join",
    beyond: Beyond::Nothing,
    parameters: &[required("separator", Kind::Text), repeats("source", Kind::Any)],
    description: "The sources in one text, with the separator between them. \
                  Of a source with several values each is taken; empty ones are passed over.",
    examples: &[
        Example {
            expression: r#"Join(", ", "", [surname], [givenName])"#,
            person: &[("givenName", Sample::Text("John")), ("surname", Sample::Text("Doe"))],
            gives: Sample::Text("Doe, John"),
        },
        Example {
            expression: r#"Join(";", [proxyAddresses], "smtp:c@contoso.com")"#,
            person: &[("proxyAddresses", Sample::Texts(&["SMTP:a@contoso.com", "smtp:b@contoso.com"]))],
            gives: Sample::Text("SMTP:a@contoso.com;smtp:b@contoso.com;smtp:c@contoso.com"),
        },
        Example { expression: r#"Join(", ", [surname], [givenName])"#, person: &[], gives: Sample::Text("") },
    ],
    check: anything,
    evaluate: join,
};

fn join<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let separator = given.words(0, given.manner)?;
    let mut writing = Writing::new(given.manner, given.span);
    for at in 1..given.count() {
        let Flow { datum, from_person } = given.chosen(at)?;
        let parts = match datum {
            Datum::Many(values) => values,
            single => {
                add_part(&mut writing, &separator, single, from_person, given.span_of(at))?;
                continue;
            }
        };
        for part in parts {
            add_part(&mut writing, &separator, part, from_person, given.span_of(at))?;
        }
    }
    Ok(writing.finish())
}

fn add_part<'a>(
    writing: &mut Writing<'a>,
    separator: &Option<Words<'a>>,
    part: Datum<'a>,
    from_person: bool,
    span: &Span,
) -> Result<(), EvaluateError> {
    let Some(text) = part.into_text(span)?.filter(|text| !text.is_empty()) else { return Ok(()) };
    if let Some(separator) = separator.as_ref().filter(|_| !writing.is_empty()) {
        writing.add(&separator.text, separator.from_person)?;
    }
    writing.add(&text, from_person)
}

pub(super) static LEFT: Function = Function {
    name: "Left",
    beyond: Beyond::Nothing,
    parameters: &[required("string", Kind::Text), required("numChars", Kind::Integer)],
    description: "The first characters of a text; all of it, where the number is below zero or above its length.",
    examples: &[
        Example { expression: r#"Left("John Doe", 3)"#, person: &[], gives: Sample::Text("Joh") },
        Example { expression: r#"Left("John", 0)"#, person: &[], gives: Sample::Text("") },
        Example { expression: r#"Left("John", -1)"#, person: &[], gives: Sample::Text("John") },
        Example { expression: r#"Left("John", 9)"#, person: &[], gives: Sample::Text("John") },
        Example { expression: "Left([givenName], 3)", person: &[], gives: Sample::Text("") },
    ],
    check: anything,
    evaluate: left,
};

fn left<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let count = given.integer(1)?;
    let Some(text) = given.text(0)? else { return Ok(Flow::constant(Datum::Text(Cow::Borrowed("")))) };
    Ok(match usize::try_from(count) {
        Ok(count) => text.map(|text| part_of(text, 0, count)),
        Err(_) => text.map(|text| text),
    })
}

pub(super) static MID: Function = Function {
    name: "Mid",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Text), required("start", Kind::Integer), optional("length", Kind::Integer)],
    description: "So many characters of a text from that place on; the first place is 1. \
                  What lies past the end is not missed. Without a length, all that follow.",
    examples: &[
        Example { expression: "Mid([s], 1, 1)", person: &[("s", Sample::Text("John"))], gives: Sample::Text("J") },
        Example { expression: r#"Mid("Müller", 2, 9)"#, person: &[], gives: Sample::Text("üller") },
        Example { expression: r#"Mid("John", 3)"#, person: &[], gives: Sample::Text("hn") },
        Example { expression: r#"Mid("John", "1", "2")"#, person: &[], gives: Sample::Text("Jo") },
        Example { expression: r#"Mid("John", 5, 1)"#, person: &[], gives: Sample::Text("") },
        Example { expression: "Mid([s], 1, 1)", person: &[], gives: Sample::Nothing },
    ],
    check: check_mid,
    evaluate: mid,
};

fn check_mid(arguments: &[Node], _: &Span) -> Result<(), Diagnostic> {
    for (at, least, name) in [(1, 1, "start"), (2, 0, "length")] {
        let Some(Node { term: Term::Integer { value, .. }, span }) = arguments.get(at) else { continue };
        if *value < least {
            let message = format!("the `{name}` of `Mid` is at least {least}");
            return Err(Diagnostic::new(message, span.clone(), "too small")
                .with_hint("the first character is number 1; for the first three write `Mid([name], 1, 3)`"));
        }
    }
    Ok(())
}

fn mid<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let start = given.integer(1)?;
    let length = if given.has(2) { given.integer(2)? } else { i64::MAX };
    let from = start.checked_sub(1).and_then(|before| usize::try_from(before).ok());
    let from = from.ok_or_else(|| fault("the first character is number 1", given.span_of(1)))?;
    let length = usize::try_from(length).map_err(|_| fault("the length is below zero", given.span_of(2)))?;
    Ok(match given.text(0)? {
        Some(text) => text.map(|text| part_of(text, from, length)),
        None => Flow::nothing(),
    })
}

/// At most `length` characters from the character `from` (counted from 0) on.
fn part_of(text: Cow<'_, str>, from: usize, length: usize) -> Cow<'_, str> {
    let byte_at = |text: &str, count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    let begin = byte_at(&text, from);
    let end = begin + byte_at(&text[begin..], length);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[begin..end]),
        Cow::Owned(text) => Cow::Owned(text[begin..end].to_owned()),
    }
}

pub(super) static STRIP_SPACES: Function = Function {
    name: "StripSpaces",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Text)],
    description: "A text without its spaces (\" \"), wherever they stand.",
    examples: &[Example {
        expression: "StripSpaces([s])",
        person: &[("s", Sample::Text(" a b  c "))],
        gives: Sample::Text("abc"),
    }],
    check: anything,
    evaluate: strip_spaces,
};

fn strip_spaces<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Some(text) = given.words(0, Manner::Plain)? else { return Ok(Flow::nothing()) };
    Ok(text.map(|text| if text.contains(' ') { Cow::Owned(text.replace(' ', "")) } else { text }))
}
