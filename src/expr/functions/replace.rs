//! `Replace`: one text in place of another, or a source put into a template.

use std::borrow::Cow;

use crate::model::{Diagnostic, Span};

use super::super::EvaluateError;
use super::super::datum::{Flow, Words};
use super::super::evaluate::{Given, Manner, Writing};
use super::super::node::{Node, Term};
use super::{Beyond, Example, Function, Kind, Sample, optional, required};

const SOURCE: usize = 0;
const OLD: usize = 1;
const REPLACEMENT: usize = 4;
const TEMPLATE: usize = 6;
/// `regexPattern`, `regexGroupName`, `replacementAttributeName`: without a pattern they mean nothing.
const OF_PATTERNS: [usize; 3] = [2, 3, 5];

pub(super) static REPLACE: Function = Function {
    name: "Replace",
    beyond: Beyond::Nothing,
    parameters: &[
        required("source", Kind::Text),
        optional("oldValue", Kind::Text).in_graph("Find"),
        optional("regexPattern", Kind::Text).in_graph("RegularExpression"),
        optional("regexGroupName", Kind::Text).in_graph("RegularExpressionGroupName"),
        optional("replacementValue", Kind::Text).in_graph("Replacement"),
        optional("replacementAttributeName", Kind::Any).in_graph("ReplacementPropertyName"),
        optional("template", Kind::Text).in_graph("Template"),
    ],
    description: "With oldValue and replacementValue: the source, every oldValue in it replaced. \
                  With oldValue and template: the template, every oldValue in it replaced by the source.",
    examples: &[
        Example {
            expression: r#"Replace([s], "a", , , "b", , )"#,
            person: &[("s", Sample::Text("aAa"))],
            gives: Sample::Text("bAb"),
        },
        Example {
            expression: r#"Replace([preferredLanguage], "-", , , "_", , )"#,
            person: &[("preferredLanguage", Sample::Text("de-DE"))],
            gives: Sample::Text("de_DE"),
        },
        Example {
            expression: r#"Replace([userName], "{0}", , , , , "https://contoso.com/people/{0}")"#,
            person: &[("userName", Sample::Text("anna"))],
            gives: Sample::Text("https://contoso.com/people/anna"),
        },
        Example { expression: r#"Replace([s], "a", , , "b", , )"#, person: &[], gives: Sample::Nothing },
    ],
    check,
    evaluate: replace,
};

fn check(arguments: &[Node], span: &Span) -> Result<(), Diagnostic> {
    let slot = |at: usize| arguments.get(at).filter(|node| node.term != Term::Empty);
    if let Some(node) = OF_PATTERNS.into_iter().find_map(slot) {
        let message = "replacing by regular expression is not supported yet";
        return Err(Diagnostic::new(message, node.span.clone(), "part of a regular expression")
            .with_hint("leave the slots `regexPattern`, `regexGroupName` and `replacementAttributeName` empty"));
    }
    let incomplete = |message: &str, span: &Span, label: &str| {
        Err(Diagnostic::new(message, span.clone(), label)
            .with_hint("write `Replace([source], \"old\", , , \"new\", , )`, or `Replace([source], \"old\", , , , , \"template\")`"))
    };
    match slot(OLD) {
        None => return incomplete("`Replace` is not told what to replace", span, "`oldValue` is empty"),
        Some(Node { term: Term::Text(old), span }) if old.is_empty() => {
            return incomplete("`Replace` is not told what to replace", span, "an empty text is found nowhere");
        }
        Some(_) => {}
    }
    match (slot(REPLACEMENT), slot(TEMPLATE)) {
        (None, None) => incomplete("`Replace` is not told what to put in place", span, "no `replacementValue` here"),
        (Some(_), Some(node)) => {
            incomplete("`Replace` takes a `replacementValue` or a `template`", &node.span, "one of them is too much")
        }
        _ => Ok(()),
    }
}

fn replace<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let (frame, filling) = if given.has(TEMPLATE) { (TEMPLATE, SOURCE) } else { (SOURCE, REPLACEMENT) };
    let source_is_absent = frame == TEMPLATE && given.text(SOURCE)?.is_none();
    let Some(frame) = given.text(frame)?.filter(|_| !source_is_absent) else { return Ok(Flow::nothing()) };
    // What comes from the person is escaped as a whole, so nothing in it may be escaped before.
    let manner = if frame.from_person { Manner::Plain } else { given.manner };
    let old = given.text(OLD)?.map_or(Cow::Borrowed(""), |old| old.text);
    if old.is_empty() || !frame.text.contains(&*old) {
        return Ok(frame.map(|text| text));
    }
    let filling = given.words(filling, manner)?.unwrap_or(Words { text: Cow::Borrowed(""), from_person: false });
    let mut writing = Writing::new(manner, given.span);
    for (at, part) in frame.text.split(&*old).enumerate() {
        if at > 0 {
            writing.add(&filling.text, filling.from_person)?;
        }
        writing.add(part, frame.from_person)?;
    }
    Ok(writing.finish())
}
