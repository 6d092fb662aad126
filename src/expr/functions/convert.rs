//! Functions that make one kind of value of another.

use std::borrow::Cow;

use crate::model::Dn;

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow, fault};
use super::super::evaluate::{Given, Manner};
use super::{Beyond, Example, Function, Kind, Sample, anything, required};

pub(super) static BIT_AND: Function = Function {
    name: "BitAnd",
    beyond: Beyond::Nothing,
    parameters: &[required("value1", Kind::Integer), required("value2", Kind::Integer)],
    description: "The bits that both numbers have. Numbers may be written in hexadecimal, behind `&H`. \
                  Nothing, where one of them is absent.",
    examples: &[
        Example { expression: "BitAnd(&HF, &HF7)", person: &[], gives: Sample::Integer(7) },
        Example {
            expression: "IIF(BitAnd([userAccountControl], 2) = 2, False, True)",
            person: &[("userAccountControl", Sample::Text("514"))],
            gives: Sample::Boolean(false),
        },
        Example { expression: "BitAnd([userAccountControl], 2)", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: bit_and,
};

fn bit_and<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let (value1, value2) = (given.integer_or_nothing(0)?, given.integer_or_nothing(1)?);
    Ok(match (value1, value2) {
        (Some(value1), Some(value2)) => Flow::constant(Datum::Integer(value1 & value2)),
        _ => Flow::nothing(),
    })
}

pub(super) static C_BOOL: Function = Function {
    name: "CBool",
    beyond: Beyond::Nothing,
    parameters: &[required("expression", Kind::Condition)],
    description: "True or false. It is true where a comparison holds, a number is not zero, or a text reads `true` (in \
                  any case of letters) or as such a number; false otherwise, also where there is nothing.",
    examples: &[
        Example {
            expression: "CBool([attribute1] = [attribute2])",
            person: &[("attribute1", Sample::Text("x")), ("attribute2", Sample::Text("x"))],
            gives: Sample::Boolean(true),
        },
        Example { expression: "CBool(5)", person: &[], gives: Sample::Boolean(true) },
        Example {
            expression: "CBool([active])",
            person: &[("active", Sample::Text("TRUE"))],
            gives: Sample::Boolean(true),
        },
        Example {
            expression: "CBool([active])",
            person: &[("active", Sample::Text("0"))],
            gives: Sample::Boolean(false),
        },
        Example { expression: "CBool([active])", person: &[], gives: Sample::Boolean(false) },
    ],
    check: anything,
    evaluate: |given| Ok(Flow::constant(Datum::Boolean(given.datum(0)?.counts_as_true(given.span_of(0))?))),
};

pub(super) static C_STR: Function = Function {
    name: "CStr",
    beyond: Beyond::Nothing,
    parameters: &[required("value", Kind::Any)],
    description: "A value as a text. A number is in its digits, truth is `True` or `False`, a date \
                  `M/d/yyyy h:mm:ss tt`.",
    examples: &[
        Example {
            expression: "CStr([dn])",
            person: &[("dn", Sample::Text("cn=Joe,dc=contoso,dc=com"))],
            gives: Sample::Text("cn=Joe,dc=contoso,dc=com"),
        },
        Example { expression: "CStr(-5)", person: &[], gives: Sample::Text("-5") },
        Example {
            expression: "CStr([active])",
            person: &[("active", Sample::Boolean(true))],
            gives: Sample::Text("True"),
        },
        Example { expression: "CStr([dn])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: text_of,
};

fn text_of<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    Ok(given.text(0)?.map_or(Flow::nothing(), |words| words.map(|text| text)))
}

pub(super) static C_REF: Function = Function {
    name: "CRef",
    beyond: Beyond::Nothing,
    parameters: &[required("value", Kind::Text)],
    description: "A text as a reference to another object. A reference is its text here, so that this changes nothing.",
    examples: &[Example {
        expression: "CRef([dn])",
        person: &[("dn", Sample::Text("cn=Joe,dc=contoso,dc=com"))],
        gives: Sample::Text("cn=Joe,dc=contoso,dc=com"),
    }],
    check: anything,
    evaluate: text_of,
};

pub(super) static DN_COMPONENT: Function = Function {
    name: "DNComponent",
    beyond: Beyond::Nothing,
    parameters: &[required("dn", Kind::Text), required("ComponentNumber", Kind::Integer)],
    description: "The value of one part of a distinguished name, from the left; the first is 1. Escapes in it are \
                  undone. Nothing, where the name is absent or has not so many parts.",
    examples: &[
        Example {
            expression: "DNComponent(CRef([dn]),1)",
            person: &[("dn", Sample::Text("cn=Joe,ou=Sales,dc=contoso,dc=com"))],
            gives: Sample::Text("Joe"),
        },
        Example {
            expression: "DNComponent([dn], 2)",
            person: &[("dn", Sample::Text(r"cn=Doe\, Joe,ou=R\26D \2b more,dc=contoso,dc=com"))],
            gives: Sample::Text("R&D + more"),
        },
        Example {
            expression: "DNComponent([dn], 9)",
            person: &[("dn", Sample::Text("cn=Joe,dc=contoso,dc=com"))],
            gives: Sample::Nothing,
        },
        Example {
            expression: "DNComponent([dn], 1)",
            person: &[("dn", Sample::Text("Joe"))],
            gives: Sample::Refused("the value is no distinguished name"),
        },
    ],
    check: anything,
    evaluate: dn_component,
};

fn dn_component<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let span = given.span_of(1);
    let before = given.integer(1)?.checked_sub(1).and_then(|before| usize::try_from(before).ok());
    let before = before.ok_or_else(|| fault("the first part is number 1", span))?;
    let Some(words) = given.text(0)?.filter(|words| !words.text.is_empty()) else { return Ok(Flow::nothing()) };
    let dn = Dn::parse(&words.text).map_err(|_| fault("the value is no distinguished name", given.span_of(0)))?;
    Ok(match dn.value_at(before) {
        Some(value) => words.map(|_| Cow::Owned(value)),
        None => Flow::nothing(),
    })
}

pub(super) static IS_STRING: Function = Function {
    name: "IsString",
    beyond: Beyond::Nothing,
    parameters: &[required("expression", Kind::Any)],
    description: "Whether `CStr` gives a text of it. It does of a text, a number, a truth value and a date, but not \
                  of several values, and of nothing.",
    examples: &[
        Example {
            expression: "IsString([mail])",
            person: &[("mail", Sample::Text("anna@contoso.com"))],
            gives: Sample::Boolean(true),
        },
        Example {
            expression: "IsString([proxyAddresses])",
            person: &[("proxyAddresses", Sample::Texts(&["a", "b"]))],
            gives: Sample::Boolean(false),
        },
        Example { expression: "IsString([mail])", person: &[], gives: Sample::Boolean(false) },
    ],
    check: anything,
    evaluate: is_string,
};

fn is_string<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let datum = given.value(0, Manner::Plain)?.datum;
    let is_text = datum.into_text(given.span_of(0)).is_ok_and(|text| text.is_some());
    Ok(Flow::constant(Datum::Boolean(is_text)))
}
