//! From a text in one of the usual forms to a moment, as `DateTime.Parse` reads in the invariant culture.

use jiff::civil::DateTime;

use super::cursor::Cursor;
use super::{DateError, YEARS, moved_to_utc, weekday_of, year_of_two_digits};

/// Digits of `20260131`.
const BASIC_DATE_DIGITS: usize = 8;
/// Digits of `235959`.
const BASIC_TIME_DIGITS: usize = 6;
/// Digits behind the point that are read; what .NET cannot hold is cut off.
const FRACTION_DIGITS_READ: usize = 9;

/// The moment, in UTC, that a text says.
///
/// Understood are ISO 8601 (`2026-01-31`, `2026-01-31T08:00:00.5Z`, `2026-01-31-07:00`, `20260131`), American dates
/// (`1/31/2026`, `1-31-2026`) and dates with the name of the month (`31 Jan 2026`, `January 31, 2026`, RFC 1123), each
/// alone or with a time of day (`8:00`, `08:00:00`, `8:00 AM`) and a zone. Where no zone is said it is UTC, and where
/// no day is said (`2026-01`, `January 2026`) it is the first. Dates that end with the year behind points are not
/// understood: nobody can tell whether `03.04.2026` begins with the month.
///
/// # Errors
/// [`DateError`] says whether the form or the calendar is against it.
pub fn read(text: &str) -> Result<DateTime, DateError> {
    let mut cursor = Cursor { rest: text.trim() };
    let weekday = cursor.weekday();
    if weekday.is_some() {
        cursor.take(',');
        cursor.white();
    }
    let (year, month, day) = date(&mut cursor).ok_or(DateError::Form)?;
    let is_iso = cursor.take('T') || cursor.take('t');
    if !is_iso {
        cursor.take(',');
        cursor.white();
    }
    let (hour, minute, second, nanosecond) = match cursor.is_at_digit() {
        true => time(&mut cursor, is_iso).ok_or(DateError::Form)?,
        false if is_iso => return Err(DateError::Form),
        false => (0, 0, 0, 0),
    };
    cursor.white();
    let offset = zone(&mut cursor).ok_or(DateError::Form)?;
    if !cursor.is_done() {
        return Err(DateError::Form);
    }
    let at = DateTime::new(year, month, day, hour, minute, second, nanosecond).map_err(|_| DateError::Calendar)?;
    if weekday.is_some_and(|weekday| weekday != weekday_of(at)) {
        return Err(DateError::Weekday);
    }
    if !YEARS.contains(&year) {
        return Err(DateError::Calendar);
    }
    moved_to_utc(at, offset).ok_or(DateError::Calendar)
}

/// Year, month, day; without a day it is the first.
fn date(cursor: &mut Cursor<'_>) -> Option<(i16, i8, i8)> {
    if let Some(month) = cursor.month() {
        return beginning_named(cursor, month);
    }
    let (first, digits) = cursor.digits(1, BASIC_DATE_DIGITS)?;
    match digits {
        BASIC_DATE_DIGITS => Some((as_year(first / 10_000)?, as_small(first / 100 % 100)?, as_small(first % 100)?)),
        4 => beginning_year(cursor, as_year(first)?),
        1 | 2 => beginning_small(cursor, as_small(first)?),
        _ => None,
    }
}

/// `January 31, 2026`, `Jan. 31 2026`, `January 2026`.
fn beginning_named(cursor: &mut Cursor<'_>, month: i8) -> Option<(i16, i8, i8)> {
    cursor.take('.');
    cursor.white();
    let (number, digits) = cursor.digits(1, 4)?;
    if digits == 4 {
        return Some((as_year(number)?, month, 1));
    }
    cursor.take(',');
    cursor.white();
    Some((year(cursor)?, month, as_small(number)?))
}

/// `2026-01-31`, `2026/1/31`, `2026.01.31`, `2026-Jan-31`, `2026 January 31`, `2026-01`.
fn beginning_year(cursor: &mut Cursor<'_>, year: i16) -> Option<(i16, i8, i8)> {
    let separator = separator(cursor)?;
    let month = cursor.month().or_else(|| small(cursor))?;
    if cursor.take(separator) {
        return Some((year, month, small(cursor)?));
    }
    // `2026.01` may be a number.
    (separator != '.').then_some((year, month, 1))
}

