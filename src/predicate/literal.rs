//! The values a predicate compares with, made ready once.

use std::borrow::Cow;

/// A value that is written down, to compare with.
#[derive(Debug, Clone)]
pub enum Literal {
    /// A text, which may be a date.
    Text(TextLiteral),
    /// As it was written: nothing is rounded on the way to being printed again.
    Number(String),
    /// True or false.
    Boolean(bool),
    /// Nothing.
    Null,
}

/// A text, and what it may be compared as.
#[derive(Debug, Clone)]
pub struct TextLiteral {
    pub(super) written: String,
    /// Without regard to case.
    pub(super) folded: String,
    /// As a moment, in nanoseconds since 1970, if it reads as one.
    pub(super) moment: Option<i128>,
}

impl Literal {
    /// A text, made ready.
    pub fn text(written: String) -> Self {
        let folded = folded(&written).into_owned();
        let moment = moment(&written);
        Self::Text(TextLiteral { written, folded, moment })
    }
}

impl Literal {
    /// The moment it names, in nanoseconds since 1970, if it is a text that reads as a date.
    pub fn as_moment(&self) -> Option<i128> {
        match self {
            Self::Text(text) => text.moment,
            _ => None,
        }
    }

    /// Whether a number can equal it.
    pub fn reads_as_number(&self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Text(text) => is_number(&text.written),
            Self::Boolean(_) | Self::Null => false,
        }
    }

    /// Whether a boolean can equal it.
    pub fn reads_as_boolean(&self) -> bool {
        match self {
            Self::Boolean(_) | Self::Null => true,
            Self::Text(text) => matches!(text.folded.as_str(), "true" | "false"),
            Self::Number(_) => false,
        }
    }
}

impl TextLiteral {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left.written == right.written,
            (Self::Number(left), Self::Number(right)) => left == right,
            (Self::Boolean(left), Self::Boolean(right)) => left == right,
            (Self::Null, Self::Null) => true,
            _ => false,
        }
    }
}

impl Eq for Literal {}

/// The text without regard to case: each character for itself, so that beginnings stay beginnings.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else if text.is_ascii() {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
    }
}

/// The moment a text names, in nanoseconds since 1970: `2021-05-01T00:00:00-05:00`, `2021-05-01`.
///
/// A date alone is its midnight in UTC; a time without an offset is in UTC (SCIM dates are
/// `xsd:dateTime`, RFC 7643 §2.3.5, whose offset is optional).
pub(super) fn moment(text: &str) -> Option<i128> {
    if !looks_like_date(text) {
        return None;
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_nanosecond());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_nanosecond())
}

/// `YYYY-MM-DD`, alone or before a `T`: the date parser itself takes more than RFC 3339 does.
fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let date = [0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(digit) && bytes[4] == b'-' && bytes[7] == b'-';
    date && match bytes.get(10) {
        None => true,
        Some(separator) => matches!(separator, b'T' | b't') && bytes.len() >= 19 && !text.contains('['),
    }
}

/// Compares two numbers as they are written; `None` when one of them is none.
pub(super) fn compare_numbers(left: &str, right: &str) -> Option<std::cmp::Ordering> {
    if let (Ok(left), Ok(right)) = (left.parse::<i128>(), right.parse::<i128>()) {
        return Some(left.cmp(&right));
    }
    let decimal = |text: &str| is_number(text).then(|| text.parse::<f64>().ok()).flatten();
    decimal(left)?.partial_cmp(&decimal(right)?)
}

/// Whether a text is a number as JSON writes one (RFC 8259 §6).
pub fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        None => (unsigned, None),
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        None => (mantissa, None),
        Some((whole, fraction)) => (whole, Some(fraction)),
    };
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    digits(whole) && !leading_zero && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}
