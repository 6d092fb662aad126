//! Dates as .NET writes them in the invariant culture.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment in UTC as Entra's functions give it: `M/d/yyyy h:mm:ss tt`.
pub fn text(moment: Timestamp) -> String {
    let at = TimeZone::UTC.to_datetime(moment);
    let hour = match at.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let half = if at.hour() < 12 { "AM" } else { "PM" };
    format!("{}/{}/{:04} {hour}:{:02}:{:02} {half}", at.month(), at.day(), at.year(), at.minute(), at.second())
}
