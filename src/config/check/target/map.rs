//! What accounts at a target hold: each mapped attribute alone, and what is missing among them.

use std::collections::BTreeMap;

use super::super::super::blot::{DIRECTORY_PASSWORDS, names_password};
use super::super::super::finding::Findings;
use super::super::super::graph_properties::{self, Property};
use super::super::super::spot::Spot;
use super::super::super::written::{ApplyWritten, ConstantWritten, MapWritten, TargetKindWritten};
use super::super::language::Language;
use super::super::{constant, source, warn_unfilled};
use super::scim;
use crate::expr::Beyond;
use crate::mapping::{Apply, AttributeMapping, Mapping, MappingSource, Shape};
use crate::model::{ACCOUNT_ENABLED, Diagnostic, MANAGER, Name, Path, Span, Value};

/// The mappings of one target, as written.
pub(super) struct Of<'a> {
    /// The target's name.
    pub(super) name: &'a Spot<String>,
    /// Its kind.
    pub(super) kind: TargetKindWritten,
    /// What names entries there, where something does.
    pub(super) naming: &'a str,
    /// Attribute by attribute.
    pub(super) map: &'a [Spot<MapWritten>],
    /// Whether `DefaultDomain()` has a value.
    pub(super) has_domain: bool,
}

/// Checks the mappings of a target.
pub(super) fn check(of: Of<'_>, language: &Language<'_>, source: &source::Checked, findings: &mut Findings) -> Mapping {
    let mut checker =
        Checker { kind: of.kind, naming: of.naming, has_domain: of.has_domain, language, source, findings };
    let attributes = of.map.iter().filter_map(|map| checker.attribute(map)).collect();
    check_repeats(&of, findings);
    if of.kind == TargetKindWritten::Scim {
        scim::check_overlap(of.map, findings);
    }
    check_keys(&of, findings);
    check_required(&of, findings);
    Mapping::new(attributes)
}

fn check_repeats(of: &Of<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<Name, Span> = BTreeMap::new();
    let mut ranks: BTreeMap<u32, Span> = BTreeMap::new();
    for map in of.map.iter().map(Spot::value) {
        if let Some(first) = seen.insert(core_name(of.kind, map.to.value()), map.to.span()) {
            let message = format!("`{}` is mapped twice", map.to.value());
            findings.error_beside(
                Diagnostic::new(message, map.to.span(), "mapped again here"),
                first,
                "first mapped here",
            );
        }
        let Some(rank) = &map.r#match else { continue };
        if let Some(first) = ranks.insert(*rank.value(), rank.span()) {
            let diagnostic = Diagnostic::new("two attributes have the same place in matching", rank.span(), "again");
            findings.error_beside(diagnostic.with_hint("number them 1, 2, …, the most telling first"), first, "first");
        }
    }
}

fn check_keys(of: &Of<'_>, findings: &mut Findings) {
    if !of.map.iter().any(|map| map.value().r#match.is_some()) {
        let message = format!("the target `{}` has no match attribute", of.name.value());
        let diagnostic = Diagnostic::new(message, of.name.span(), "how is an account recognised there?");
        findings
            .error(diagnostic.with_hint("add `match = 1` to the attribute that holds the anchor, e.g. `employeeId`"));
    }
}

fn check_required(of: &Of<'_>, findings: &mut Findings) {
    let is_mapped = |name: &str| of.map.iter().any(|map| map.value().to.value().eq_ignore_ascii_case(name));
    let mut missing = |message: String, hint: &str| {
        findings.error(Diagnostic::new(message, of.name.span(), "no account can be made").with_hint(hint));
    };
    match of.kind {
        TargetKindWritten::Graph => {
            for name in graph_properties::REQUIRED.into_iter().filter(|name| !is_mapped(name)) {
                let message = format!("the target `{}` does not map `{name}`", of.name.value());
                missing(message, "Graph makes no account without it; add a `map` for it");
            }
        }
        TargetKindWritten::Ldif | TargetKindWritten::ActiveDirectory | TargetKindWritten::Ldap => {
            if ![of.naming, "displayName", "sAMAccountName"].into_iter().any(is_mapped) {
                let message = format!("entries of the target `{}` have no name", of.name.value());
                missing(message, "map the naming attribute (`CN`), `displayName` or `sAMAccountName`");
            }
        }
        TargetKindWritten::Scim => {
            let names_user = |map: &Spot<MapWritten>| scim::name(map.value().to.value()) == *scim::REQUIRED;
            if !of.map.iter().any(names_user) {
                let message = format!("the target `{}` does not map `{}`", of.name.value(), scim::REQUIRED);
                missing(message, "SCIM makes no user without it; add a `map` for it");
            }
        }
    }
}

