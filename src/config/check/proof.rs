//! The tests of a job: whether the people in them can be read, and whether what they expect can come true at all.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::finding::Findings;
use super::super::nearest::hint;
use super::super::spot::Spot;
use super::super::written::{
    ExpectedPlaceWritten, JobWritten, SampleWritten, TargetKindWritten, TargetWritten, TestWritten,
};
use super::constant;
use super::language::Language;
use super::target::map::core_name;
use crate::model::{
    ACCOUNT_ENABLED, Anchor, Attributes, Diagnostic, Dn, Known, Name, ObjectId, Path, Person, Record, Span, TargetId,
    Timestamp, Value,
};
use crate::overlay::{NullFlow, introduce};
use crate::proof::{Expected, Test};
use crate::scim::json::value_from_json;
use crate::scim::{parse_path, read_user, user_to_json};

/// What a person of a test is called who has no `externalId`.
const ANCHOR_DEFAULT: &str = "test";

/// What `Now` gives in a test that does not say: 2026-01-01T00:00:00Z. A test must end alike on every day.
const NOW_DEFAULT: Timestamp = Timestamp(1_767_225_600_000);

/// Checks the tests of a job.
pub(super) fn check(
    written: &JobWritten,
    language: &Language<'_>,
    null_flow: &NullFlow,
    findings: &mut Findings,
) -> Vec<Test> {
    check_names(&written.tests, findings);
    let mut checker = Checker { job: written, language, null_flow, findings };
    written.tests.iter().filter_map(|test| checker.test(test)).collect()
}

fn check_names(tests: &[Spot<TestWritten>], findings: &mut Findings) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for name in tests.iter().map(|test| &test.value().name) {
        if name.value().trim().is_empty() {
            findings.error(Diagnostic::new("a test needs a name", name.span(), "empty"));
        } else if let Some(first) = seen.insert(name.value(), name.span()) {
            let message = format!("two tests are called `{}`", name.value());
            findings.error_beside(Diagnostic::new(message, name.span(), "called so again"), first, "first called so");
        }
    }
}

struct Checker<'a, 'b> {
    job: &'a JobWritten,
    language: &'a Language<'a>,
    null_flow: &'a NullFlow,
    findings: &'b mut Findings,
}

impl Checker<'_, '_> {
    fn test(&mut self, spot: &Spot<TestWritten>) -> Option<Test> {
        let test = spot.value();
        let expected = self.expected(test);
        let links = self.links(test);
        let now = self.now(test);
        let record = self.record(test.person.value())?;
        let deleted = test.deleted.as_ref().is_some_and(|deleted| *deleted.value());
        let person = Person { deleted, ..introduce(record, self.null_flow, now?) };
        Some(Test { name: test.name.value().clone(), person, links: links?, expected: expected? })
    }

    fn refuse<T>(&mut self, message: impl Into<String>, span: Span, label: &str, hint: impl Into<String>) -> Option<T> {
        self.findings.error(Diagnostic::new(message, span, label).with_hint(hint));
        None
    }

    fn now(&mut self, test: &TestWritten) -> Option<Timestamp> {
        let Some(now) = &test.now else { return Some(NOW_DEFAULT) };
        match now.value().parse::<jiff::Timestamp>() {
            Ok(moment) => Some(Timestamp(moment.as_millisecond())),
            Err(_) => {
                self.refuse("`now` is no moment", now.span(), "not a moment", "write it as in `2026-01-31T08:00:00Z`")
            }
        }
    }

    fn links(&mut self, test: &TestWritten) -> Option<Vec<(TargetId, Known)>> {
        let enabled: Attributes = [(Name::new(ACCOUNT_ENABLED), Value::Boolean(true))].into_iter().collect();
        let object = ObjectId::new("they have");
        let known = Known { object, attributes: enabled, container: None, synced: false };
        test.linked.iter().map(|name| Some((self.target(name)?, known.clone()))).collect()
    }

    fn target(&mut self, name: &Spot<String>) -> Option<TargetId> {
        if self.job.targets.contains_key(name) {
            return Some(TargetId::new(name.value()));
        }
        let names = self.job.targets.keys().map(|name| name.value().as_str());
        let hint = hint(name.value(), names);
        self.refuse(format!("there is no target `{}`", name.value()), name.span(), "unknown target", hint)
    }

