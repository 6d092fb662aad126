//! What is never shown: values that pass through `Redact`, in accounts and where they come from.
//!
//! They are written to targets, kept in the store and carried to agents as they are; whoever shows a person, a plan,
//! a trace or a reason conceals it first.

use super::{Ask, Decision, Job, MappedAttribute, Trace};
use crate::expr::Expression;
use crate::mapping::Given;
use crate::model::{
    Attributes, Change, Dn, Known, Name, ObjectId, Outcome, Path, Person, Reason, TargetId, Value, escape_rdn_value,
};
use crate::predicate::Condition;

/// What stands in the place of a value that is not shown (`facts/entra.md` §4.2, `Redact`).
pub const CONCEALED: &str = "[Redact]";

/// Shortest text, in characters, that is sought in sentences; a shorter one stands in too many words that have nothing
/// to do with it. Where a value stands under its own name, it is concealed however short.
const SOUGHT_CHARS_MIN: usize = 4;

/// Where a job's secrets stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concealment {
    /// Attributes of the person that stand inside a `Redact`.
    paths: Vec<Path>,
    /// Attributes of accounts that come from a `Redact`, or from such an attribute.
    attributes: Vec<(TargetId, Name)>,
}

impl Concealment {
    /// What this job conceals.
    pub fn of(job: &Job) -> Self {
        let mut concealment = Self::default();
        let mappings =
            || job.targets.iter().flat_map(|target| target.mapping.attributes().iter().map(move |a| (target, a)));
        for (_, attribute) in mappings() {
            let inside = attribute.source.expression().into_iter().flat_map(Expression::secret_attributes);
            concealment.paths.extend(inside.cloned());
        }
        for (target, attribute) in mappings() {
            let source = &attribute.source;
            let is_secret = source.expression().is_some_and(Expression::is_secret);
            if is_secret || source.paths().any(|path| concealment.hides_path(path)) {
                concealment.attributes.push((target.id.clone(), attribute.attribute.clone()));
            }
        }
        concealment
    }