/// What the core calls an attribute of a target of this kind.
pub(in crate::config::check) fn core_name(kind: TargetKindWritten, to: &str) -> Name {
    match kind {
        TargetKindWritten::Scim => scim::name(to),
        TargetKindWritten::Graph
        | TargetKindWritten::Ldif
        | TargetKindWritten::ActiveDirectory
        | TargetKindWritten::Ldap => Name::new(to),
    }
}

struct Checker<'a, 'b> {
    kind: TargetKindWritten,
    naming: &'a str,
    has_domain: bool,
    language: &'a Language<'a>,
    source: &'a source::Checked,
    findings: &'b mut Findings,
}

impl Checker<'_, '_> {
    fn attribute(&mut self, written: &Spot<MapWritten>) -> Option<AttributeMapping> {
        let map = written.value();
        let shape = self.shape(&map.to);
        if shape.is_none() && names_password(map.to.value()) {
            // What is wrong with an expression is said in its own words: here, in a password's.
            return None;
        }
        let source = self.source(map);
        if let Some(rank) = &map.r#match {
            self.check_rank(*rank.value(), rank.span());
        }
        let (shape, source) = (shape?, source?);
        let flow_null = map.flow_null.as_ref().is_some_and(|flow| *flow.value());
        if let (true, Some(flow)) = (flow_null, &map.flow_null) {
            self.check_gate(&source, flow.span());
        }
        let is_unique = self.check_reach(map, &source);
        self.check_constant(shape, map.constant.as_ref());
        self.check_constant(shape, map.default.as_ref());
        Some(AttributeMapping {
            attribute: core_name(self.kind, map.to.value()),
            source,
            apply: match map.apply {
                _ if is_unique => Apply::OnlyOnCreate,
                Some(ApplyWritten::Create) => Apply::OnlyOnCreate,
                Some(ApplyWritten::Always) | None => Apply::Always,
            },
            default: map.default.as_ref().map(|value| in_shape(shape, constant(value.value()))),
            match_precedence: map.r#match.as_ref().map(|rank| *rank.value()),
            flow_null,
            unique_in: map.unique_in.as_ref().map(|namespace| Name::new(namespace.value())),
            shape,
        })
    }

    /// Reports what an expression reaches for that is not there; whether it chooses a name nobody else has.
    fn check_reach(&mut self, map: &MapWritten, source: &MappingSource) -> bool {
        let reaches: Vec<(Beyond, Span)> = match (source, &map.expression) {
            (MappingSource::Function(expression), Some(text)) => {
                let placed = |(beyond, span): (Beyond, &Span)| (beyond, self.language.place(text, span));
                expression.reaches().map(placed).collect()
            }
            _ => Vec::new(),
        };
        if let Some((_, span)) = reaches.iter().find(|(beyond, _)| *beyond == Beyond::Domain && !self.has_domain) {
            let diagnostic = Diagnostic::new("the target has no default domain", span.clone(), "has no value here");
            self.findings.error(diagnostic.with_hint("add `default_domain = \"contoso.com\"` to the target"));
        }
        let others = reaches.iter().find(|(beyond, _)| *beyond == Beyond::Others);
        let secret = reaches.iter().find(|(beyond, _)| *beyond == Beyond::Secrecy);
        if let (Some(_), Some((_, span))) = (others, secret) {
            let diagnostic = Diagnostic::new("a name that others see is no secret", span.clone(), "not kept secret");
            self.findings.error(diagnostic.with_hint("take the `Redact` out"));
        }
        let is_manager = core_name(self.kind, map.to.value()) == *MANAGER;
        self.check_unique(map, others.map(|(_, span)| span), is_manager);
        others.is_some()
    }

    fn check_unique(&mut self, map: &MapWritten, others: Option<&Span>, is_manager: bool) {
        let mut error = |message: &str, span: Span, label: &str, hint: &str| {
            self.findings.error(Diagnostic::new(message, span, label).with_hint(hint));
        };
        let Some(span) = others else {
            if let Some(namespace) = &map.unique_in {
                let message = "`unique_in` is for a `SelectUniqueValue` only";
                error(message, namespace.span(), "no meaning here", "take it out");
            }
            return;
        };
        if is_manager {
            let hint = "give the manager's anchor (externalId)";
            error("a manager is not chosen among candidates", span.clone(), "no reference", hint);
        }
        if let Some(rank) = &map.r#match {
            let hint = "match by another attribute, e.g. the one that holds the anchor";
            error("an account is not recognised by a name that is chosen for it", rank.span(), "no match", hint);
        }
        if map.apply == Some(ApplyWritten::Always) {
            let hint = "say `apply = \"create\"`, or leave it out";
            error("a name is chosen once, when the account is made", span.clone(), "is not written again", hint);
        }
        if let Some(namespace) = map.unique_in.as_ref().filter(|namespace| namespace.value().trim().is_empty()) {
            error("a namespace needs a name", namespace.span(), "empty", "write it as in `unique_in = \"upn\"`");
        }
    }

    fn check_rank(&mut self, rank: u32, span: Span) {
        if rank == 0 {
            self.findings.error(Diagnostic::new("match attributes are numbered from 1", span, "not a place"));
        }
    }

    /// What the target holds under this name; `None` where it is nothing a mapping may write.
    fn shape(&mut self, to: &Spot<String>) -> Option<Shape> {
        match self.kind {
            TargetKindWritten::Graph => self.graph_shape(to),
            TargetKindWritten::Ldif | TargetKindWritten::ActiveDirectory | TargetKindWritten::Ldap => {
                self.ldap_shape(to)
            }
            TargetKindWritten::Scim => scim::shape(to, self.findings),
        }
    }

    fn graph_shape(&mut self, to: &Spot<String>) -> Option<Shape> {
        let name = to.value();
        let (message, hint) = match graph_properties::property(name) {
            Some(Property::Writable(shape)) => return Some(shape),
            Some(Property::ReadOnly) => {
                (format!("`{name}` is read-only in Graph"), Some("take it out: Graph sets it itself".to_owned()))
            }
            Some(Property::Password) => (
                "passwords are not mapped".to_owned(),
                Some("take it out: a new account gets a random password of its own".to_owned()),
            ),
            Some(Property::Members(example)) => {
                (format!("`{name}` is written member by member"), Some(format!("write it as in `{example}`")))
            }
            None => {
                let near = graph_properties::suggestion(name).map(|near| format!("did you mean `{near}`?"));
                (format!("a Graph user has no property `{name}`"), near)
            }
        };
        let diagnostic = Diagnostic::new(message, to.span(), "not a property that can be written");
        self.findings.error(Diagnostic { hint, ..diagnostic });
        None
    }

    /// Attribute names of RFC 4512 §1.4: a letter, then letters, digits and hyphens.
    fn ldap_shape(&mut self, to: &Spot<String>) -> Option<Shape> {
        let name = to.value();
        let is_good = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_good {
            let message = format!("`{}` is not the name of an LDAP attribute", name.escape_debug());
            self.findings.error(Diagnostic::new(message, to.span(), "letters, digits and `-`"));
            return None;
        }
        if DIRECTORY_PASSWORDS.iter().any(|password| name.eq_ignore_ascii_case(password)) {
            let diagnostic = Diagnostic::new("passwords are not mapped", to.span(), "a password");
            self.findings.error(diagnostic.with_hint("take it out: a new account gets a random password of its own"));
            return None;
        }
        Some(if name.eq_ignore_ascii_case(ACCOUNT_ENABLED) {
            Shape::Boolean
        } else if name.eq_ignore_ascii_case(MANAGER) {
            Shape::Text
        } else if name.eq_ignore_ascii_case("accountExpires") && self.kind == TargetKindWritten::ActiveDirectory {
            Shape::Moment
        } else if name.eq_ignore_ascii_case(self.naming) {
            Shape::EntryName
        } else {
            Shape::AsItComes
        })
    }

    fn source(&mut self, map: &MapWritten) -> Option<MappingSource> {
        match (&map.direct, &map.constant, &map.expression) {
            (Some(direct), None, None) => {
                let (path, _) = self.language.path(direct, self.findings)?;
                warn_unfilled(&path, direct.span(), self.source, self.findings);
                Some(MappingSource::Direct(path))
            }
            (None, Some(value), None) => self.constant(value).map(MappingSource::Constant),
            (None, None, Some(text)) => {
                let expression = self.language.expression(text, self.findings)?;
                for (path, span) in expression.attributes() {
                    warn_unfilled(path, self.language.place(text, span), self.source, self.findings);
                }
                Some(MappingSource::Function(expression))
            }
            _ => {
                let message = format!("`{}` must come from exactly one place", map.to.value());
                let diagnostic = Diagnostic::new(message, map.to.span(), "from where?");
                self.findings.error(diagnostic.with_hint("say one of `direct`, `constant` and `expression`"));
                None
            }
        }
    }

    fn constant(&mut self, value: &Spot<ConstantWritten>) -> Option<Value> {
        let read = constant(value.value());
        if read.is_empty() {
            self.findings.error(Diagnostic::new("an empty constant writes nothing", value.span(), "empty"));
            return None;
        }
        Some(read)
    }

    fn check_constant(&mut self, shape: Shape, value: Option<&Spot<ConstantWritten>>) {
        let Some(value) = value else { return };
        let wanted = match (shape, value.value()) {
            (Shape::Boolean, ConstantWritten::Boolean(_)) | (Shape::AsItComes | Shape::EntryName | Shape::List, _) => {
                return;
            }
            (Shape::Text, ConstantWritten::Text(_) | ConstantWritten::Integer(_)) => return,
            (Shape::Moment, date @ ConstantWritten::Text(_)) if shape.bring(constant(date)).is_ok() => return,
            (Shape::Boolean, _) => "true or false",
            (Shape::Text, _) => "a text",
            (Shape::Moment, _) => "a date",
        };
        let message = format!("the target holds {wanted} there");
        self.findings.error(Diagnostic::new(message, value.span(), format!("must be {wanted}")));
    }

    fn check_gate(&mut self, source: &MappingSource, span: Span) {
        let is_open = |path: &Path| {
            let gates = &self.source.null_flow.0;
            gates.iter().any(|gate| gate.schema == path.schema && gate.attribute == path.attribute)
        };
        if !source.paths().any(is_open) {
            let diagnostic = Diagnostic::new("`flow_null` has no effect here", span, "nothing is cleared");
            self.findings.warning(diagnostic.with_hint("add the attribute it comes from to `source.flow_null`"));
        }
    }
}

/// The value as the target holds it; what it cannot hold has been reported, and stays as it is.
fn in_shape(shape: Shape, value: Value) -> Value {
    shape.bring(value.clone()).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_has_the_shape_the_target_holds() {
        assert_eq!(in_shape(Shape::Moment, Value::text("2026-01-31")), Value::text("2026-01-31T00:00:00Z"));
        assert_eq!(in_shape(Shape::Text, Value::Integer(7)), Value::text("7"));
        assert_eq!(in_shape(Shape::List, Value::text("a@b")), Value::Many(vec![Value::text("a@b")]));
    }
}