    fn expected(&mut self, test: &TestWritten) -> Option<Expected> {
        self.check_sense(test);
        let target = test.target.as_ref().map(|name| self.target(name));
        let rule = test.rule.as_ref().map(|id| self.rule(id));
        let container = test.container.as_ref().map(|text| self.container(text));
        let at = test.target.as_ref().filter(|name| self.job.targets.contains_key(*name));
        let also = test.also.as_ref().map(|apps| apps.iter().map(|app| self.target(app)).collect::<Option<Vec<_>>>());
        let names = test.attributes.keys().chain(&test.absent);
        let unmapped = names.filter(|name| !self.check_mapped(name, at)).count();
        (unmapped == 0).then_some(Expected {
            placement: test.placement.as_ref().map(|placement| placement.value().word()),
            target: whole(target)?,
            also: whole(also)?,
            rule: whole(rule)?,
            container: whole(container)?,
            reason: test.reason.as_ref().map(|reason| reason.value().clone()),
            attributes: test
                .attributes
                .iter()
                .map(|(name, value)| (self.core_name(name.value(), at), constant(value.value())))
                .collect(),
            absent: test.absent.iter().map(|name| self.core_name(name.value(), at)).collect(),
        })
    }

    /// Refuses what no decision can be, or everyone is.
    fn check_sense(&mut self, test: &TestWritten) {
        use ExpectedPlaceWritten::{Cloud, OnPremises};

        let asks_of_account = !test.attributes.is_empty() || !test.absent.is_empty();
        let asks = [&test.target, &test.rule, &test.container, &test.reason].into_iter().any(Option::is_some)
            || test.also.is_some();
        if test.placement.is_none() && !asks && !asks_of_account {
            let _: Option<()> = self.refuse(
                format!("the test `{}` expects nothing", test.name.value()),
                test.name.span(),
                "always passes",
                "say what shall become of the person: `placement`, `rule`, `attributes`",
            );
        }
        let Some(placement) = &test.placement else { return };
        let mut contradicts = |setting: &Option<Spot<String>>, allowed: &[ExpectedPlaceWritten], why: &str| {
            if let Some(setting) = setting.as_ref().filter(|_| !allowed.contains(placement.value())) {
                let diagnostic = Diagnostic::new(why, setting.span(), "cannot come true");
                self.findings.error_beside(diagnostic.with_hint("take one of the two out"), placement.span(), "here");
            }
        };
        contradicts(&test.container, &[OnPremises], "only who lives on-premises has a container");
        contradicts(&test.target, &[Cloud, OnPremises], "who lives nowhere has no target");
    }

    fn rule(&mut self, id: &Spot<String>) -> Option<Name> {
        let name = Name::new(id.value());
        let mut ids = self.job.rules.iter().map(|rule| rule.value().id.value().as_str());
        if ids.any(|id| Name::new(id) == name) {
            return Some(name);
        }
        let ids = self.job.rules.iter().map(|rule| rule.value().id.value().as_str());
        let hint = hint(id.value(), ids);
        self.refuse(format!("there is no rule `{}`", id.value()), id.span(), "unknown rule", hint)
    }

    fn container(&mut self, text: &Spot<String>) -> Option<Dn> {
        match Dn::parse(text.value()) {
            Ok(container) => Some(container),
            Err(error) => self.refuse(
                "the container is no distinguished name",
                text.span(),
                &error.to_string(),
                "write it as in `OU=Staff,DC=contoso,DC=com`",
            ),
        }
    }

    /// Whether an attribute is mapped at the target, or at any where none is named.
    fn check_mapped(&mut self, name: &Spot<String>, target: Option<&Spot<String>>) -> bool {
        let mapped: Vec<&str> = self
            .targets_of(target)
            .flat_map(|(_, target)| target.value().map.iter().map(|map| map.value().to.value().as_str()))
            .collect();
        if self.mapped_as(name.value(), target).is_some() {
            return true;
        }
        let hint = hint(name.value(), mapped.into_iter());
        let message = format!("no mapping speaks of `{}`", name.value());
        self.refuse::<()>(message, name.span(), "not mapped", hint).is_some()
    }