/// `1/31/2026`, `1-31-2026`, `1/2026`, `31-Jan-2026`, `31 January 2026`, `31. January 2026`.
fn beginning_small(cursor: &mut Cursor<'_>, first: i8) -> Option<(i16, i8, i8)> {
    let separator = separator(cursor).unwrap_or(' ');
    cursor.white();
    if let Some(month) = cursor.month() {
        cursor.take(separator);
        cursor.take(',');
        cursor.white();
        return Some((year(cursor)?, month, first));
    }
    let (number, digits) = cursor.digits(1, 4).filter(|_| matches!(separator, '-' | '/'))?;
    if digits == 4 {
        return Some((as_year(number)?, first, 1));
    }
    cursor.take(separator).then_some(())?;
    Some((year(cursor)?, first, as_small(number)?))
}

fn separator(cursor: &mut Cursor<'_>) -> Option<char> {
    ['-', '/', '.', ' '].into_iter().find(|separator| cursor.take(*separator))
}

fn year(cursor: &mut Cursor<'_>) -> Option<i16> {
    match cursor.digits(2, 4)? {
        (digits, 2) => Some(year_of_two_digits(as_year(digits)?)),
        (year, 4) => as_year(year),
        _ => None,
    }
}

/// Hour from 0, minute, second, nanosecond. Behind a `T` the colons may be missing.
fn time(cursor: &mut Cursor<'_>, is_iso: bool) -> Option<(i8, i8, i8, i32)> {
    let (first, digits) = cursor.digits(1, if is_iso { BASIC_TIME_DIGITS } else { 2 })?;
    let (hour, minute, second) = match digits {
        BASIC_TIME_DIGITS => (first / 10_000, first / 100 % 100, first % 100),
        4 => (first / 100, first % 100, 0),
        1 | 2 if cursor.take(':') => {
            let minute = cursor.digits(1, 2)?.0;
            let second = if cursor.take(':') { cursor.digits(1, 2)?.0 } else { 0 };
            (first, minute, second)
        }
        // `5 PM`; an hour alone is none.
        1 | 2 => (half_of_day(cursor, first)??, 0, 0),
        _ => return None,
    };
    let nanosecond = if cursor.take('.') || cursor.take(',') { fraction(cursor)? } else { 0 };
    let hour = half_of_day(cursor, hour).unwrap_or(Some(hour))?;
    Some((as_small(hour)?, as_small(minute)?, as_small(second)?, nanosecond))
}

/// The hour from 0, if AM or PM comes next; `Some(None)` where no half of a day has such an hour.
fn half_of_day(cursor: &mut Cursor<'_>, hour: i32) -> Option<Option<i32>> {
    let before = *cursor;
    cursor.white();
    let afternoon = match (cursor.word("AM"), cursor.rest) {
        (true, _) => 0,
        (false, _) if cursor.word("PM") => 12,
        _ => {
            *cursor = before;
            return None;
        }
    };
    match hour {
        0..=12 => Some(Some(hour % 12 + afternoon)),
        // `13:45 PM`, as some write it.
        13.. => Some((afternoon > 0).then_some(hour)),
        _ => Some(None),
    }
}

fn fraction(cursor: &mut Cursor<'_>) -> Option<i32> {
    let nanosecond = cursor.fraction(1, FRACTION_DIGITS_READ)?;
    while cursor.is_at_digit() {
        cursor.digits(1, FRACTION_DIGITS_READ)?;
    }
    Some(nanosecond)
}

/// Minutes east of UTC; 0 where nothing is said.
fn zone(cursor: &mut Cursor<'_>) -> Option<i64> {
    if cursor.is_done() || ["Z", "GMT", "UTC"].into_iter().any(|name| cursor.word(name)) {
        return Some(0);
    }
    cursor.offset()
}

fn small(cursor: &mut Cursor<'_>) -> Option<i8> {
    as_small(cursor.digits(1, 2)?.0)
}

fn as_small(number: i32) -> Option<i8> {
    i8::try_from(number).ok()
}

fn as_year(number: i32) -> Option<i16> {
    i16::try_from(number).ok()
}
