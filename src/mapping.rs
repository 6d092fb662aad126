//! What an account shall hold, from what is held of its person: one target attribute after the other.

mod moments;
mod shape;

use std::fmt;

use crate::expr::{Evaluated, Expression, Inputs, Seed};
use crate::model::{
    Anchor, Attributes, Desired, Dn, InstallationKey, MANAGER, Manager, MatchKeys, Name, Path, Person, Reason,
    Timestamp, UniqueName, Value,
};

pub use moments::TimedInputs;
pub use shape::Shape;

/// Where a person has the source's identifier.
const ANCHOR_ATTRIBUTE: &str = "externalId";

/// How one target's attributes come from a person.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    /// In the order of their names, so that what they give needs no sorting.
    attributes: Vec<AttributeMapping>,
    /// Places in `attributes`, the most telling match attribute first.
    keys: Vec<usize>,
    surroundings: Surroundings,
    /// Of the expressions among them that tell the time.
    timed: Vec<TimedInputs>,
    has_secrets: bool,
}

/// What expressions may use that neither stands in them nor in the person.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// What chance is made from.
    pub key: InstallationKey,
    /// The target's default domain, where it has one.
    pub default_domain: Option<String>,
}

/// How one target attribute comes from a person.
#[derive(Debug, Clone)]
pub struct AttributeMapping {
    /// The target's name for it.
    pub attribute: Name,
    /// Where its value comes from.
    pub source: MappingSource,
    /// When it is written.
    pub apply: Apply,
    /// Its value in a new account, where the source gives none.
    pub default: Option<Value>,
    /// Its place among the match attributes, from 1; `None` where it is none.
    pub match_precedence: Option<u32>,
    /// The target's half of the null-flow gate: empty is written as empty (`facts/entra.md` §1.7).
    pub flow_null: bool,
    /// The namespace its candidates are unique in; `None` for the directory's own.
    pub unique_in: Option<Name>,
    /// What the target holds there.
    pub shape: Shape,
}

/// Where the value of a target attribute comes from.
#[derive(Debug, Clone)]
pub enum MappingSource {
    /// From the person, as it is.
    Direct(Path),
    /// The same for everybody.
    Constant(Value),
    /// Computed.
    Function(Expression),
}

impl MappingSource {
    /// The expression, where it is one.
    pub fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Function(expression) => Some(expression),
            Self::Direct(_) | Self::Constant(_) => None,
        }
    }

    /// The attributes of the person that it reads, in reading order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let direct = match self {
            Self::Direct(path) => Some(path),
            Self::Constant(_) | Self::Function(_) => None,
        };
        let inside = self.expression().into_iter().flat_map(Expression::attributes).map(|(path, _)| path);
        direct.into_iter().chain(inside)
    }
}

/// When an attribute is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Apply {
    /// When the account is made, and whenever it differs.
    #[default]
    Always,
    /// When the account is made, and never again.
    OnlyOnCreate,
}

/// What a mapping gives for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// This value.
    Value(Value),
    /// Empty, on purpose: both null-flow gates are open and the source stated it.
    Cleared,
    /// Nothing: the attribute is left alone.
    Nothing,
    /// Nothing, not even its default in a new account: the expression said to pass over it.
    Dropped,
    /// The first of these that nobody else has at the target.
    OneOf(Vec<String>),
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => Shown(value).fmt(f),
            Self::Cleared => f.write_str("empty, on purpose"),
            Self::Nothing | Self::Dropped => f.write_str("left alone"),
            Self::OneOf(candidates) => write!(f, "the first that is free of {candidates:?}"),
        }
    }
}

impl Mapping {
    /// A mapping of these attributes.
    pub fn new(mut attributes: Vec<AttributeMapping>) -> Self {
        attributes.sort_by(|left, right| left.attribute.cmp(&right.attribute));
        let mut keys: Vec<usize> =
            (0..attributes.len()).filter(|at| attributes[*at].match_precedence.is_some()).collect();
        keys.sort_by_key(|at| attributes[*at].match_precedence);
        let expressions = || attributes.iter().filter_map(|attribute| attribute.source.expression());
        let timed = expressions().filter_map(TimedInputs::of).collect();
        let has_secrets = expressions().any(Expression::is_secret);
        Self { attributes, keys, surroundings: Surroundings::default(), timed, has_secrets }
    }