    /// The target a test names, and the apps; all where it names none.
    fn targets_of<'t>(
        &'t self,
        named: Option<&'t Spot<String>>,
    ) -> impl Iterator<Item = (&'t Spot<String>, &'t Spot<TargetWritten>)> {
        let is_app = |target: &TargetWritten| *target.kind.value() == TargetKindWritten::Scim;
        self.job
            .targets
            .iter()
            .filter(move |(id, target)| named.is_none_or(|name| name == *id || is_app(target.value())))
    }

    /// What the core calls an attribute that is mapped at the target, or at any where none is named.
    fn core_name(&self, name: &str, target: Option<&Spot<String>>) -> Name {
        self.mapped_as(name, target).unwrap_or_else(|| Name::new(name))
    }

    fn mapped_as(&self, name: &str, target: Option<&Spot<String>>) -> Option<Name> {
        let mut targets = self.targets_of(target).map(|(_, target)| target.value());
        targets.find_map(|target| {
            let kind = *target.kind.value();
            let wanted = core_name(kind, name);
            target.map.iter().any(|map| core_name(kind, map.value().to.value()) == wanted).then_some(wanted)
        })
    }

    /// What the source says of the person, read as an upload is.
    fn record(&mut self, written: &BTreeMap<Spot<String>, Spot<SampleWritten>>) -> Option<Record> {
        let mut record = Record { anchor: Anchor::parse(ANCHOR_DEFAULT).ok()?, attributes: Attributes::new() };
        let mut is_good = true;
        for (key, value) in written {
            if let Err(diagnostic) = self.say(key.value(), &value.value().0, &mut record) {
                let span = if diagnostic.span.is_empty() { value.span() } else { key.span() };
                self.findings.error(Diagnostic { span, ..diagnostic });
                is_good = false;
            }
        }
        is_good.then_some(record)
    }

    /// Adds what is said under one key. A diagnostic without a span is about the value.
    fn say(&self, key: &str, value: &Json, record: &mut Record) -> Result<(), Diagnostic> {
        if let Some(urn) = self.extension(key, value) {
            let read = read(&json!({ (urn.as_str()): value }), record)?;
            for (path, value) in inside(&urn, read.get(urn.as_str())) {
                self.language.kind(&path)?;
                path.set(&mut record.attributes, value);
            }
            return Ok(());
        }
        let path = parse_path(key)?;
        self.language.kind(&path)?;
        let mut said = Attributes::new();
        path.set(&mut said, value_from_json(value));
        let read = read(&user_to_json(&said, None), record)?;
        let plain = path.selector.is_none() && path.sub.is_none();
        let value = if plain { path.held(&read) } else { path.first(&read) };
        if let Some(value) = value {
            path.set(&mut record.attributes, value.clone());
        }
        Ok(())
    }

    /// The URN, where a whole extension stands under it.
    fn extension(&self, key: &str, value: &Json) -> Option<Name> {
        let is_urn = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        let is_attribute = parse_path(key).is_ok_and(|path| self.language.kind(&path).is_ok());
        (is_urn && value.is_object() && !is_attribute).then(|| Name::new(key))
    }
}

/// What a user of one attribute says; its anchor becomes the record's.
fn read(user: &Json, record: &mut Record) -> Result<Attributes, Diagnostic> {
    let user = read_user(&user.to_string())
        .map_err(|fault| Diagnostic::new(format!("the person cannot be read: {fault}"), 0..0, "cannot be read"))?;
    if let Some(anchor) = user.anchor {
        record.anchor = anchor;
    }
    Ok(user.attributes)
}

fn inside(urn: &Name, extension: Option<&Value>) -> Vec<(Path, Value)> {
    let Some(Value::Complex(parts)) = extension else { return Vec::new() };
    let path = |name: &Name| Path { schema: Some(urn.clone()), attribute: name.clone(), selector: None, sub: None };
    parts.iter().map(|(name, value)| (path(name), value.clone())).collect()
}

/// `None` only where something was said and could not be taken.
fn whole<T>(said: Option<Option<T>>) -> Option<Option<T>> {
    match said {
        Some(None) => None,
        Some(taken) => Some(taken),
        None => Some(None),
    }
}
