//! A text that is read from left to right, a number or a name at a time.

use super::{MONTHS, SHORT_NAME_BYTES, WEEKDAYS};

/// Hours that a zone may be away from UTC, as .NET has it.
const OFFSET_HOURS_MAX: i64 = 14;

/// What is left of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    pub(super) rest: &'t str,
}

impl<'t> Cursor<'t> {
    /// A number of so many digits, and how many they were. At most 9, so that it fits.
    pub(super) fn digits(&mut self, least: usize, most: usize) -> Option<(i32, usize)> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        let number = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        self.rest = rest;
        Some((number, count))
    }

    /// Whether that character comes next; it is passed.
    pub(super) fn take(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Whether that word comes next, whatever the case of its letters; it is passed.
    pub(super) fn word(&mut self, expected: &str) -> bool {
        match self.rest.get(..expected.len()) {
            Some(word) if word.eq_ignore_ascii_case(expected) => {
                self.rest = &self.rest[expected.len()..];
                true
            }
            _ => false,
        }
    }

    /// Passes white space; whether there was any.
    pub(super) fn white(&mut self) -> bool {
        let rest = self.rest.trim_start();
        let was_there = rest.len() < self.rest.len();
        self.rest = rest;
        was_there
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether a digit comes next.
    pub(super) fn is_at_digit(&self) -> bool {
        self.rest.starts_with(|c: char| c.is_ascii_digit())
    }

    /// The name of a month, whole or cut short: its number, from 1.
    pub(super) fn month(&mut self) -> Option<i8> {
        let at = self.name(&MONTHS, false).or_else(|| self.name(&MONTHS, true))?;
        i8::try_from(at + 1).ok()
    }

    /// The name of a day of the week, whole or cut short: its number, from Sunday = 0.
    pub(super) fn weekday(&mut self) -> Option<usize> {
        self.name(&WEEKDAYS, false).or_else(|| self.name(&WEEKDAYS, true))
    }

    /// Which of these names comes next.
    pub(super) fn name(&mut self, names: &[&str], is_short: bool) -> Option<usize> {
        names.iter().position(|name| self.word(if is_short { &name[..SHORT_NAME_BYTES] } else { name }))
    }

    /// The fraction of a second, in nanoseconds; beyond 100 ns it is cut off. `None` where it has too few digits.
    pub(super) fn fraction(&mut self, least: usize, most: usize) -> Option<i32> {
        let (number, count) = self.digits(least, most)?;
        let digits = u32::try_from(count).ok()?;
        let nanoseconds = if digits <= 9 { number * 10_i32.pow(9 - digits) } else { number };
        Some(nanoseconds / 100 * 100)
    }

    /// `+01:00`, `-0700`, `+1`: minutes east of UTC.
    pub(super) fn offset(&mut self) -> Option<i64> {
        let sign = self.sign()?;
        let hours = self.digits(1, 2)?.0;
        let has_minutes = self.take(':') || self.is_at_digit();
        let minutes = if has_minutes { self.digits(2, 2)?.0 } else { 0 };
        minutes_east(sign, hours, minutes)
    }

    /// The same as `z`, `zz` or `zzz` ask for it: hours, two digits of hours, hours and minutes.
    pub(super) fn offset_as(&mut self, letters: usize) -> Option<i64> {
        let sign = self.sign()?;
        let hours = self.digits(if letters == 2 { 2 } else { 1 }, 2)?.0;
        if letters <= 2 {
            return minutes_east(sign, hours, 0);
        }
        self.take(':');
        minutes_east(sign, hours, self.digits(2, 2)?.0)
    }

    fn sign(&mut self) -> Option<i64> {
        if self.take('+') { Some(1) } else { self.take('-').then_some(-1) }
    }
}

fn minutes_east(sign: i64, hours: i32, minutes: i32) -> Option<i64> {
    let east = i64::from(hours) * 60 + i64::from(minutes);
    (minutes < 60 && east <= OFFSET_HOURS_MAX * 60).then_some(sign * east)
}
