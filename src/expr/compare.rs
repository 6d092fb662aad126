//! Whether a comparison holds.

use std::cmp::Ordering;

use jiff::civil::DateTime;

use crate::dotnet::date;
use crate::model::Span;

use super::EvaluateError;
use super::datum::Datum;
use super::node::Operator;

/// Whether `left operator right` holds. With something empty on either side it never does, not even
/// `<>` (Entra: "if an attribute in the condition is null or empty, the condition check fails").
///
/// Moments compare as moments, and with texts that say one. Numbers compare as
/// numbers where one side is a whole number, or where the question is which is greater;
/// everything else as text, upper and lower case apart.
pub(super) fn holds(left: Datum<'_>, operator: Operator, right: Datum<'_>, span: &Span) -> Result<bool, EvaluateError> {
    let (left, right) = (left.one(span)?, right.one(span)?);
    if let Some((left, right)) = moments(&left, &right) {
        return Ok(answers(operator, left.cmp(&right)));
    }
    let one_is_number = matches!(left, Datum::Integer(_)) || matches!(right, Datum::Integer(_));
    let (Some(left), Some(right)) = (left.into_text(span)?, right.into_text(span)?) else { return Ok(false) };
    if left.is_empty() || right.is_empty() {
        return Ok(false);
    }
    let asks_for_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
    let as_numbers = || if one_is_number || asks_for_order { numbers(&left, &right) } else { None };
    let ordering = as_numbers().unwrap_or_else(|| left.cmp(&right));
    Ok(answers(operator, ordering))
}

/// How two numbers stand to each other, if both are some: `0.8`, `-5`.
fn numbers(left: &str, right: &str) -> Option<Ordering> {
    if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
        return Some(left.cmp(&right));
    }
    // Not what else reads as a number to Rust: `inf`, `1e3`.
    let read = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
        text.parse::<f64>().ok().filter(|_| is_plain)
    };
    read(left)?.partial_cmp(&read(right)?)
}

/// Both as moments, if one is a moment and the other can be.
fn moments(left: &Datum<'_>, right: &Datum<'_>) -> Option<(DateTime, DateTime)> {
    let read = |datum: &Datum<'_>| match datum {
        Datum::Moment(moment) => Some(*moment),
        Datum::Text(text) => date::read(text).ok(),
        _ => None,
    };
    let one_is_moment = matches!(left, Datum::Moment(_)) || matches!(right, Datum::Moment(_));
    if one_is_moment { Some((read(left)?, read(right)?)) } else { None }
}

fn answers(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::GreaterOrEqual => ordering != Ordering::Less,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
    }
}
