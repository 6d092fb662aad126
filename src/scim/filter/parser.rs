//! From words to a filter: `or` of `and` of what stands alone (RFC 7644 §3.4.2.2, figure 1).

use super::lexer::{Lexer, Token, What};
use super::{FILTER_BYTES_MAX, FILTER_DEPTH_MAX};
use crate::model::{Diagnostic, Path, Selector, Span};
use crate::predicate::{Literal, Operand, Operator, Predicate, is_number};
use crate::scim::nearest::{clipped, nearest_name};
use crate::scim::path::{check_name, parse_head, part_name, with_selector};
use crate::scim::schema;

/// Reads a whole filter.
pub(super) fn parse(text: &str) -> Result<Predicate, Diagnostic> {
    if text.len() > FILTER_BYTES_MAX {
        let message = format!("the filter is longer than {FILTER_BYTES_MAX} bytes");
        return Err(Diagnostic::new(message, 0..text.len(), "too long")
            .with_hint("several rules of one condition each are easier to read"));
    }
    let mut lexer = Lexer::new(text);
    let next = lexer.next()?;
    if next.what == What::End {
        let hint = "a filter says what must be true, for instance `userType eq \"Employee\"`";
        return Err(Diagnostic::new("the filter is empty", 0..text.len(), "nothing here").with_hint(hint));
    }
    let mut parser = Parser { lexer, next, depth: 0, whole: None };
    let predicate = parser.any_of()?;
    match parser.next.what {
        What::End => Ok(predicate),
        _ => Err(parser.left_over()),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token that is looked at.
    next: Token,
    /// How many parentheses and brackets are open.
    depth: usize,
    /// The attribute whose values are asked, inside brackets.
    whole: Option<Path>,
}

impl<'a> Parser<'a> {
    fn any_of(&mut self) -> Result<Predicate, Diagnostic> {
        let mut parts = vec![self.all_of()?];
        while self.take_word("or")? {
            parts.push(self.all_of()?);
        }
        Ok(joined(parts, Predicate::Or))
    }

    fn all_of(&mut self) -> Result<Predicate, Diagnostic> {
        let mut parts = vec![self.single()?];
        while self.take_word("and")? {
            parts.push(self.single()?);
        }
        Ok(joined(parts, Predicate::And))
    }

    fn single(&mut self) -> Result<Predicate, Diagnostic> {
        match self.next.what {
            What::Open => self.group(),
            What::Word => {
                let token = self.advance()?;
                if self.word(&token).eq_ignore_ascii_case("not") { self.negated(token) } else { self.about(token) }
            }
            _ => Err(self.no_condition()),
        }
    }

    fn group(&mut self) -> Result<Predicate, Diagnostic> {
        let open = self.advance()?.span;
        self.deeper(&open)?;
        let inner = self.any_of()?;
        self.depth -= 1;
        if self.next.what != What::Close {
            return Err(self.unclosed(open, ")"));
        }
        self.advance()?;
        Ok(inner)
    }

    /// `not` wants parentheses; but an attribute may be called so, too.
    fn negated(&mut self, not: Token) -> Result<Predicate, Diagnostic> {
        match self.next.what {
            What::Open => Ok(Predicate::Not(Box::new(self.group()?))),
            What::OpenBracket => self.about(not),
            What::Word if self.operator_here().is_some() || self.word_here().eq_ignore_ascii_case("pr") => {
                self.about(not)
            }
            _ => Err(Diagnostic::new("`not` wants parentheses", not.span, "say of what")
                .with_hint("write `not (active eq true)`")),
        }
    }

    /// What is said about the attribute that was just named.
    fn about(&mut self, name: Token) -> Result<Predicate, Diagnostic> {
        let operand = self.operand(&name)?;
        let touching = self.next.span.start == name.span.end;
        if self.next.what == What::OpenBracket && touching {
            return self.value_path(operand);
        }
        self.compared(operand)
    }

    /// The operator and, after all but `pr`, the value.
    fn compared(&mut self, operand: Operand) -> Result<Predicate, Diagnostic> {
        if self.next.what == What::Word && self.word_here().eq_ignore_ascii_case("pr") {
            self.advance()?;
            return Ok(Predicate::Present(operand));
        }
        let operator = self.operator(&operand)?;
        let literal = self.literal(operator)?;
        Ok(Predicate::Compare(operand, operator, literal))
    }

    fn operand(&self, name: &Token) -> Result<Operand, Diagnostic> {
        let (word, start) = (self.word(name), name.span.start);
        let path = match &self.whole {
            None => parse_head(word, start)?,
            Some(whole) => {
                check_name(word, start)?;
                Path { sub: Some(part_name(whole, word)), ..whole.clone() }
            }
        };
        Ok(operand(path, name.span.clone()))
    }

    /// `emails[…]`, and `emails[type eq "work"].value eq "…"`.
    fn value_path(&mut self, whole: Operand) -> Result<Predicate, Diagnostic> {
        let open = self.advance()?.span;
        if self.whole.is_some() || whole.path.sub.is_some() {
            return Err(Diagnostic::new("a sub-attribute has no values to choose from", open, "no brackets here")
                .with_hint("brackets stand behind the attribute: `emails[type eq \"work\"]`"));
        }
        self.deeper(&open)?;
        self.whole = Some(whole.path.clone());
        let inner = self.any_of()?;
        self.whole = None;
        self.depth -= 1;
        if self.next.what != What::CloseBracket {
            return Err(self.unclosed(open, "]"));
        }
        let close = self.advance()?.span;
        self.after_brackets(whole, inner, close)
    }

    fn after_brackets(&mut self, whole: Operand, inner: Predicate, close: Span) -> Result<Predicate, Diagnostic> {
        let word = if self.next.what == What::Word { self.word_here() } else { "" };
        let touching = self.next.span.start == close.end;
        let sub = word.strip_prefix('.').filter(|_| touching);
        if sub.is_none() && self.operator_here().is_none() && !word.eq_ignore_ascii_case("pr") {
            return Ok(Predicate::Within(whole, Box::new(inner)));
        }
        let mut end = close.end;
        if let Some(sub) = sub {
            let token = self.advance()?;
            check_name(sub, token.span.start + 1)?;
            end = token.span.end;
        }
        let span = whole.span.start..end;
        let Some(selector) = selector(inner) else {
            let hint = "only one `eq` with a text chooses among values: `emails[type eq \"work\"].value`";
            return Err(Diagnostic::new("this cannot be compared", span, "too much in the brackets").with_hint(hint));
        };
        let path = with_selector(whole.path, selector, sub)?;
        self.compared(operand(path, span))
    }

    fn operator(&mut self, operand: &Operand) -> Result<Operator, Diagnostic> {
        if let Some(operator) = self.operator_here() {
            self.advance()?;
            return Ok(operator);
        }
        let shown = self.lexer.slice(&self.next.span);
        let span = self.next.span.clone();
        match self.next.what {
            What::Word | What::Sign => Err(unknown_operator(shown, span)),
            _ => {
                let name = clipped(self.lexer.slice(&operand.span));
                Err(Diagnostic::new(format!("after `{name}` an operator is missing"), span, "expected an operator")
                    .with_hint(OPERATORS_HINT))
            }
        }
    }

    fn operator_here(&self) -> Option<Operator> {
        let word = if self.next.what == What::Word { self.word_here() } else { return None };
        Operator::ALL.into_iter().find(|operator| operator.word().eq_ignore_ascii_case(word))
    }

    fn literal(&mut self, operator: Operator) -> Result<Literal, Diagnostic> {
        let token = self.advance()?;
        let word = self.word(&token);
        let literal = match token.what {
            What::Text(text) => Literal::text(text),
            What::Word => bare_literal(word, &token.span)?,
            What::SingleQuoted => return Err(single_quoted(word, token.span)),
            _ => {
                let message = format!("after `{}` a value is missing", operator.word());
                return Err(Diagnostic::new(message, token.span, "expected a value")
                    .with_hint("values are `\"text\"`, `42`, `true`, `false` or `null`"));
            }
        };
        check_comparable(operator, &literal, token.span)?;
        Ok(literal)
    }

    fn deeper(&mut self, open: &Span) -> Result<(), Diagnostic> {
        self.depth += 1;
        if self.depth <= FILTER_DEPTH_MAX {
            return Ok(());
        }
        let message = format!("the filter is nested deeper than {FILTER_DEPTH_MAX} levels");
        Err(Diagnostic::new(message, open.clone(), "too deep").with_hint("split it into several rules"))
    }

    fn advance(&mut self) -> Result<Token, Diagnostic> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn take_word(&mut self, word: &str) -> Result<bool, Diagnostic> {
        let here = self.next.what == What::Word && self.word_here().eq_ignore_ascii_case(word);
        if here {
            self.advance()?;
        }
        Ok(here)
    }

    fn word(&self, token: &Token) -> &'a str {
        self.lexer.slice(&token.span)
    }

    fn word_here(&self) -> &'a str {
        self.word(&self.next)
    }

    fn unclosed(&self, open: Span, close: &str) -> Diagnostic {
        if self.next.what == What::End {
            let shown = self.lexer.slice(&open);
            return Diagnostic::new(format!("`{shown}` is never closed"), open, format!("its `{close}` is missing"));
        }
        self.left_over()
    }

    /// What stands where a filter could have ended.
    fn left_over(&self) -> Diagnostic {
        let (shown, span) = (self.word_here(), self.next.span.clone());
        match (&self.next.what, shown) {
            (What::Close | What::CloseBracket, _) => {
                Diagnostic::new(format!("`{shown}` closes nothing"), span, "was never opened")
            }
            (What::Sign, "&&" | "&") => {
                Diagnostic::new(format!("`{shown}` is not an operator here"), span, "unknown").with_hint("write `and`")
            }
            (What::Sign, "||" | "|") => {
                Diagnostic::new(format!("`{shown}` is not an operator here"), span, "unknown").with_hint("write `or`")
            }
            _ => Diagnostic::new("the filter goes on where it could have ended", span, "expected `and` or `or`"),
        }
    }

    /// What stands where a condition had to begin.
    fn no_condition(&self) -> Diagnostic {
        let span = self.next.span.clone();
        let missing = Diagnostic::new("a condition is missing", span, "expected an attribute");
        match (&self.next.what, self.word_here()) {
            (What::Sign, "!") => missing.with_hint("write `not (…)`"),
            (What::Text(_) | What::SingleQuoted, _) => {
                missing.with_hint("the attribute comes first, without quotes: `userType eq \"Employee\"`")
            }
            _ => missing,
        }
    }
}

