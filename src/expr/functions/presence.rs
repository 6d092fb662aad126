//! Functions that ask whether there is a value, or turn true into false.

use std::borrow::Cow;

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow};
use super::super::evaluate::Given;
use super::{Beyond, Example, Function, Kind, Parameter, Sample, anything, required};

const EXPRESSION: &[Parameter] = &[required("expression", Kind::Any)];

pub(super) static IS_NULL: Function = Function {
    name: "IsNull",
    beyond: Beyond::Nothing,
    parameters: EXPRESSION,
    description: "Whether there is no value at all. An empty text is a value, an empty list is none.",
    examples: &[
        Example { expression: "IsNull([displayName])", person: &[], gives: Sample::Boolean(true) },
        Example {
            expression: "IsNull([displayName])",
            person: &[("displayName", Sample::Text(""))],
            gives: Sample::Boolean(false),
        },
        Example {
            expression: "IsNull([proxyAddresses])",
            person: &[("proxyAddresses", Sample::Texts(&[]))],
            gives: Sample::Boolean(true),
        },
    ],
    check: anything,
    evaluate: is_null,
};

fn is_null<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    Ok(boolean(given.datum(0)?.is_nothing()))
}

pub(super) static IS_NOTHING: Function = Function {
    name: "IsNothing",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Any)],
    description: "The same as `IsNull`, under its name of 2021.",
    examples: &[Example { expression: "IsNothing([displayName])", person: &[], gives: Sample::Boolean(true) }],
    check: anything,
    evaluate: is_null,
};

pub(super) static IS_NULL_OR_EMPTY: Function = Function {
    name: "IsNullOrEmpty",
    beyond: Beyond::Nothing,
    parameters: EXPRESSION,
    description: "Whether there is no value, or an empty text.",
    examples: &[
        Example {
            expression: "IsNullOrEmpty([displayName])",
            person: &[("displayName", Sample::Text(""))],
            gives: Sample::Boolean(true),
        },
        Example {
            expression: "IsNullOrEmpty([displayName])",
            person: &[("displayName", Sample::Text("Anna"))],
            gives: Sample::Boolean(false),
        },
    ],
    check: anything,
    evaluate: |given| Ok(boolean(given.datum(0)?.is_empty())),
};

pub(super) static IS_PRESENT: Function = Function {
    name: "IsPresent",
    beyond: Beyond::Nothing,
    parameters: EXPRESSION,
    description: "Whether there is a value that is not an empty text.",
    examples: &[
        Example {
            expression: "IsPresent([displayName])",
            person: &[("displayName", Sample::Text(""))],
            gives: Sample::Boolean(false),
        },
        Example {
            expression: "IsPresent([displayName])",
            person: &[("displayName", Sample::Text("Anna"))],
            gives: Sample::Boolean(true),
        },
        Example {
            expression: "Switch(IsPresent([directManager]),[directManager], IsPresent([skiplevelManager]),[skiplevelManager], IsPresent([director]),[director])",
            person: &[("director", Sample::Text("701984"))],
            gives: Sample::Nothing,
        },
    ],
    check: anything,
    evaluate: |given| Ok(boolean(!given.datum(0)?.is_empty())),
};

pub(super) static NOT: Function = Function {
    name: "Not",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Any)],
    description: "False where the source is true, and true where it is anything else. A text gives a text.",
    examples: &[
        Example { expression: "Not([b])", person: &[("b", Sample::Text("False"))], gives: Sample::Text("True") },
        Example {
            expression: "Not([active])",
            person: &[("active", Sample::Boolean(true))],
            gives: Sample::Boolean(false),
        },
        Example { expression: "Not([b])", person: &[], gives: Sample::Text("True") },
    ],
    check: anything,
    evaluate: not,
};

fn not<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let span = given.span_of(0);
    Ok(match given.datum(0)?.one(span)? {
        Datum::Boolean(source) => boolean(!source),
        source => {
            let text = if source.counts_as_true(span)? { "False" } else { "True" };
            Flow::constant(Datum::Text(Cow::Borrowed(text)))
        }
    })
}

fn boolean<'a>(boolean: bool) -> Flow<'a> {
    Flow::constant(Datum::Boolean(boolean))
}