    /// The same, in these surroundings.
    #[must_use]
    pub fn in_surroundings(self, surroundings: Surroundings) -> Self {
        Self { surroundings, ..self }
    }

    /// Gives it the installation's key, once that is known.
    pub fn set_key(&mut self, key: &InstallationKey) {
        self.surroundings.key = key.clone();
    }

    /// What its expressions that tell the time are computed from; mostly nothing, for few do.
    pub fn timed(&self) -> &[TimedInputs] {
        &self.timed
    }

    /// Whether any of its expressions gives what is written and never shown.
    pub fn has_secrets(&self) -> bool {
        self.has_secrets
    }

    /// What one of its attributes gives for this person.
    ///
    /// # Errors
    /// As [`AttributeMapping::give`].
    pub fn give(&self, attribute: &AttributeMapping, person: &Person) -> Result<Given, Reason> {
        attribute.give(person, &self.surroundings)
    }

    /// Its attributes, in the order of their names.
    pub fn attributes(&self) -> &[AttributeMapping] {
        &self.attributes
    }

    /// The account this person shall have at the target, inside `container`.
    ///
    /// # Errors
    /// A [`Reason`]: `mapping` where the person's data does not fit an expression or the target's attribute,
    /// `no_match_key` where nothing is left to recognise the account by.
    pub fn desired(&self, person: &Person, container: Option<&Dn>) -> Result<Desired, Reason> {
        let mut desired = Desired {
            attributes: Attributes::with_capacity(self.attributes.len()),
            on_create: Attributes::new(),
            container: container.cloned(),
            manager: None,
            keys: MatchKeys::default(),
            unique: Vec::new(),
        };
        for attribute in &self.attributes {
            let given = attribute.give(person, &self.surroundings)?;
            if attribute.attribute == *MANAGER {
                desired.manager = attribute.manager(given, person)?;
            } else {
                attribute.put(given, &mut desired);
            }
        }
        desired.keys = self.match_keys(&desired, person)?;
        Ok(desired)
    }

    /// How somebody is recognised of whom nothing but the anchor is known: by the match attributes that hold it as it
    /// is; none where no match attribute does.
    pub fn keys_of(&self, anchor: &Anchor) -> MatchKeys {
        let is_anchor = |path: &Path| *path == Path::simple(ANCHOR_ATTRIBUTE);
        let keys = self.keys.iter().filter_map(|at| {
            let mapped = &self.attributes[*at];
            let MappingSource::Direct(path) = &mapped.source else { return None };
            let value = mapped.shape.bring(Value::text(anchor.as_str())).ok().filter(|_| is_anchor(path))?;
            Some((mapped.attribute.clone(), key_text(&value)?))
        });
        MatchKeys(keys.collect())
    }

    fn match_keys(&self, desired: &Desired, person: &Person) -> Result<MatchKeys, Reason> {
        let names = || self.keys.iter().map(|at| &self.attributes[*at].attribute);
        let keys: Vec<(Name, String)> = names()
            .filter_map(|name| {
                let value = desired.attributes.get(name.as_str()).or_else(|| desired.on_create.get(name.as_str()))?;
                Some((name.clone(), key_text(value)?))
            })
            .collect();
        if keys.is_empty() {
            let tried: Vec<&str> = names().map(Name::as_str).collect();
            let why = format!(
                "{} has no value for the match attributes ({}), so an account could not be recognised; give the \
                 source a value, or match by another attribute",
                person.anchor,
                tried.join(", ")
            );
            return Err(Reason::new("no_match_key", why));
        }
        Ok(MatchKeys(keys))
    }
}

fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

impl AttributeMapping {
    /// What it gives for this person.
    ///
    /// # Errors
    /// A [`Reason`] (`mapping`) that names the attribute, the person and what does not fit.
    pub fn give(&self, person: &Person, surroundings: &Surroundings) -> Result<Given, Reason> {
        let value = match &self.source {
            MappingSource::Direct(path) => self.gather(path, &person.attributes),
            MappingSource::Constant(value) => value.clone(),
            MappingSource::Function(expression) => {
                let inputs = self.inputs(person, surroundings);
                match expression.evaluate(&inputs).map_err(|error| self.fault(person, &error.message))? {
                    Evaluated::Value(value) => value,
                    Evaluated::Dropped => return Ok(Given::Dropped),
                    Evaluated::OneOf(candidates) => return Ok(Given::OneOf(candidates)),
                }
            }
        };
        if !value.is_empty() {
            if self.shape.is_of(&value) {
                return Ok(Given::Value(value));
            }
            let shaped = self.shape.bring(value).map_err(|why| self.fault(person, why))?;
            return Ok(Given::Value(shaped));
        }
        let clears = self.flow_null && self.source_states_null(&person.attributes);
        Ok(if clears { Given::Cleared } else { Given::Nothing })
    }