const OPERATORS_HINT: &str = "operators are eq, ne, co (contains), sw (starts with), ew (ends with), gt, ge, lt, le and \
                              pr (has a value)";

fn joined(mut parts: Vec<Predicate>, join: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn operand(path: Path, span: Span) -> Operand {
    let case_exact = schema::kind_of(&path).is_some_and(|kind| kind.case_exact);
    Operand { path, span, case_exact }
}

/// The selector that says the same as what stands in brackets, if one can.
fn selector(inner: Predicate) -> Option<Selector> {
    let Predicate::Compare(operand, Operator::Eq, literal) = inner else { return None };
    let value = match literal {
        Literal::Text(text) => text.as_str().to_owned(),
        Literal::Boolean(boolean) => boolean.to_string(),
        Literal::Number(_) | Literal::Null => return None,
    };
    operand.path.sub.map(|sub| Selector { sub, value })
}

/// What people write in other languages, and what it is here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("==", "eq"),
    ("=", "eq"),
    ("===", "eq"),
    ("!=", "ne"),
    ("<>", "ne"),
    (">", "gt"),
    (">=", "ge"),
    ("<", "lt"),
    ("<=", "le"),
    ("is", "eq"),
    ("equals", "eq"),
    ("equal", "eq"),
    ("neq", "ne"),
    ("not", "ne"),
    ("like", "co"),
    ("contains", "co"),
    ("includes", "co"),
    ("startswith", "sw"),
    ("beginswith", "sw"),
    ("endswith", "ew"),
    ("gte", "ge"),
    ("lte", "le"),
    ("exists", "pr"),
    ("present", "pr"),
];

