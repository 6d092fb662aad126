//! From JSON text straight into attributes, checking names and types on the way. The hot path of processing.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::custom::read_extension;
use super::trail::{Faults, Trail};
use super::{Fault, FaultKind, User};
use crate::model::{Anchor, Attributes, Name, Value};
use crate::scim::nearest::{clipped, nearest_path};
use crate::scim::schema::{self, Attribute, CORE, CORE_USER, ENTERPRISE, Keeping, Type};

/// How many attributes a user usually has at the top; room is made for so many.
const USUAL_COUNT: usize = 24;

/// Reads a user.
///
/// Names are taken whatever their case. `active: "True"` is taken as true, as Entra's clients write it;
/// a bare text stands for the `value` of a complex attribute that has one (`manager: "89607"`).
///
/// # Errors
/// A [`Fault`] for an attribute no schema has, a value of the wrong type, or an `externalId` that cannot be an
/// anchor. A missing one is the caller's to judge.
pub fn read_user(text: &str) -> Result<User, Fault> {
    let faults = Faults::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer.deserialize_any(UserVisitor(&faults)).and_then(|user| deserializer.end().map(|()| user));
    read.map_err(|error| faults.take("data", &error))
}

/// The anchor of a user that may otherwise not be read.
pub fn anchor_of(text: &str) -> Option<Anchor> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_any(AnchorVisitor).ok().flatten()
}

struct UserVisitor<'a>(&'a Faults);

impl UserVisitor<'_> {
    fn not_an_object<T, E: de::Error>(&self, found: &str) -> Result<T, E> {
        let message = format!("expected an object of attributes, found {found}");
        Err(self.0.raise_at(FaultKind::Type, "data".to_owned(), message))
    }
}

impl<'de> Visitor<'de> for UserVisitor<'_> {
    type Value = User;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<User, E> {
        self.not_an_object("a text")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<User, A::Error> {
        self.not_an_object("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<User, A::Error> {
        let mut user = User { anchor: None, attributes: Attributes::with_capacity(USUAL_COUNT) };
        while let Some(key) = map.next_key_seed(KeySeed { among: &CORE.attributes })? {
            match key {
                Key::Known(attribute) => self.take_known(&mut user, attribute, &mut map)?,
                Key::Other(name) => self.take_other(&mut user, &name, &mut map)?,
            }
        }
        Ok(user)
    }
}

impl UserVisitor<'_> {
    fn take_known<'de, A: MapAccess<'de>>(
        &self,
        user: &mut User,
        attribute: &'static Attribute,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let trail = Trail::top(attribute.name.as_str());
        let seed = known(attribute, &trail, self.0);
        match attribute.keeping {
            Keeping::Kept => {
                self.refuse_second(user.attributes.get(attribute.name.as_str()).is_some(), attribute.name.as_str())?;
                user.attributes.set(attribute.name.clone(), map.next_value_seed(seed)?);
            }
            Keeping::Anchor => {
                self.refuse_second(user.anchor.is_some(), attribute.name.as_str())?;
                user.anchor = self.to_anchor(map.next_value_seed(seed)?)?;
            }
            Keeping::Dropped => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    /// JSON leaves open which of two holds (RFC 8259 §4); of two people, or of in and out, none may be guessed.
    fn refuse_second<E: de::Error>(&self, is_there: bool, name: &str) -> Result<(), E> {
        if !is_there {
            return Ok(());
        }
        Err(self.0.raise_at(FaultKind::Type, name.to_owned(), "it is there twice; say it once".to_owned()))
    }

    fn to_anchor<E: de::Error>(&self, value: Value) -> Result<Option<Anchor>, E> {
        let Value::Text(text) = value else { return Ok(None) };
        let refuse = |error: crate::model::AnchorError| {
            self.0.raise_at(FaultKind::Anchor, "externalId".to_owned(), error.to_string())
        };
        Anchor::parse(&text).map(Some).map_err(refuse)
    }

    fn take_other<'de, A: MapAccess<'de>>(&self, user: &mut User, name: &str, map: &mut A) -> Result<(), A::Error> {
        let trail = Trail::top(name);
        if ENTERPRISE.urn == *name {
            let seed = PartsSeed { among: &ENTERPRISE.attributes, trail: &trail, faults: self.0 };
            user.attributes.set(ENTERPRISE.urn.clone(), map.next_value_seed(seed)?);
            return Ok(());
        }
        let is_urn = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        if !is_urn || name.eq_ignore_ascii_case(CORE_USER) {
            return Err(unknown(self.0, &trail, name));
        }
        let raw: &'de RawValue = map.next_value()?;
        let value = read_extension(raw.get(), &trail, self.0)?;
        user.attributes.set(Name::new(name), value);
        Ok(())
    }
}

/// The name of an attribute, as it was found or not.
enum Key {
    Known(&'static Attribute),
    Other(String),
}

struct KeySeed {
    among: &'static [Attribute],
}

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an attribute")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Key, E> {
        Ok(schema::find(self.among, name).map_or_else(|| Key::Other(name.to_owned()), Key::Known))
    }
}

fn unknown<E: de::Error>(faults: &Faults, trail: &Trail<'_>, name: &str) -> E {
    let path = clipped(&trail.to_string());
    let advice = match nearest_path(name) {
        Some(near) if near == name => r#"parts stand in objects: `"name": {"givenName": …}`"#.to_owned(),
        Some(near) => format!("did you mean `{near}`?"),
        None if name.eq_ignore_ascii_case(CORE_USER) => "core attributes stand at the top, under no URN".to_owned(),
        None => "custom attributes stand in an object under their URN".to_owned(),
    };
    faults.raise_at(FaultKind::Attribute, path, format!("there is no such attribute; {advice}"))
}

/// Reads an object whose attributes are known: an extension, or the parts of a complex attribute.
struct PartsSeed<'a> {
    among: &'static [Attribute],
    trail: &'a Trail<'a>,
    faults: &'a Faults,
}

