//! `Replace`: one text in place of another, a source put into a template, and by regular expression.

use std::borrow::Cow;

use crate::model::{Diagnostic, Span};

use super::super::EvaluateError;
use super::super::datum::{Flow, Words};
use super::super::evaluate::{Given, Manner, Writing};
use super::super::node::{Node, Term};
use super::{Beyond, Example, Function, Kind, Sample, optional, pattern, required};

pub(super) const SOURCE: usize = 0;
pub(super) const OLD: usize = 1;
pub(super) const PATTERN: usize = 2;
pub(super) const GROUP: usize = 3;
pub(super) const REPLACEMENT: usize = 4;
pub(super) const OTHER_ATTRIBUTE: usize = 5;
pub(super) const TEMPLATE: usize = 6;

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
                  With oldValue and template: the template, every oldValue in it replaced by the source. \
                  With regexPattern and replacementValue: the source, every match replaced; in the replacement `$1`, \
                  `${name}` and `$&` stand for what was matched, and `$$` for a dollar sign. \
                  With a regexGroupName before the replacementValue: that group alone is replaced, in every match. \
                  With regexGroupName and replacementAttributeName: the source, or where it has none what the group \
                  takes of the first match in the other attribute, or nothing. \
                  Patterns are .NET's, written out in the expression; upper and lower case matter everywhere.",
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
        Example {
            expression: r#"Replace([s], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", , "${phoneNumber}", , )"#,
            person: &[("s", Sample::Text("+91 9998887777"))],
            gives: Sample::Text("9998887777"),
        },
        Example {
            expression: r#"Replace([s], , "[()\\s-]+", , "", , )"#,
            person: &[("s", Sample::Text("+1 (999) 888-7777"))],
            gives: Sample::Text("+19998887777"),
        },
        Example {
            expression: r#"Replace([s], , "(?<streetNumber>^\\d*)", "streetNumber", "888", , )"#,
            person: &[("s", Sample::Text("545 Tremont Street"))],
            gives: Sample::Text("888 Tremont Street"),
        },
        Example {
            expression: r#"Replace([userName], , "(?<Suffix>@(.)*)", "Suffix", "", , )"#,
            person: &[("userName", Sample::Text("jsmith@contoso.com"))],
            gives: Sample::Text("jsmith"),
        },
        Example {
            expression: r#"Replace([s], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "phoneNumber", , [mobile], )"#,
            person: &[("s", Sample::Text("")), ("mobile", Sample::Text("+91 8887779999"))],
            gives: Sample::Text("8887779999"),
        },
        Example {
            expression: r#"Replace([s], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "phoneNumber", , [mobile], )"#,
            person: &[("s", Sample::Text("555-1")), ("mobile", Sample::Text("+91 8887779999"))],
            gives: Sample::Text("555-1"),
        },
        Example {
            expression: r#"Replace([s], , "[a-zA-Z_]*", , "", , )"#,
            person: &[("s", Sample::Text("john_doe72"))],
            gives: Sample::Text("72"),
        },
        Example {
            expression: r#"Replace(Mid(Replace([s], , "([\\/\\\\\\[\\]\\:\\;\\|\\=\\,\\+\\*\\?\\<\\>])", , "", , ), 1, 5), , "(\\.)*$", , "", , )"#,
            person: &[("s", Sample::Text("J:S<m>..ith"))],
            gives: Sample::Text("JSm"),
        },
    ],
    check,
    evaluate: replace,
};

fn check(arguments: &[Node], span: &Span) -> Result<(), Diagnostic> {
    let slot = |at: usize| arguments.get(at).filter(|node| node.term != Term::Empty);
    if slot(PATTERN).is_some() {
        return pattern::check(arguments);
    }
    if let Some(node) = slot(GROUP).or_else(|| slot(OTHER_ATTRIBUTE)) {
        let message = "this means nothing without a `regexPattern`";
        return Err(Diagnostic::new(message, node.span.clone(), "of which pattern?")
            .with_hint("write `Replace([source], , \"(?<part>…)\", \"part\", \"new\", , )`"));
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
    if let Some(pattern) = given.pattern {
        return pattern::replace(given, pattern);
    }
    let is_template = given.has(TEMPLATE);
    let Some(frame) = given.text(if is_template { TEMPLATE } else { SOURCE })? else { return Ok(Flow::nothing()) };
    // What comes from the person is escaped as a whole, so nothing in it may be escaped before.
    let manner = if frame.from_person { Manner::Plain } else { given.manner };
    // No argument is asked for twice: where 64 calls stand in each other, the innermost would be asked 2^64 times.
    let source = if is_template { given.words(SOURCE, manner)? } else { None };
    if is_template && source.is_none() {
        return Ok(Flow::nothing());
    }
    let old = given.text(OLD)?.map_or(Cow::Borrowed(""), |old| old.text);
    if old.is_empty() || !frame.text.contains(&*old) {
        return Ok(frame.map(|text| text));
    }
    let filling = if is_template { source } else { given.words(REPLACEMENT, manner)? };
    let filling = filling.unwrap_or(Words { text: Cow::Borrowed(""), from_person: false });
    let mut writing = Writing::new(manner, given.span);
    for (at, part) in frame.text.split(&*old).enumerate() {
        if at > 0 {
            writing.add(&filling.text, filling.from_person)?;
        }
        writing.add(part, frame.from_person)?;
    }
    Ok(writing.finish())
}
