//! "Did you mean": the word that was probably meant.

/// How alike two words must be, from 0 to 1, before one is offered for the other. Below it guesses mislead.
const LIKENESS_MIN: f64 = 0.84;

/// Longest word a suggestion is sought for, in bytes: comparing costs length times length.
const WORD_BYTES_MAX: usize = 200;

/// The one of `words` that is most like `word`, if any is like it.
pub(super) fn nearest<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in words {
        let likeness = strsim::jaro_winkler(&word, &candidate.to_ascii_lowercase());
        if likeness >= LIKENESS_MIN && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// What to try: the nearest word, or all of them where they are few enough to read.
pub(super) fn hint<'a>(word: &str, words: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(word, words.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", words.collect::<Vec<_>>().join(", ")),
    }
}
