//! Visual Basic's arithmetic with dates (`DateAdd`, `DateDiff`), and Windows' count of time (FILETIME).

use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, Span};

/// What is counted between two dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// `yyyy`
    Year,
    /// `q`
    Quarter,
    /// `m`
    Month,
    /// `d`, `y`: the day of the year counts as the day does.
    Day,
    /// `w` of a difference: whole weeks. Of a sum it is a day, the day of the week.
    Weekday,
    /// `ww`: weeks of the calendar, which begin on Sundays.
    Week,
    /// `h`
    Hour,
    /// `n`
    Minute,
    /// `s`
    Second,
}

/// How intervals are written. Those that Entra names come first.
pub const INTERVALS: [(&str, Interval); 10] = [
    ("yyyy", Interval::Year),
    ("m", Interval::Month),
    ("d", Interval::Day),
    ("ww", Interval::Week),
    ("h", Interval::Hour),
    ("n", Interval::Minute),
    ("s", Interval::Second),
    ("q", Interval::Quarter),
    ("y", Interval::Day),
    ("w", Interval::Weekday),
];

const DAY_SECONDS: i64 = 24 * 60 * 60;
const WEEK_DAYS: i64 = 7;
/// A FILETIME counts 100 ns.
const SECOND_TICKS: i64 = 10_000_000;
const TICK_NANOSECONDS: i32 = 100;
/// A FILETIME counts from here.
const FILETIME_BEGIN: DateTime = date(1601, 1, 1).at(0, 0, 0, 0);

impl Interval {
    /// The interval of that name, upper or lower case.
    pub fn parse(name: &str) -> Option<Self> {
        INTERVALS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, interval)| *interval)
    }

    /// So many of it later; a day that the month does not have becomes its last. `None` outside the years 1 to 9999.
    pub fn add(self, count: i64, to: DateTime) -> Option<DateTime> {
        let seconds = match self {
            Self::Year => return add_months(count.checked_mul(12)?, to),
            Self::Quarter => return add_months(count.checked_mul(3)?, to),
            Self::Month => return add_months(count, to),
            Self::Day | Self::Weekday => DAY_SECONDS,
            Self::Week => DAY_SECONDS * WEEK_DAYS,
            Self::Hour => 60 * 60,
            Self::Minute => 60,
            Self::Second => 1,
        };
        later(to, count.checked_mul(seconds)?, 0)
    }

    /// How many of it lie between `from` and `to`; negative where `to` is earlier.
    ///
    /// Years, quarters, months and weeks of the calendar count how often one begins; all else counts what has passed
    /// in full (VB.NET's `DateDiff`; all nine published values agree, `facts/entra.md` §4.3).
    pub fn between(self, from: DateTime, to: DateTime) -> i64 {
        let seconds = to.duration_since(from).as_secs();
        let months = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month()) - 1;
        match self {
            Self::Year => i64::from(to.year()) - i64::from(from.year()),
            Self::Quarter => months(to) / 3 - months(from) / 3,
            Self::Month => months(to) - months(from),
            Self::Day => seconds / DAY_SECONDS,
            Self::Weekday => seconds / DAY_SECONDS / WEEK_DAYS,
            Self::Week => {
                let since_sunday = |at: DateTime| i64::from(at.weekday().to_sunday_zero_offset()) * DAY_SECONDS;
                (seconds - since_sunday(to) + since_sunday(from)) / DAY_SECONDS / WEEK_DAYS
            }
            Self::Hour => seconds / (60 * 60),
            Self::Minute => seconds / 60,
            Self::Second => seconds,
        }
    }
}

