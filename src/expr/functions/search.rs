//! Functions that look for something in a text, and take what they find. Positions count characters, from 1.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::EvaluateError;
use super::super::datum::{Datum, Flow, fault};
use super::super::evaluate::{Given, Manner};
use super::casing::lower;
use super::{Beyond, Example, Function, Kind, Sample, anything, optional, required};

const TEXT_COMPARE: &str = "vbTextCompare";
const BINARY_COMPARE: &str = "vbBinaryCompare";

pub(super) static IN_STR: Function = Function {
    name: "InStr",
    beyond: Beyond::Nothing,
    parameters: &[
        required("value1", Kind::Text),
        required("value2", Kind::Text),
        optional("start", Kind::Integer),
        optional("compareType", Kind::Word(&[TEXT_COMPARE, BINARY_COMPARE])),
    ],
    description: "Where value2 first stands in value1: the number of its first character, from 1 on; 0 where it does \
                  not. The search begins at the character `start`. Upper and lower case are apart \
                  (vbBinaryCompare), unless vbTextCompare is said.",
    examples: &[
        Example { expression: r#"InStr("The quick brown fox","quick")"#, person: &[], gives: Sample::Integer(5) },
        Example { expression: r#"InStr("repEated","e",3,vbBinaryCompare)"#, person: &[], gives: Sample::Integer(7) },
        Example { expression: r#"InStr("repEated","e",3,vbTextCompare)"#, person: &[], gives: Sample::Integer(4) },
        Example { expression: r#"InStr("Müller@contoso.com", "@")"#, person: &[], gives: Sample::Integer(7) },
        Example { expression: r#"InStr([mail], "@")"#, person: &[], gives: Sample::Integer(0) },
    ],
    check: anything,
    evaluate: in_str,
};

fn in_str<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let start = given.integer_or_nothing(2)?.unwrap_or(1);
    let before = start.checked_sub(1).and_then(|before| usize::try_from(before).ok());
    let before = before.ok_or_else(|| fault("the first character is number 1", given.span_of(2)))?;
    let text = |at| Ok(given.text(at)?.map_or(Cow::Borrowed(""), |words| words.text));
    let (mut searched, mut sought) = (text(0)?, text(1)?);
    if given.literal(3) == Some(TEXT_COMPARE) {
        // Letter for letter, so that places stay what they are.
        searched = Cow::Owned(searched.chars().map(lower).collect());
        sought = Cow::Owned(sought.chars().map(lower).collect());
    }
    let found = searched.char_indices().nth(before).and_then(|(begin, _)| {
        let at = begin + searched[begin..].find(&*sought)?;
        i64::try_from(searched[..at].chars().count() + 1).ok()
    });
    Ok(Flow::constant(Datum::Integer(found.unwrap_or(0))))
}

pub(super) static WORD: Function = Function {
    name: "Word",
    beyond: Beyond::Nothing,
    parameters: &[
        required("String", Kind::Text),
        required("WordNumber", Kind::Integer),
        required("Delimiters", Kind::Text),
    ],
    description: "The word of that number, from 1 on. Each character of `Delimiters` ends a word; several of them in a \
                  row count as one. Empty where there are not so many words.",
    examples: &[
        Example { expression: r#"Word("The quick brown fox",3," ")"#, person: &[], gives: Sample::Text("brown") },
        Example {
            expression: r#"Word("This,string!has&many separators",3,",!&#")"#,
            person: &[],
            gives: Sample::Text("has"),
        },
        Example { expression: r#"Word([s],4," ")"#, person: &[("s", Sample::Text("a b c"))], gives: Sample::Text("") },
        Example { expression: r#"Word([s],0," ")"#, person: &[("s", Sample::Text("a b"))], gives: Sample::Text("") },
        Example { expression: r#"Word("John   Doe",2," ")"#, person: &[], gives: Sample::Text("Doe") },
        Example { expression: r#"Word([s],1," ")"#, person: &[], gives: Sample::Text("") },
    ],
    check: anything,
    evaluate: word,
};

fn word<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let number = given.integer(1)?;
    let delimiters: HashSet<char> = given.text(2)?.map(|words| words.text.chars().collect()).unwrap_or_default();
    let before = number.checked_sub(1).and_then(|before| usize::try_from(before).ok());
    let (Some(before), Some(text)) = (before, given.text(0)?) else {
        return Ok(Flow::constant(Datum::Text(Cow::Borrowed(""))));
    };
    let mut words = text.text.split(|c| delimiters.contains(&c)).filter(|word| !word.is_empty());
    let word = words.nth(before).unwrap_or_default().to_owned();
    Ok(text.map(|_| Cow::Owned(word)))
}

pub(super) static TRIM: Function = Function {
    name: "Trim",
    beyond: Beyond::Nothing,
    parameters: &[required("value", Kind::Any)],
    description: "A text without the white space at its ends. Of several values each is trimmed.",
    examples: &[
        Example { expression: r#"Trim(" Test ")"#, person: &[], gives: Sample::Text("Test") },
        Example {
            expression: "Trim([proxyAddresses])",
            person: &[("proxyAddresses", Sample::Texts(&[" a", "b "]))],
            gives: Sample::Texts(&["a", "b"]),
        },
        Example { expression: "Trim([mail])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: trim,
};

fn trim<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Flow { datum, from_person } = given.value(0, Manner::Plain)?;
    Ok(Flow { datum: trimmed(datum), from_person })
}

fn trimmed(datum: Datum<'_>) -> Datum<'_> {
    match datum {
        Datum::Text(Cow::Borrowed(text)) => Datum::Text(Cow::Borrowed(text.trim())),
        Datum::Text(Cow::Owned(text)) => Datum::Text(Cow::Owned(text.trim().to_owned())),
        Datum::Many(values) => Datum::Many(values.into_iter().map(trimmed).collect()),
        other => other,
    }
}
