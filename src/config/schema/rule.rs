//! One synchronization rule of a schema as one target of a job file.

use toml::{Table, Value};

use super::attribute::{Converter, source_text};
use super::import::Importer;
use super::parts::take_list;
use super::probe;
use crate::decide::TargetKind;
use crate::graph_schema::{AttributeDefinition, AttributeMapping, ObjectMapping, Rule, USER};
use crate::model::PARENT;

/// Attribute mappings of one target. A Graph user has some sixty properties that can be written, and an application
/// may add a hundred.
const MAPPINGS_MAX: usize = 1_000;

/// Where a rule and its mapping of people stand in the schema.
pub(super) struct Place<'a> {
    pub(super) rule: &'a str,
    pub(super) mapping: &'a str,
}

/// What is converted for one target.
struct Maps {
    list: Vec<Value>,
    remarks: Vec<(usize, String)>,
    container: Option<String>,
}

impl Importer<'_> {
    /// Brings what changed since into a target that the job file has.
    pub(super) fn known_target(&mut self, place: &Place<'_>, rule: &Rule, now: &ObjectMapping, known: &Rule) {
        let Some(before) = known.object_mappings.first() else { return };
        let Some(Value::Table(mut target)) = self.job.targets.remove(&known.name) else { return };
        let kind = kind_of(&target);
        if !now.enabled {
            self.lose(&format!("{}.enabled", place.mapping), "muster has no switch for a target; it stays in use");
        }
        if now.flow_types != before.flow_types {
            self.flows(place, now, &mut target);
        }
        if now.scope != before.scope {
            self.changed_scope(place, now, &before.scope);
        }
        let kept = take_list(&mut target, "map");
        let regated = self.regated(rule, now, known);
        let maps = self.maps(place, rule, now, kind, |mapping| {
            let is_same =
                before.attribute_mappings.contains(mapping) && !regated.contains(&mapping.target_attribute_name);
            let is_it = |map: &&Value| map.get("to").and_then(Value::as_str) == Some(&mapping.target_attribute_name);
            kept.iter().find(is_it).filter(|_| is_same).cloned()
        });
        // In the order of the file, so that nothing moves that did not change.
        let place_of =
            |map: &Value| kept.iter().position(|known| known.get("to") == map.get("to")).unwrap_or(kept.len());
        let mut list = maps.list;
        list.sort_by_key(place_of);
        self.complete(place, &known.name, &target, &mut list);
        if let Some(container) = maps.container {
            target.insert("container".to_owned(), Value::String(container));
        }
        target.insert("map".to_owned(), Value::Array(list));
        self.job.targets.insert(known.name.clone(), Value::Table(target));
    }

    /// Target attributes that take empty values now and did not before, or the other way round.
    fn regated(&self, rule: &Rule, mapping: &ObjectMapping, known: &Rule) -> Vec<String> {
        let now = self.schema.attributes(&rule.target_directory_name, &mapping.target_object_name);
        let before = self.before.attributes(&known.target_directory_name, USER);
        let changed = now.iter().filter(|attribute| {
            let known = before.iter().find(|known| known.name == attribute.name);
            known.is_some_and(|known| known.flow_null_values != attribute.flow_null_values)
        });
        changed.map(|attribute| attribute.name.clone()).collect()
    }

    /// Makes a target of a rule.
    pub(super) fn new_target(&mut self, place: &Place<'_>, rule: &Rule, mapping: &ObjectMapping, kind: TargetKind) {
        self.name_homes(kind);
        let name = self.free_name(kind);
        let mut target = probe::target(kind);
        self.flows(place, mapping, &mut target);
        let is_same_scope = self.scope(place, mapping);
        let maps = self.maps(place, rule, mapping, kind, |_| None);
        let Maps { mut list, remarks, container } = maps;
        for (at, remark) in remarks {
            self.draft.remark(&["target", &name, "map", &at.to_string()], remark);
        }
        self.complete(place, &name, &target, &mut list);
        self.explain_target(&name, rule, kind, container.is_some());
        if let Some(container) = container {
            target.insert("container".to_owned(), Value::String(container));
        }
        target.insert("map".to_owned(), Value::Array(list));
        self.job.targets.insert(name.clone(), Value::Table(target));
        self.draft.targets.push(name.clone());
        self.home(place, mapping.enabled && is_same_scope, &name, kind);
    }

    /// Rules that named no target meant the only one of the kind; it is not the only one any more.
    fn name_homes(&mut self, kind: TargetKind) {
        let word = match kind {
            TargetKind::Cloud => "graph",
            TargetKind::OnPremises => "ldif",
            // Who is in an app lives elsewhere, or says so.
            TargetKind::App => return,
        };
        let of_kind = |target: &Value| target.get("kind").and_then(Value::as_str) == Some(word);
        let Some((only, _)) = self.job.targets.iter().find(|(_, target)| of_kind(target)) else { return };
        for rule in self.job.rules.iter_mut().filter_map(Value::as_table_mut) {
            if rule.get("place").and_then(Value::as_str) == Some(kind.word()) && !rule.contains_key("target") {
                rule.insert("target".to_owned(), Value::String(only.clone()));
            }
        }
    }

    fn free_name(&self, kind: TargetKind) -> String {
        let usual = match kind {
            TargetKind::Cloud => "entra",
            TargetKind::OnPremises => "ad",
            TargetKind::App => "app",
        };
        let names = (1_usize..).map(|number| if number == 1 { usual.to_owned() } else { format!("{usual}-{number}") });
        let mut free = names.filter(|name| !self.job.targets.contains_key(name));
        free.next().unwrap_or_default()
    }

    fn explain_target(&mut self, name: &str, rule: &Rule, kind: TargetKind, has_container: bool) {
        let directory = &rule.target_directory_name;
        self.draft.remark(&["target", name], format!("Entra's rule `{}`, to `{directory}`.", rule.name));
        let fill_in: &[&str] = match kind {
            TargetKind::Cloud => &["tenant", "client_id", "client_secret"],
            TargetKind::OnPremises if has_container => &["folder"],
            TargetKind::OnPremises => &["folder", "container"],
            TargetKind::App => &["base_url", "token"],
        };
        for key in fill_in {
            self.draft.remark(&["target", name, key], "Fill in:");
        }
    }

    /// Says who lives there.
    fn home(&mut self, place: &Place<'_>, is_ready: bool, name: &str, kind: TargetKind) {
        if !self.job.rules.is_empty() {
            let why = match kind {
                TargetKind::App => format!("rules say who has an account there: add `also = [\"{name}\"]` to theirs"),
                TargetKind::Cloud | TargetKind::OnPremises => {
                    format!("a person has one home, and rules say which; write one that places people in `{name}`")
                }
            };
            return self.lose(place.rule, why);
        }
        let mut rule = Table::from_iter([("id".to_owned(), Value::String("everybody".to_owned()))]);
        if is_ready {
            rule.insert("place".to_owned(), Value::String(probe::place(kind).to_owned()));
            rule.insert("target".to_owned(), Value::String(name.to_owned()));
        } else {
            rule.insert("place".to_owned(), Value::String("hold".to_owned()));
            let why = "it is not enabled, or its scope could not be taken over, so everybody is held";
            self.lose(place.mapping, format!("{why}; when that is mended, place them in `{name}`"));
        }
        self.job.rules.push(Value::Table(rule));
    }

    fn flows(&mut self, place: &Place<'_>, mapping: &ObjectMapping, target: &mut Table) {
        if mapping.flows("Delete") {
            target.insert("on_delete".to_owned(), Value::String("delete".to_owned()));
        } else {
            target.remove("on_delete");
        }
        for (word, what) in [("Add", "new accounts are made"), ("Update", "accounts are kept up to date")] {
            if !mapping.flows(word) {
                let why = format!("`{word}` is not among them, and there is no setting for that; {what}");
                self.lose(&format!("{}.flowTypes", place.mapping), why);
            }
        }
    }

    /// All attribute mappings; `kept` knows those that stand in the job file already.
    fn maps(
        &mut self,
        place: &Place<'_>,
        rule: &Rule,
        mapping: &ObjectMapping,
        kind: TargetKind,
        kept: impl Fn(&AttributeMapping) -> Option<Value>,
    ) -> Maps {
        let attributes = self.schema.attributes(&rule.target_directory_name, &mapping.target_object_name).to_vec();
        let mut maps = Maps { list: Vec::new(), remarks: Vec::new(), container: None };
        if mapping.attribute_mappings.len() > MAPPINGS_MAX {
            let why = format!("there are more than {MAPPINGS_MAX}; the others are left out");
            self.lose(&format!("{}.attributeMappings", place.mapping), why);
        }
        for (at, attribute) in mapping.attribute_mappings.iter().take(MAPPINGS_MAX).enumerate() {
            let place = format!("{}.attributeMappings[{at}]", place.mapping);
            let says_nothing = attribute.source.is_none() && attribute.default_value.is_none();
            if let Some(kept) = kept(attribute) {
                maps.list.push(kept);
            } else if says_nothing && !attribute.target_attribute_name.is_empty() {
                // Entra writes nothing there, either.
            } else if kind == TargetKind::OnPremises && attribute.target_attribute_name.eq_ignore_ascii_case(PARENT) {
                maps.container = self.container(&place, attribute);
            } else {
                self.map(&place, attribute, kind, &attributes, &mut maps);
            }
        }
        maps
    }

    fn map(
        &mut self,
        place: &str,
        mapping: &AttributeMapping,
        kind: TargetKind,
        attributes: &[AttributeDefinition],
        maps: &mut Maps,
    ) {
        let is_it = |attribute: &&AttributeDefinition| attribute.name == mapping.target_attribute_name;
        let flow_null = attributes.iter().find(is_it).is_some_and(|attribute| attribute.flow_null_values);
        let mut converter = Converter { kind, declared: &mut self.job.declared, gates: &self.job.gates };
        match converter.convert(mapping, flow_null) {
            Ok(mut done) => {
                let repeats = |map: &Value| same_text(map.get("to"), done.entry.get("to"));
                if maps.list.iter().any(repeats) {
                    return self
                        .lose(place, format!("`{}` is mapped already; left out", mapping.target_attribute_name));
                }
                spread(&mut done.entry, &maps.list);
                done.notes
                    .iter()
                    .for_each(|note| self.lose(place, format!("`{}`: {note}", mapping.target_attribute_name)));
                if let Some(remark) = done.remark {
                    maps.remarks.push((maps.list.len(), remark));
                }
                maps.list.push(Value::Table(done.entry));
            }
            Err(why) => self.lose(place, format!("`{}` is left out: {why}", mapping.target_attribute_name)),
        }
    }

    fn container(&mut self, place: &str, mapping: &AttributeMapping) -> Option<String> {
        let source = mapping.source.as_ref().map(source_text);
        let text = match (source, mapping.default_value.as_deref().filter(|default| !default.is_empty())) {
            (Some(Ok(("direct", path))), _) => Ok(format!("[{path}]")),
            (Some(Ok((_, text))), _) => Ok(text),
            (None, Some(default)) => Ok(default.to_owned()),
            (Some(Err(why)), _) => Err(why),
            (None, None) => Err("it has neither a source nor a default".to_owned()),
        };
        let sound = text.and_then(|text| match probe::container_fault(&self.job.declared, &text) {
            None => Ok(text),
            Some(fault) => Err(fault),
        });
        sound.map_err(|why| self.lose(place, format!("`{PARENT}` is left out: {why}"))).ok()
    }

    /// Adds what no account can do without.
    fn complete(&mut self, place: &Place<'_>, name: &str, target: &Table, list: &mut Vec<Value>) {
        let kind = kind_of(target);
        let place = format!("{}.attributeMappings", place.mapping);
        let naming = target.get("naming").and_then(Value::as_str).unwrap_or("cn");
        let has_name = [naming, "displayName", "sAMAccountName"].iter().any(|to| at(list, to).is_some());
        let mut missing: Vec<(&str, &str)> = match kind {
            TargetKind::OnPremises if has_name => Vec::new(),
            _ => probe::indispensable(kind).to_vec(),
        };
        missing.retain(|(to, _)| at(list, to).is_none());
        let mut add = |to: &str, direct: &str, rank, list: &mut Vec<Value>| {
            let number = list.len().to_string();
            self.draft.remark(&["target", name, "map", &number], "Not in the schema; no account can do without it:");
            list.push(probe::map(to, direct, rank));
            self.lose(&place, format!("no account can do without `{to}`; taken from `{direct}`"));
        };
        missing.into_iter().for_each(|(to, direct)| add(to, direct, None, list));
        if list.iter().any(|map| map.get("match").is_some()) {
            return;
        }
        let key = probe::usual_key(kind);
        match at(list, key).and_then(|at| list.get_mut(at)) {
            Some(Value::Table(map)) => {
                map.insert("match".to_owned(), Value::Integer(1));
                self.lose(&place, format!("nothing is matched by; accounts are recognised by `{key}`"));
            }
            _ => add(key, "externalId", Some(1), list),
        }
    }
}

/// Where an attribute is mapped.
fn at(list: &[Value], to: &str) -> Option<usize> {
    list.iter()
        .position(|map| map.get("to").and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(to)))
}

fn kind_of(target: &Table) -> TargetKind {
    match target.get("kind").and_then(Value::as_str) {
        Some("graph") => TargetKind::Cloud,
        Some("scim") => TargetKind::App,
        _ => TargetKind::OnPremises,
    }
}

fn same_text(one: Option<&Value>, other: Option<&Value>) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_ascii_lowercase);
    text(one) == text(other)
}

/// Two attributes never have the same place in matching: the later one goes behind.
fn spread(entry: &mut Table, list: &[Value]) {
    let taken: Vec<i64> = list.iter().filter_map(|map| map.get("match").and_then(Value::as_integer)).collect();
    if let Some(rank) = entry.get("match").and_then(Value::as_integer)
        && taken.contains(&rank)
    {
        let last = taken.iter().max().copied().unwrap_or(0);
        entry.insert("match".to_owned(), Value::Integer(last + 1));
    }
}
