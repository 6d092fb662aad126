//! A place in a pattern, and the escapes that stand for one character.

use crate::model::{Diagnostic, Span};

/// A place in a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let here = self.peek() == Some(wanted);
        if here {
            self.at += wanted.len_utf8();
        }
        here
    }

    pub(super) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(super) fn slice(&self, span: Span) -> &'a str {
        &self.text[span]
    }

    /// Reads an escape whose backslash was read and that stands for one character.
    pub(super) fn escaped_character(&mut self, in_class: bool) -> Result<char, Diagnostic> {
        let start = self.at - 1;
        let Some(escape) = self.next() else {
            return Err(Diagnostic::new("the pattern ends with a lone `\\`", start..self.at, "escapes nothing")
                .with_hint("a backslash itself is written `\\\\`"));
        };
        match escape {
            't' => Ok('\t'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            'f' => Ok('\u{C}'),
            'v' => Ok('\u{B}'),
            'a' => Ok('\u{7}'),
            'e' => Ok('\u{1B}'),
            'b' if in_class => Ok('\u{8}'),
            'x' => self.hexadecimal(start, 2),
            'u' => self.hexadecimal(start, 4),
            'c' => self.control(start),
            '0'..='7' => Ok(self.octal(escape)),
            other if is_word(other) => {
                let message = format!("the escape `\\{other}` means nothing");
                Err(Diagnostic::new(message, start..self.at, "unknown escape")
                    .with_hint(format!("write `{other}` for the character, `\\\\{other}` for a backslash before it")))
            }
            punctuation => Ok(punctuation),
        }
    }

    fn hexadecimal(&mut self, start: usize, digits: usize) -> Result<char, Diagnostic> {
        let written = self.rest().get(..digits).filter(|written| written.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = written.and_then(|written| u32::from_str_radix(written, 16).ok()) else {
            let message = format!("{digits} hexadecimal digits are missing");
            return Err(
                Diagnostic::new(message, start..self.at, "expected digits").with_hint("as in `\\x41`, `\\u00e9`")
            );
        };
        self.at += digits;
        char::from_u32(code).ok_or_else(|| {
            Diagnostic::new("this is half a character (a surrogate)", start..self.at, "stands for nothing alone")
                .with_hint("write the character itself")
        })
    }

    fn control(&mut self, start: usize) -> Result<char, Diagnostic> {
        let control = self.next().map(|c| c.to_ascii_uppercase()).filter(|c| ('@'..='_').contains(c));
        control.and_then(|c| char::from_u32(c as u32 - '@' as u32)).ok_or_else(|| {
            Diagnostic::new("`\\c` wants a letter", start..self.at, "no control character")
                .with_hint("a tab is `\\cI`, or `\\t`")
        })
    }

    /// Up to three digits, of which the lower eight bits count.
    fn octal(&mut self, first: char) -> char {
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.at += 1;
        }
        char::from((code & 0xFF) as u8)
    }
}

/// What .NET calls a word character in names and escapes; `²` and `½` are none.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit() || c == '_'
}

/// A character as the engine below reads it anywhere: for itself.
pub(super) fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || !c.is_ascii() {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
    }
}
