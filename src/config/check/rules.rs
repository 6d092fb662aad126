//! The ruleset of a job: each rule alone, and whether any of them can ever speak.

use std::collections::BTreeMap;

use super::super::finding::Findings;
use super::super::nearest::hint;
use super::super::spot::Spot;
use super::super::written::{PlaceWritten, RuleWritten, TargetWritten};
use super::language::Language;
use super::{kind_of, source, warn_unfilled};
use crate::decide::TargetKind;
use crate::model::{Diagnostic, Name, Path, Span, TargetId};
use crate::rules::{Container, Place, Rule, Ruleset};
use crate::scim::Filter;

type Targets = BTreeMap<Spot<String>, Spot<TargetWritten>>;

/// Checks the rules, and that every target is somebody's home.
pub(super) fn check(
    written: &[Spot<RuleWritten>],
    targets: &Targets,
    language: &Language<'_>,
    source: &source::Checked,
    findings: &mut Findings,
) -> Ruleset {
    let mut checker = Checker { targets, language, source, findings, used: Vec::new(), is_complete: true };
    let rules: Vec<Rule> = written.iter().filter_map(|rule| checker.rule(rule.value())).collect();
    let Checker { used, is_complete, .. } = checker;
    check_ids(written, findings);
    check_reach(written, findings);
    if written.is_empty() {
        let diagnostic = Diagnostic::new("there is no rule, so everybody would be held", 0..0, "");
        findings.error(diagnostic.with_hint("add a `[[rule]]` with `id`, `when` and `place`"));
    } else if is_complete {
        warn_unused(targets, &used, findings);
    }
    Ruleset { rules }
}

fn check_ids(rules: &[Spot<RuleWritten>], findings: &mut Findings) {
    let mut seen: BTreeMap<Name, Span> = BTreeMap::new();
    for rule in rules {
        let id = &rule.value().id;
        if id.value().trim().is_empty() {
            findings.error(Diagnostic::new("a rule needs a name", id.span(), "empty"));
        }
        match seen.get(&Name::new(id.value())) {
            Some(first) => {
                let message = format!("two rules are called `{}`", id.value());
                let diagnostic = Diagnostic::new(message, id.span(), "called so again here");
                findings.error_beside(diagnostic, first.clone(), "first called so here");
            }
            None => {
                seen.insert(Name::new(id.value()), id.span());
            }
        }
    }
}

/// Reports rules that can never speak: behind one that holds for everybody, or asking what an earlier one asked.
fn check_reach(rules: &[Spot<RuleWritten>], findings: &mut Findings) {
    let mut for_all: Option<&RuleWritten> = None;
    let mut asked: BTreeMap<String, &RuleWritten> = BTreeMap::new();
    for rule in rules.iter().map(Spot::value) {
        let id = rule.id.value();
        if let Some(earlier) = for_all {
            let diagnostic =
                Diagnostic::new(format!("the rule `{id}` can never speak"), rule.id.span(), "never reached")
                    .with_hint(format!("put it before `{}`, or give that one a `when`", earlier.id.value()));
            findings.error_beside(diagnostic, earlier.id.span(), "this rule holds for everybody");
            continue;
        }
        let Some(when) = &rule.when else {
            for_all = Some(rule);
            continue;
        };
        // What cannot be read is reported elsewhere.
        let Ok(filter) = Filter::parse(when.value()) else { continue };
        let printed = filter.to_string();
        match asked.get(&printed) {
            Some(earlier) => {
                let diagnostic =
                    Diagnostic::new(format!("the rule `{id}` can never speak"), when.span(), "asked before").with_hint(
                        format!("`{}` asks the same and decides first; take one of the two out", earlier.id.value()),
                    );
                let first = earlier.when.as_ref().map_or_else(|| earlier.id.span(), Spot::span);
                findings.error_beside(diagnostic, first, "asked here first");
            }
            None => {
                asked.insert(printed, rule);
            }
        }
    }
}

