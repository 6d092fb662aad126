//! The words of a filter, one at a time.

use crate::model::{Diagnostic, Span};
use crate::scim::text::read_string;

/// One word, bracket, text or sign, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) what: What,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A name, an operator, a number, `true`: whatever stands without quotes.
    Word,
    /// A quoted text, read.
    Text(String),
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// Signs of other languages: `==`, `&&`, `!`.
    Sign,
    /// A text in single quotes, through the closing one if there is one.
    SingleQuoted,
    End,
}

/// Reads tokens from a text.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The bytes of the text a span covers.
    pub(super) fn slice(&self, span: &Span) -> &'a str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// The next token; at the end, `End` for ever.
    ///
    /// # Errors
    /// A [`Diagnostic`] when a quoted text cannot be read.
    pub(super) fn next(&mut self) -> Result<Token, Diagnostic> {
        let rest = self.text[self.at..].trim_start();
        let start = self.text.len() - rest.len();
        let (what, length) = match rest.chars().next() {
            None => (What::End, 0),
            Some('(') => (What::Open, 1),
            Some(')') => (What::Close, 1),
            Some('[') => (What::OpenBracket, 1),
            Some(']') => (What::CloseBracket, 1),
            Some('"') => {
                let (text, end) = read_string(self.text, start)?;
                (What::Text(text), end - start)
            }
            Some('\'') => (What::SingleQuoted, rest[1..].find('\'').map_or(rest.len(), |at| at + 2)),
            Some(c) if is_sign(c) => (What::Sign, length_while(rest, is_sign)),
            Some(_) => (What::Word, length_while(rest, is_word)),
        };
        self.at = start + length;
        Ok(Token { what, span: start..start + length })
    }
}

fn length_while(text: &str, belongs: fn(char) -> bool) -> usize {
    text.find(|c: char| !belongs(c)).unwrap_or(text.len())
}

fn is_sign(c: char) -> bool {
    matches!(c, '=' | '!' | '<' | '>' | '&' | '|')
}

fn is_word(c: char) -> bool {
    !c.is_whitespace() && !is_sign(c) && !matches!(c, '(' | ')' | '[' | ']' | '"' | '\'')
}
