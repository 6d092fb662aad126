//! Functions of app role assignments: the roles a person has in the application that is written to.
//!
//! A role is a text, or a complex value whose `value` is its name. In Entra the complex functions differ in how they
//! are sent (roles added, or all replaced); here a target is always brought to what the person has.

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow};
use super::super::evaluate::Given;
use super::lists::distinct;
use super::{Beyond, Example, Function, Kind, Parameter, Sample, anything, required};

const PARAMETERS: &[Parameter] = &[required("appRoleAssignments", Kind::Any).in_graph("source")];

const TWO_ROLES: &[(&str, Sample)] = &[("appRoleAssignments", Sample::Texts(&["Admin", "Reader", "Admin"]))];

pub(super) static SINGLE_APP_ROLE_ASSIGNMENT: Function = Function {
    name: "SingleAppRoleAssignment",
    beyond: Beyond::Nothing,
    parameters: PARAMETERS,
    description: "The name of the person's role; of several, that of the first.",
    examples: &[
        Example {
            expression: "SingleAppRoleAssignment([appRoleAssignments])",
            person: TWO_ROLES,
            gives: Sample::Text("Admin"),
        },
        Example { expression: "SingleAppRoleAssignment([appRoleAssignments])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: single,
};

fn single<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let (values, from_person) = given.values(0)?;
    let Some(first) = values.into_iter().next() else { return Ok(Flow::nothing()) };
    let text = first.into_text(given.span_of(0))?;
    Ok(Flow { datum: text.map_or(Datum::Nothing, Datum::Text), from_person })
}

pub(super) static APP_ROLE_ASSIGNMENTS: Function = Function {
    name: "AppRoleAssignments",
    beyond: Beyond::Nothing,
    parameters: PARAMETERS,
    description: "The names of the person's roles, each once.",
    examples: &[Example {
        expression: "AppRoleAssignments([appRoleAssignments])",
        person: TWO_ROLES,
        gives: Sample::Texts(&["Admin", "Reader"]),
    }],
    check: anything,
    evaluate: names,
};

fn names<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let (values, from_person) = given.values(0)?;
    let mut names = Vec::with_capacity(values.len());
    for value in values {
        names.extend(value.into_text(given.span_of(0))?.map(Datum::Text));
    }
    Ok(listed(names, from_person))
}

pub(super) static APP_ROLE_ASSIGNMENTS_COMPLEX: Function = Function {
    name: "AppRoleAssignmentsComplex",
    beyond: Beyond::Nothing,
    parameters: PARAMETERS,
    description: "The person's roles, each once, with all their parts as the source has them.",
    examples: &[Example {
        expression: "AppRoleAssignmentsComplex([appRoleAssignments])",
        person: TWO_ROLES,
        gives: Sample::Texts(&["Admin", "Reader"]),
    }],
    check: anything,
    evaluate: whole,
};

pub(super) static ASSERTIVE_APP_ROLE_ASSIGNMENTS_COMPLEX: Function = Function {
    name: "AssertiveAppRoleAssignmentsComplex",
    beyond: Beyond::Nothing,
    parameters: PARAMETERS,
    description: "The same as `AppRoleAssignmentsComplex`: a target is always brought to all of the person's roles.",
    examples: &[Example {
        expression: "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])",
        person: TWO_ROLES,
        gives: Sample::Texts(&["Admin", "Reader"]),
    }],
    check: anything,
    evaluate: whole,
};

fn whole<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let (values, from_person) = given.values(0)?;
    Ok(listed(values, from_person))
}

fn listed(values: Vec<Datum<'_>>, from_person: bool) -> Flow<'_> {
    if values.is_empty() { Flow::nothing() } else { Flow { datum: Datum::Many(distinct(values)), from_person } }
}
