//! Functions of attributes with several values. A single value is a list of one, and nothing an empty list.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::model::{Diagnostic, Span};

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow, fault};
use super::super::evaluate::Given;
use super::super::node::{Node, Term};
use super::{Beyond, Example, Function, Kind, Parameter, Sample, anything, required};

/// Values that a list put together here may have. Directory attributes hold a tenth of it.
pub(super) const VALUES_MAX: usize = 10_000;

const ATTRIBUTE: &[Parameter] = &[required("attribute", Kind::Any)];

pub(super) static COUNT: Function = Function {
    name: "Count",
    beyond: Beyond::Nothing,
    parameters: ATTRIBUTE,
    description: "How many values an attribute has. It is 0 where it is absent, and 1 where it is not a list.",
    examples: &[
        Example {
            expression: "Count([proxyAddresses])",
            person: &[("proxyAddresses", Sample::Texts(&["a", "b", "c"]))],
            gives: Sample::Integer(3),
        },
        Example {
            expression: "Count([mail])",
            person: &[("mail", Sample::Text("anna@contoso.com"))],
            gives: Sample::Integer(1),
        },
        Example { expression: "Count([proxyAddresses])", person: &[], gives: Sample::Integer(0) },
    ],
    check: anything,
    evaluate: count,
};

fn count<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    Ok(number(given.values(0)?.0.len()))
}

pub(super) static ITEM: Function = Function {
    name: "Item",
    beyond: Beyond::Nothing,
    parameters: &[required("attribute", Kind::Any), required("index", Kind::Integer)],
    description: "One value of several; the first is 1. Nothing where the attribute is absent; \
                  where it has values but not so many, that is an error: ask `Count` first.",
    examples: &[
        Example {
            expression: "Item([proxyAddresses], 1)",
            person: &[("proxyAddresses", Sample::Texts(&["smtp:a@contoso.com", "SMTP:b@contoso.com"]))],
            gives: Sample::Text("smtp:a@contoso.com"),
        },
        Example {
            expression: r#"Mid(Item([proxyAddresses],Contains([proxyAddresses], "SMTP:")),6)"#,
            person: &[("proxyAddresses", Sample::Texts(&["smtp:a@contoso.com", "SMTP:b@contoso.com"]))],
            gives: Sample::Text("b@contoso.com"),
        },
        Example {
            expression: "Item([proxyAddresses], 2)",
            person: &[("proxyAddresses", Sample::Texts(&["smtp:a@contoso.com"]))],
            gives: Sample::Refused("there are not so many values"),
        },
        Example { expression: "Item([proxyAddresses], 1)", person: &[], gives: Sample::Nothing },
    ],
    check: check_item,
    evaluate: item,
};

fn check_item(arguments: &[Node], _: &Span) -> Result<(), Diagnostic> {
    match arguments.get(1) {
        Some(Node { term: Term::Integer { value: ..1, .. }, span }) => {
            Err(Diagnostic::new("the `index` of `Item` is at least 1", span.clone(), "too small")
                .with_hint("the first value is number 1: `Item([proxyAddresses], 1)`"))
        }
        _ => Ok(()),
    }
}

fn item<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let (values, from_person) = given.values(0)?;
    if values.is_empty() {
        return Ok(Flow::nothing());
    }
    let span = given.span_of(1);
    let before = given.integer(1)?.checked_sub(1).and_then(|before| usize::try_from(before).ok());
    let before = before.ok_or_else(|| fault("the first value is number 1", span))?;
    match values.into_iter().nth(before) {
        Some(datum) => Ok(Flow { datum, from_person }),
        None => Err(fault("there are not so many values", span)),
    }
}

