//! Tests that a job brings along: people, and what shall become of them. They are decided on as everybody is.

use std::fmt;

use crate::decide::{CONCEALED, Concealment, Decision, Job, Secrets, Trace, trace};
use crate::mapping::{Apply, AttributeMapping, Given, Shown};
use crate::model::{Dn, Known, Name, Outcome, Person, Placement, TargetId, Value};

/// A person, and what shall become of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it is called: a sentence about the job.
    pub name: String,
    /// The person.
    pub person: Person,
    /// The accounts they have already.
    pub links: Vec<(TargetId, Known)>,
    /// What shall become of them.
    pub expected: Expected,
}

/// What a test expects; of what it does not name, anything is right.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expected {
    /// Where they live, in a word, as [`Decision::placement_word`] has it.
    pub placement: Option<&'static str>,
    /// The target that is their home.
    pub target: Option<TargetId>,
    /// The apps where they have an account besides, in any order.
    pub also: Option<Vec<TargetId>>,
    /// The rule that says so.
    pub rule: Option<Name>,
    /// Where in the directory.
    pub container: Option<Dn>,
    /// The code of the reason why they are held, skipped or failed. Where none is named, a person who has a home must
    /// get their account there.
    pub reason: Option<String>,
    /// What the account is given, by the target's names; an empty text is what is cleared on purpose.
    pub attributes: Vec<(Name, Value)>,
    /// Attributes that are left alone.
    pub absent: Vec<Name>,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// The test's name.
    pub name: String,
    /// Where it is not as expected; none where it passes.
    pub differences: Vec<Difference>,
    /// How the person was decided on.
    pub trace: Trace,
}

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub of: Of,
    /// What the test says.
    pub expected: String,
    /// What is so.
    pub got: String,
}

/// What a test can expect something of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// Where the person lives.
    Placement,
    /// Their home.
    Target,
    /// The apps where they have an account besides.
    Also,
    /// The rule.
    Rule,
    /// Where in the directory.
    Container,
    /// Why they are held, skipped or failed.
    Reason,
    /// An attribute of the account.
    Attribute(Name),
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Placement => f.write_str("placement"),
            Self::Target => f.write_str("target"),
            Self::Also => f.write_str("also"),
            Self::Rule => f.write_str("rule"),
            Self::Container => f.write_str("container"),
            Self::Reason => f.write_str("reason"),
            Self::Attribute(name) => name.fmt(f),
        }
    }
}

impl Proof {
    /// Whether everything is as expected.
    pub fn passes(&self) -> bool {
        self.differences.is_empty()
    }

    /// Conceals what the job keeps secret: results of tests stand in logs of build servers.
    fn conceal(&mut self, concealment: &Concealment, secrets: &Secrets) {
        concealment.trace(&mut self.trace, secrets);
        let mapped = &self.trace.mapped;
        let hides =
            |name: &Name| mapped.iter().any(|at| at.attribute == *name && concealment.hides(&at.target, name.as_str()));
        for Difference { of, expected, got } in &mut self.differences {
            if matches!(of, Of::Attribute(name) if hides(name)) {
                CONCEALED.clone_into(expected);
                CONCEALED.clone_into(got);
            }
            secrets.text(expected);
            secrets.text(got);
        }
    }
}

/// Runs tests, in their order.
pub fn prove(job: &Job, tests: &[Test]) -> Vec<Proof> {
    tests.iter().map(|test| test.run(job)).collect()
}

impl Test {
    fn run(&self, job: &Job) -> Proof {
        let trace = trace(job, &self.person, &self.links);
        let mut comparison = Comparison { differences: Vec::new() };
        comparison.home(&self.expected, &trace.decision);
        comparison.ending(&self.expected, &trace.decision);
        self.compare_attributes(job, &trace, &mut comparison);
        let mut proof = Proof { name: self.name.clone(), differences: comparison.differences, trace };
        if job.has_secrets() && !proof.passes() {
            let concealment = Concealment::of(job);
            proof.conceal(&concealment, &concealment.secrets(job, &self.person, &self.links));
        }
        proof
    }

    fn compare_attributes(&self, job: &Job, trace: &Trace, comparison: &mut Comparison) {
        if trace.mapped.is_empty() && !comparison.differences.is_empty() {
            // That there is no account has been said, and with it why nothing is in it.
            return;
        }
        let names = self.expected.attributes.iter().map(|(name, value)| (name, Some(value)));
        for (name, expected) in names.chain(self.expected.absent.iter().map(|name| (name, None))) {
            let got = self.given(job, trace, name);
            let is_right = match (&got, expected) {
                (Ok(got), Some(expected)) => got.iter().any(|value| agrees(expected, value)),
                (Ok(got), None) => got.is_empty(),
                (Err(_), _) => false,
            };
            let got = match got {
                Ok(values) => values.first().map_or_else(left_alone, in_words),
                Err(why) => why,
            };
            let expected = expected.map_or_else(left_alone, in_words);
            comparison.note(is_right, Of::Attribute(name.clone()), expected, got);
        }
    }