impl<'de> DeserializeSeed<'de> for PartsSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl PartsSeed<'_> {
    fn mismatch<T, E: de::Error>(&self, found: &str) -> Result<T, E> {
        Err(self.faults.raise(FaultKind::Type, self.trail, format!("expected an object, found {found}")))
    }
}

impl<'de> Visitor<'de> for PartsSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Value, E> {
        self.mismatch("true or false")
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Value, E> {
        self.mismatch("a number")
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Value, E> {
        self.mismatch("a number")
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Value, E> {
        self.mismatch("a number")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Value, E> {
        self.mismatch("a text")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        self.mismatch("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut parts = Attributes::with_capacity(self.among.len());
        while let Some(key) = map.next_key_seed(KeySeed { among: self.among })? {
            match key {
                Key::Known(attribute) => {
                    let trail = self.trail.name(attribute.name.as_str());
                    let value = map.next_value_seed(known(attribute, &trail, self.faults))?;
                    parts.set(attribute.name.clone(), value);
                }
                Key::Other(name) => return Err(unknown(self.faults, &self.trail.name(&name), &name)),
            }
        }
        Ok(Value::Complex(parts))
    }
}

/// Reads the value of a known attribute.
struct KnownSeed<'a> {
    attribute: &'static Attribute,
    /// Whether a list is expected: so at the attribute, and no more at its elements.
    many: bool,
    trail: &'a Trail<'a>,
    faults: &'a Faults,
}

fn known<'a>(attribute: &'static Attribute, trail: &'a Trail<'a>, faults: &'a Faults) -> KnownSeed<'a> {
    KnownSeed { attribute, many: attribute.kind.many, trail, faults }
}

impl KnownSeed<'_> {
    fn mismatch<T, E: de::Error>(&self, found: &str) -> Result<T, E> {
        let wanted = match self.attribute.kind.what {
            _ if self.many => "a list",
            Type::Boolean => "true or false",
            Type::Integer => "a whole number",
            Type::Complex => "an object",
            Type::Text | Type::DateTime | Type::Reference | Type::Binary => "a text",
        };
        let advice = match (wanted, found) {
            ("a text", "a number") => "; put it in double quotes",
            ("a list", "an object") => "; put it in square brackets, even if it is the only one",
            _ => "",
        };
        let kind = if self.attribute.keeping == Keeping::Anchor { FaultKind::Anchor } else { FaultKind::Type };
        Err(self.faults.raise(kind, self.trail, format!("expected {wanted}, found {found}{advice}")))
    }

    fn text<E: de::Error>(self, text: &str) -> Result<Value, E> {
        match self.attribute.kind.what {
            _ if self.many => self.mismatch("a text"),
            Type::Text | Type::DateTime | Type::Reference | Type::Binary => Ok(Value::text(text)),
            Type::Boolean if text.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            Type::Boolean if text.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
            // An empty text says "empty" of any attribute.
            Type::Boolean | Type::Integer if text.is_empty() => Ok(Value::Null),
            Type::Complex => match schema::find(&self.attribute.parts, "value") {
                Some(part) => Ok(Value::Complex([(part.name.clone(), Value::text(text))].into_iter().collect())),
                None => self.mismatch("a text"),
            },
            Type::Boolean | Type::Integer => self.mismatch("a text"),
        }
    }
}

impl<'de> DeserializeSeed<'de> for KnownSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KnownSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, boolean: bool) -> Result<Value, E> {
        match self.attribute.kind.what {
            Type::Boolean if !self.many => Ok(Value::Boolean(boolean)),
            _ => self.mismatch("true or false"),
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        match self.attribute.kind.what {
            Type::Integer if !self.many => Ok(Value::Integer(number)),
            _ => self.mismatch("a number"),
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => self.mismatch("a number"),
        }
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Value, E> {
        self.mismatch("a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        self.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        if !self.many {
            return self.mismatch("a list");
        }
        let mut values = Vec::new();
        loop {
            let trail = self.trail.index(values.len());
            let element = KnownSeed { many: false, trail: &trail, ..self };
            match seq.next_element_seed(element)? {
                Some(value) => values.push(value),
                None => return Ok(Value::Many(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        if self.many || self.attribute.kind.what != Type::Complex {
            return self.mismatch("an object");
        }
        PartsSeed { among: &self.attribute.parts, trail: self.trail, faults: self.faults }.visit_map(map)
    }
}

struct AnchorVisitor;

impl<'de> Visitor<'de> for AnchorVisitor {
    type Value = Option<Anchor>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Anchor>, A::Error> {
        let mut anchor = None;
        while let Some(key) = map.next_key_seed(KeySeed { among: &CORE.attributes })? {
            match key {
                Key::Known(Attribute { keeping: Keeping::Anchor, .. }) => {
                    let said: serde_json::Value = map.next_value()?;
                    anchor = said.as_str().and_then(|text| Anchor::parse(text).ok());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(anchor)
    }
}