fn warn_unused(targets: &Targets, used: &[TargetId], findings: &mut Findings) {
    for name in targets.keys().filter(|name| !used.iter().any(|id| id.as_str() == name.value())) {
        let message = format!("nobody is placed in the target `{}`", name.value());
        findings.warning(
            Diagnostic::new(message, name.span(), "no rule names it")
                .with_hint("add a rule that places people there, or take the target out"),
        );
    }
}

struct Checker<'a, 'b> {
    targets: &'a Targets,
    language: &'a Language<'a>,
    source: &'a source::Checked,
    findings: &'b mut Findings,
    /// The targets that rules name.
    used: Vec<TargetId>,
    /// Whether every rule could be read.
    is_complete: bool,
}

impl<'a> Checker<'a, '_> {
    fn rule(&mut self, written: &RuleWritten) -> Option<Rule> {
        let when = written.when.as_ref().map(|when| self.when(when));
        let place = self.place(written);
        self.is_complete &= place.is_some();
        let when = match when {
            Some(filter) => Some(filter?),
            None => None,
        };
        let place = place?;
        let also = self.also(written, &place)?;
        Some(Rule { id: Name::new(written.id.value()), when, place, also })
    }

    fn when(&mut self, when: &Spot<String>) -> Option<Filter> {
        let filter = self.language.filter(when, self.findings)?;
        let asked: Vec<(Path, Span)> = filter.attributes().map(|(path, span)| (path.clone(), span.clone())).collect();
        for (path, span) in asked {
            warn_unfilled(&path, self.language.place(when, &span), self.source, self.findings);
        }
        Some(filter)
    }

    fn place(&mut self, rule: &RuleWritten) -> Option<Place> {
        match rule.place.value() {
            PlaceWritten::Cloud => {
                self.refuse(rule.container.as_ref(), "the cloud has no containers");
                let (target, _) = self.home(rule, TargetKind::Cloud)?;
                Some(Place::Cloud { target })
            }
            PlaceWritten::OnPremises => {
                let (target, settings) = self.home(rule, TargetKind::OnPremises)?;
                let container = self.container(rule, &target, settings)?;
                Some(Place::OnPremises { target, container })
            }
            PlaceWritten::Nowhere => self.without_home(rule, Place::Nowhere),
            PlaceWritten::Hold => self.without_home(rule, Place::Hold),
        }
    }

    fn without_home(&mut self, rule: &RuleWritten, place: Place) -> Option<Place> {
        self.refuse(rule.target.as_ref(), "who lives nowhere has no target");
        self.refuse(rule.container.as_ref(), "who lives nowhere has no container");
        Some(place)
    }

    fn refuse(&mut self, setting: Option<&Spot<String>>, why: &str) {
        if let Some(setting) = setting {
            self.findings.error(Diagnostic::new(why, setting.span(), "no meaning here").with_hint("take it out"));
        }
    }

    /// The target a rule means: the one it names, or the only one of the kind.
    fn home(&mut self, rule: &RuleWritten, kind: TargetKind) -> Option<(TargetId, &'a TargetWritten)> {
        let found = match &rule.target {
            Some(name) => self.named(name, kind),
            None => self.only(rule, kind),
        };
        let (name, settings) = found?;
        let id = TargetId::new(name);
        self.used.push(id.clone());
        Some((id, settings))
    }

    fn named(&mut self, name: &Spot<String>, kind: TargetKind) -> Option<(&'a str, &'a TargetWritten)> {
        let (id, target) = self.target(name)?;
        let stands = kind_of(*target.value().kind.value());
        // An app stands in the cloud: who has no other home may live there.
        let may_be_home = stands == kind || (stands, kind) == (TargetKind::App, TargetKind::Cloud);
        if !may_be_home {
            let message = format!("the target `{}` is not {}", name.value(), kind.word());
            let diagnostic = Diagnostic::new(
                message,
                name.span(),
                format!("this one is {}", if stands == TargetKind::App { "an app" } else { stands.word() }),
            );
            let place = if stands == TargetKind::App { TargetKind::Cloud } else { stands };
            let hint = format!("name a target of the other kind, or say `place = \"{}\"`", place.word());
            self.findings.error_beside(diagnostic.with_hint(hint), target.value().kind.span(), "its kind");
            return None;
        }
        Some((id, target.value()))
    }

    fn target(&mut self, name: &Spot<String>) -> Option<(&'a str, &'a Spot<TargetWritten>)> {
        if let Some((id, target)) = self.targets.get_key_value(name) {
            return Some((id.value(), target));
        }
        let message = format!("there is no target `{}`", name.value());
        let names = self.targets.keys().map(|name| name.value().as_str());
        self.findings
            .error(Diagnostic::new(message, name.span(), "unknown target").with_hint(hint(name.value(), names)));
        None
    }

    fn only(&mut self, rule: &RuleWritten, kind: TargetKind) -> Option<(&'a str, &'a TargetWritten)> {
        let mut of_kind = self.targets.iter().filter(|(_, target)| kind_of(*target.value().kind.value()) == kind);
        let (first, second) = (of_kind.next(), of_kind.next());
        let span = rule.place.span();
        match (first, second) {
            (Some((name, target)), None) => Some((name.value(), target.value())),
            (None, _) => {
                let message = format!("no target is {}", kind.word());
                let example = match kind {
                    TargetKind::Cloud => "add one: `[target.entra]` with `kind = \"graph\"`",
                    TargetKind::OnPremises => "add one: `[target.hq]` with `kind = \"ldif\"`",
                    TargetKind::App => "add one: `[target.app]` with `kind = \"scim\"`",
                };
                self.findings.error(Diagnostic::new(message, span, "there is no such place").with_hint(example));
                None
            }
            (Some((one, _)), Some((other, _))) => {
                let message = format!("more than one target is {}", kind.word());
                let hint = format!("say which: `target = \"{}\"` or `target = \"{}\"`", one.value(), other.value());
                self.findings.error(Diagnostic::new(message, span, "which of them?").with_hint(hint));
                None
            }
        }
    }

    /// The apps where people have an account besides.
    fn also(&mut self, rule: &RuleWritten, place: &Place) -> Option<Vec<TargetId>> {
        let mut apps: Vec<TargetId> = Vec::new();
        let mut is_good = true;
        for name in &rule.also {
            match self.app(name, place, &apps) {
                Some(app) => apps.push(app),
                None => is_good = false,
            }
        }
        is_good.then_some(apps)
    }

    fn app(&mut self, name: &Spot<String>, place: &Place, before: &[TargetId]) -> Option<TargetId> {
        let (id, target) = self.target(name)?;
        let app = TargetId::new(id);
        self.used.push(app.clone());
        let (message, label, hint) = match (place.target(), kind_of(*target.value().kind.value())) {
            (None, _) => ("who lives nowhere has no account anywhere".to_owned(), "no meaning here", "take it out"),
            (Some(home), _) if *home == app => {
                (format!("`{app}` is their home already"), "said twice", "take it out of `also`")
            }
            (Some(_), TargetKind::App) if before.contains(&app) => {
                (format!("`{app}` is named twice"), "said again", "take one of them out")
            }
            (Some(_), TargetKind::App) => return Some(app),
            (Some(_), TargetKind::Cloud | TargetKind::OnPremises) => {
                let message = format!("the target `{app}` is not an app: it can only be a home");
                (message, "a person has one home", "name targets of kind `scim`; a home stands in `place` and `target`")
            }
        };
        self.findings.error(Diagnostic::new(message, name.span(), label).with_hint(hint));
        None
    }

    fn container(&mut self, rule: &RuleWritten, target: &TargetId, settings: &TargetWritten) -> Option<Container> {
        let Some(text) = rule.container.as_ref().or(settings.container.as_ref()) else {
            let message = format!("the rule `{}` does not say in which container people live", rule.id.value());
            self.findings.error(
                Diagnostic::new(message, rule.place.span(), "where in the directory?").with_hint(format!(
                    "add `container = '…'` to the rule, or to `[target.{target}]` for all its rules"
                )),
            );
            return None;
        };
        let container = self.language.container(text, self.findings)?;
        if let Container::Computed(expression) = &container
            && rule.container.is_some()
        {
            for (path, span) in expression.attributes() {
                warn_unfilled(path, self.language.place(text, span), self.source, self.findings);
            }
        }
        Some(container)
    }
}
