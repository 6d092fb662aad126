//! Where in a person a value stands: `name.givenName`, `emails[type eq "work"].value`.

use std::fmt;

use super::{Attributes, Name, Value};

/// A path to a value, as SCIM writes it (RFC 7644 §3.10), understood.
///
/// Its text is read by `scim::parse_path`, which knows the schemas; here is
/// only what it means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The extension it stands in; `None` for the core user.
    pub schema: Option<Name>,
    /// The attribute.
    pub attribute: Name,
    /// Which of several values: those whose sub-attribute has this value.
    pub selector: Option<Selector>,
    /// The sub-attribute.
    pub sub: Option<Name>,
}

/// Chooses among the values of a multi-valued attribute: `[type eq "work"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// The sub-attribute that is compared.
    pub sub: Name,
    /// The text it must have, compared without regard to ASCII case (RFC 7643 §4.1.2 `type` is not caseExact);
    /// `true` and `false` also stand for themselves (`primary`).
    pub value: String,
}

impl Selector {
    fn chooses(&self, element: &Value) -> bool {
        match element {
            Value::Complex(parts) => match parts.get(self.sub.as_str()) {
                Some(Value::Text(text)) => text.eq_ignore_ascii_case(&self.value),
                Some(Value::Boolean(boolean)) => {
                    self.value.eq_ignore_ascii_case(if *boolean { "true" } else { "false" })
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// What the sub-attribute holds in an element that is chosen. `primary` is true or false (RFC 7643 §2.4).
    fn chosen_value(&self) -> Value {
        match self.value.as_str() {
            "true" if self.sub == *"primary" => Value::Boolean(true),
            "false" if self.sub == *"primary" => Value::Boolean(false),
            text => Value::text(text),
        }
    }
}

impl Path {
    /// A core attribute without parts, such as `userName`.
    pub fn simple(attribute: &str) -> Self {
        Self { schema: None, attribute: Name::new(attribute), selector: None, sub: None }
    }

    /// What the attribute holds, before selector and sub-attribute choose from it.
    pub fn held<'a>(&self, person: &'a Attributes) -> Option<&'a Value> {
        let within = match &self.schema {
            None => person,
            Some(urn) => match person.get(urn.as_str()) {
                Some(Value::Complex(extension)) => extension,
                _ => return None,
            },
        };
        within.get(self.attribute.as_str())
    }

    /// Calls `visit` with every value the path reaches, in order. Absent reaches none.
    pub fn visit<'a>(&self, person: &'a Attributes, visit: &mut dyn FnMut(&'a Value)) {
        let Some(held) = self.held(person) else { return };
        match held {
            Value::Many(elements) => {
                for element in elements.iter().filter(|e| self.selector.as_ref().is_none_or(|s| s.chooses(e))) {
                    self.visit_sub(element, visit);
                }
            }
            single if self.selector.as_ref().is_none_or(|s| s.chooses(single)) => self.visit_sub(single, visit),
            _ => {}
        }
    }

    fn visit_sub<'a>(&self, element: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
        match (&self.sub, element) {
            (None, value) => visit(value),
            (Some(sub), Value::Complex(parts)) => {
                if let Some(value) = parts.get(sub.as_str()) {
                    visit(value);
                }
            }
            // A bare text where a complex value was expected stands for its `value` (RFC 7643 §2.4).
            (Some(sub), value) if *sub == *"value" => visit(value),
            _ => {}
        }
    }

    /// Calls `change` with every value the path reaches, in order.
    pub fn visit_mut(&self, person: &mut Attributes, change: &mut dyn FnMut(&mut Value)) {
        let within = match &self.schema {
            None => Some(person),
            Some(urn) => match person.get_mut(urn.as_str()) {
                Some(Value::Complex(extension)) => Some(extension),
                _ => None,
            },
        };
        let chooses = |element: &Value| self.selector.as_ref().is_none_or(|selector| selector.chooses(element));
        match within.and_then(|within| within.get_mut(self.attribute.as_str())) {
            Some(Value::Many(elements)) => {
                elements
                    .iter_mut()
                    .filter(|element| chooses(element))
                    .for_each(|element| self.change_sub(element, change));
            }
            Some(single) if chooses(single) => self.change_sub(single, change),
            _ => {}
        }
    }

    fn change_sub(&self, element: &mut Value, change: &mut dyn FnMut(&mut Value)) {
        match (&self.sub, element) {
            (None, value) => change(value),
            (Some(sub), Value::Complex(parts)) => parts.get_mut(sub.as_str()).into_iter().for_each(change),
            (Some(sub), value) if *sub == *"value" => change(value),
            _ => {}
        }
    }

    /// All the path reaches: null where that is nothing, a list where it is more than one value.
    pub fn reached(&self, person: &Attributes) -> Value {
        if self.selector.is_none() && self.sub.is_none() {
            return self.held(person).cloned().unwrap_or(Value::Null);
        }
        let mut reached = Vec::new();
        self.visit(person, &mut |value| reached.push(value.clone()));
        match reached.len() {
            0 | 1 => reached.pop().unwrap_or(Value::Null),
            _ => Value::Many(reached),
        }
    }

    /// The first value the path reaches.
    pub fn first<'a>(&self, person: &'a Attributes) -> Option<&'a Value> {
        let mut first = None;
        self.visit(person, &mut |value| {
            first.get_or_insert(value);
        });
        first
    }

    /// Puts `value` where the path points, making what leads there.
    ///
    /// With a selector the first chosen element is changed, or one is added.
    pub fn set(&self, person: &mut Attributes, value: Value) {
        let within = match &self.schema {
            None => person,
            Some(urn) => complex_at(person, urn),
        };
        match (&self.selector, &self.sub) {
            (None, None) => within.set(self.attribute.clone(), value),
            (None, Some(sub)) => complex_at(within, &self.attribute).set(sub.clone(), value),
            (Some(selector), sub) => {
                let parts = element_at(within, &self.attribute, selector);
                parts.set(sub.clone().unwrap_or_else(|| Name::new("value")), value);
            }
        }
    }
}

