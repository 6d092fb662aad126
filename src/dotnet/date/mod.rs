//! Dates as .NET writes and reads them in the invariant culture, on a machine whose clock shows UTC.

mod cursor;
mod exact;
mod lenient;
mod pattern;
mod styles;
mod write;

#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use jiff::civil::DateTime;

pub use lenient::read;
pub use pattern::{Pattern, PatternError};
pub use styles::{Styles, StylesError};

/// A date and time of day, and what is known of its zone.
///
/// It always counts in UTC: an offset that was read has been taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Year 1 to 9999, in steps of 100 ns.
    pub at: DateTime,
    /// How `K` writes it.
    pub zone: Zone,
}

/// What .NET knows of a moment's zone (`DateTimeKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Nothing was said of it.
    Unspecified,
    /// It was said to be UTC.
    Utc,
    /// It was brought to the machine's zone, which is UTC too.
    Local,
}

/// Why a text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// It is not of the form that was asked for.
    #[error("it is not of this form")]
    Form,
    /// It is, but no calendar has it: the 31st of June, 25 o'clock.
    #[error("there is no such day, or no such time of day")]
    Calendar,
    /// The day has another name.
    #[error("that day is another day of the week")]
    Weekday,
}

/// Years that .NET's dates reach.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9999;

/// Two digits for a year mean one up to this; above it they mean one of the century before.
const TWO_DIGIT_YEAR_MAX: i16 = 2049;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// From Sunday, as .NET and Visual Basic count.
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Letters of a name cut short: `Jan`, `Sun`.
const SHORT_NAME_BYTES: usize = 3;

/// A moment in UTC as Entra's functions give it: `M/d/yyyy h:mm:ss tt`.
pub fn text(at: DateTime) -> String {
    let hour = match at.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let half = if at.hour() < 12 { "AM" } else { "PM" };
    format!("{}/{}/{:04} {hour}:{:02}:{:02} {half}", at.month(), at.day(), at.year(), at.minute(), at.second())
}

/// The same moment, `minutes` east of which it was read; `None` outside [`YEARS`].
fn moved_to_utc(at: DateTime, minutes: i64) -> Option<DateTime> {
    at.checked_sub(SignedDuration::from_mins(minutes)).ok().filter(|at| YEARS.contains(&at.year()))
}

/// The year that one or two digits mean.
fn year_of_two_digits(digits: i16) -> i16 {
    let this_century = TWO_DIGIT_YEAR_MAX - TWO_DIGIT_YEAR_MAX % 100 + digits;
    if this_century > TWO_DIGIT_YEAR_MAX { this_century - 100 } else { this_century }
}

fn weekday_of(at: DateTime) -> usize {
    // From Sunday = 0; never negative.
    usize::try_from(at.weekday().to_sunday_zero_offset()).unwrap_or_default()
}
