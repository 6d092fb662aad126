//! Whether a part of a job file would be sound: tried in the smallest job that has it.

use toml::{Table, Value};

use crate::config::check_text;
use crate::config::report::Severity;
use crate::decide::TargetKind;

use super::layout::bare;

/// Why an attribute cannot be mapped so; `None` where it can.
pub(super) fn mapping_fault(kind: TargetKind, declared: &Table, entry: &Table) -> Option<String> {
    fault(kind, declared, |target| {
        let mapped = entry.get("to").and_then(Value::as_str).unwrap_or_default().to_owned();
        let maps = target.get_mut("map").and_then(Value::as_array_mut);
        if let Some(maps) = maps {
            let is_other =
                |map: &Value| map.get("to").and_then(Value::as_str).is_none_or(|to| !to.eq_ignore_ascii_case(&mapped));
            maps.retain(is_other);
            maps.push(Value::Table(entry.clone()));
            if maps.iter().all(|map| map.get("match").is_none()) {
                let spare = if kind == TargetKind::App { "nickName" } else { "faxNumber" };
                maps.push(map(spare, "title", Some(1)));
            }
        }
    })
}

/// Why nothing can be written to an attribute of this name; `None` where something can.
pub(super) fn name_fault(kind: TargetKind, to: &str) -> Option<String> {
    let entry = [("to", to), ("direct", "userName")].map(|(key, value)| (text(key), Value::String(text(value))));
    mapping_fault(kind, &Table::new(), &Table::from_iter(entry))
}

/// Why people cannot be put into such a container; `None` where they can.
pub(super) fn container_fault(declared: &Table, container: &str) -> Option<String> {
    fault(TargetKind::OnPremises, declared, |target| {
        target.insert("container".to_owned(), Value::String(container.to_owned()));
    })
}

/// Why a job cannot declare such an attribute; `None` where it can.
pub(super) fn declaration_fault(name: &str, what: &str) -> Option<String> {
    let declared = Table::from_iter([(name.to_owned(), Value::String(what.to_owned()))]);
    fault(TargetKind::Cloud, &declared, |_| {})
}

/// Why empty values of an attribute cannot flow; `None` where they can.
pub(super) fn gate_fault(declared: &Table, name: &str) -> Option<String> {
    let mut job = smallest(TargetKind::Cloud, declared);
    if let Some(source) = job.get_mut("source").and_then(Value::as_table_mut) {
        source.insert("flow_null".to_owned(), Value::Array(vec![Value::String(name.to_owned())]));
    }
    fault_of(&job)
}

/// Why people cannot be chosen by such a group; `None` where they can.
pub(super) fn scope_fault(declared: &Table, group: &Table) -> Option<String> {
    let mut job = smallest(TargetKind::Cloud, declared);
    let scope = Table::from_iter([(text("group"), Value::Array(vec![Value::Table(group.clone())]))]);
    job.insert(text("scope"), Value::Table(scope));
    fault_of(&job)
}

/// A target of this kind with what it cannot do without; where nobody can know it, something to be filled in.
pub(super) fn target(kind: TargetKind) -> Table {
    let settings: &[(&str, &str)] = match kind {
        TargetKind::Cloud => {
            &[("kind", "graph"), ("tenant", "contoso.example"), ("client_id", "00000000-0000-0000-0000-000000000000")]
        }
        TargetKind::OnPremises => {
            &[("kind", "ldif"), ("folder", "ldif"), ("container", "OU=People,DC=contoso,DC=example")]
        }
        TargetKind::App => &[("kind", "scim"), ("base_url", "https://app.example/scim/v2")],
    };
    let mut target: Table = settings.iter().map(|(key, value)| (text(key), Value::String(text(value)))).collect();
    let secret = match kind {
        TargetKind::Cloud => Some(("client_secret", "MUSTER_ENTRA_SECRET")),
        TargetKind::App => Some(("token", "MUSTER_APP_TOKEN")),
        TargetKind::OnPremises => None,
    };
    if let Some((setting, variable)) = secret {
        let secret = Table::from_iter([(text("env"), Value::String(text(variable)))]);
        target.insert(text(setting), Value::Table(secret));
    }
    target
}

/// An attribute that is taken from the person as it is.
pub(super) fn map(to: &str, direct: &str, rank: Option<i64>) -> Value {
    let entry = [("to", to), ("direct", direct)].map(|(key, value)| (text(key), Value::String(text(value))));
    let rank = rank.map(|rank| (text("match"), Value::Integer(rank)));
    Value::Table(entry.into_iter().chain(rank).collect())
}

/// The attributes without which no account can be made or recognised, and where they usually come from.
pub(super) fn indispensable(kind: TargetKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        TargetKind::Cloud => &[("userPrincipalName", "userName"), ("displayName", "displayName")],
        TargetKind::OnPremises => &[("displayName", "displayName")],
        TargetKind::App => &[("userName", "userName")],
    }
}

/// The attribute that holds the anchor, where nothing else is said.
pub(super) fn usual_key(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Cloud => "employeeId",
        TargetKind::OnPremises => "employeeID",
        TargetKind::App => "externalId",
    }
}

fn fault(kind: TargetKind, declared: &Table, change: impl FnOnce(&mut Table)) -> Option<String> {
    let mut job = smallest(kind, declared);
    let target = job.get_mut("target").and_then(|targets| targets.get_mut("t")).and_then(Value::as_table_mut);
    if let Some(target) = target {
        change(target);
    }
    fault_of(&job)
}

fn fault_of(job: &Table) -> Option<String> {
    let report = check_text("", &bare(job, Vec::new())).err()?;
    let errors = report.findings().iter().filter(|finding| finding.severity == Severity::Error);
    let errors: Vec<&str> = errors.map(|finding| finding.diagnostic.message.as_str()).collect();
    Some(errors.join("; "))
}

/// How a rule says that people live at a target of this kind.
pub(super) fn place(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Cloud | TargetKind::App => TargetKind::Cloud.word(),
        TargetKind::OnPremises => TargetKind::OnPremises.word(),
    }
}

fn smallest(kind: TargetKind, declared: &Table) -> Table {
    let mut target = target(kind);
    let mut maps: Vec<Value> = indispensable(kind).iter().map(|(to, direct)| map(to, direct, None)).collect();
    maps.push(map(usual_key(kind), "externalId", Some(i64::from(u32::MAX))));
    target.insert(text("map"), Value::Array(maps));
    let rule = [("id", "r"), ("place", place(kind)), ("target", "t")]
        .map(|(key, value)| (text(key), Value::String(text(value))));
    let mut source = Table::from_iter([(text("kind"), Value::String(text("api")))]);
    source.insert(text("attributes"), Value::Table(declared.clone()));
    Table::from_iter([
        (text("name"), Value::String(text("probe"))),
        (text("source"), Value::Table(source)),
        (text("rule"), Value::Array(vec![Value::Table(Table::from_iter(rule))])),
        (text("target"), Value::Table(Table::from_iter([(text("t"), Value::Table(target))]))),
    ])
}

fn text(text: &str) -> String {
    text.to_owned()
}
