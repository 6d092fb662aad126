//! From a moment and a pattern to a text.

use std::fmt::Write as _;

use super::pattern::{FRACTION_DIGITS_MAX, Field, Part};
use super::{MONTHS, Moment, Pattern, SHORT_NAME_BYTES, WEEKDAYS, Zone, weekday_of};

impl Pattern {
    /// The moment, written so. At most six times as long as the format.
    pub fn write(&self, moment: Moment) -> String {
        let mut text = String::new();
        for part in &self.parts {
            write_part(&mut text, *part, moment);
        }
        text
    }
}

fn write_part(text: &mut String, part: Part, moment: Moment) {
    match part {
        Part::Literal(letter) => text.push(letter),
        Part::Field(field, letters) => write_field(text, field, letters, moment),
        Part::Fraction(digits) => text.push_str(&fraction(moment)[..digits]),
        Part::TrimmedFraction(digits) => {
            let all = fraction(moment);
            let trimmed = all[..digits].trim_end_matches('0');
            // Without a fraction there is no point either.
            if trimmed.is_empty() && text.ends_with('.') {
                text.pop();
            }
            text.push_str(trimmed);
        }
        Part::Zone => text.push_str(match moment.zone {
            Zone::Unspecified => "",
            Zone::Utc => "Z",
            Zone::Local => "+00:00",
        }),
        Part::Zulu => text.push('Z'),
    }
}

fn fraction(moment: Moment) -> String {
    let ticks = moment.at.subsec_nanosecond() / 100;
    format!("{ticks:00$}", FRACTION_DIGITS_MAX)
}

fn write_field(text: &mut String, field: Field, letters: usize, moment: Moment) {
    let at = moment.at;
    let hour12 = match at.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match field {
        Field::Year if letters <= 2 => number(text, at.year() % 100, letters),
        Field::Year => number(text, at.year(), letters),
        Field::Month if letters > 2 => {
            name(text, MONTHS[usize::try_from(at.month() - 1).unwrap_or_default()], letters);
        }
        Field::Month => number(text, i16::from(at.month()), letters),
        Field::Day if letters > 2 => name(text, WEEKDAYS[weekday_of(at)], letters),
        Field::Day => number(text, i16::from(at.day()), letters),
        Field::Hour12 => number(text, hour12.into(), letters.min(2)),
        Field::Hour24 => number(text, at.hour().into(), letters.min(2)),
        Field::Minute => number(text, at.minute().into(), letters.min(2)),
        Field::Second => number(text, at.second().into(), letters.min(2)),
        Field::HalfDay => {
            let half = if at.hour() < 12 { "AM" } else { "PM" };
            text.push_str(&half[..letters.min(2)]);
        }
        Field::Era => text.push_str("A.D."),
        Field::Offset => text.push_str(match letters {
            1 => "+0",
            2 => "+00",
            _ => "+00:00",
        }),
    }
}

fn number(text: &mut String, number: i16, digits: usize) {
    // Writing to a String cannot fail. Rust's own padding ends at 65 535 digits.
    text.extend(std::iter::repeat_n('0', digits.saturating_sub(number.to_string().len())));
    let _ = write!(text, "{number}");
}

fn name(text: &mut String, name: &str, letters: usize) {
    text.push_str(if letters == SHORT_NAME_BYTES { &name[..SHORT_NAME_BYTES] } else { name });
}
