//! Functions that change upper and lower case, letter for letter, so that a text never changes its length.

use std::borrow::Cow;

use super::super::EvaluateError;
use super::super::datum::Flow;
use super::super::evaluate::Given;
use super::{Beyond, Example, Function, Kind, Parameter, Sample, anything, optional, required};

const PARAMETERS: &[Parameter] = &[required("source", Kind::Text), optional("culture", Kind::Text)];

pub(super) static TO_LOWER: Function = Function {
    name: "ToLower",
    beyond: Beyond::Nothing,
    parameters: PARAMETERS,
    description: "A text in lower case. The culture matters for Turkish and Azeri (\"tr-TR\", \"az\"), \
                  whose I becomes ı; without one the case is changed as everywhere else.",
    examples: &[
        Example {
            expression: r#"ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "contoso.com"))"#,
            person: &[("PreferredFirstName", Sample::Text("John")), ("PreferredLastName", Sample::Text("Smith"))],
            gives: Sample::Text("john.smith@contoso.com"),
        },
        Example { expression: r#"ToLower("ÄRZTIN")"#, person: &[], gives: Sample::Text("ärztin") },
        Example { expression: r#"ToLower("IŞIK", "tr-TR")"#, person: &[], gives: Sample::Text("ışık") },
        Example { expression: "ToLower([mail])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: to_lower,
};

pub(super) static TO_UPPER: Function = Function {
    name: "ToUpper",
    beyond: Beyond::Nothing,
    parameters: PARAMETERS,
    description: "A text in upper case. The culture matters for Turkish and Azeri (\"tr-TR\", \"az\"), \
                  whose i becomes İ; without one the case is changed as everywhere else.",
    examples: &[
        Example {
            expression: "ToUpper([s])",
            person: &[("s", Sample::Text("straSse-1"))],
            gives: Sample::Text("STRASSE-1"),
        },
        Example { expression: r#"ToUpper("straße")"#, person: &[], gives: Sample::Text("STRAßE") },
        Example { expression: r#"ToUpper("izmir", "tr-TR")"#, person: &[], gives: Sample::Text("İZMİR") },
    ],
    check: anything,
    evaluate: to_upper,
};

fn to_lower<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let turkish = |c| match c {
        'I' => 'ı',
        'İ' => 'i',
        _ => single(c, c.to_lowercase()),
    };
    change(given, lower, turkish)
}

/// The letter in lower case, as .NET has it in the invariant culture.
pub(super) fn lower(c: char) -> char {
    match c {
        // Capital I with a dot, and the Kelvin sign, do not become ASCII letters.
        '\u{130}' | '\u{212A}' => c,
        _ if c.is_ascii() => c.to_ascii_lowercase(),
        _ => single(c, c.to_lowercase()),
    }
}

fn to_upper<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let turkish = |c| match c {
        'i' => 'İ',
        'ı' => 'I',
        _ => single(c, c.to_uppercase()),
    };
    change(given, upper, turkish)
}

/// The letter as a capital, as .NET has it in the invariant culture.
pub(super) fn upper(c: char) -> char {
    match c {
        // Dotless i, and long s, do not become ASCII letters.
        '\u{131}' | '\u{17F}' => c,
        _ if c.is_ascii() => c.to_ascii_uppercase(),
        _ => single(c, c.to_uppercase()),
    }
}

/// The one letter it becomes; the letter itself, where it would become several.
fn single(letter: char, mut becomes: impl ExactSizeIterator<Item = char>) -> char {
    match (becomes.len(), becomes.next()) {
        (1, Some(one)) => one,
        _ => letter,
    }
}

fn change<'a>(
    given: &Given<'a>,
    usual: impl Fn(char) -> char,
    turkish: impl Fn(char) -> char,
) -> Result<Flow<'a>, EvaluateError> {
    let culture = given.text(1)?;
    let Some(text) = given.text(0)? else { return Ok(Flow::nothing()) };
    Ok(if culture.is_some_and(|culture| is_turkic(&culture.text)) {
        text.map(|text| letter_by_letter(text, turkish))
    } else {
        text.map(|text| letter_by_letter(text, usual))
    })
}

fn is_turkic(culture: &str) -> bool {
    let language = culture.split('-').next().unwrap_or_default();
    language.eq_ignore_ascii_case("tr") || language.eq_ignore_ascii_case("az")
}

fn letter_by_letter(text: Cow<'_, str>, change: impl Fn(char) -> char) -> Cow<'_, str> {
    let Some((same, _)) = text.char_indices().find(|(_, c)| change(*c) != *c) else { return text };
    let mut changed = String::with_capacity(text.len());
    changed.push_str(&text[..same]);
    changed.extend(text[same..].chars().map(change));
    Cow::Owned(changed)
}
