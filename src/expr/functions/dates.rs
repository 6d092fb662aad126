//! Functions of dates. A moment is in UTC; a text in one of the usual forms is read as `CDate` reads it.

use crate::dotnet::interval::{Interval, from_filetime, to_filetime};

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow, fault};
use super::super::evaluate::Given;
use super::{Beyond, Example, Function, Kind, Sample, anything, required};

pub(super) static NOW: Function = Function {
    name: "Now",
    beyond: Beyond::Time,
    parameters: &[],
    description: "The moment at which what was said of the person was accepted, in UTC. It does not go on: \
                  the same operation gives the same moment, however often it is tried.",
    examples: &[
        Example { expression: "Now()", person: &[], gives: Sample::Text("7/2/2021 3:33:38 PM") },
        Example {
            expression: r#"FormatDateTime(Now(), , "M/d/yyyy h:mm:ss tt", "yyyy-MM-dd")"#,
            person: &[],
            gives: Sample::Text("2021-07-02"),
        },
    ],
    check: anything,
    evaluate: now,
};

fn now<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let now = jiff::Timestamp::from_millisecond(given.inputs.now.0)
        .map_err(|_| fault("the time of acceptance is outside the calendar", given.span))?;
    Ok(Flow::constant(Datum::Moment(jiff::tz::TimeZone::UTC.to_datetime(now))))
}

