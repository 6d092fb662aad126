//! Text from outside, made safe to show on a terminal or in a log.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character escaped that could move the cursor, colour the screen, or turn the direction of
/// what follows (Unicode's bidirectional controls): an HR export must not be able to write on an operator's screen.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_dangerous(c) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{{{:04X}}}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Controls (C0, C1, DEL), bidirectional marks, embeddings, overrides and isolates, and line separators.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn names_in_any_script_are_shown_as_they_are() {
        for name in ["Åsa Öberg", "Наталья", "نور", "張偉", "עברית"] {
            assert_eq!(plain(name), name);
        }
    }

    #[test]
    fn a_name_cannot_write_on_the_screen() {
        assert_eq!(plain("a\x1b[2Jb"), "a\\u{001B}[2Jb");
        assert_eq!(plain("user\u{202E}gpj.exe"), "user\\u{202E}gpj.exe");
        assert_eq!(plain("two\nlines"), "two\\u{000A}lines");
    }
}
