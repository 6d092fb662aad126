//! Whether a comparison holds.

use std::cmp::Ordering;

use crate::model::Span;

use super::EvaluateError;
use super::datum::Datum;
use super::node::Operator;

/// Whether `left operator right` holds. With something empty on either side it never does, not even
/// `<>` (Entra: "if an attribute in the condition is null or empty, the condition check fails").
///
/// Whole numbers compare as numbers where one side is a number, or where the
/// question is which is greater; everything else as text, upper and lower case apart.
pub(super) fn holds(left: Datum<'_>, operator: Operator, right: Datum<'_>, span: &Span) -> Result<bool, EvaluateError> {
    let (left, right) = (left.one(span)?, right.one(span)?);
    let one_is_number = matches!(left, Datum::Integer(_)) || matches!(right, Datum::Integer(_));
    let (Some(left), Some(right)) = (left.into_text(span)?, right.into_text(span)?) else { return Ok(false) };
    if left.is_empty() || right.is_empty() {
        return Ok(false);
    }
    let asks_for_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
    let ordering = match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) if one_is_number || asks_for_order => left.cmp(&right),
        _ => left.cmp(&right),
    };
    Ok(match operator {
        Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::GreaterOrEqual => ordering != Ordering::Less,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
    })
}
