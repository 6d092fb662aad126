//! The memberships of a job: each alone, and whether two speak of the same group.

use std::collections::BTreeMap;

use super::super::finding::Findings;
use super::super::nearest::hint;
use super::super::spot::Spot;
use super::super::written::{MembershipWritten, TargetKindWritten, TargetWritten};
use super::language::Language;
use super::{kind_of, source, warn_unfilled};
use crate::decide::{Concealment, GroupName, Job, Joining, MEMBERSHIPS_MAX, Membership, TargetKind, flaw_of_group};
use crate::model::{Diagnostic, Dn, Name, Path, Span, TargetId};

type Targets = BTreeMap<Spot<String>, Spot<TargetWritten>>;

/// Checks the memberships.
pub(super) fn check(
    written: &[Spot<MembershipWritten>],
    targets: &Targets,
    language: &Language<'_>,
    source: &source::Checked,
    findings: &mut Findings,
) -> Vec<Membership> {
    if let Some(beyond) = written.get(MEMBERSHIPS_MAX) {
        let message = format!("a job has {MEMBERSHIPS_MAX} memberships at most, and this one has {}", written.len());
        let hint = "let an expression give the group, where many differ in their name alone";
        findings.error(Diagnostic::new(message, beyond.span(), "one too many").with_hint(hint));
        return Vec::new();
    }
    let mut checker = Checker { targets, language, source, findings };
    let memberships = written.iter().filter_map(|membership| checker.membership(membership)).collect();
    check_repeats(written, findings);
    memberships
}

/// Refuses groups that are made of what is never shown: who is in a group, everybody sees.
pub(super) fn refuse_secrets(written: &[Spot<MembershipWritten>], job: &Job, findings: &mut Findings) {
    let concealment = Concealment::of(job);
    for (membership, spot) in job.memberships.iter().zip(written) {
        let Some(path) = membership.paths().find(|path| concealment.hides_path(path)) else { continue };
        let place = spot.value().expression.as_ref().map_or_else(|| spot.span(), Spot::span);
        let message = format!("the group speaks of `{path}`, which `Redact` keeps secret elsewhere");
        let diagnostic = Diagnostic::new(message, place, "would be seen by everybody");
        findings.error(diagnostic.with_hint("make it of something else"));
    }
}

/// Reports groups that are named twice at one target, and names that two memberships share.
fn check_repeats(written: &[Spot<MembershipWritten>], findings: &mut Findings) {
    let mut groups: BTreeMap<(String, String), Span> = BTreeMap::new();
    let mut ids: BTreeMap<Name, Span> = BTreeMap::new();
    for membership in written.iter().map(Spot::value) {
        if let Some(group) = &membership.group {
            let key = (membership.target.value().clone(), Joining::folded(group.value()));
            if let Some(first) = groups.get(&key) {
                let message = format!("two memberships are of the group `{}` at `{}`", group.value(), key.0);
                let diagnostic = Diagnostic::new(message, group.span(), "named so again here")
                    .with_hint("make one of the two, with `or` in its `when`");
                findings.error_beside(diagnostic, first.clone(), "first named here");
            } else {
                groups.insert(key, group.span());
            }
        }
        if let Some(id) = &membership.id {
            let name = Name::new(id.value());
            if let Some(first) = ids.get(&name) {
                let message = format!("two memberships are called `{}`", id.value());
                let diagnostic = Diagnostic::new(message, id.span(), "called so again here");
                findings.error_beside(diagnostic, first.clone(), "first called so here");
            } else {
                ids.insert(name, id.span());
            }
        }
    }
}

struct Checker<'a, 'b> {
    targets: &'a Targets,
    language: &'a Language<'a>,
    source: &'a source::Checked,
    findings: &'b mut Findings,
}

impl Checker<'_, '_> {
    fn membership(&mut self, spot: &Spot<MembershipWritten>) -> Option<Membership> {
        let written = spot.value();
        let when = written.when.as_ref().map(|when| self.language.filter(when, self.findings));
        if let (Some(text), Some(Some(filter))) = (&written.when, &when) {
            self.warn_unfilled(text, filter.attributes());
        }
        if let Some(id) = written.id.as_ref().filter(|id| id.value().trim().is_empty()) {
            self.findings.error(Diagnostic::new("a membership's name is not empty", id.span(), "empty"));
        }
        let kind = self.kind(&written.target);
        let group = self.group(spot, kind);
        let when = match when {
            Some(filter) => Some(filter?),
            None => None,
        };
        Some(Membership {
            id: written.id.as_ref().map(|id| Name::new(id.value())),
            when,
            target: TargetId::new(written.target.value()),
            group: group?,
            create: written.create,
            has_paths: kind_of(kind?) == TargetKind::OnPremises,
        })
    }

    fn warn_unfilled<'p>(&mut self, text: &Spot<String>, asked: impl Iterator<Item = (&'p Path, &'p Span)>) {
        for (path, span) in asked {
            warn_unfilled(path, self.language.place(text, span), self.source, self.findings);
        }
    }

    fn kind(&mut self, name: &Spot<String>) -> Option<TargetKindWritten> {
        if let Some(target) = self.targets.get(name) {
            return Some(*target.value().kind.value());
        }
        let message = format!("there is no target `{}`", name.value());
        let names = self.targets.keys().map(|name| name.value().as_str());
        let hint = hint(name.value(), names);
        self.findings.error(Diagnostic::new(message, name.span(), "unknown target").with_hint(hint));
        None
    }

    fn group(&mut self, spot: &Spot<MembershipWritten>, kind: Option<TargetKindWritten>) -> Option<GroupName> {
        match (&spot.value().group, &spot.value().expression) {
            (Some(group), None) => self.fixed(group, kind, spot.value().create).map(GroupName::Fixed),
            (None, Some(text)) => {
                let expression = self.language.expression(text, self.findings)?;
                let is_sound = self.language.check_group(text, &expression, self.findings);
                self.warn_unfilled(text, expression.attributes());
                is_sound.then_some(GroupName::Computed(expression))
            }
            (Some(_), Some(expression)) => {
                let message = "a membership has a `group` or an `expression`, not both";
                let diagnostic = Diagnostic::new(message, expression.span(), "which of the two?");
                self.findings.error(diagnostic.with_hint("take one of them out"));
                None
            }
            (None, None) => {
                let diagnostic = Diagnostic::new("the membership names no group", spot.span(), "of which group?");
                self.findings.error(diagnostic.with_hint("add `group = \"…\"`, or an `expression` that gives one"));
                None
            }
        }
    }

    fn fixed(&mut self, group: &Spot<String>, kind: Option<TargetKindWritten>, create: bool) -> Option<String> {
        if let Some(flaw) = flaw_of_group(group.value()) {
            let message = format!("`{}` cannot be a group's name", group.value().escape_debug());
            self.findings.error(Diagnostic::new(message, group.span(), flaw));
            return None;
        }
        if kind == Some(TargetKindWritten::Ldif)
            && let Err(error) = Dn::parse(group.value())
        {
            let message = "a change file names a group by its distinguished name";
            let diagnostic = Diagnostic::new(message, group.span(), error.to_string());
            self.findings.error(diagnostic.with_hint("write it as in `CN=Staff,OU=Groups,DC=contoso,DC=com`"));
            return None;
        }
        if kind == Some(TargetKindWritten::Ldif) && create {
            let message = "a change file makes no group: nobody can tell whether it is there";
            self.findings.warning(
                Diagnostic::new(message, group.span(), "must exist where the files are loaded")
                    .with_hint("take `create` out, and make the group yourself"),
            );
        }
        Some(group.value().clone())
    }
}
