//! From a text and a pattern to a moment, as `DateTime.ParseExact` reads.

use jiff::civil::DateTime;

use super::cursor::Cursor;
use super::pattern::{Field, Part};
use super::styles::{AssumedZone, Styles};
use super::{
    DateError, MONTHS, Moment, Pattern, SHORT_NAME_BYTES, WEEKDAYS, YEARS, Zone, moved_to_utc, weekday_of,
    year_of_two_digits,
};

/// `K` reads an offset as `zzz` does.
const OFFSET_LETTERS: usize = 3;

/// What has been read of a date. What a pattern asks for twice must be the same twice.
#[derive(Debug, Default)]
struct Fields {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    weekday: Option<usize>,
    hour: Option<i8>,
    counts_to_twelve: bool,
    is_afternoon: Option<bool>,
    minute: Option<i8>,
    second: Option<i8>,
    nanosecond: Option<i32>,
    offset: Option<Offset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offset {
    Zulu,
    Minutes(i64),
}

impl Pattern {
    /// The moment that a text of this form says.
    ///
    /// Where the pattern asks for no year, month or day, it is the first there is (.NET takes today's, but nothing
    /// here knows the day); without a year the 29th of February is that of the year 4.
    ///
    /// # Errors
    /// [`DateError`] says whether the form or the calendar is against it.
    pub fn read(&self, text: &str, styles: Styles) -> Result<Moment, DateError> {
        if text.is_empty() {
            return Err(DateError::Form);
        }
        let (text, parts) = without_white_ends(text, &self.parts, styles);
        let mut cursor = Cursor { rest: text };
        let mut fields = Fields::default();
        for (at, part) in parts.iter().enumerate() {
            if styles.inner_white && (cursor.white() || is_white(*part)) && is_white(*part) {
                continue;
            }
            // .NET reads on where a space is missing, if white space at the end would be passed over.
            let may_miss = styles.trailing_white && *part == Part::Literal(' ');
            let next = parts.get(at + 1).copied();
            if read_part(&mut cursor, *part, next, &mut fields).is_none() && !may_miss {
                return Err(DateError::Form);
            }
        }
        if !cursor.is_done() {
            return Err(DateError::Form);
        }
        fields.moment(styles)
    }
}

/// A text and what it is read by, both without the white space that may be passed over.
fn without_white_ends<'t>(mut text: &'t str, mut parts: &'t [Part], styles: Styles) -> (&'t str, &'t [Part]) {
    if styles.leading_white {
        text = text.trim_start();
        while let [first, rest @ ..] = parts
            && is_white(*first)
        {
            parts = rest;
        }
    }
    if styles.trailing_white {
        text = text.trim_end();
        while let [rest @ .., last] = parts
            && is_white(*last)
        {
            parts = rest;
        }
    }
    (text, parts)
}

fn is_white(part: Part) -> bool {
    matches!(part, Part::Literal(letter) if letter.is_whitespace())
}

fn read_part(cursor: &mut Cursor<'_>, part: Part, next: Option<Part>, fields: &mut Fields) -> Option<()> {
    match part {
        // `.FFF` may be missing, point and all.
        Part::Literal('.') if matches!(next, Some(Part::TrimmedFraction(_))) => {
            cursor.take('.');
            Some(())
        }
        // Newer Unicode data writes `8:00 AM` with spaces that do not break.
        Part::Literal(' ') => [' ', '\u{A0}', '\u{202F}'].into_iter().any(|space| cursor.take(space)).then_some(()),
        Part::Literal(letter) => cursor.take(letter).then_some(()),
        Part::Field(field, letters) => read_field(cursor, field, letters, fields),
        Part::Fraction(digits) => set(&mut fields.nanosecond, cursor.fraction(digits, digits)?),
        Part::TrimmedFraction(digits) => set(&mut fields.nanosecond, cursor.fraction(0, digits)?),
        Part::Zulu => {
            (cursor.word("Z") || cursor.word("GMT")).then_some(())?;
            set(&mut fields.offset, Offset::Zulu)
        }
        Part::Zone if cursor.take('Z') => set(&mut fields.offset, Offset::Zulu),
        Part::Zone if cursor.rest.starts_with(['+', '-']) => {
            set(&mut fields.offset, Offset::Minutes(cursor.offset_as(OFFSET_LETTERS)?))
        }
        Part::Zone => Some(()),
    }
}

