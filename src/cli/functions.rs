//! `muster functions`: what the mapping language can do, from its own table.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value as Json, json};

use super::Globals;
use super::screen::{note, say, say_json, shown, table};
use crate::expr::{self, Beyond, Example, Function, Need, Sample};
use crate::model::Value;
use crate::plain::plain;

/// List the functions of the mapping language, or tell everything about one.
///
/// Every example is a test of muster's own. In them `Now()` is 2 July 2021, 15:33:38 UTC, `DefaultDomain()` is
/// contoso.com, and chance is that of nobody's installation.
///
/// Exit code 0: told; 1: there is no such function.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A function's name, in any case of letters.
    name: Option<String>,
}

pub(super) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let Some(name) = &args.name else {
        list(globals.json);
        return Ok(ExitCode::SUCCESS);
    };
    match expr::function(name) {
        Ok(function) if globals.json => say_json(&described(function)),
        Ok(function) => say(page(function).trim_end()),
        Err(wrong) => {
            note(format!("error: {}", plain(&wrong.message)));
            if let Some(hint) = &wrong.hint {
                note(format!("hint: {hint}"));
            }
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(is_json: bool) {
    if is_json {
        let all: Vec<_> = expr::functions().iter().map(|function| described(function)).collect();
        return say_json(&json!({ "functions": all }));
    }
    let mut list = table(["FUNCTION", "WHAT IT GIVES"]);
    for function in expr::functions() {
        list.add_row([function.signature().as_str(), first_sentence(function.description)]);
    }
    say(list.to_string());
    say("\n`muster functions Switch` tells more of one: what it is given, and examples.");
}

/// Up to its first full stop, which ends every description too.
fn first_sentence(description: &str) -> &str {
    description.find(". ").map_or(description, |at| &description[..=at])
}

/// Everything about one function, as people read it.
fn page(function: &Function) -> String {
    let mut page = format!("{}\n\n{}\n", function.signature(), function.description);
    if function.beyond != Beyond::Nothing {
        page.push_str("It cannot stand in the expression of a container.\n");
    }
    let width = function.parameters.iter().map(|parameter| parameter.name.len()).max().unwrap_or_default();
    if width > 0 {
        page.push('\n');
    }
    for parameter in function.parameters {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "  {:width$}  {}, {}", parameter.name, parameter.kind.describe(), need(parameter.need));
    }
    for example in function.examples {
        let _ = write!(page, "\n{}\n", example.expression);
        for (path, sample) in example.person {
            let _ = writeln!(page, "    [{path}] is {}", told(*sample));
        }
        let _ = writeln!(page, "  = {}", told(example.gives));
    }
    page
}

fn need(need: Need) -> &'static str {
    match need {
        Need::Required => "required",
        Need::Optional => "may be left empty",
        Need::Omissible => "may be left empty, or out with its comma",
        Need::Repeats => "may come again",
    }
}

/// A value of an example, as people read it.
fn told(sample: Sample) -> String {
    match sample {
        Sample::Nothing => "nothing".to_owned(),
        Sample::Dropped => "nothing, and the attribute is left out of what is written".to_owned(),
        Sample::OneOf(candidates) => {
            let candidates: Vec<_> = candidates.iter().map(|text| shown(&Value::text(*text))).collect();
            format!("the first that is free of {}", candidates.join(", "))
        }
        Sample::Refused(message) => format!("an error: {message}"),
        value => shown(&value.into()),
    }
}

fn described(function: &Function) -> Json {
    let parameters = function.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "kind": parameter.kind.describe(),
            "required": !parameter.need.is_optional(),
            "repeats": parameter.need == Need::Repeats,
        })
    });
    json!({
        "name": function.name,
        "signature": function.signature(),
        "description": function.description,
        "parameters": parameters.collect::<Vec<_>>(),
        "examples": function.examples.iter().map(example).collect::<Vec<_>>(),
    })
}

/// What an example gives stands as `muster expr` says it.
fn example(example: &Example) -> Json {
    let person = example.person.iter().map(|(path, sample)| ((*path).to_owned(), value(*sample)));
    json!({
        "expression": example.expression,
        "person": person.collect::<serde_json::Map<_, _>>(),
        "gives": value(example.gives),
    })
}

fn value(sample: Sample) -> Json {
    match sample {
        Sample::Nothing => Json::Null,
        Sample::Text(text) => json!(text),
        Sample::Integer(integer) => json!(integer),
        Sample::Boolean(boolean) => json!(boolean),
        Sample::Texts(texts) => json!(texts),
        Sample::Dropped => json!({ "flow": "dropped" }),
        Sample::OneOf(candidates) => json!({ "oneOf": candidates }),
        Sample::Refused(message) => json!({ "error": message }),
    }
}
