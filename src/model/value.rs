//! What a source says, or a target holds, under the names of attributes.

use super::Name;

/// One value of an attribute, with its type kept.
///
/// Dates are texts: SCIM sends them so (RFC 7643 §2.3.5), and what they mean is
/// decided where they are compared. Numbers with a fraction are kept as the
/// text they were written in, so that nothing is rounded on the way through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Stated to be empty. Different from absent, which says nothing.
    Null,
    /// A string, a date, a reference, a decimal number.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Several values, in the order they were given.
    Many(Vec<Value>),
    /// Sub-attributes (RFC 7643 §2.3.8), or the attributes of a schema extension.
    Complex(Attributes),
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it says nothing: null, an empty text, no values, no sub-attributes.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::Many(values) => values.iter().all(Value::is_empty),
            Self::Complex(attributes) => attributes.iter().all(|(_, value)| value.is_empty()),
            Self::Boolean(_) | Self::Integer(_) => false,
        }
    }
}

/// Attributes by name, in the order of their names.
///
/// Small (a person has a few dozen), so a sorted list is both the fastest and
/// the one representation in which equal means equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Vec<(Name, Value)>);

impl Attributes {
    /// No attributes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// No attributes yet, with room for `count`.
    pub fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// The value under `name`, if anything is said of it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).ok().map(|at| &self.0[at].1)
    }

    /// The value under `name`, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.find(name).ok().map(|at| &mut self.0[at].1)
    }

    /// Puts `value` under `name`, in place of what was there.
    pub fn set(&mut self, name: Name, value: Value) {
        // Most are put in already in order, so the end is looked at first.
        if self.0.last().is_none_or(|(last, _)| last < &name) {
            return self.0.push((name, value));
        }
        match self.find(name.as_str()) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// The value under `name`; `make` gives the first one.
    pub fn get_or_insert_with(&mut self, name: &Name, make: impl FnOnce() -> Value) -> &mut Value {
        let at = match self.find(name.as_str()) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (name.clone(), make()));
                at
            }
        };
        &mut self.0[at].1
    }

    /// Takes the value under `name` away.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).ok().map(|at| self.0.remove(at).1)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Name, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// All their values, to be changed, in the order of their names.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(held, _)| held.compare(name))
    }
}

impl FromIterator<(Name, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (Name, Value)>>(pairs: I) -> Self {
        let mut attributes = Self::new();
        for (name, value) in pairs {
            attributes.set(name, value);
        }
        attributes
    }
}

impl IntoIterator for Attributes {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
