//! Quoted texts, read and written as JSON writes them (RFC 8259 §7).

use crate::model::Diagnostic;

/// Writes `text` in double quotes at the end of `out`.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[done..at]);
        done = at + 1;
        push_escape(out, byte);
    }
    out.push_str(&text[done..]);
    out.push('"');
}

fn push_escape(out: &mut String, byte: u8) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        control => {
            out.push_str("\\u00");
            out.push(HEX[usize::from(control >> 4)]);
            out.push(HEX[usize::from(control & 15)]);
        }
    }
}

/// Reads the text whose opening quote stands at `at`; says where what follows it begins.
///
/// Bare control characters are taken as they are: a printed path has them bare.
///
/// # Errors
/// A [`Diagnostic`] when the closing quote is missing or an escape is none.
pub(super) fn read_string(text: &str, at: usize) -> Result<(String, usize), Diagnostic> {
    let mut read = String::new();
    let mut here = at + 1;
    loop {
        let Some(plain) = text[here..].find(['"', '\\']) else {
            return Err(Diagnostic::new("the text has no closing quote", at..text.len(), "begins here")
                .with_hint("close it with `\"`; a quote inside a text is written `\\\"`"));
        };
        read.push_str(&text[here..here + plain]);
        here += plain;
        if text[here..].starts_with('"') {
            return Ok((read, here + 1));
        }
        let (c, after) = read_escape(text, here)?;
        read.push(c);
        here = after;
    }
}

/// Reads the escape whose backslash stands at `at`.
fn read_escape(text: &str, at: usize) -> Result<(char, usize), Diagnostic> {
    let simple = match text.as_bytes().get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return read_unicode(text, at).ok_or_else(|| bad_escape(text, at)),
        _ => return Err(bad_escape(text, at)),
    };
    Ok((simple, at + 2))
}

fn bad_escape(text: &str, at: usize) -> Diagnostic {
    let end = text[at + 1..].chars().next().map_or(text.len(), |c| at + 1 + c.len_utf8());
    Diagnostic::new("this escape means nothing", at..end, "unknown escape")
        .with_hint("a backslash is written `\\\\`; the others are those of JSON: `\\\"`, `\\n`, `\\u00e9`")
}

/// Reads `\uXXXX`, or two of them that make one character.
fn read_unicode(text: &str, at: usize) -> Option<(char, usize)> {
    let first = hex4(text, at + 2)?;
    if !(0xd800..0xe000).contains(&first) {
        return char::from_u32(first).map(|c| (c, at + 6));
    }
    let second = text.get(at + 6..at + 8).filter(|next| *next == "\\u").and_then(|_| hex4(text, at + 8))?;
    let paired = first < 0xdc00 && (0xdc00..0xe000).contains(&second);
    let code = paired.then(|| 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
    char::from_u32(code).map(|c| (c, at + 12))
}

fn hex4(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>()) {
            let mut out = String::new();
            push_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&out).ok(), Some(text.clone()));
            prop_assert_eq!(read_string(&out, 0), Ok((text, out.len())));
        }

        #[test]
        fn reading_any_text_ends(text in any::<String>()) {
            let _ = read_string(&format!("\"{text}"), 0);
        }
    }

    #[test]
    fn two_halves_of_a_character_make_one() {
        assert_eq!(read_string(r#""\ud83d\ude00\u00e9""#, 0), Ok(("😀é".to_owned(), 20)));
        assert!(read_string(r#""\ud83d""#, 0).is_err());
    }
}