pub(super) static CONTAINS: Function = Function {
    name: "Contains",
    beyond: Beyond::Nothing,
    parameters: &[required("attribute", Kind::Any), required("search", Kind::Text)],
    description: "The number of the first value that has the text somewhere in it (upper and lower case matter); \
                  0 where none has.",
    examples: &[
        Example {
            expression: r#"Contains([proxyAddresses], "SMTP:")"#,
            person: &[("proxyAddresses", Sample::Texts(&["smtp:a@contoso.com", "SMTP:b@contoso.com"]))],
            gives: Sample::Integer(2),
        },
        Example { expression: r#"Contains([proxyAddresses], "SMTP:")"#, person: &[], gives: Sample::Integer(0) },
    ],
    check: anything,
    evaluate: contains,
};

fn contains<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let search = given.text(1)?.map_or(Cow::Borrowed(""), |words| words.text);
    for (before, value) in given.values(0)?.0.into_iter().enumerate() {
        if value.into_text(given.span_of(0))?.is_some_and(|text| text.contains(&*search)) {
            return Ok(number(before + 1));
        }
    }
    Ok(number(0))
}

pub(super) static REMOVE_DUPLICATES: Function = Function {
    name: "RemoveDuplicates",
    beyond: Beyond::Nothing,
    parameters: ATTRIBUTE,
    description: "Each value once, where it first stood. Values that differ in upper and lower case are two.",
    examples: &[
        Example {
            expression: "RemoveDuplicates([proxyAddresses])",
            person: &[("proxyAddresses", Sample::Texts(&["a", "b", "a"]))],
            gives: Sample::Texts(&["a", "b"]),
        },
        Example { expression: "RemoveDuplicates([proxyAddresses])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: remove_duplicates,
};

fn remove_duplicates<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let (values, from_person) = given.values(0)?;
    if values.is_empty() {
        return Ok(Flow::nothing());
    }
    Ok(Flow { datum: Datum::Many(distinct(values)), from_person })
}

/// Each of them once.
pub(super) fn distinct(values: Vec<Datum<'_>>) -> Vec<Datum<'_>> {
    let mut seen = HashSet::with_capacity(values.len());
    let mut values = values;
    // Its printed form tells a number from the text of it, and can be hashed.
    values.retain(|value| seen.insert(format!("{value:?}")));
    values
}

pub(super) static SPLIT: Function = Function {
    name: "Split",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Text), required("delimiter", Kind::Text)],
    description: "The parts of a text between the delimiters, as several values. White space around a part is cut off, \
                  and a part with nothing else in it is left out. A delimiter of several characters counts as one.",
    examples: &[
        Example {
            expression: r#"Split([extensionAttribute5], ",")"#,
            person: &[("extensionAttribute5", Sample::Text("PermissionSetOne, PermissionSetTwo"))],
            gives: Sample::Texts(&["PermissionSetOne", "PermissionSetTwo"]),
        },
        Example { expression: r#"Split("a;;b;", ";")"#, person: &[], gives: Sample::Texts(&["a", "b"]) },
        Example { expression: r#"Split([extensionAttribute5], ",")"#, person: &[], gives: Sample::Nothing },
    ],
    check: check_split,
    evaluate: split,
};

fn check_split(arguments: &[Node], _: &Span) -> Result<(), Diagnostic> {
    match arguments.get(1) {
        Some(Node { term: Term::Text(delimiter), span }) if delimiter.is_empty() => {
            Err(Diagnostic::new("`Split` is not told where to split", span.clone(), "an empty text")
                .with_hint("write the character between the values: `Split([skills], \",\")`"))
        }
        _ => Ok(()),
    }
}

fn split<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Some(delimiter) = given.text(1)?.filter(|words| !words.text.is_empty()) else {
        return Err(fault("there is no delimiter", given.span_of(1)));
    };
    let Some(source) = given.text(0)? else { return Ok(Flow::nothing()) };
    let parts = source.text.split(&*delimiter.text).map(str::trim).filter(|part| !part.is_empty());
    let parts: Vec<_> = parts.take(VALUES_MAX + 1).map(|part| Datum::Text(Cow::Owned(part.to_owned()))).collect();
    if parts.len() > VALUES_MAX {
        return Err(fault(&format!("there would be more than {VALUES_MAX} values"), given.span));
    }
    Ok(Flow { datum: Datum::Many(parts), from_person: source.from_person })
}

/// A number of things there are.
fn number<'a>(count: usize) -> Flow<'a> {
    Flow::constant(Datum::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
}
