//! `NormalizeDiacritics`: letters with marks become the plain letters Entra's table gives for them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::super::EvaluateError;
use super::super::datum::Flow;
use super::super::evaluate::Given;
use super::{Beyond, Example, Function, Kind, Sample, anything, required};

pub(super) static NORMALIZE_DIACRITICS: Function = Function {
    name: "NormalizeDiacritics",
    beyond: Beyond::Nothing,
    parameters: &[required("source", Kind::Text)],
    description: "A text with plain letters in place of those with marks: é becomes e, ø oe, ß ss, but ö o. \
                  Letters that Entra's table does not have stay as they are.",
    examples: &[
        Example {
            expression: "NormalizeDiacritics([givenName])",
            person: &[("givenName", Sample::Text("Zoë"))],
            gives: Sample::Text("Zoe"),
        },
        Example {
            expression: r#"NormalizeDiacritics("Søren Groß, Łódź, Đà")"#,
            person: &[],
            gives: Sample::Text("Soeren Gross, Lodz, Đa"),
        },
        Example { expression: "NormalizeDiacritics([givenName])", person: &[], gives: Sample::Nothing },
    ],
    check: anything,
    evaluate: normalize_diacritics,
};

fn normalize_diacritics<'a>(given: &Given<'a>) -> Result<Flow<'a>, EvaluateError> {
    let Some(text) = given.text(0)? else { return Ok(Flow::nothing()) };
    Ok(text.map(|text| if text.is_ascii() { text } else { Cow::Owned(plain(&text)) }))
}

/// The text in composed form (NFC, as the table is), with the longest match of the table replaced at each place.
fn plain(text: &str) -> String {
    let composed: String = text.nfc().collect();
    let mut plain = String::with_capacity(composed.len());
    let mut rest = composed.as_str();
    while let Some(first) = rest.chars().next() {
        let (taken, replacement) = longest_match(rest).unwrap_or((first.len_utf8(), &rest[..first.len_utf8()]));
        plain.push_str(replacement);
        rest = &rest[taken..];
    }
    plain
}

/// How many bytes of `text` the table replaces at its beginning, and by what.
fn longest_match(text: &str) -> Option<(usize, &'static str)> {
    let mut ends = [0; LETTER_CHARACTERS_MAX];
    let mut count = 0;
    for (at, c) in text.char_indices().take(LETTER_CHARACTERS_MAX) {
        if at > 0 && !is_combining_mark(c) {
            break;
        }
        ends[count] = at + c.len_utf8();
        count += 1;
    }
    ends[..count].iter().rev().find_map(|&end| PLAIN.get(&text[..end]).map(|plain| (end, *plain)))
}

/// The longest letter of the table: a base and two marks.
const LETTER_CHARACTERS_MAX: usize = 3;

static PLAIN: LazyLock<HashMap<&'static str, &'static str, FixedState>> = LazyLock::new(|| {
    TABLE.iter().flat_map(|(plain, letters)| letters.split(' ').map(|letter| (letter, *plain))).collect()
});

/// What becomes what, from Entra's reference of expression functions (2024-08-06): plain form, letters in NFC.
#[rustfmt::skip]
const TABLE: &[(&str, &str)] = &[
    ("a", "ä à â ã å á ą ă ā ā́ ā̀ ā̂ ā̃ ǟ ā̈ ǡ a̱ å̄"),
    ("A", "Ä À Â Ã Å Á Ą Ă Ā Ā́ Ā̀ Ā̂ Ā̃ Ǟ Ā̈ Ǡ A̱ Å̄"),
    ("ae", "æ ǣ"),
    ("AE", "Æ Ǣ"),
    ("c", "ç č ć c̄ c̱"),
    ("C", "Ç Č Ć C̄ C̱"),
    ("d", "ď d̄ ḏ"),
    ("D", "Ď D̄ Ḏ"),
    ("e", "ë è é ê ę ě ė ē ḗ ḕ ē̂ ē̃ ê̄ e̱ ë̄ e̊̄"),
    ("E", "Ë È É Ê Ę Ě Ė Ē Ḗ Ḕ Ē̂ Ē̃ Ê̄ E̱ Ë̄ E̊̄"),
    ("g", "ğ ḡ g̱"),
    ("G", "Ğ Ḡ G̱"),
    ("i", "ï î ì í ı ī ī́ ī̀ ī̂ ī̃ i̱"),
    ("I", "Ï Î Ì Í İ Ī Ī́ Ī̀ Ī̂ Ī̃ I̱"),
    ("l", "ľ ł l̄ ḹ ḻ"),
    ("L", "Ł Ľ L̄ Ḹ Ḻ"),
    ("n", "ñ ń ň n̄ ṉ"),
    ("N", "Ñ Ń Ň N̄ Ṉ"),
    ("o", "ö ò ő õ ô ó ō ṓ ṑ ō̂ ō̃ ȫ ō̈ ǭ ȭ ȱ o̱"),
    ("O", "Ö Ò Ő Õ Ô Ó Ō Ṓ Ṑ Ō̂ Ō̃ Ȫ Ō̈ Ǭ Ȭ Ȱ O̱"),
    ("oe", "ø ø̄ œ̄"),
    ("OE", "Ø Ø̄ Œ̄"),
    ("r", "ř r̄ ṟ ṝ"),
    ("R", "Ř R̄ Ṟ Ṝ"),
    ("ss", "ß"),
    ("s", "š ś ș ş s̄ s̱"),
    ("S", "Š Ś Ș Ş S̄ S̱"),
    ("t", "ť ț t̄ ṯ"),
    ("T", "Ť Ț T̄ Ṯ"),
    ("u", "ü ù û ú ů ű ū ū́ ū̀ ū̂ ū̃ u̇̄ ǖ ṻ ṳ̄ u̱"),
    ("U", "Ü Ù Û Ú Ů Ű Ū Ū́ Ū̀ Ū̂ Ū̃ U̇̄ Ǖ Ṻ Ṳ̄ U̱"),
    ("y", "ÿ ý ȳ ȳ́ ȳ̀ ȳ̃ y̱"),
    ("Y", "Ÿ Ý Ȳ Ȳ́ Ȳ̀ Ȳ̃ Y̱"),
    ("z", "ź ž ż z̄ ẕ"),
    ("Z", "Ź Ž Ż Z̄ Ẕ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_composed() {
        assert_eq!(PLAIN.len(), 261);
        for letter in PLAIN.keys() {
            assert!(letter.nfc().eq(letter.chars()), "{letter} is not in NFC");
            assert!(letter.chars().count() <= LETTER_CHARACTERS_MAX);
        }
    }

    #[test]
    fn every_letter_of_the_table_is_known_in_either_form_of_unicode() {
        for (letter, expected) in PLAIN.iter() {
            let decomposed: String = letter.nfd().collect();
            assert_eq!(plain(&format!("x{letter}y{decomposed}z")), format!("x{expected}y{expected}z"));
        }
    }

    #[test]
    fn a_letter_is_recognised_however_it_was_composed() {
        assert_eq!(plain("Zoe\u{308}"), "Zoe");
        assert_eq!(plain("e\u{30a}\u{304}"), "e");
        assert_eq!(plain("œ\u{304}"), "oe");
    }

    #[test]
    fn a_letter_the_table_does_not_have_stays() {
        assert_eq!(plain("œðđ 漢字"), "œðđ 漢字");
    }
}