fn add_months(count: i64, to: DateTime) -> Option<DateTime> {
    let months = (i64::from(to.year()) * 12 + i64::from(to.month()) - 1).checked_add(count)?;
    let year = i16::try_from(months.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
    let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
    let first = Date::new(year, month, 1).ok()?;
    let day = to.day().min(first.days_in_month());
    Some(Date::new(year, month, day).ok()?.to_datetime(to.time()))
}

/// The moment as a FILETIME; `None` before 1601.
pub fn to_filetime(at: DateTime) -> Option<i64> {
    let since = at.duration_since(FILETIME_BEGIN);
    let ticks = since.as_secs().checked_mul(SECOND_TICKS)? + i64::from(since.subsec_nanos() / TICK_NANOSECONDS);
    (ticks >= 0).then_some(ticks)
}

/// The moment of a FILETIME; `None` for one below zero, or after 9999.
pub fn from_filetime(ticks: i64) -> Option<DateTime> {
    if ticks < 0 {
        return None;
    }
    let nanoseconds = i32::try_from(ticks % SECOND_TICKS).ok()? * TICK_NANOSECONDS;
    later(FILETIME_BEGIN, ticks / SECOND_TICKS, nanoseconds)
}

/// So much later. By days first: jiff's durations do not reach from one end of the calendar to the other.
fn later(at: DateTime, seconds: i64, nanoseconds: i32) -> Option<DateTime> {
    let day = at.checked_add(Span::new().try_days(seconds.div_euclid(DAY_SECONDS)).ok()?).ok()?;
    let rest = SignedDuration::new(seconds.rem_euclid(DAY_SECONDS), nanoseconds);
    day.checked_add(rest).ok().filter(|at| at.year() >= 1)
}

#[cfg(test)]
mod tests {
    use super::super::date::read;
    use super::*;

    fn between(name: &str, from: &str, to: &str) -> i64 {
        Interval::parse(name).unwrap().between(read(from).unwrap(), read(to).unwrap())
    }

    #[test]
    fn differences_are_those_that_entra_publishes() {
        let (late, early) = ("8/25/2021 5:41:18 PM", "2012-03-16-07:00");
        assert_eq!(between("d", "2021-08-18+08:00", "2021-08-31+08:00"), 13);
        assert_eq!(between("d", late, early), -3449);
        assert_eq!(between("ww", late, early), -493);
        assert_eq!(between("m", late, early), -113);
        assert_eq!(between("yyyy", late, early), -9);
        assert_eq!(between("d", "2021-08-31+08:00", "2021-08-31+08:00"), 0);
        assert_eq!(between("h", "2021-08-24", "2021-08-25"), 24);
        assert_eq!(between("n", "2021-08-24", "2021-08-25"), 1440);
        assert_eq!(between("s", "2021-08-24", "2021-08-25"), 86400);
    }

    #[test]
    fn weeks_of_the_calendar_begin_on_sundays_and_plain_weeks_are_seven_days() {
        assert_eq!(between("ww", "2026-01-03", "2026-01-04"), 1);
        assert_eq!(between("w", "2026-01-03", "2026-01-04"), 0);
        assert_eq!(between("w", "2026-01-03", "2026-01-17"), 2);
        assert_eq!(between("q", "2025-12-31", "2026-04-01"), 2);
        assert_eq!(between("yyyy", "2025-12-31", "2026-01-01"), 1);
        assert_eq!(between("D", "2026-01-02T12:00Z", "2026-01-01T13:00Z"), 0);
    }

    #[test]
    fn a_month_later_is_in_the_next_month_even_from_its_31st() {
        let add = |name: &str, count, to: &str| Interval::parse(name).unwrap().add(count, read(to).unwrap());
        let at = |text: &str| Some(read(text).unwrap());
        assert_eq!(add("m", 1, "2026-01-31"), at("2026-02-28"));
        assert_eq!(add("m", -11, "2025-01-31T08:00Z"), at("2024-02-29T08:00Z"));
        assert_eq!(add("yyyy", 1, "2024-02-29"), at("2025-02-28"));
        assert_eq!(add("q", -1, "2026-01-01"), at("2025-10-01"));
        assert_eq!(add("d", 3_652_058, "0001-01-01"), at("9999-12-31"));
        assert_eq!(add("s", -1, "2026-01-01"), at("2025-12-31T23:59:59Z"));
        assert_eq!(add("n", 90, "2026-01-01"), at("2026-01-01T01:30Z"));
        assert_eq!(add("yyyy", 1, "9999-01-01"), None);
        assert_eq!(add("d", -1, "0001-01-01"), None);
        assert_eq!(add("ww", i64::MAX, "2026-01-01"), None);
        assert_eq!(add("m", i64::MIN, "2026-01-01"), None);
        assert_eq!(Interval::parse("fortnight"), None);
    }

    #[test]
    fn windows_counts_from_1601_on() {
        assert_eq!(from_filetime(129_699_324_000_000_000), Some(read("2012-01-01T23:00:00Z").unwrap()));
        assert_eq!(to_filetime(read("2020-12-31 23:59:59-08:00").unwrap()), Some(132_539_615_990_000_000));
        assert_eq!(to_filetime(read("1601-01-01").unwrap()), Some(0));
        assert_eq!(to_filetime(read("1600-12-31").unwrap()), None);
        assert_eq!(to_filetime(read("9999-12-31").unwrap()), Some(2_650_466_880_000_000_000));
        assert_eq!(from_filetime(i64::MAX), None);
        assert_eq!(from_filetime(-1), None);
    }
}
