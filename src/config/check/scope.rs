//! Whom a job is about, in one of three notations: a SCIM filter, groups of clauses, or Graph's JSON.

use super::super::finding::Findings;
use super::super::spot::Spot;
use super::super::written::{ClauseWritten, GroupWritten, ScopeWritten};
use super::language::Language;
use crate::model::{Diagnostic, Span};
use crate::scope::{CLAUSES_MAX, ClauseFault, ClauseWords, GROUPS_MAX, Group, GroupClause, Part, Scope, ScopingFilter};

/// Checks the scope. `None` where it cannot be read; the findings say why.
pub(super) fn check(
    written: Option<&Spot<ScopeWritten>>,
    language: &Language<'_>,
    findings: &mut Findings,
) -> Option<Scope> {
    let Some(written) = written else { return Some(Scope::everybody()) };
    let ScopeWritten { filter, groups, graph } = written.value();
    match (filter, groups.as_slice(), graph) {
        (Some(filter), [], None) => language.filter(filter, findings).map(|filter| Scope::new(&filter)),
        (None, [_, ..], None) => self::groups(groups, language, findings),
        (None, [], Some(graph)) => self::graph(graph, language, findings),
        (None, [], None) => {
            let diagnostic = Diagnostic::new("the scope says nothing", written.span(), "empty");
            findings.error(diagnostic.with_hint(
                "give it a `filter`, a `[[scope.group]]`, or Entra's own JSON as `graph`; for everybody, take it out",
            ));
            None
        }
        _ => {
            let second = [groups.first().map(Spot::span), graph.as_ref().map(Spot::span)];
            let place = second.into_iter().flatten().last().unwrap_or_else(|| written.span());
            let diagnostic = Diagnostic::new("the scope is said in more than one way", place, "said again here");
            findings.error(diagnostic.with_hint("keep one of `filter`, `[[scope.group]]` and `graph`"));
            None
        }
    }
}

fn graph(text: &Spot<String>, language: &Language<'_>, findings: &mut Findings) -> Option<Scope> {
    match ScopingFilter::parse_graph(text.value(), &|path| language.read_path(path)) {
        Ok(filter) => Some(Scope::of_groups(filter)),
        Err(faults) => {
            for fault in faults {
                findings.error(Diagnostic { span: language.place(text, &fault.span), ..fault });
            }
            None
        }
    }
}

fn groups(groups: &[Spot<GroupWritten>], language: &Language<'_>, findings: &mut Findings) -> Option<Scope> {
    if let Some(beyond) = groups.get(GROUPS_MAX) {
        let message = format!("a scope has at most {GROUPS_MAX} groups");
        findings.error(Diagnostic::new(message, beyond.span(), "one too many"));
        return None;
    }
    // All are read before the first mistake counts, so that each is told of.
    let read: Vec<Option<Group>> = groups.iter().map(|written| group(written, language, findings)).collect();
    Some(Scope::of_groups(ScopingFilter::new(read.into_iter().collect::<Option<_>>()?)))
}

fn group(written: &Spot<GroupWritten>, language: &Language<'_>, findings: &mut Findings) -> Option<Group> {
    let GroupWritten { name, clauses } = written.value();
    if clauses.is_empty() {
        let message = "a group without clauses would hold for everybody";
        findings.error(Diagnostic::new(message, written.span(), "no clause").with_hint(
            "write `clauses = [{ attribute = \"userType\", operator = \"EQUALS\", value = \"Employee\" }]`",
        ));
        return None;
    }
    if let Some(beyond) = clauses.get(CLAUSES_MAX) {
        let message = format!("a group has at most {CLAUSES_MAX} clauses");
        findings.error(Diagnostic::new(message, beyond.span(), "one too many"));
        return None;
    }
    let clauses: Vec<Option<GroupClause>> =
        clauses.iter().map(|clause| self::clause(clause, language, findings)).collect();
    let name = name.as_ref().map(|name| name.value().clone()).unwrap_or_default();
    Some(Group { name, clauses: clauses.into_iter().collect::<Option<_>>()? })
}

fn clause(written: &Spot<ClauseWritten>, language: &Language<'_>, findings: &mut Findings) -> Option<GroupClause> {
    let ClauseWritten { attribute, operator, value, values } = written.value();
    if let (Some(value), [_, ..]) = (value, values.as_slice()) {
        let diagnostic =
            Diagnostic::new("the clause has a `value` and `values`", value.span(), "one of them is too much");
        findings.error(diagnostic.with_hint("put all of them into `values`"));
        return None;
    }
    let values: Vec<&Spot<String>> = value.iter().chain(values).collect();
    let texts: Vec<&str> = values.iter().map(|value| value.value().as_str()).collect();
    let words = ClauseWords { attribute: attribute.value(), operator: operator.value(), values: &texts };
    let read = GroupClause::read(words, &|path| language.read_path(path));
    read.map_err(|ClauseFault { part, diagnostic }| {
        let text = match part {
            Part::Attribute => Some(attribute),
            Part::Operator => Some(operator),
            Part::Value(at) => values.get(at).copied(),
        };
        let span: Span = text.map_or_else(|| written.span(), |text| language.place(text, &diagnostic.span));
        findings.error(Diagnostic { span, ..diagnostic });
    })
    .ok()
}
