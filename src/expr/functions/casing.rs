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
    change(given, |culture, c| match (culture, c) {
        (Culture::Turkic, 'I') => 'ı',
        (Culture::Turkic | Culture::Other, 'İ') => 'i',
        _ => lower(c),
    })
}

/// The letter in lower case, as .NET has it in the invariant culture, where `İ` does not become an ASCII letter.
pub(super) fn lower(c: char) -> char {
    match c {
        _ if c.is_ascii() => c.to_ascii_lowercase(),
        _ => single(c, c.to_lowercase()),
    }
}

fn to_upper<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    change(given, |culture, c| match (culture, c) {
        (Culture::Turkic, 'i') => 'İ',
        (Culture::Turkic | Culture::Other, 'ı') => 'I',
        _ => upper(c),
    })
}

/// The letter as a capital, as .NET has it in the invariant culture, where `ı` does not become an ASCII letter.
pub(super) fn upper(c: char) -> char {
    match c {
        'ı' => c,
        _ if c.is_ascii() => c.to_ascii_uppercase(),
        // Greek letters with an iota below them have capitals of their own beside those of two letters.
        '\u{1F80}'..='\u{1FAF}' if u32::from(c) & 8 == 0 => raised(c, 8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => raised(c, 9),
        _ => single(c, c.to_uppercase()),
    }
}

fn raised(c: char, by: u32) -> char {
    char::from_u32(u32::from(c) + by).unwrap_or(c)
}

/// The one letter it becomes; the letter itself, where it would become several.
fn single(letter: char, mut becomes: impl ExactSizeIterator<Item = char>) -> char {
    match (becomes.len(), becomes.next()) {
        (1, Some(one)) => one,
        _ => letter,
    }
}

/// Whose letters they are: only the two forms of I depend on it.
#[derive(Clone, Copy)]
enum Culture {
    Invariant,
    Turkic,
    Other,
}

impl Culture {
    fn of(name: Option<&str>) -> Self {
        let language = name.unwrap_or_default().split('-').next().unwrap_or_default();
        match language {
            "" => Self::Invariant,
            _ if ["tr", "az"].iter().any(|turkic| language.eq_ignore_ascii_case(turkic)) => Self::Turkic,
            _ => Self::Other,
        }
    }
}

fn change<'a>(given: &Given<'a>, letter: impl Fn(Culture, char) -> char) -> Result<Flow<'a>, EvaluateError> {
    let culture = given.text(1)?;
    let culture = Culture::of(culture.as_ref().map(|words| words.text.as_ref()));
    let Some(text) = given.text(0)? else { return Ok(Flow::nothing()) };
    Ok(text.map(|text| letter_by_letter(text, |c| letter(culture, c))))
}

fn letter_by_letter(text: Cow<'_, str>, change: impl Fn(char) -> char) -> Cow<'_, str> {
    let Some((same, _)) = text.char_indices().find(|(_, c)| change(*c) != *c) else { return text };
    let mut changed = String::with_capacity(text.len());
    changed.push_str(&text[..same]);
    changed.extend(text[same..].chars().map(change));
    Cow::Owned(changed)
}
