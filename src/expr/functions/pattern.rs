//! `Replace` by regular expression: what its arguments must be, and what it gives.

use std::borrow::Cow;

use crate::dotnet::regex::{Found, Pattern, Piece, Template};
use crate::model::{Diagnostic, Span};

use super::super::EvaluateError;
use super::super::datum::{Flow, Words};
use super::super::evaluate::{Given, Manner, Writing};
use super::super::node::{Node, Term};
use super::replace::{GROUP, OLD, OTHER_ATTRIBUTE, PATTERN, REPLACEMENT, SOURCE, TEMPLATE};

/// Whether a call that has a pattern is complete, and has nothing too much.
pub(super) fn check(arguments: &[Node]) -> Result<(), Diagnostic> {
    let slot = |at: usize| arguments.get(at).filter(|node| node.term != Term::Empty);
    let Some(node) = slot(PATTERN) else { return Ok(()) };
    if let Some(other) = slot(OLD).or_else(|| slot(TEMPLATE)) {
        let message = "with a `regexPattern`, `Replace` takes neither `oldValue` nor `template`";
        return Err(Diagnostic::new(message, other.span.clone(), "too much").with_hint(USAGE));
    }
    let pattern = read(node)?;
    let group = slot(GROUP).map(|node| group(node, &pattern)).transpose()?;
    match (slot(REPLACEMENT), slot(OTHER_ATTRIBUTE), group) {
        (None, None, _) => {
            Err(Diagnostic::new("`Replace` is not told what to put in place", node.span.clone(), "by what?")
                .with_hint(USAGE))
        }
        (Some(_), Some(other), _) => {
            let message = "`Replace` takes a `replacementValue` or a `replacementAttributeName`";
            Err(Diagnostic::new(message, other.span.clone(), "one of them is too much").with_hint(USAGE))
        }
        (None, Some(other), None) => {
            let message = "which part of the attribute is taken must be a group of the pattern";
            Err(Diagnostic::new(message, other.span.clone(), "no `regexGroupName` before it")
                .with_hint("write `Replace([source], , \"(?<part>…)\", \"part\", , [attribute], )`"))
        }
        (Some(Node { term: Term::Text(replacement), span }), None, None) => {
            Template::check(replacement, &pattern).map_err(|wrong| placed(wrong, replacement, span))
        }
        _ => Ok(()),
    }
}

const USAGE: &str = "write `Replace([source], , \"pattern\", , \"new\", , )`, or with a group's name behind the pattern, \
                     to replace that group alone";

/// The pattern of a call that was checked, if it has one.
pub(in super::super) fn of(arguments: &[Node]) -> Option<Pattern> {
    arguments.get(PATTERN).filter(|node| node.term != Term::Empty).and_then(|node| read(node).ok())
}

fn read(node: &Node) -> Result<Pattern, Diagnostic> {
    let Term::Text(text) = &node.term else {
        return Err(Diagnostic::new("a regular expression must be written out", node.span.clone(), "this is none")
            .with_hint("it is read once, for everybody; put it in quotes, every backslash twice: `\"\\\\d+\"`"));
    };
    Pattern::parse(text).map_err(|wrong| placed(wrong, text, &node.span))
}

fn group(node: &Node, pattern: &Pattern) -> Result<usize, Diagnostic> {
    let Term::Text(name) = &node.term else {
        return Err(Diagnostic::new("the name of a group must be written out", node.span.clone(), "this is none"));
    };
    pattern.group(name).ok_or_else(|| {
        let names: Vec<&str> = pattern.group_names().collect();
        let hint = if names.is_empty() {
            "name one: `(?<part>…)`".to_owned()
        } else {
            format!("it has {}", names.join(", "))
        };
        Diagnostic::new(format!("the pattern has no group `{name}`"), node.span.clone(), "no such group")
            .with_hint(hint)
    })
}

/// A mistake in a text, where the text stands in the expression: each `\` and `"` of it is written with a `\` before.
fn placed(wrong: Diagnostic, text: &str, quoted: &Span) -> Diagnostic {
    let written = |end: usize| {
        let before = text.get(..end).unwrap_or(text);
        quoted.start + 1 + before.len() + before.matches(['\\', '"']).count()
    };
    let span = written(wrong.span.start)..written(wrong.span.end);
    Diagnostic { span, ..wrong }
}

/// What a call with this pattern gives.
pub(super) fn replace<'a>(given: &Given<'a>, pattern: &'a Pattern) -> Result<Flow<'a>, EvaluateError> {
    let group = given.literal(GROUP).and_then(|name| pattern.group(name));
    let source = given.text(SOURCE)?;
    if let (Some(group), true) = (group, given.has(OTHER_ATTRIBUTE)) {
        return match source.filter(|source| !source.text.is_empty()) {
            Some(source) => Ok(source.map(|text| text)),
            None => extracted(given, pattern, group),
        };
    }
    let Some(source) = source else { return Ok(Flow::nothing()) };
    let found = given.search(|effort| pattern.all_within(&source.text, effort))?;
    if found.is_empty() {
        return Ok(source.map(|text| text));
    }
    // What comes from the person is escaped as a whole, so nothing in it may be escaped before.
    let manner = if source.from_person { Manner::Plain } else { given.manner };
    let filling = given.words(REPLACEMENT, manner)?.unwrap_or(Words { text: Cow::Borrowed(""), from_person: false });
    let mut writing = Writing::new(manner, given.span);
    match group {
        Some(group) => put_in_group(&mut writing, &source, &found, group, &filling)?,
        None => put_in_place(&mut writing, &source, &found, &filling, &Template::read(&filling.text, pattern))?,
    }
    Ok(writing.finish())
}

/// What the group has taken of the other attribute.
fn extracted<'a>(given: &Given<'a>, pattern: &Pattern, group: usize) -> Result<Flow<'a>, EvaluateError> {
    let Some(other) = given.text(OTHER_ATTRIBUTE)? else { return Ok(Flow::nothing()) };
    let found = given.search(|effort| pattern.first_within(&other.text, effort))?;
    match found.and_then(|found| found.group(group)) {
        Some(span) => Ok(other.map(|text| Cow::Owned(text[span].to_owned()))),
        None => Ok(Flow::nothing()),
    }
}

/// The source, with the group replaced wherever it took part.
fn put_in_group(
    writing: &mut Writing<'_>,
    source: &Words<'_>,
    found: &[Found],
    group: usize,
    filling: &Words<'_>,
) -> Result<(), EvaluateError> {
    let mut at = 0;
    // A lookaround may take what an earlier match took.
    for span in found.iter().filter_map(|found| found.group(group)) {
        if span.start >= at {
            writing.add(&source.text[at..span.start], source.from_person)?;
            writing.add(&filling.text, filling.from_person)?;
            at = span.end;
        }
    }
    writing.add(&source.text[at..], source.from_person)
}

/// The source, with every match replaced.
fn put_in_place(
    writing: &mut Writing<'_>,
    source: &Words<'_>,
    found: &[Found],
    filling: &Words<'_>,
    template: &Template<'_>,
) -> Result<(), EvaluateError> {
    let mut at = 0;
    for found in found {
        let whole = found.whole();
        writing.add(&source.text[at..whole.start], source.from_person)?;
        for piece in template.pieces(&source.text, found) {
            match piece {
                Piece::Replacement(text) => writing.add(text, filling.from_person)?,
                Piece::Searched(text) => writing.add(text, source.from_person)?,
            }
        }
        at = whole.end;
    }
    writing.add(&source.text[at..], source.from_person)
}
