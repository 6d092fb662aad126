//! Whether a predicate holds. Nothing here can fail: what cannot be compared does not hold.
//!
//! Every rule asks this of every person, so a text is only copied where its letters are not ASCII.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::literal::{Literal, TextLiteral, compare_numbers, folded, moment};
use super::{Operand, Operator, Predicate};
use crate::model::{Attributes, Value};

/// Of what a predicate is asked.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// A person.
    Person(&'a Attributes),
    /// One value of a multi-valued attribute: operands name its sub-attributes.
    Element(&'a Value),
}

impl<'a> Asked<'a> {
    pub(super) fn visit(self, operand: &Operand, visit: &mut dyn FnMut(&'a Value)) {
        match (self, &operand.path.sub) {
            (Self::Person(person), _) => operand.path.visit(person, visit),
            (Self::Element(Value::Complex(parts)), Some(sub)) => {
                if let Some(value) = parts.get(sub.as_str()) {
                    visit(value);
                }
            }
            (Self::Element(bare), Some(sub)) if *sub == *"value" => visit(bare),
            (Self::Element(_), _) => {}
        }
    }

    fn any(self, operand: &Operand, holds: &mut dyn FnMut(&'a Value) -> bool) -> bool {
        let mut any = false;
        self.visit(operand, &mut |value| any = any || any_of(value, holds));
        any
    }
}

/// Whether it holds for the value, or for one of several.
fn any_of<'a>(value: &'a Value, holds: &mut dyn FnMut(&'a Value) -> bool) -> bool {
    match value {
        Value::Many(values) => values.iter().any(|value| any_of(value, holds)),
        single => holds(single),
    }
}

impl Predicate {
    /// Whether it holds for a person.
    ///
    /// `externalId` is seen only where the caller has put the anchor among the attributes.
    pub fn holds(&self, person: &Attributes) -> bool {
        self.holds_of(Asked::Person(person))
    }

    fn holds_of(&self, of: Asked<'_>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|predicate| predicate.holds_of(of)),
            Self::Or(any) => any.iter().any(|predicate| predicate.holds_of(of)),
            Self::Not(inner) => !inner.holds_of(of),
            Self::Present(operand) => of.any(operand, &mut |value| !value.is_empty()),
            Self::Compare(operand, operator, literal) => compare_any(of, operand, *operator, literal),
            Self::Every(operand, demand) => demand.asked(operand, of).unwrap_or(false),
            Self::Within(operand, inner) => of.any(operand, &mut |element| inner.holds_of(Asked::Element(element))),
        }
    }
}

fn compare_any(of: Asked<'_>, operand: &Operand, operator: Operator, literal: &Literal) -> bool {
    let is_there = || of.any(operand, &mut |value| *value != Value::Null);
    match (operator, literal) {
        (Operator::Eq, Literal::Null) => !is_there(),
        (Operator::Ne, Literal::Null) => is_there(),
        (Operator::Ne, _) => {
            !is_there() || of.any(operand, &mut |value| !compare(value, Operator::Eq, literal, operand.case_exact))
        }
        _ => of.any(operand, &mut |value| compare(value, operator, literal, operand.case_exact)),
    }
}

fn compare(value: &Value, operator: Operator, literal: &Literal, case_exact: bool) -> bool {
    let value = match value {
        Value::Complex(parts) => parts.get("value").unwrap_or(&Value::Null),
        simple => simple,
    };
    match operator {
        Operator::Co | Operator::Sw | Operator::Ew => holds_part(value, operator, literal, case_exact),
        _ => order(value, literal, case_exact).is_some_and(|ordering| admits(operator, ordering)),
    }
}

fn admits(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

fn holds_part(value: &Value, operator: Operator, literal: &Literal, case_exact: bool) -> bool {
    let Literal::Text(literal) = literal else { return false };
    let held: Cow<'_, str> = match value {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Integer(number) => Cow::Owned(number.to_string()),
        _ => return false,
    };
    if !case_exact && held.is_ascii() {
        return holds_part_in_ascii(held.as_bytes(), operator, literal.folded.as_bytes());
    }
    let (held, part) = cased(&held, literal, case_exact);
    match operator {
        Operator::Co => held.contains(part),
        Operator::Sw => held.starts_with(part),
        Operator::Ew => held.ends_with(part),
        _ => false,
    }
}

/// The same without regard to case, for texts that are ASCII, as most are: nothing is copied.
fn holds_part_in_ascii(held: &[u8], operator: Operator, part: &[u8]) -> bool {
    let Some(rest) = held.len().checked_sub(part.len()) else { return false };
    let at = |start: usize| held[start..start + part.len()].eq_ignore_ascii_case(part);
    match operator {
        Operator::Co => (0..=rest).any(at),
        Operator::Sw => at(0),
        Operator::Ew => at(rest),
        _ => false,
    }
}

/// Both texts, with or without regard to case.
fn cased<'a>(held: &'a str, literal: &'a TextLiteral, case_exact: bool) -> (Cow<'a, str>, &'a str) {
    if case_exact { (Cow::Borrowed(held), &literal.written) } else { (folded(held), &literal.folded) }
}

/// How the value stands to the literal; `None` where they cannot be compared.
fn order(value: &Value, literal: &Literal, case_exact: bool) -> Option<Ordering> {
    match (value, literal) {
        (Value::Text(held), Literal::Text(literal)) => Some(order_texts(held, literal, case_exact)),
        (Value::Text(held), Literal::Number(number)) => compare_numbers(held, number),
        (Value::Integer(held), Literal::Number(number)) => compare_numbers(&held.to_string(), number),
        (Value::Integer(held), Literal::Text(literal)) => compare_numbers(&held.to_string(), &literal.written),
        (Value::Boolean(held), Literal::Boolean(literal)) => equal(held == literal),
        (Value::Text(held), Literal::Boolean(literal)) => equal(held.eq_ignore_ascii_case(spelled(*literal))),
        (Value::Boolean(held), Literal::Text(literal)) => equal(literal.folded == spelled(*held)),
        _ => None,
    }
}

fn order_texts(held: &str, literal: &TextLiteral, case_exact: bool) -> Ordering {
    if let Some(wanted) = literal.moment
        && let Some(held) = moment(held)
    {
        return held.cmp(&wanted);
    }
    if !case_exact && held.is_ascii() {
        let held = held.bytes().map(|byte| byte.to_ascii_lowercase());
        return held.cmp(literal.folded.bytes());
    }
    let (held, wanted) = cased(held, literal, case_exact);
    (*held).cmp(wanted)
}

/// True and false are equal or not; neither is the greater.
fn equal(equal: bool) -> Option<Ordering> {
    equal.then_some(Ordering::Equal)
}

fn spelled(boolean: bool) -> &'static str {
    if boolean { "true" } else { "false" }
}
