//! `FormatDateTime`: a date from one form into another, as .NET reads and writes them.

use crate::dotnet::date::{DateError, Moment, Pattern, Styles, Zone};
use crate::model::{Diagnostic, Span};

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow, Words, fault};
use super::super::evaluate::{Given, Manner, bounded};
use super::super::node::{Node, Term};
use super::{Beyond, Example, Function, Kind, Sample, omissible, required};

const SOURCE: usize = 0;
const STYLES: usize = 1;
const INPUT_FORMAT: usize = 2;
const OUTPUT_FORMAT: usize = 3;

pub(super) static FORMAT_DATE_TIME: Function = Function {
    name: "FormatDateTime",
    beyond: Beyond::Nothing,
    parameters: &[
        required("source", Kind::Text),
        omissible("dateTimeStyles", Kind::Text),
        required("inputFormat", Kind::Text),
        required("outputFormat", Kind::Text),
    ],
    description: "A date in another form. Formats are .NET's: `yyyy MM dd HH mm ss`, `h` with `tt` for AM and PM, `fff`, \
                  `zzz` or `K` for the zone, `MMM` and `ddd` for names; text in quotes ('T') stands for itself, and one \
                  letter alone for a whole format (`o`, `s`, `R`). The source must have the input format exactly; an \
                  offset in it is taken off, so that what comes out is UTC. Where the format asks for no year, month or \
                  day, it is the first there is. dateTimeStyles are .NET's (`AllowInnerWhite, AssumeUniversal`); without \
                  them white space at the ends is passed over. A date of `CDate`, `DateAdd` or `Now` needs no reading: \
                  its input format does not count. Nothing, where the source is absent or empty.",
    examples: &[
        Example {
            expression: r#"FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#,
            person: &[("extensionAttribute1", Sample::Text("20150123105347.1Z"))],
            gives: Sample::Text("2015-01-23"),
        },
        Example {
            expression: r#"FormatDateTime([extensionAttribute1], "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#,
            person: &[("extensionAttribute1", Sample::Text("20150123105347.1Z"))],
            gives: Sample::Text("2015-01-23"),
        },
        Example {
            expression: r#"FormatDateTime([hireDate], , "dd.MM.yyyy", "yyyy-MM-dd'T'HH:mm:ssZ")"#,
            person: &[("hireDate", Sample::Text("31.01.2026"))],
            gives: Sample::Text("2026-01-31T00:00:00Z"),
        },
        Example {
            expression: r#"FormatDateTime([hireDate], , "yyyy-MM-ddzzz", "yyyy-MM-dd HH:mm")"#,
            person: &[("hireDate", Sample::Text("2021-06-30+08:00"))],
            gives: Sample::Text("2021-06-29 16:00"),
        },
        Example {
            expression: r#"FormatDateTime([hireDate], "AllowInnerWhite", "d. M. yyyy", "MMMM d, yyyy")"#,
            person: &[("hireDate", Sample::Text("31.  1.  2026"))],
            gives: Sample::Text("January 31, 2026"),
        },
        Example {
            expression: r#"FormatDateTime(CDate([hireDate]), , "M/d/yyyy h:mm:ss tt", "dddd")"#,
            person: &[("hireDate", Sample::Text("2026-01-31"))],
            gives: Sample::Text("Saturday"),
        },
        Example {
            expression: r#"FormatDateTime([hireDate], , "yyyy-MM-dd", "dd.MM.yyyy")"#,
            person: &[("hireDate", Sample::Text("1/31/2026"))],
            gives: Sample::Refused("the value is not of the form `yyyy-MM-dd`"),
        },
        Example {
            expression: r#"FormatDateTime([hireDate], , "yyyy-MM-dd", "dd.MM.yyyy")"#,
            person: &[],
            gives: Sample::Nothing,
        },
    ],
    check,
    evaluate: format_date_time,
};

fn check(arguments: &[Node], _: &Span) -> Result<(), Diagnostic> {
    let literal = |at: usize| match arguments.get(at) {
        Some(Node { term: Term::Text(text), span }) => Some((text, span.clone())),
        _ => None,
    };
    if let Some((text, span)) = literal(STYLES).filter(|(text, _)| !text.is_empty()) {
        Styles::parse(text).map_err(|why| {
            Diagnostic::new(why.to_string(), span, "no style of reading dates").with_hint(
                "leave the slot empty, as in `FormatDateTime([hireDate], , \"dd.MM.yyyy\", \"yyyy-MM-dd\")`, \
                 or write .NET's names, as in `\"AllowInnerWhite, AssumeUniversal\"`",
            )
        })?;
    }
    for (text, span) in [INPUT_FORMAT, OUTPUT_FORMAT].into_iter().filter_map(literal) {
        Pattern::parse(text).map_err(|why| {
            Diagnostic::new(why.to_string(), span, "no date format")
                .with_hint("for example `\"dd.MM.yyyy\"`, or `\"yyyy-MM-dd'T'HH:mm:ssZ\"`")
        })?;
    }
    Ok(())
}

fn format_date_time<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Flow { datum, from_person } = given.value(SOURCE, Manner::Plain)?;
    let moment = match datum.one(given.span_of(SOURCE))? {
        Datum::Moment(at) => Moment { at, zone: Zone::Utc },
        other => match other.into_text(given.span_of(SOURCE))?.filter(|text| !text.is_empty()) {
            Some(text) => read(given, &text)?,
            None => return Ok(Flow::nothing()),
        },
    };
    let (output, words) = pattern(given, OUTPUT_FORMAT)?;
    let datum = bounded(output.write(moment), given.span)?;
    Ok(Flow { datum, from_person: from_person || words.from_person })
}

fn read(given: &Given<'_>, text: &str) -> Result<Moment, EvaluateError> {
    let styles = match given.text(STYLES)?.filter(|words| !words.text.is_empty()) {
        Some(words) => Styles::parse(&words.text).map_err(|why| fault(&why.to_string(), given.span_of(STYLES)))?,
        None => Styles::default(),
    };
    let (input, _) = pattern(given, INPUT_FORMAT)?;
    input.read(text, styles).map_err(|why| {
        // What is not written here may be the person's.
        let form = given.literal(INPUT_FORMAT).map(|form| format!("the form `{form}`"));
        let form = form.unwrap_or_else(|| "that form".to_owned());
        let message = match why {
            DateError::Form => format!("the value is not of {form}"),
            DateError::Calendar | DateError::Weekday => format!("the value is of {form}, but {why}"),
        };
        fault(&message, given.span_of(SOURCE))
    })
}

fn pattern<'a>(given: &Given<'a>, at: usize) -> Result<(Pattern, Words<'a>), EvaluateError> {
    let span = given.span_of(at);
    let words = given.text(at)?.ok_or_else(|| fault("there is no date format", span))?;
    let pattern = Pattern::parse(&words.text).map_err(|_| fault("the value is no date format", span))?;
    Ok((pattern, words))
}
