//! Filters in one canonical spelling.

use std::fmt::Write as _;

use crate::predicate::{Literal, Operand, Predicate};
use crate::scim::text::push_string;

/// A predicate as the RFC writes it.
pub(super) fn printed(predicate: &Predicate) -> String {
    let mut out = String::new();
    push_predicate(&mut out, predicate, false);
    out
}

/// Prints a predicate; `within` says that its operands are sub-attributes of a value path.
fn push_predicate(out: &mut String, predicate: &Predicate, within: bool) {
    match predicate {
        Predicate::And(all) => push_joined(out, all, " and ", within),
        Predicate::Or(any) => push_joined(out, any, " or ", within),
        Predicate::Not(inner) => {
            out.push_str("not ");
            push_grouped(out, inner, within);
        }
        Predicate::Present(operand) => {
            push_operand(out, operand, within);
            out.push_str(" pr");
        }
        Predicate::Compare(operand, operator, literal) => {
            push_operand(out, operand, within);
            out.push(' ');
            out.push_str(operator.word());
            out.push(' ');
            push_literal(out, literal);
        }
        // No text reads as one: scoping filters print themselves.
        Predicate::Every(operand, _) => push_operand(out, operand, within),
        Predicate::Within(operand, inner) => {
            push_operand(out, operand, within);
            out.push('[');
            push_predicate(out, inner, true);
            out.push(']');
        }
    }
}

/// Only `and` inside `or` goes without parentheses; a group somebody made by hand stays one.
fn push_joined(out: &mut String, parts: &[Predicate], word: &str, within: bool) {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(word);
        }
        match part {
            Predicate::And(_) if word == " or " => push_predicate(out, part, within),
            Predicate::And(_) | Predicate::Or(_) => push_grouped(out, part, within),
            _ => push_predicate(out, part, within),
        }
    }
}

fn push_grouped(out: &mut String, predicate: &Predicate, within: bool) {
    out.push('(');
    push_predicate(out, predicate, within);
    out.push(')');
}

fn push_operand(out: &mut String, operand: &Operand, within: bool) {
    match &operand.path.sub {
        Some(sub) if within => out.push_str(sub.as_str()),
        // Writing to a `String` cannot fail.
        _ => drop(write!(out, "{}", operand.path)),
    }
}

fn push_literal(out: &mut String, literal: &Literal) {
    match literal {
        Literal::Text(text) => push_string(out, text.as_str()),
        Literal::Number(number) => out.push_str(number),
        Literal::Boolean(true) => out.push_str("true"),
        Literal::Boolean(false) => out.push_str("false"),
        Literal::Null => out.push_str("null"),
    }
}
