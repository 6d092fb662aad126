//! Functions that choose one of their arguments. Those not chosen are not evaluated.

use std::borrow::Cow;

use super::super::EvaluateError;
use super::super::datum::Flow;
use super::super::evaluate::Given;
use super::{Beyond, Example, Function, Kind, Sample, anything, optional, repeats, required};

pub(super) static COALESCE: Function = Function {
    name: "Coalesce",
    beyond: Beyond::Nothing,
    parameters: &[repeats("source", Kind::Any)],
    description: "The first of its values that is not absent; the last is the default. An empty text is not absent, \
                  an empty list is.",
    examples: &[
        Example {
            expression: r#"Coalesce([mail],[userPrincipalName],"none@contoso.com")"#,
            person: &[("mail", Sample::Nothing), ("userPrincipalName", Sample::Nothing)],
            gives: Sample::Text("none@contoso.com"),
        },
        Example {
            expression: "Coalesce([mail],[userPrincipalName])",
            person: &[("mail", Sample::Nothing), ("userPrincipalName", Sample::Text("John.Doe@contoso.com"))],
            gives: Sample::Text("John.Doe@contoso.com"),
        },
        Example {
            expression: "Coalesce([nickName], [name.givenName], )",
            person: &[("name.givenName", Sample::Text("Anna"))],
            gives: Sample::Text("Anna"),
        },
        Example {
            expression: r#"Coalesce([proxyAddresses], [mail], "")"#,
            person: &[("proxyAddresses", Sample::Texts(&[])), ("mail", Sample::Text("anna@contoso.com"))],
            gives: Sample::Text("anna@contoso.com"),
        },
        Example {
            expression: r#"Coalesce([mail], "none@contoso.com")"#,
            person: &[("mail", Sample::Text(""))],
            gives: Sample::Text(""),
        },
    ],
    check: anything,
    evaluate: coalesce,
};

fn coalesce<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    for at in 0..given.count() {
        let flow = given.chosen(at)?;
        if !flow.datum.is_nothing() {
            return Ok(flow);
        }
    }
    Ok(Flow::nothing())
}

pub(super) static IIF: Function = Function {
    name: "IIF",
    beyond: Beyond::Nothing,
    parameters: &[
        required("condition", Kind::Condition),
        required("valueIfTrue", Kind::Any),
        required("valueIfFalse", Kind::Any),
    ],
    description: "One value where the condition holds, another where it does not. \
                  A comparison with an absent or empty attribute never holds, not even `<>`.",
    examples: &[
        Example {
            expression: r#"IIF([country]="USA",[country],[department])"#,
            person: &[("country", Sample::Text("FR")), ("department", Sample::Text("Sales"))],
            gives: Sample::Text("Sales"),
        },
        Example {
            expression: r#"IIF([country]="USA",[country],[department])"#,
            person: &[("country", Sample::Text("USA")), ("department", Sample::Text("Sales"))],
            gives: Sample::Text("USA"),
        },
        Example {
            expression: r#"IIF([country]="USA","True",IIF([state]="CA","True","False"))"#,
            person: &[("country", Sample::Text("FR")), ("state", Sample::Text("CA"))],
            gives: Sample::Text("True"),
        },
        Example {
            expression: r#"IIF([country]="USA",IIF([state]="CA","True","False"),"False")"#,
            person: &[("country", Sample::Text("USA")), ("state", Sample::Text("NY"))],
            gives: Sample::Text("False"),
        },
        Example {
            expression: r#"IIF([country] <> "USA", "abroad", "at home")"#,
            person: &[],
            gives: Sample::Text("at home"),
        },
        Example { expression: r#"IIF(IsPresent([mail]), [mail], "none")"#, person: &[], gives: Sample::Text("none") },
        Example {
            expression: "IIF([level] >= 10, 1, 0)",
            person: &[("level", Sample::Text("9"))],
            gives: Sample::Integer(0),
        },
        Example {
            expression: r#"IIF([hours] >= "37.5", "full", "part")"#,
            person: &[("hours", Sample::Text("8"))],
            gives: Sample::Text("part"),
        },
    ],
    check: anything,
    evaluate: iif,
};

fn iif<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let holds = given.datum(0)?.counts_as_true(given.span_of(0))?;
    given.chosen(if holds { 1 } else { 2 })
}

pub(super) static SWITCH: Function = Function {
    name: "Switch",
    beyond: Beyond::Nothing,
    parameters: &[
        required("source", Kind::Any),
        optional("defaultValue", Kind::Any),
        repeats("key", Kind::Any).in_graph("switchValue"),
        repeats("value", Kind::Any).in_graph("switchValue"),
    ],
    description: "The value behind the key that equals the source, otherwise the default; \
                  upper and lower case matter. The key \"\" stands for a source that is empty or absent.",
    examples: &[
        Example {
            expression: r#"Switch([country],[country],"","Other")"#,
            person: &[("country", Sample::Text("France"))],
            gives: Sample::Text("France"),
        },
        Example { expression: r#"Switch([country],[country],"","Other")"#, person: &[], gives: Sample::Text("Other") },
        Example {
            expression: r#"Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")"#,
            person: &[("state", Sample::Text("QLD"))],
            gives: Sample::Text("Australia/Brisbane"),
        },
        Example {
            expression: r#"Switch([statusFlag], "Default Value", "true", "1", "", "0")"#,
            person: &[],
            gives: Sample::Text("0"),
        },
        Example {
            expression: r#"Switch(ToLower([statusFlag]), "0", "true", "1", "false", "0")"#,
            person: &[("statusFlag", Sample::Text("other"))],
            gives: Sample::Text("0"),
        },
        Example {
            expression: r#"Switch(ToLower([statusFlag]), "0", "true", "1", "false", "0")"#,
            person: &[("statusFlag", Sample::Text("true"))],
            gives: Sample::Text("1"),
        },
        Example {
            expression: r#"Switch([Active], , "0", "True", "1", "False")"#,
            person: &[("Active", Sample::Text("1"))],
            gives: Sample::Text("False"),
        },
        Example {
            expression: r#"Switch([Active], , "0", "True", "1", "False")"#,
            person: &[("Active", Sample::Text("0"))],
            gives: Sample::Text("True"),
        },
        Example {
            expression: r#"Switch([active], , "True", "open", "False", "locked")"#,
            person: &[("active", Sample::Boolean(false))],
            gives: Sample::Text("locked"),
        },
        Example { expression: r#"Switch([country], , "DE", 49)"#, person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: switch,
};

const FIRST_KEY: usize = 2;

fn switch<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let source = text_or_empty(given, 0)?;
    for at in (FIRST_KEY..given.count()).step_by(2) {
        let is_it = match given.literal(at) {
            Some(key) => key == source,
            None => text_or_empty(given, at)? == source,
        };
        if is_it {
            return given.chosen(at + 1);
        }
    }
    given.chosen(1)
}

fn text_or_empty<'a>(given: &Given<'a>, at: usize) -> Result<Cow<'a, str>, EvaluateError> {
    Ok(given.text(at)?.map_or(Cow::Borrowed(""), |words| words.text))
}