    /// What either of two conceals.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        self.attributes.extend(other.attributes);
        self
    }

    /// Whether nothing is concealed.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.paths.is_empty()
    }

    /// Whether a path can reach what is concealed.
    pub fn hides_path(&self, path: &Path) -> bool {
        self.paths.iter().any(|secret| {
            secret.schema == path.schema
                && secret.attribute == path.attribute
                && are_alike(secret.selector.as_ref(), path.selector.as_ref())
                && are_alike(secret.sub.as_ref(), path.sub.as_ref())
        })
    }

    /// Whether an attribute of a target is concealed.
    pub fn hides(&self, target: &TargetId, attribute: &str) -> bool {
        self.attributes.iter().any(|(at, name)| at == target && *name == *attribute)
    }

    /// The values themselves, to be sought where they stand under no name of their own.
    pub fn secrets(&self, job: &Job, person: &Person, links: &[(TargetId, Known)]) -> Secrets {
        let mut secrets = Secrets::default();
        for path in &self.paths {
            path.visit(&person.attributes, &mut |value| secrets.learn(value));
        }
        for (target, name) in &self.attributes {
            let mapping = job.target(target).map(|target| &target.mapping);
            let mapped = mapping.and_then(|all| Some((all, all.attributes().iter().find(|a| a.attribute == *name)?)));
            match mapped.map(|(mapping, attribute)| mapping.give(attribute, person)) {
                Some(Ok(Given::Value(value))) => secrets.learn(&value),
                Some(Ok(Given::OneOf(candidates))) => candidates.into_iter().for_each(|text| secrets.learn_text(&text)),
                _ => {}
            }
        }
        for (target, known) in links {
            self.learn_account(target, &known.attributes, &mut secrets);
        }
        secrets.sort();
        secrets
    }

    /// The values that a change has written, or found: an earlier secret is one still.
    pub fn secrets_in(&self, target: &TargetId, change: &Change) -> Secrets {
        let mut secrets = Secrets::default();
        self.learn_account(target, &change.set, &mut secrets);
        self.learn_account(target, &change.before, &mut secrets);
        secrets
    }

    fn learn_account(&self, target: &TargetId, attributes: &Attributes, secrets: &mut Secrets) {
        let held = attributes.iter().filter(|(name, _)| self.hides(target, name.as_str()));
        held.for_each(|(_, value)| secrets.learn(value));
    }

    /// Conceals what is held of a person.
    pub fn person(&self, attributes: &mut Attributes, secrets: &Secrets) {
        for path in &self.paths {
            path.visit_mut(attributes, &mut conceal);
        }
        secrets.attributes(attributes);
    }

    /// Conceals what an account holds, or is given.
    pub fn account(&self, target: &TargetId, attributes: &mut Attributes, secrets: &Secrets) {
        for (_, name) in self.attributes.iter().filter(|(at, _)| at == target) {
            if let Some(value) = attributes.get_mut(name.as_str()) {
                conceal(value);
            }
        }
        secrets.attributes(attributes);
    }

    /// Conceals what an account holds under one attribute, or is given there.
    pub fn value(&self, target: &TargetId, attribute: &Name, value: &mut Value, secrets: &Secrets) {
        if self.hides(target, attribute.as_str()) { conceal(value) } else { secrets.value(value) }
    }

    /// Conceals what is known of an account.
    pub fn known(&self, target: &TargetId, known: &mut Known, secrets: &Secrets) {
        self.account(target, &mut known.attributes, secrets);
        known.object = ObjectId::new(&secrets.in_text(known.object.as_str()));
        known.container.iter_mut().for_each(|container| secrets.dn(container));
    }

    /// Conceals a change.
    pub fn change(&self, target: &TargetId, change: &mut Change, secrets: &Secrets) {
        self.account(target, &mut change.set, secrets);
        self.account(target, &mut change.before, secrets);
        change.object.iter_mut().for_each(|object| *object = ObjectId::new(&secrets.in_text(object.as_str())));
        change.container.iter_mut().for_each(|container| secrets.dn(container));
        change.container_before.iter_mut().for_each(|container| secrets.dn(container));
    }

    /// Conceals what was asked on the way to a decision.
    pub fn trace(&self, trace: &mut Trace, secrets: &Secrets) {
        let clauses = trace.scope.iter_mut().map(|clause| (Some(&mut clause.words), &mut clause.conditions));
        let rules = trace.rules.iter_mut().map(|rule| (rule.when.as_mut(), &mut rule.conditions));
        let memberships = trace.memberships.iter_mut().map(|asked| (asked.when.as_mut(), &mut asked.conditions));
        for (words, conditions) in clauses.chain(rules).chain(memberships) {
            words.into_iter().for_each(|words| secrets.text(words));
            conditions.iter_mut().for_each(|condition| self.condition(condition, secrets));
        }
        let container = trace.container.iter_mut();
        for computed in container.chain(trace.mapped.iter_mut().map(|mapped| &mut mapped.computed)) {
            for (path, value) in &mut computed.inputs {
                self.seen(path, value, secrets);
            }
        }
        trace.mapped.iter_mut().for_each(|mapped| self.mapped(mapped, secrets));
        for asked in &mut trace.memberships {
            asked.computed.inputs.iter_mut().for_each(|(path, value)| self.seen(path, value, secrets));
            match &mut asked.groups {
                Ok(groups) => groups.iter_mut().for_each(|group| secrets.text(group)),
                Err(reason) => secrets.reason(reason),
            }
        }
        secrets.reasons(&mut trace.decision);
    }

    fn condition(&self, condition: &mut Condition, secrets: &Secrets) {
        secrets.text(&mut condition.words);
        for value in &mut condition.saw {
            self.seen(&condition.path, value, secrets);
        }
    }

    /// Conceals what a path was seen to reach.
    fn seen(&self, path: &Path, value: &mut Value, secrets: &Secrets) {
        if self.hides_path(path) { conceal(value) } else { secrets.value(value) }
    }

    fn mapped(&self, mapped: &mut MappedAttribute, secrets: &Secrets) {
        let hides = self.hides(&mapped.target, mapped.attribute.as_str());
        match &mut mapped.gives {
            Ok(Given::Value(value)) => self.value(&mapped.target, &mapped.attribute, value, secrets),
            Ok(given @ Given::OneOf(_)) if hides => *given = Given::Value(Value::text(CONCEALED)),
            Ok(Given::OneOf(candidates)) => candidates.iter_mut().for_each(|text| secrets.text(text)),
            Ok(Given::Cleared | Given::Nothing | Given::Dropped) => {}
            Err(reason) => secrets.reason(reason),
        }
    }
}