    /// What an attribute is given: nothing, this, or the first that is free of these; or why that cannot be said.
    fn given(&self, job: &Job, trace: &Trace, name: &Name) -> Result<Vec<Value>, String> {
        let Some(mapped) = trace.mapped.iter().find(|mapped| mapped.attribute == *name) else {
            return Err("no account is brought there".to_owned());
        };
        let given = mapped.gives.as_ref().map_err(ToString::to_string)?;
        let mapping = job.target(&mapped.target).map_or(&[][..], |target| target.mapping.attributes());
        let is_new = !self.links.iter().any(|(target, _)| *target == mapped.target);
        match mapping.iter().find(|mapping| mapping.attribute == *name) {
            Some(mapping) => Ok(written(mapping, given, is_new)),
            None => Ok(Vec::new()),
        }
    }
}

/// What is written of an attribute, into a new account or into one that is there.
fn written(mapping: &AttributeMapping, given: &Given, is_new: bool) -> Vec<Value> {
    if mapping.apply == Apply::OnlyOnCreate && !is_new {
        return Vec::new();
    }
    let default = mapping.default.iter().filter(|_| is_new).cloned();
    match given {
        Given::Value(value) => vec![value.clone()],
        Given::OneOf(_) if !is_new => Vec::new(),
        Given::OneOf(candidates) => candidates.iter().map(|text| Value::text(text.as_str())).take(1).collect(),
        Given::Dropped => Vec::new(),
        Given::Nothing => default.collect(),
        Given::Cleared => default.chain([Value::Null]).take(1).collect(),
    }
}

/// Whether a value is the one that was written into the job file: there, a list of one may stand as its value, and a
/// number as its text.
fn agrees(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (expected, got) if expected == got => true,
        (expected, Value::Null) => expected.is_empty(),
        (Value::Many(_), _) => false,
        (expected, Value::Many(values)) => matches!(values.as_slice(), [only] if agrees(expected, only)),
        (Value::Integer(number), Value::Text(text)) => number.to_string() == *text,
        _ => false,
    }
}

fn left_alone() -> String {
    "left alone".to_owned()
}

fn in_words(value: &Value) -> String {
    if value.is_empty() { "cleared".to_owned() } else { Shown(value).to_string() }
}

struct Comparison {
    differences: Vec<Difference>,
}

impl Comparison {
    fn note(&mut self, is_right: bool, of: Of, expected: String, got: String) {
        if !is_right {
            self.differences.push(Difference { of, expected, got });
        }
    }

    fn home(&mut self, expected: &Expected, decision: &Decision) {
        let placement = decision.verdict.as_ref().map(|verdict| &verdict.placement);
        if let Some(word) = expected.placement {
            let got = decision.placement_word();
            self.note(word == got, Of::Placement, word.to_owned(), got.to_owned());
        }
        if let Some(target) = &expected.target {
            let got = placement.and_then(Placement::home);
            self.note(got == Some(target), Of::Target, target.to_string(), or_none(got));
        }
        if let Some(also) = &expected.also {
            let got = decision.verdict.as_ref().map_or(&[][..], |verdict| &verdict.also);
            let is_right = also.len() == got.len() && also.iter().all(|app| got.contains(app));
            self.note(is_right, Of::Also, named(also), named(got));
        }
        if let Some(rule) = &expected.rule {
            let got = decision.verdict.as_ref().and_then(|verdict| verdict.by.as_ref());
            self.note(got == Some(rule), Of::Rule, rule.to_string(), or_none(got));
        }
        if let Some(container) = &expected.container {
            let got = placement.and_then(Placement::container);
            let is_right = got.is_some_and(|got| got.names_same_entry(container));
            self.note(is_right, Of::Container, container.to_string(), or_none(got));
        }
    }

    /// Compares how the operation ends at once. Who is held or failed although they have a home gets no account, and
    /// a test that says nothing of that does not mean it.
    fn ending(&mut self, expected: &Expected, decision: &Decision) {
        let failed = decision.failure().cloned().map(Outcome::Failed);
        let got = decision.outcome.as_ref().or(failed.as_ref());
        let code = got.and_then(Outcome::reason).map(|reason| reason.code.as_ref());
        let has_home = decision.verdict.as_ref().is_some_and(|verdict| verdict.placement.home().is_some());
        let (is_right, wanted) = match &expected.reason {
            Some(reason) => (code == Some(reason.as_str()), reason.clone()),
            None => (!has_home || got.is_none(), "an account".to_owned()),
        };
        let got = got.map_or_else(
            || "an account".to_owned(),
            |outcome| {
                let why = outcome.reason().map(|why| format!(", {why}")).unwrap_or_default();
                format!("{}{why}", outcome.word())
            },
        );
        self.note(is_right, Of::Reason, wanted, got);
    }
}

fn named(targets: &[TargetId]) -> String {
    match targets {
        [] => "none".to_owned(),
        several => several.iter().map(TargetId::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn or_none(got: Option<&impl fmt::Display>) -> String {
    got.map_or_else(|| "none".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests;