fn complex_at<'a>(attributes: &'a mut Attributes, name: &Name) -> &'a mut Attributes {
    let held = attributes.get_or_insert_with(name, || Value::Complex(Attributes::new()));
    as_complex(held)
}

/// What stands there as a complex value; anything else there is replaced by an empty one.
fn as_complex(held: &mut Value) -> &mut Attributes {
    if !matches!(held, Value::Complex(_)) {
        *held = Value::Complex(Attributes::new());
    }
    match held {
        Value::Complex(parts) => parts,
        _ => unreachable!("made complex above"),
    }
}

fn element_at<'a>(attributes: &'a mut Attributes, name: &Name, selector: &Selector) -> &'a mut Attributes {
    let held = attributes.get_or_insert_with(name, || Value::Many(Vec::new()));
    if !matches!(held, Value::Many(_)) {
        *held = Value::Many(vec![std::mem::replace(held, Value::Null)]);
    }
    let Value::Many(elements) = held else { unreachable!("made many above") };
    let at = elements.iter().position(|element| selector.chooses(element)).unwrap_or_else(|| {
        let mut parts = Attributes::with_capacity(2);
        parts.set(selector.sub.clone(), selector.chosen_value());
        elements.push(Value::Complex(parts));
        elements.len() - 1
    });
    as_complex(&mut elements[at])
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.schema {
            write!(f, "{urn}:")?;
        }
        write!(f, "{}", self.attribute)?;
        if let Some(selector) = &self.selector {
            let quoted = selector.value.replace('\\', "\\\\").replace('"', "\\\"");
            write!(f, "[{} eq \"{quoted}\"]", selector.sub)?;
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}