fn are_alike<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// Puts the mark in the place of whatever says something.
fn conceal(value: &mut Value) {
    if !value.is_empty() {
        *value = Value::text(CONCEALED);
    }
}

/// A text in lower case, every letter in as many bytes as it had, so that places stay what they are.
fn folded(text: &str) -> String {
    let lower = |c: char| match c.to_lowercase().next() {
        Some(lower) if c.to_lowercase().len() == 1 && lower.len_utf8() == c.len_utf8() => lower,
        _ => c,
    };
    text.chars().map(lower).collect()
}

/// The secret values of one person.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Without regard to case; the longest first, so that none is left over from another.
    folded: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// The secrets of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.folded.extend(other.folded);
        self.sort();
        self
    }

    fn learn(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.learn_text(text),
            Value::Integer(number) => self.learn_text(&number.to_string()),
            Value::Many(values) => values.iter().for_each(|value| self.learn(value)),
            Value::Complex(parts) => parts.iter().for_each(|(_, value)| self.learn(value)),
            Value::Null | Value::Boolean(_) => {}
        }
    }

    fn learn_text(&mut self, text: &str) {
        if text.chars().count() >= SOUGHT_CHARS_MIN {
            self.folded.push(folded(text));
            // As it stands in a distinguished name.
            self.folded.push(folded(&escape_rdn_value(text)));
        }
    }

    fn sort(&mut self) {
        self.folded.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        self.folded.dedup();
    }

    /// The text, with the mark in the place of each secret.
    pub fn in_text(&self, text: &str) -> String {
        let mut concealed = text.to_owned();
        self.text(&mut concealed);
        concealed
    }

    /// Conceals each secret in a text.
    pub fn text(&self, text: &mut String) {
        for secret in &self.folded {
            let mut from = 0;
            while let Some(at) = folded(&text[from..]).find(secret.as_str()) {
                let begin = from + at;
                text.replace_range(begin..begin + secret.len(), CONCEALED);
                from = begin + CONCEALED.len();
            }
        }
    }

    /// Conceals each secret in a value.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::Text(text) => self.text(text),
            Value::Integer(number) if self.folded.contains(&number.to_string()) => conceal(value),
            Value::Many(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Complex(parts) => self.attributes(parts),
            Value::Null | Value::Boolean(_) | Value::Integer(_) => {}
        }
    }

    fn attributes(&self, attributes: &mut Attributes) {
        if !self.folded.is_empty() {
            attributes.values_mut().for_each(|value| self.value(value));
        }
    }

    /// Conceals each secret in a sentence.
    pub fn reason(&self, reason: &mut Reason) {
        self.text(&mut reason.detail);
    }

    /// Conceals each secret in how something ended.
    pub fn outcome(&self, outcome: &mut Outcome) {
        match outcome {
            Outcome::Skipped(reason) | Outcome::Held(reason) | Outcome::Failed(reason) => self.reason(reason),
            Outcome::Applied | Outcome::Unchanged | Outcome::Superseded { .. } => {}
        }
    }

    /// Conceals each secret in where something stands.
    pub fn dn(&self, dn: &mut Dn) {
        let concealed = self.in_text(dn.as_str());
        if concealed != dn.as_str()
            && let Ok(concealed) = Dn::parse(&concealed)
        {
            *dn = concealed;
        }
    }

    /// Conceals each secret in the sentences of a decision; what it brings to targets stays.
    pub fn reasons(&self, decision: &mut Decision) {
        decision.outcome.iter_mut().for_each(|outcome| self.outcome(outcome));
        for at in &mut decision.targets {
            match &mut at.ask {
                Ask::Bring(_) => {}
                Ask::Hold(reason) | Ask::Skip(reason) | Ask::Fail(reason) => self.reason(reason),
            }
        }
    }
}

#[cfg(test)]
mod tests;
