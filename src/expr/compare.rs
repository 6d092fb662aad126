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
/// Moments compare as moments, and with texts that say one. Whole numbers compare as
/// numbers where one side is a number, or where the question is which is greater;
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
    let ordering = match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) if one_is_number || asks_for_order => left.cmp(&right),
        _ => left.cmp(&right),
    };
    Ok(answers(operator, ordering))
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
