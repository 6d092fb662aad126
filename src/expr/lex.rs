//! From characters to words: names, texts, numbers, attributes, commas.

use crate::model::{Diagnostic, Span};

use super::node::Operator;

/// A word of the language.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'t> {
    /// A function's name, `True`, `False`.
    Name(&'t str),
    /// What stands between `[` and `]`.
    Attribute(&'t str),
    /// A text, its escapes undone.
    Text(String),
    Integer {
        value: i64,
        hexadecimal: bool,
    },
    Open,
    Close,
    Comma,
    Operator(Operator),
    /// The end of the expression.
    End,
}

/// A word, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Lexeme<'t> {
    pub(super) token: Token<'t>,
    pub(super) span: Span,
}

/// Reads an expression word by word.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word; [`Token::End`] for ever when there is none.
    pub(super) fn next(&mut self) -> Result<Lexeme<'t>, Diagnostic> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        let begin = self.at;
        let token = match self.rest().chars().next() {
            None => Token::End,
            Some('(') => self.one(Token::Open),
            Some(')') => self.one(Token::Close),
            Some(',') => self.one(Token::Comma),
            Some('"') => self.quoted()?,
            Some('[') => self.attribute()?,
            Some('=' | '<' | '>' | '!') => self.operator()?,
            Some('-' | '0'..='9') => self.integer()?,
            Some('&') => self.hexadecimal()?,
            Some(c) if begins_name(c) => Token::Name(self.take_while(continues_name)),
            Some(c) => return Err(stranger(c, begin)),
        };
        Ok(Lexeme { token, span: begin..self.at })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn one(&mut self, token: Token<'t>) -> Token<'t> {
        self.at += 1;
        token
    }

    fn take_while(&mut self, belongs: fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn quoted(&mut self) -> Result<Token<'t>, Diagnostic> {
        let begin = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(Token::Text(text));
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((_, other)) => return Err(bad_escape(other, begin + at)),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(Diagnostic::new("a text is not closed", begin..begin + 1, "opened here").with_hint("close it with `\"`"))
    }

    /// To the `]` that belongs to this `[`. Inner brackets choose a value, and may quote text with brackets in it.
    fn attribute(&mut self) -> Result<Token<'t>, Diagnostic> {
        let begin = self.at;
        let mut depth = 0_usize;
        let mut in_quotes = false;
        let mut escaped = false;
        for (at, c) in self.rest().char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if in_quotes => escaped = true,
                '"' if depth > 1 => in_quotes = !in_quotes,
                '[' if !in_quotes => depth += 1,
                ']' if !in_quotes => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += at + 1;
                return Ok(Token::Attribute(&self.text[begin + 1..begin + at]));
            }
        }
        Err(Diagnostic::new("an attribute is not closed", begin..begin + 1, "opened here")
            .with_hint("close it with `]`"))
    }

    fn operator(&mut self) -> Result<Token<'t>, Diagnostic> {
        let begin = self.at;
        let written = self.take_while(|c| matches!(c, '=' | '<' | '>' | '!'));
        let operator = match written {
            "=" => Operator::Equal,
            "<>" => Operator::NotEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            _ => {
                let wrong =
                    Diagnostic::new(format!("`{written}` compares nothing"), begin..self.at, "no such comparison");
                return Err(wrong.with_hint(instead_of_operator(written)));
            }
        };
        Ok(Token::Operator(operator))
    }

    fn integer(&mut self) -> Result<Token<'t>, Diagnostic> {
        let begin = self.at;
        let written = self.take_while(|c| c == '-' || c == '.' || continues_name(c));
        match written.parse() {
            Ok(value) => Ok(Token::Integer { value, hexadecimal: false }),
            Err(_) => Err(bad_number(written, begin)),
        }
    }

    fn hexadecimal(&mut self) -> Result<Token<'t>, Diagnostic> {
        let begin = self.at;
        let written = self.take_while(|c| c == '&' || continues_name(c));
        let Some(digits) = written.strip_prefix("&H") else {
            return Err(Diagnostic::new("`&` does not join texts", begin..begin + 1, "not known here").with_hint(
                "to put texts together write `Join(\"\", [a], [b])`; a hexadecimal number begins with `&H`",
            ));
        };
        match i64::from_str_radix(digits, 16) {
            Ok(value) => Ok(Token::Integer { value, hexadecimal: true }),
            Err(_) => Err(bad_number(written, begin)),
        }
    }
}

fn begins_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn bad_number(written: &str, begin: usize) -> Diagnostic {
    Diagnostic::new(format!("`{written}` is no number"), begin..begin + written.len(), "not a whole number")
        .with_hint("numbers are whole, at most 19 digits long, and may begin with `-` or `&H`")
}

fn bad_escape(escaped: char, at: usize) -> Diagnostic {
    Diagnostic::new(format!("`\\{escaped}` is no escape"), at..at + 1 + escaped.len_utf8(), "not known in a text")
        .with_hint(format!("for a backslash write two: `\\\\{escaped}`"))
}

fn instead_of_operator(written: &str) -> &'static str {
    match written {
        "==" => "write `=`",
        "!=" => "write `<>`",
        "=>" => "write `>=`",
        "=<" => "write `<=`",
        _ => "there are `=`, `<>`, `>`, `>=`, `<` and `<=`",
    }
}

fn stranger(c: char, at: usize) -> Diagnostic {
    let hint = match c {
        '\'' | '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '`' => "texts stand between `\"` and `\"`",
        '.' => "an attribute stands between `[` and `]`, with all its dots: `[name.givenName]`",
        '+' => "to put texts together write `Join(\"\", [a], [b])`",
        ']' => "an attribute begins with `[`",
        '{' | '}' => "attributes stand between `[` and `]`, arguments between `(` and `)`",
        ';' => "arguments are separated by `,`",
        '|' => "there is no OR: put one `IIF` inside another",
        _ => "an expression is made of functions, `[attributes]`, `\"texts\"` and numbers",
    };
    Diagnostic::new(format!("`{c}` cannot stand here"), at..at + c.len_utf8(), "unexpected").with_hint(hint)
}