fn read_field(cursor: &mut Cursor<'_>, field: Field, letters: usize, fields: &mut Fields) -> Option<()> {
    match field {
        Field::Year if letters <= 2 => {
            let digits = i16::try_from(cursor.digits(letters, 2)?.0).ok()?;
            set(&mut fields.year, year_of_two_digits(digits))
        }
        Field::Year => {
            // Leading zeros beyond the ninth digit are more than anybody writes.
            let (year, _) = cursor.digits(letters, letters.min(9))?;
            set(&mut fields.year, i16::try_from(year).ok()?)
        }
        Field::Month if letters > 2 => {
            let at = cursor.name(&MONTHS, letters == SHORT_NAME_BYTES)?;
            set(&mut fields.month, i8::try_from(at + 1).ok()?)
        }
        Field::Month => set(&mut fields.month, two_digits(cursor, letters)?),
        Field::Day if letters > 2 => set(&mut fields.weekday, cursor.name(&WEEKDAYS, letters == SHORT_NAME_BYTES)?),
        Field::Day => set(&mut fields.day, two_digits(cursor, letters)?),
        Field::Hour12 => {
            fields.counts_to_twelve = true;
            set(&mut fields.hour, two_digits(cursor, letters)?)
        }
        Field::Hour24 => set(&mut fields.hour, two_digits(cursor, letters)?),
        Field::Minute => set(&mut fields.minute, two_digits(cursor, letters)?),
        Field::Second => set(&mut fields.second, two_digits(cursor, letters)?),
        Field::HalfDay => {
            let halves = if letters == 1 { ["A", "P"] } else { ["AM", "PM"] };
            let at = halves.iter().position(|half| cursor.word(half))?;
            set(&mut fields.is_afternoon, at == 1)
        }
        Field::Era => (cursor.word("A.D.") || cursor.word("AD")).then_some(()),
        Field::Offset => set(&mut fields.offset, Offset::Minutes(cursor.offset_as(letters)?)),
    }
}

/// One letter reads one or two digits; more letters read exactly two.
fn two_digits(cursor: &mut Cursor<'_>, letters: usize) -> Option<i8> {
    i8::try_from(cursor.digits(letters.min(2), 2)?.0).ok()
}

fn set<T: PartialEq>(slot: &mut Option<T>, value: T) -> Option<()> {
    if slot.as_ref().is_some_and(|before| *before != value) {
        return None;
    }
    *slot = Some(value);
    Some(())
}

impl Fields {
    fn moment(&self, styles: Styles) -> Result<Moment, DateError> {
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let first_year = if (month, day) == (2, 29) { 4 } else { 1 };
        let year = self.year.unwrap_or(first_year);
        let time = (self.hour()?, self.minute.unwrap_or(0), self.second.unwrap_or(0), self.nanosecond.unwrap_or(0));
        let at = DateTime::new(year, month, day, time.0, time.1, time.2, time.3).map_err(|_| DateError::Calendar)?;
        if !YEARS.contains(&year) {
            return Err(DateError::Calendar);
        }
        if self.weekday.is_some_and(|weekday| weekday != weekday_of(at)) {
            return Err(DateError::Weekday);
        }
        let at = match self.offset {
            Some(Offset::Minutes(minutes)) => moved_to_utc(at, minutes).ok_or(DateError::Calendar)?,
            Some(Offset::Zulu) | None => at,
        };
        Ok(Moment { at, zone: self.zone(styles) })
    }

    fn zone(&self, styles: Styles) -> Zone {
        let zone = match (self.offset, styles.zone) {
            (Some(Offset::Zulu), _) if styles.roundtrip => Zone::Utc,
            (Some(_), _) | (None, AssumedZone::Utc | AssumedZone::Local) => Zone::Local,
            (None, AssumedZone::Unspecified) => return Zone::Unspecified,
        };
        if styles.to_universal { Zone::Utc } else { zone }
    }

    /// The hour from 0. Twelve hours without AM or PM are those of the morning.
    fn hour(&self) -> Result<i8, DateError> {
        let hour = self.hour.unwrap_or(0);
        if !self.counts_to_twelve {
            return match self.is_afternoon {
                Some(is_afternoon) if is_afternoon != (hour >= 12) => Err(DateError::Calendar),
                _ => Ok(hour),
            };
        }
        match (hour, self.is_afternoon.unwrap_or(false)) {
            (13.., _) => Err(DateError::Calendar),
            (12, false) => Ok(0),
            (12, true) => Ok(12),
            (hour, is_afternoon) => Ok(if is_afternoon { hour + 12 } else { hour }),
        }
    }
}
