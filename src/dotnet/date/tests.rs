//! Sentences about dates: how they are read and written.

use proptest::prelude::*;

use super::*;

fn lenient(text: &str) -> Result<String, DateError> {
    read(text).map(|at| at.to_string())
}

fn exact(format: &str, styles: &str, text: &str) -> Result<Moment, DateError> {
    let styles = if styles.is_empty() { Styles::default() } else { Styles::parse(styles).unwrap() };
    Pattern::parse(format).unwrap().read(text, styles)
}

fn written(format: &str, text: &str) -> String {
    let moment = Moment { at: read(text).unwrap(), zone: Zone::Utc };
    Pattern::parse(format).unwrap().write(moment)
}

#[test]
fn usual_dates_are_read_without_being_told_their_form() {
    for (text, expected) in [
        ("2020-03-16-07:00", "2020-03-16T07:00:00"),
        ("2021-06-30+08:00", "2021-06-29T16:00:00"),
        ("2009-06-15T01:45:30-07:00", "2009-06-15T08:45:30"),
        ("2009-06-15T01:45:30.1234567Z", "2009-06-15T01:45:30.1234567"),
        ("2009-06-15T01:45:30.123456789123Z", "2009-06-15T01:45:30.1234567"),
        ("2020-12-31 23:59:59-08:00", "2021-01-01T07:59:59"),
        ("8/25/2021 5:41:18 PM", "2021-08-25T17:41:18"),
        ("12/1/2021 12:00:00 am", "2021-12-01T00:00:00"),
        ("12/1/2021 12:30 PM", "2021-12-01T12:30:00"),
        ("1-31-26", "2026-01-31T00:00:00"),
        ("2/1/50", "1950-02-01T00:00:00"),
        (" 2026/1/31 8:05 ", "2026-01-31T08:05:00"),
        ("20260131", "2026-01-31T00:00:00"),
        ("20260131T080500Z", "2026-01-31T08:05:00"),
        ("Sat, 31 Jan 2026 08:05:00 GMT", "2026-01-31T08:05:00"),
        ("January 31, 2026 5 PM", "2026-01-31T17:00:00"),
        ("31-JAN-2026", "2026-01-31T00:00:00"),
        ("31 January 2026", "2026-01-31T00:00:00"),
        ("31. January 2026", "2026-01-31T00:00:00"),
        ("January 2026", "2026-01-01T00:00:00"),
        ("2026-01", "2026-01-01T00:00:00"),
        ("2026.01.31", "2026-01-31T00:00:00"),
        ("1/31/2026 13:00 PM", "2026-01-31T13:00:00"),
        ("12/31/9999", "9999-12-31T00:00:00"),
    ] {
        assert_eq!(lenient(text), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_usual_date_is_refused_and_never_guessed() {
    for text in
        ["", "03.04.2026", "tomorrow", "2026", "2026.01", "15 Jun", "1/2", "2026-01-31T", "2026-01-31 8", "5:00"]
    {
        assert_eq!(lenient(text), Err(DateError::Form), "{text}");
    }
    for text in ["2026-01-31 8:00 +15:00", "2026-01-31 13:00 AM", "2026-01-31x", "2026-01-31 8:00 CET", "1/2/026"] {
        assert_eq!(lenient(text), Err(DateError::Form), "{text}");
    }
    for text in
        ["2026-02-29", "31/1/2026", "2026-01-31 24:00", "0000-01-01", "0001-01-01+08:00", "9999-12-31 23:30-01:00"]
    {
        assert_eq!(lenient(text), Err(DateError::Calendar), "{text}");
    }
    assert_eq!(lenient("Sun, 31 Jan 2026"), Err(DateError::Weekday));
}

#[test]
fn a_date_is_written_by_its_pattern() {
    let at = "2009-06-05T13:07:09.0500000Z";
    for (format, expected) in [
        ("yyyy-MM-dd", "2009-06-05"),
        ("d/M/yy y yyy yyyyy", "5/6/09 9 2009 02009"),
        ("ddd dddd MMM MMMM", "Fri Friday Jun June"),
        ("h hh H HH m mm s ss t tt", "1 01 13 13 7 07 9 09 P PM"),
        ("s.f s.ff s.fffffff", "9.0 9.05 9.0500000"),
        ("s.F s.FF s.FFFFFFF", "9 9.05 9.05"),
        ("z zz zzz K Z", "+0 +00 +00:00 Z Z"),
        ("yyyy g", "2009 A.D."),
        ("'day' d \"of the month\" \\d %d", "day 5 of the month d 5"),
        ("%d", "5"),
        ("%yMM", "906"),
        ("dd. MMMM yyyy, H 'Uhr'", "05. June 2009, 13 Uhr"),
        ("d", "06/05/2009"),
        ("D", "Friday, 05 June 2009"),
        ("f", "Friday, 05 June 2009 13:07"),
        ("F", "Friday, 05 June 2009 13:07:09"),
        ("g", "06/05/2009 13:07"),
        ("G", "06/05/2009 13:07:09"),
        ("M", "June 05"),
        ("o", "2009-06-05T13:07:09.0500000Z"),
        ("R", "Fri, 05 Jun 2009 13:07:09 GMT"),
        ("s", "2009-06-05T13:07:09"),
        ("t", "13:07"),
        ("T", "13:07:09"),
        ("u", "2009-06-05 13:07:09Z"),
        ("U", "Friday, 05 June 2009 13:07:09"),
        ("Y", "2009 June"),
    ] {
        assert_eq!(written(format, at), expected, "{format}");
    }
    assert_eq!(text(read(at).unwrap()), "6/5/2009 1:07:09 PM");
    assert_eq!(read("6/5/2009 1:07:09 PM"), read("2009-06-05T13:07:09"));
}

#[test]
fn a_bad_pattern_is_told() {
    for (format, expected) in [
        ("", "a date format cannot be empty"),
        ("x", "`x` alone stands for no date format"),
        ("yyyy'T", "a ' in the date format is not closed"),
        ("yyyy%", "the date format breaks off behind `%`"),
        ("%%d", "the date format breaks off behind `%`"),
        ("yyyy\\", "the date format breaks off behind `\\`"),
        ("ss.ffffffff", "a second has at most 7 digits behind the point"),
    ] {
        assert_eq!(Pattern::parse(format).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_date_is_read_by_its_pattern_and_by_nothing_else() {
    let reads = |format: &str, text: &str, expected: &str| {
        assert_eq!(exact(format, "", text).map(|moment| moment.at.to_string()), Ok(expected.to_owned()), "{format}");
    };
    reads("yyyyMMddHHmmss.fZ", "20150123105347.1Z", "2015-01-23T10:53:47.1");
    reads("yyyy-MM-ddzzz", "2020-12-31-08:00", "2020-12-31T08:00:00");
    reads("M/d/yyyy hh:mm:ss tt", "12/31/2020 12:00:00 AM", "2020-12-31T00:00:00");
    reads("dd.MM.yyyy", " 03.04.2026 ", "2026-04-03T00:00:00");
    reads("dddd, d MMMM yyyy", "saturday, 31 JANUARY 2026", "2026-01-31T00:00:00");
    reads("yyyy-MM-ddTHH:mm:ss.FFFK", "2026-01-31T08:05:00+01:00", "2026-01-31T07:05:00");
    reads("yyyy-MM-ddTHH:mm:ss.FFFK", "2026-01-31T08:05:00.5", "2026-01-31T08:05:00.5");
    reads("MM/dd/yy", "01/31/49", "2049-01-31T00:00:00");
    reads("HH:mm", "08:05", "0001-01-01T08:05:00");
    reads("MM-dd", "02-29", "0004-02-29T00:00:00");
    reads("yyyy-MM-dd H", "2026-01-31 5", "2026-01-31T05:00:00");
    reads("o", "2026-01-31T08:05:00.0000000+01:00", "2026-01-31T07:05:00");
    for (format, text) in [
        ("yyyy-MM-dd", "2026-1-31"),
        ("yyyy-MM-dd", "2026-01-31T"),
        ("yyyy-MM-dd", ""),
        ("MM/dd/yyyy", "01-31-2026"),
        ("ss.ff", "09.5"),
        ("yyyy yyyy", "2025 2026"),
        ("zzz", "+25:00"),
        ("dd", "é"),
    ] {
        assert_eq!(exact(format, "", text), Err(DateError::Form), "{format}");
    }
    for (format, text) in
        [("yyyy-MM-dd", "2026-02-29"), ("hh:mm", "13:00"), ("H tt", "13 AM"), ("d tt", "1 PM"), ("yyyy", "0000")]
    {
        assert_eq!(exact(format, "", text), Err(DateError::Calendar), "{format}");
    }
    assert_eq!(exact("ddd yyyy-MM-dd", "", "Sun 2026-01-31"), Err(DateError::Weekday));
}

#[test]
fn styles_say_what_white_space_may_stand_and_what_a_date_without_a_zone_is() {
    let zone = |format: &str, styles: &str, text: &str| exact(format, styles, text).map(|moment| moment.zone);
    assert_eq!(zone("yyyy", "None", " 2026"), Err(DateError::Form));
    assert_eq!(zone("yyyy", "AllowLeadingWhite", " 2026"), Ok(Zone::Unspecified));
    assert_eq!(zone("yyyy", "AllowLeadingWhite", "2026 "), Err(DateError::Form));
    assert_eq!(zone("yyyy MM", "DateTimeStyles.AllowInnerWhite", "2026   01"), Ok(Zone::Unspecified));
    assert_eq!(zone("yyyy  MM", "AllowWhiteSpaces", " 2026 01 "), Ok(Zone::Unspecified));
    assert_eq!(zone("yyyyK", "RoundtripKind", "2026Z"), Ok(Zone::Utc));
    assert_eq!(zone("yyyyK", "RoundtripKind", "2026+01:00"), Ok(Zone::Local));
    assert_eq!(zone("yyyy", "AssumeUniversal", "2026"), Ok(Zone::Local));
    assert_eq!(zone("yyyy", "AssumeUniversal, AdjustToUniversal", "2026"), Ok(Zone::Utc));
    assert_eq!(zone("yyyy", "AdjustToUniversal,NoCurrentDateDefault", "2026"), Ok(Zone::Unspecified));
    let wrong = |styles: &str| Styles::parse(styles).unwrap_err().to_string();
    assert_eq!(wrong("roundtripKind"), "there is no date style `roundtripKind`");
    assert_eq!(
        wrong("AssumeLocal, AssumeUniversal"),
        "the date styles `AssumeLocal` and `AssumeUniversal` contradict each other"
    );
    assert_eq!(
        wrong("RoundtripKind, AdjustToUniversal"),
        "the date styles `RoundtripKind` and `AdjustToUniversal` contradict each other"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_reader_stumble(
        format in prop_oneof![any::<String>(), "[dfFgGhHKmMsStyz:/'\"%\\\\. -]{0,12}"],
        text in prop_oneof![any::<String>(), "[0-9TZAPM:/+., -]{0,24}"],
    ) {
        let _ = read(&text);
        if let Ok(pattern) = Pattern::parse(&format)
            && let Ok(moment) = pattern.read(&text, Styles::default())
        {
            prop_assert!(YEARS.contains(&moment.at.year()));
            pattern.write(moment);
        }
    }

    #[test]
    fn what_is_written_is_read_back_the_same(ticks in 0..2_650_467_744_000_000_000_i64) {
        let at = crate::dotnet::interval::from_filetime(ticks).unwrap();
        let moment = Moment { at, zone: Zone::Utc };
        for format in ["o", "yyyyMMddHHmmssfffffffK", "dddd, d MMMM yyyy h:m:s.FFFFFFF tt K"] {
            let pattern = Pattern::parse(format).unwrap();
            prop_assert_eq!(pattern.read(&pattern.write(moment), Styles::default()), Ok(moment));
        }
        prop_assert_eq!(read(&Pattern::parse("o").unwrap().write(moment)), Ok(at));
        prop_assert_eq!(crate::dotnet::interval::to_filetime(at), Some(ticks));
    }
}
