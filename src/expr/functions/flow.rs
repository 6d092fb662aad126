//! Functions that say what becomes of an attribute's value: written or not, shown or not, taken if nobody has it.

use std::collections::HashSet;

use crate::model::{Diagnostic, Span};

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow, fault};
use super::super::evaluate::{Given, Manner};
use super::super::node::{Node, Term};
use super::{Beyond, Example, Function, Kind, Sample, anything, repeats, required};

pub(super) static IGNORE_FLOW_IF_NULL_OR_EMPTY: Function = Function {
    name: "IgnoreFlowIfNullOrEmpty",
    beyond: Beyond::Silence,
    parameters: &[required("expression", Kind::Any)],
    description: "The value; where it is absent or empty, the attribute is left out of what is written, and the target \
                  keeps what it has.",
    examples: &[
        Example { expression: "IgnoreFlowIfNullOrEmpty([department])", person: &[], gives: Sample::Dropped },
        Example {
            expression: r#"IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))"#,
            person: &[("prefix", Sample::Text("9999"))],
            gives: Sample::Dropped,
        },
        Example {
            expression: "IgnoreFlowIfNullOrEmpty([department])",
            person: &[("department", Sample::Text("IT"))],
            gives: Sample::Text("IT"),
        },
    ],
    check: anything,
    evaluate: |given| {
        let flow = given.chosen(0)?;
        Ok(if flow.datum.is_empty() { Flow::constant(Datum::Dropped) } else { flow })
    },
};

pub(super) static IGNORE_ATTRIBUTE_FLOW: Function = Function {
    name: "IgnoreAttributeFlow",
    beyond: Beyond::Silence,
    parameters: &[],
    description: "No value: the attribute is left out of what is written, and the target keeps what it has. It stands \
                  without parentheses.",
    examples: &[
        Example { expression: "IgnoreAttributeFlow", person: &[], gives: Sample::Dropped },
        Example {
            expression: r#"IIF(DateDiff("d", Now(), CDate([StatusHireDate])) <= 0, [Department], IgnoreAttributeFlow)"#,
            person: &[("StatusHireDate", Sample::Text("2021-07-15")), ("Department", Sample::Text("Marketing"))],
            gives: Sample::Dropped,
        },
        Example {
            expression: r#"IIF(DateDiff("d", Now(), CDate([StatusHireDate])) <= 0, [Department], IgnoreAttributeFlow)"#,
            person: &[("StatusHireDate", Sample::Text("2021-06-15")), ("Department", Sample::Text("Engineering"))],
            gives: Sample::Text("Engineering"),
        },
    ],
    check: anything,
    evaluate: |_| Ok(Flow::constant(Datum::Dropped)),
};

pub(super) static REDACT: Function = Function {
    name: "Redact",
    beyond: Beyond::Secrecy,
    parameters: &[required("value", Kind::Any)],
    description: "The value, which is written at the target and shown nowhere: plans, logs and explanations have \
                  `[Redact]` in its place.",
    examples: &[
        Example {
            expression: "Redact([userPrincipalName])",
            person: &[("userPrincipalName", Sample::Text("anna@contoso.com"))],
            gives: Sample::Text("anna@contoso.com"),
        },
        Example {
            expression: r#"Redact("StringToBeRedacted")"#,
            person: &[],
            gives: Sample::Text("StringToBeRedacted"),
        },
    ],
    check: anything,
    evaluate: |given| given.chosen(0),
};

pub(super) static ERROR: Function = Function {
    name: "Error",
    beyond: Beyond::Nothing,
    parameters: &[required("ErrorMessage", Kind::Text)],
    description: "No value, but an error with this message: nothing is written for the person until it is gone. \
                  The message is written out, because it is shown and logged, where nobody's data belongs.",
    examples: &[
        Example {
            expression: r#"IIF(IsPresent([accountName]),[accountName],Error("AccountName is required"))"#,
            person: &[("accountName", Sample::Text("anna"))],
            gives: Sample::Text("anna"),
        },
        Example {
            expression: r#"Error("AccountName is required")"#,
            person: &[],
            gives: Sample::Refused("AccountName is required"),
        },
    ],
    check: check_error,
    evaluate: |given| Err(fault(given.literal(0).unwrap_or_default(), given.span)),
};

fn check_error(arguments: &[Node], _: &Span) -> Result<(), Diagnostic> {
    match arguments.first() {
        Some(Node { term: Term::Text(message), span }) if message.trim().is_empty() => {
            Err(Diagnostic::new("the message of `Error` is empty", span.clone(), "say what is wrong")
                .with_hint("for example `Error(\"the person has no last name\")`"))
        }
        Some(Node { term: Term::Text(_), .. }) | None => Ok(()),
        Some(node) => Err(Diagnostic::new(
            "the message of `Error` must be written out",
            node.span.clone(),
            "would carry a person's data into the logs",
        )
        .with_hint("write it in quotes: `Error(\"the person has no last name\")`")),
    }
}

pub(super) static DEFAULT_DOMAIN: Function = Function {
    name: "DefaultDomain",
    beyond: Beyond::Domain,
    parameters: &[],
    description: "The target's default domain: `default_domain` in the job file.",
    examples: &[
        Example { expression: "DefaultDomain()", person: &[], gives: Sample::Text("contoso.com") },
        Example {
            expression: r#"Join("@", [userName], DefaultDomain())"#,
            person: &[("userName", Sample::Text("anna"))],
            gives: Sample::Text("anna@contoso.com"),
        },
    ],
    check: anything,
    evaluate: |given| match given.inputs.default_domain {
        Some(domain) => Ok(Flow::constant(Datum::Text(domain.into()))),
        None => Err(fault("the target has no default domain; set `default_domain` there", given.span)),
    },
};

pub(super) static SELECT_UNIQUE_VALUE: Function = Function {
    name: "SelectUniqueValue",
    beyond: Beyond::Others,
    parameters: &[required("uniqueValueRule1", Kind::Any), repeats("uniqueValueRule2", Kind::Any)],
    description: "The first of its candidates that nobody else has at the target. Empty candidates and repeats (whatever \
                  the case of their letters) are left out. It must be the whole expression, and works when the account \
                  is created; where all are taken, the person waits and the reason is told.",
    examples: &[
        Example {
            expression: r#"SelectUniqueValue(
    Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "contoso.com"),
    Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 1), [PreferredLastName]))), "contoso.com"),
    Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 2), [PreferredLastName]))), "contoso.com")
)"#,
            person: &[("PreferredFirstName", Sample::Text("John")), ("PreferredLastName", Sample::Text("Smith"))],
            gives: Sample::OneOf(&["John.Smith@contoso.com", "J.Smith@contoso.com", "Jo.Smith@contoso.com"]),
        },
        Example {
            expression: r#"SelectUniqueValue([nickName], "Anna", Append("anna", "1"))"#,
            person: &[("nickName", Sample::Text("anna"))],
            gives: Sample::OneOf(&["anna", "anna1"]),
        },
        Example { expression: "SelectUniqueValue([nickName], [userName])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: select_unique_value,
};

fn select_unique_value<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let mut candidates = Vec::new();
    let mut seen = HashSet::new();
    let mut from_person = false;
    for at in 0..given.count() {
        let Some(words) = given.words(at, Manner::Plain)?.filter(|words| !words.text.is_empty()) else { continue };
        from_person |= words.from_person;
        if seen.insert(words.text.to_lowercase()) {
            candidates.push(words.text.into_owned());
        }
    }
    if candidates.is_empty() {
        return Ok(Flow::nothing());
    }
    Ok(Flow { datum: Datum::OneOf(candidates), from_person })
}
