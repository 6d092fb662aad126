//! Why a person is decided on as they are, in words and for machines: scope, rules, conditions, mapped attributes.

use serde_json::json;

use super::screen::shown;
use crate::decide::{AskedMembership, AskedRule, Computed, MappedAttribute, Trace};
use crate::model::{Path, Value};
use crate::plain::plain;
use crate::predicate::Condition;
use crate::scim::json::value_to_json;

/// Each clause of the scope and each rule that was asked, and whether it holds; `with_values` says also what each
/// condition saw.
pub(super) fn why_lines(traced: &Trace, with_values: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for clause in &traced.scope {
        lines.push(format!("scope {}: {}", yes(clause.holds), plain(&clause.words)));
        if with_values {
            lines.extend(condition_lines(&clause.words, &clause.conditions));
        }
    }
    for rule in &traced.rules {
        lines.push(format!(
            "rule {} `{}`: {}",
            yes(rule.holds),
            rule.id,
            plain(rule.when.as_deref().unwrap_or("always"))
        ));
        if with_values {
            lines.extend(condition_lines(rule.when.as_deref().unwrap_or_default(), &rule.conditions));
        }
    }
    if let Some(container) = traced.container.as_ref().filter(|_| with_values) {
        lines.push(format!("container ← {}", plain(&container.from)));
        lines.extend(inputs_line(container));
    }
    lines
}

/// What each condition saw. A single one has been said already; only what it saw is new.
fn condition_lines(said: &str, conditions: &[Condition]) -> Vec<String> {
    let line = |condition: &Condition| {
        let saw = match condition.saw.as_slice() {
            [] => "it is not there".to_owned(),
            [only] => format!("it is {}", shown(only)),
            several => format!("it is {}", shown(&Value::Many(several.to_vec()))),
        };
        let saw = match &condition.unanswered {
            Some(why) => format!("{saw}; {why}"),
            None => saw,
        };
        if condition.words == said {
            return format!("  {saw}");
        }
        let words = plain(&condition.words);
        let words = if condition.negated { format!("not ({words})") } else { words.into_owned() };
        format!("  {} {words}: {saw}", yes(condition.speaks()))
    };
    conditions.iter().map(line).collect()
}

fn yes(holds: bool) -> &'static str {
    if holds { "yes" } else { "no " }
}

/// A membership, whether it holds, and what its filter saw.
pub(super) fn membership_lines(asked: &AskedMembership) -> Vec<String> {
    let groups = match &asked.groups {
        Ok(groups) if groups.is_empty() => "no group".to_owned(),
        Ok(groups) => groups.join(", "),
        Err(reason) => reason.to_string(),
    };
    let when = asked.when.as_deref().unwrap_or("always");
    let mut lines = vec![format!("{} {}: {}", yes(asked.holds), plain(&groups), plain(when))];
    lines.extend(condition_lines(asked.when.as_deref().unwrap_or_default(), &asked.conditions));
    if !asked.computed.inputs.is_empty() {
        lines.push(format!("  group ← {}", plain(&asked.computed.from)));
        lines.extend(inputs_line(&asked.computed));
    }
    lines
}

/// What an attribute gets, and from where.
pub(super) fn mapped_lines(mapped: &MappedAttribute) -> Vec<String> {
    let from = plain(&mapped.computed.from).into_owned();
    let mut lines = vec![format!("{}: {} ← {from}", mapped.attribute, plain(&gives_words(mapped)))];
    lines.extend(inputs_line(&mapped.computed));
    lines
}

/// What it gets, in words.
pub(super) fn gives_words(mapped: &MappedAttribute) -> String {
    match &mapped.gives {
        Ok(given) => given.to_string(),
        Err(reason) => reason.to_string(),
    }
}

/// What stands in the expression; nothing for a path alone, which gives what it sees.
pub(super) fn inputs_line(computed: &Computed) -> Option<String> {
    let is_path_alone = matches!(computed.inputs.as_slice(), [(path, _)] if path.to_string() == computed.from);
    if computed.inputs.is_empty() || is_path_alone {
        return None;
    }
    let inputs: Vec<_> = computed.inputs.iter().map(|(path, value)| input_words(path, value)).collect();
    Some(format!("  {}", inputs.join(", ")))
}

fn input_words(path: &Path, value: &Value) -> String {
    let value = if matches!(value, Value::Null) { "(nothing)".to_owned() } else { shown(value) };
    format!("{} = {value}", plain(&path.to_string()))
}

/// The whole trace for machines.
pub(super) fn trace_json(traced: &Trace) -> serde_json::Value {
    json!({
        "scope": traced.scope.iter().map(|clause| json!({
            "clause": clause.words, "holds": clause.holds, "conditions": conditions_json(&clause.conditions),
        })).collect::<Vec<_>>(),
        "rules": traced.rules.iter().map(rule_json).collect::<Vec<_>>(),
        "container": traced.container.as_ref().map(|container| json!({
            "from": container.from, "inputs": inputs_json(&container.inputs),
        })),
        "mapped": traced.mapped.iter().map(|mapped| json!({
            "target": mapped.target.as_str(),
            "attribute": mapped.attribute.as_str(),
            "from": mapped.computed.from,
            "inputs": inputs_json(&mapped.computed.inputs),
            "gives": gives_words(mapped),
        })).collect::<Vec<_>>(),
        "memberships": traced.memberships.iter().map(membership_json).collect::<Vec<_>>(),
    })
}

fn membership_json(asked: &AskedMembership) -> serde_json::Value {
    json!({
        "target": asked.target.as_str(),
        "membership": asked.word,
        "when": asked.when,
        "holds": asked.holds,
        "conditions": conditions_json(&asked.conditions),
        "from": asked.computed.from,
        "inputs": inputs_json(&asked.computed.inputs),
        "groups": asked.groups.as_ref().ok(),
        "reason": asked.groups.as_ref().err().map(ToString::to_string),
    })
}

fn rule_json(rule: &AskedRule) -> serde_json::Value {
    json!({
        "id": rule.id.as_str(), "when": rule.when, "holds": rule.holds, "conditions": conditions_json(&rule.conditions),
    })
}

fn conditions_json(conditions: &[Condition]) -> Vec<serde_json::Value> {
    let condition = |condition: &Condition| {
        json!({
            "condition": condition.words,
            "negated": condition.negated,
            "attribute": condition.path.to_string(),
            "saw": condition.saw.iter().map(value_to_json).collect::<Vec<_>>(),
            "holds": condition.holds,
            "unanswered": condition.unanswered,
        })
    };
    conditions.iter().map(condition).collect()
}

fn inputs_json(inputs: &[(Path, Value)]) -> serde_json::Map<String, serde_json::Value> {
    inputs.iter().map(|(path, value)| (path.to_string(), value_to_json(value))).collect()
}
