//! People and jobs for tests of the core.

use crate::expr::Expression;
use crate::mapping::{Apply, AttributeMapping, MappingSource, Shape};
use crate::model::{Anchor, Attributes, Generation, Name, Person, Timestamp, Value};
use crate::scim::{Filter, parse_path};

/// A person with these values at these paths.
pub(crate) fn person(values: &[(&str, Value)]) -> Person {
    let mut attributes = Attributes::new();
    for (path, value) in values {
        parse_path(path).unwrap().set(&mut attributes, value.clone());
    }
    let anchor = Anchor::parse("701984").unwrap();
    attributes.set(Name::new("externalId"), Value::text(anchor.as_str()));
    Person {
        anchor,
        generation: Generation(1),
        attributes,
        deleted: false,
        accepted_at: Timestamp(0),
        moments: Default::default(),
    }
}

pub(crate) fn direct(to: &str, path: &str) -> AttributeMapping {
    AttributeMapping {
        attribute: Name::new(to),
        source: MappingSource::Direct(parse_path(path).unwrap()),
        apply: Apply::Always,
        default: None,
        match_precedence: None,
        flow_null: false,
        unique_in: None,
        shape: Shape::Text,
    }
}

pub(crate) fn function(to: &str, expression: &str) -> AttributeMapping {
    AttributeMapping { source: MappingSource::Function(self::expression(expression)), ..direct(to, "userName") }
}

pub(crate) fn expression(text: &str) -> Expression {
    Expression::parse(text, &parse_path).unwrap()
}

pub(crate) fn filter(text: &str) -> Filter {
    Filter::parse(text).unwrap()
}

pub(crate) fn key(to: &str, path: &str) -> AttributeMapping {
    AttributeMapping { match_precedence: Some(1), ..direct(to, path) }
}