fn unknown_operator(shown: &str, span: Span) -> Diagnostic {
    let known = OTHER_WORDS.iter().find(|(other, _)| shown.eq_ignore_ascii_case(other)).map(|(_, word)| *word);
    let near = known.or_else(|| nearest_name(shown, Operator::ALL.into_iter().map(Operator::word)));
    let diagnostic = Diagnostic::new(format!("`{}` is not an operator", clipped(shown)), span, "unknown operator");
    match near {
        Some(word) => diagnostic.with_hint(format!("did you mean `{word}`?")),
        None if shown.eq_ignore_ascii_case("in") => {
            diagnostic.with_hint("compare one by one, joined with `or`: `userType eq \"A\" or userType eq \"B\"`")
        }
        None => diagnostic.with_hint(OPERATORS_HINT),
    }
}

fn bare_literal(word: &str, span: &Span) -> Result<Literal, Diagnostic> {
    match word.to_ascii_lowercase().as_str() {
        "true" => return Ok(Literal::Boolean(true)),
        "false" => return Ok(Literal::Boolean(false)),
        "null" => return Ok(Literal::Null),
        _ if is_number(word) => return Ok(Literal::Number(word.to_owned())),
        _ => {}
    }
    let bare = word.trim_matches(['“', '”', '„', '‘', '’', '`']);
    let hint = format!("write `\"{}\"`", clipped(bare));
    let label =
        if bare.len() < word.len() { "these are not plain double quotes" } else { "texts stand in double quotes" };
    Err(Diagnostic::new("the value is not quoted", span.clone(), label).with_hint(hint))
}

fn single_quoted(shown: &str, span: Span) -> Diagnostic {
    let bare = clipped(shown.trim_matches('\''));
    Diagnostic::new("the value stands in single quotes", span, "texts stand in double quotes")
        .with_hint(format!("write `\"{bare}\"`"))
}

/// RFC 7644 §3.4.2.2: order and parts are asked of texts and numbers, not of `true`, `false` and `null`.
fn check_comparable(operator: Operator, literal: &Literal, span: Span) -> Result<(), Diagnostic> {
    let word = operator.word();
    match (operator, literal) {
        (Operator::Eq | Operator::Ne, _) | (_, Literal::Text(_)) => Ok(()),
        (Operator::Co | Operator::Sw | Operator::Ew, _) => {
            Err(Diagnostic::new(format!("`{word}` looks into texts"), span, "not a text")
                .with_hint("put the value in double quotes"))
        }
        (_, Literal::Number(_)) => Ok(()),
        (_, Literal::Boolean(_) | Literal::Null) => {
            Err(Diagnostic::new(format!("`{word}` compares by size"), span, "has no size")
                .with_hint("use `eq` or `ne`"))
        }
    }
}