pub(super) static C_DATE: Function = Function {
    name: "CDate",
    beyond: Beyond::Nothing,
    parameters: &[required("expression", Kind::Moment)],
    description: "The moment that a text says, in UTC. As a text again it reads `M/d/yyyy h:mm:ss tt`. Understood are ISO 8601 \
                  dates with or without a time and a zone, American dates (`1/31/2026`) and dates with the name of the \
                  month; without a zone they are UTC. Of two digits for a year, 49 is 2049 and 50 is 1950. Other forms, \
                  such as `31.01.2026`, are read by `FormatDateTime`.",
    examples: &[
        Example {
            expression: "CDate([StatusHireDate])",
            person: &[("StatusHireDate", Sample::Text("2020-03-16-07:00"))],
            gives: Sample::Text("3/16/2020 7:00:00 AM"),
        },
        Example {
            expression: r#"CDate("2021-06-30+08:00")"#,
            person: &[],
            gives: Sample::Text("6/29/2021 4:00:00 PM"),
        },
        Example {
            expression: r#"CDate("2009-06-15T01:45:30-07:00")"#,
            person: &[],
            gives: Sample::Text("6/15/2009 8:45:30 AM"),
        },
        Example {
            expression: "IIF(CDate([end]) < Now(), False, True)",
            person: &[("end", Sample::Text("12/31/9999"))],
            gives: Sample::Boolean(true),
        },
        Example {
            expression: "CDate([end])",
            person: &[("end", Sample::Text("31.12.2026"))],
            gives: Sample::Refused("the value is no date in a usual form; `FormatDateTime` reads other forms"),
        },
        Example { expression: "CDate([end])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: |given| Ok(given.moment(0)?.map_or(Flow::nothing(), |moment| Flow::constant(Datum::Moment(moment)))),
};

pub(super) static DATE_ADD: Function = Function {
    name: "DateAdd",
    beyond: Beyond::Nothing,
    parameters: &[
        required("interval", Kind::Interval),
        required("value", Kind::Integer),
        required("dateTime", Kind::Moment),
    ],
    description: "So much later, or earlier where the number is below zero. The interval is `yyyy` (years), `m` (months), \
                  `d` (days), `ww` (weeks), `h`, `n` (minutes) or `s`, also `q` (quarters), `y` and `w` (days). \
                  A day that the month does not have becomes its last. Nothing, where the date is absent.",
    examples: &[
        Example {
            expression: r#"DateAdd("d", 7, CDate([StatusHireDate]))"#,
            person: HIRED_2012,
            gives: Sample::Text("3/23/2012 7:00:00 AM"),
        },
        Example {
            expression: r#"DateAdd("d", -10, CDate([StatusHireDate]))"#,
            person: HIRED_2012,
            gives: Sample::Text("3/6/2012 7:00:00 AM"),
        },
        Example {
            expression: r#"DateAdd("ww", 2, CDate([StatusHireDate]))"#,
            person: HIRED_2012,
            gives: Sample::Text("3/30/2012 7:00:00 AM"),
        },
        Example {
            expression: r#"DateAdd("m", 10, CDate([StatusHireDate]))"#,
            person: HIRED_2012,
            gives: Sample::Text("1/16/2013 7:00:00 AM"),
        },
        Example {
            expression: r#"DateAdd("yyyy", 2, CDate([StatusHireDate]))"#,
            person: HIRED_2012,
            gives: Sample::Text("3/16/2014 7:00:00 AM"),
        },
        Example {
            expression: r#"DateAdd("m", 1, "2026-01-31")"#,
            person: &[],
            gives: Sample::Text("2/28/2026 12:00:00 AM"),
        },
        Example {
            expression: r#"DateAdd("yyyy", 8000, "2026-01-31")"#,
            person: &[],
            gives: Sample::Refused("the date would be outside the years 1 to 9999"),
        },
        Example { expression: r#"DateAdd("d", 1, CDate([StatusHireDate]))"#, person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: date_add,
};

const HIRED_2012: &[(&str, Sample)] = &[("StatusHireDate", Sample::Text("2012-03-16-07:00"))];

fn date_add<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let interval = interval(given)?;
    let count = given.integer(1)?;
    let Some(moment) = given.moment(2)? else { return Ok(Flow::nothing()) };
    match interval.add(count, moment) {
        Some(later) => Ok(Flow::constant(Datum::Moment(later))),
        None => Err(fault("the date would be outside the years 1 to 9999", given.span)),
    }
}

fn interval(given: &Given<'_>) -> Result<Interval, EvaluateError> {
    let name = given.text(0)?.map(|words| words.text).unwrap_or_default();
    let wrong = || fault(&format!("the interval is not {}", Kind::Interval.describe()), given.span_of(0));
    Interval::parse(&name).ok_or_else(wrong)
}

pub(super) static DATE_DIFF: Function = Function {
    name: "DateDiff",
    beyond: Beyond::Nothing,
    parameters: &[
        required("interval", Kind::Interval),
        required("date1", Kind::Moment),
        required("date2", Kind::Moment),
    ],
    description: "How much later date2 is than date1, in whole numbers. They are counted as in Visual Basic: `yyyy`, `q` \
                  and `m` are how often a year, quarter or month begins in between, `ww` how often a Sunday does; `d` \
                  (or `y`), `w` (weeks), `h`, `n` and `s` are how many have passed in full. \
                  Nothing, where a date is absent.",
    examples: &[
        Example {
            expression: r#"DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))"#,
            person: &[],
            gives: Sample::Integer(13),
        },
        Example {
            expression: r#"DateDiff("d", CDate([date1]), CDate([date2]))"#,
            person: LATE_AND_EARLY,
            gives: Sample::Integer(-3449),
        },
        Example {
            expression: r#"DateDiff("ww", CDate([date1]), CDate([date2]))"#,
            person: LATE_AND_EARLY,
            gives: Sample::Integer(-493),
        },
        Example {
            expression: r#"DateDiff("m", CDate([date1]), CDate([date2]))"#,
            person: LATE_AND_EARLY,
            gives: Sample::Integer(-113),
        },
        Example {
            expression: r#"DateDiff("yyyy", CDate([date1]), CDate([date2]))"#,
            person: LATE_AND_EARLY,
            gives: Sample::Integer(-9),
        },
        Example {
            expression: r#"DateDiff("n", "2021-08-24", "2021-08-25")"#,
            person: &[],
            gives: Sample::Integer(1440),
        },
        Example {
            expression: r#"Switch([Active], , "1", IIF(DateDiff("d", Now(), CDate([StatusHireDate])) > 5, "False", "True"), "0", "False")"#,
            person: &[("Active", Sample::Text("1")), ("StatusHireDate", Sample::Text("2021-07-20"))],
            gives: Sample::Text("False"),
        },
        Example { expression: r#"DateDiff("d", Now(), [StatusHireDate])"#, person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: date_diff,
};

const LATE_AND_EARLY: &[(&str, Sample)] =
    &[("date1", Sample::Text("8/25/2021 5:41:18 PM")), ("date2", Sample::Text("2012-03-16-07:00"))];

fn date_diff<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let interval = interval(given)?;
    Ok(match (given.moment(1)?, given.moment(2)?) {
        (Some(from), Some(to)) => Flow::constant(Datum::Integer(interval.between(from, to))),
        _ => Flow::nothing(),
    })
}

pub(super) static NUM_FROM_DATE: Function = Function {
    name: "NumFromDate",
    beyond: Beyond::Nothing,
    parameters: &[required("value", Kind::Moment)],
    description: "A date as Active Directory counts it in `accountExpires`. That is in steps of 100 ns since 1601, UTC. \
                  Nothing, where the date is absent.",
    examples: &[
        Example {
            expression: r#"NumFromDate(Join("", FormatDateTime([ContractEndDate], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))"#,
            person: &[("ContractEndDate", Sample::Text("2020-12-31-08:00"))],
            gives: Sample::Integer(132_539_615_990_000_000),
        },
        Example {
            expression: r#"NumFromDate(Join("",FormatDateTime([endDate], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd")," 23:59:59-08:00"))"#,
            person: &[("endDate", Sample::Text("12/31/2020 12:00:00 AM"))],
            gives: Sample::Integer(132_539_615_990_000_000),
        },
        Example {
            expression: "NumFromDate([endDate])",
            person: &[("endDate", Sample::Text("1600-12-31"))],
            gives: Sample::Refused("the date is before 1601, where Active Directory begins to count"),
        },
        Example { expression: "NumFromDate([endDate])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: num_from_date,
};

fn num_from_date<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Some(moment) = given.moment(0)? else { return Ok(Flow::nothing()) };
    match to_filetime(moment) {
        Some(ticks) => Ok(Flow::constant(Datum::Integer(ticks))),
        None => Err(fault("the date is before 1601, where Active Directory begins to count", given.span_of(0))),
    }
}

pub(super) static DATE_FROM_NUM: Function = Function {
    name: "DateFromNum",
    beyond: Beyond::Nothing,
    parameters: &[required("value", Kind::Integer)],
    description: "The moment that a number of Active Directory says. It counts steps of 100 ns since 1601, UTC. \
                  0 and 9223372036854775807 say never, and give nothing.",
    examples: &[
        Example {
            expression: "DateFromNum(129699324000000000)",
            person: &[],
            gives: Sample::Text("1/1/2012 11:00:00 PM"),
        },
        Example {
            expression: "DateFromNum([lastLogonTimestamp])",
            person: &[("lastLogonTimestamp", Sample::Text("129699324000000000"))],
            gives: Sample::Text("1/1/2012 11:00:00 PM"),
        },
        Example { expression: "DateFromNum(9223372036854775807)", person: &[], gives: Sample::Nothing },
        Example { expression: "DateFromNum([lastLogonTimestamp])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: date_from_num,
};

fn date_from_num<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    match given.integer_or_nothing(0)? {
        None | Some(0 | i64::MAX) => Ok(Flow::nothing()),
        Some(ticks) => match from_filetime(ticks) {
            Some(moment) => Ok(Flow::constant(Datum::Moment(moment))),
            None => Err(fault("the number says no date between 1601 and 9999", given.span_of(0))),
        },
    }
}