    fn inputs<'a>(&'a self, person: &'a Person, surroundings: &'a Surroundings) -> Inputs<'a> {
        Inputs {
            attributes: &person.attributes,
            now: self.now(person),
            seed: Seed { key: &surroundings.key, anchor: person.anchor.as_str(), attribute: self.attribute.as_str() },
            default_domain: surroundings.default_domain.as_deref(),
        }
    }

    fn now(&self, person: &Person) -> Timestamp {
        self.source.expression().map_or(person.accepted_at, |expression| moments::now(expression, person))
    }

    fn gather(&self, path: &Path, person: &Attributes) -> Value {
        if self.shape != Shape::List {
            return path.first(person).map_or(Value::Null, simple);
        }
        let mut values = Vec::new();
        path.visit(person, &mut |value| {
            if !value.is_empty() {
                values.push(simple(value));
            }
        });
        Value::Many(values)
    }

    fn source_states_null(&self, person: &Attributes) -> bool {
        self.source.paths().any(|path| path.first(person) == Some(&Value::Null))
    }

    fn put(&self, given: Given, desired: &mut Desired) {
        let always = self.apply == Apply::Always;
        match given {
            Given::Value(value) if always => desired.attributes.set(self.attribute.clone(), value),
            Given::Value(value) => desired.on_create.set(self.attribute.clone(), value),
            Given::OneOf(candidates) => desired.unique.push(UniqueName {
                attribute: self.attribute.clone(),
                namespace: self.unique_in.clone(),
                candidates,
            }),
            Given::Dropped => {}
            Given::Cleared | Given::Nothing => {
                if let Some(default) = &self.default {
                    desired.on_create.set(self.attribute.clone(), default.clone());
                }
                if given == Given::Cleared && always {
                    desired.attributes.set(self.attribute.clone(), Value::Null);
                }
            }
        }
    }

    fn manager(&self, given: Given, person: &Person) -> Result<Option<Manager>, Reason> {
        match given {
            Given::Value(value) => {
                let text = key_text(&value).ok_or_else(|| self.fault(person, "an anchor (externalId) is one text"))?;
                let anchor = Anchor::parse(&text).map_err(|error| self.fault(person, &error.to_string()))?;
                Ok(Some(Manager::Is(anchor)))
            }
            Given::Cleared => Ok(Some(Manager::Nobody)),
            Given::Nothing | Given::Dropped | Given::OneOf(_) => Ok(None),
        }
    }

    fn fault(&self, person: &Person, why: &str) -> Reason {
        let sentence = format!(
            "`{}` of {} cannot be computed: {why}; correct the value in the source, or the mapping",
            self.attribute, person.anchor
        );
        Reason::new("mapping", sentence)
    }
}

/// The value itself; of a complex one its `value` (RFC 7643 §2.4).
fn simple(value: &Value) -> Value {
    match value {
        Value::Complex(parts) => parts.get("value").cloned().unwrap_or(Value::Null),
        value => value.clone(),
    }
}

impl fmt::Display for MappingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(path) => path.fmt(f),
            Self::Constant(value) => write!(f, "the constant {}", Shown(value)),
            Self::Function(expression) => expression.fmt(f),
        }
    }
}

/// A value as a person reads it.
#[derive(Debug)]
pub struct Shown<'a>(pub &'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("nothing"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Boolean(truth) => truth.fmt(f),
            Value::Integer(number) => number.fmt(f),
            Value::Many(values) => f.debug_list().entries(values.iter().map(DebugAsShown)).finish(),
            Value::Complex(parts) => {
                let entries = parts.iter().map(|(name, value)| (name, DebugAsShown(value)));
                f.debug_map().entries(entries).finish()
            }
        }
    }
}

struct DebugAsShown<'a>(&'a Value);

impl fmt::Debug for DebugAsShown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Shown(self.0), f)
    }
}

#[cfg(test)]
mod tests;
