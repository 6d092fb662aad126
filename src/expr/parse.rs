//! From words to a tree, by recursive descent; every call is checked as soon as it is closed.

use crate::model::{Diagnostic, Path, Span};

use super::check;
use super::functions::{Beyond, Function, Kind, find};
use super::lex::{Lexeme, Lexer, Token};
use super::node::{Call, Comparison, Node, Operator, Term};
use super::{DEPTH_MAX, EXPRESSION_CHARACTERS_MAX};

/// Reads `[…]`: the path inside the brackets.
type ParsePath<'t> = &'t dyn Fn(&str) -> Result<Path, Diagnostic>;

/// The tree of a whole text.
pub(super) fn parse(text: &str, parse_path: ParsePath<'_>) -> Result<Node, Diagnostic> {
    if let Some((too_far, _)) = text.char_indices().nth(EXPRESSION_CHARACTERS_MAX) {
        let message = format!("the expression is longer than {EXPRESSION_CHARACTERS_MAX} characters");
        return Err(Diagnostic::new(message, too_far..text.len(), "too much"));
    }
    let mut lexer = Lexer::new(text);
    let ahead = lexer.next()?;
    let mut parser = Parser { lexer, ahead, depth: 0, chances: 0, parse_path };
    let root = parser.root()?;
    check::kind_of(&root, Kind::Any, "an expression")?;
    check::whole(&root)?;
    Ok(root)
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The word that comes next.
    ahead: Lexeme<'t>,
    /// Calls that are open.
    depth: usize,
    /// Calls of chance that were read.
    chances: u32,
    parse_path: ParsePath<'t>,
}

impl<'t> Parser<'t> {
    fn root(&mut self) -> Result<Node, Diagnostic> {
        if self.ahead.token == Token::End {
            let hint = "write an `[attribute]`, a `\"text\"`, or a function of them";
            return Err(
                Diagnostic::new("the expression is empty", self.ahead.span.clone(), "nothing here").with_hint(hint)
            );
        }
        let root = self.argument()?;
        match &self.ahead.token {
            Token::End => Ok(root),
            Token::Close => Err(self.unexpected("`)` closes nothing", "no `(` belongs to it")),
            _ => Err(self
                .unexpected("the expression has ended, but the text goes on", "not expected here")
                .with_hint("to put texts together write `Join(\"\", [a], [b])`")),
        }
    }

    /// The word that comes next; the one after it comes next then.
    fn advance(&mut self) -> Result<Lexeme<'t>, Diagnostic> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.ahead, next))
    }

    /// An operand, or two that are compared.
    fn argument(&mut self) -> Result<Node, Diagnostic> {
        let left = self.operand()?;
        let Token::Operator(operator) = self.ahead.token else { return Ok(left) };
        self.advance()?;
        let right = self.operand()?;
        self.only_one_comparison()?;
        comparison(left, operator, right)
    }

    fn only_one_comparison(&self) -> Result<(), Diagnostic> {
        let another = match &self.ahead.token {
            Token::Operator(_) => true,
            Token::Name(name) => name.eq_ignore_ascii_case("and") || name.eq_ignore_ascii_case("or"),
            _ => false,
        };
        if !another {
            return Ok(());
        }
        Err(self
            .unexpected("a condition is one comparison", "a second one begins here")
            .with_hint("put one `IIF` inside another: `IIF([a] = \"x\", IIF([b] = \"y\", …, …), …)`"))
    }

    fn operand(&mut self) -> Result<Node, Diagnostic> {
        let Lexeme { token, span } = self.advance()?;
        let term = match token {
            Token::Text(text) => Term::Text(text),
            Token::Integer { value, hexadecimal } => Term::Integer { value, hexadecimal },
            Token::Attribute(inner) => Term::Attribute(self.path(inner, &span)?),
            Token::Name(name) if self.ahead.token == Token::Open => return self.call(name, span),
            Token::Name("True") => Term::Boolean(true),
            Token::Name("False") => Term::Boolean(false),
            Token::Name(name) => Term::Call(bare_call(name).ok_or_else(|| bare_word(name, span.clone()))?),
            Token::End => return Err(Diagnostic::new("the expression breaks off", span, "a value is missing here")),
            Token::Operator(_) if span.start == 0 => {
                return Err(Diagnostic::new("a value is missing", span, "a value must stand before this")
                    .with_hint("an expression begins with its function or attribute, without `=`"));
            }
            Token::Open | Token::Close | Token::Comma | Token::Operator(_) => {
                return Err(Diagnostic::new("a value is missing", span, "a value must stand before this"));
            }
        };
        Ok(Node { term, span })
    }

    fn path(&self, inner: &str, span: &Span) -> Result<Path, Diagnostic> {
        let path = inner.trim();
        if path.is_empty() {
            return Err(Diagnostic::new("no attribute is named", span.clone(), "nothing between the brackets")
                .with_hint("write its name, as in `[name.givenName]`"));
        }
        let before = inner.len() - inner.trim_start().len();
        (self.parse_path)(path).map_err(|wrong| wrong.moved_by(span.start + 1 + before))
    }

    fn call(&mut self, name: &str, name_span: Span) -> Result<Node, Diagnostic> {
        let function = check::function(name, &name_span)?;
        if self.depth == DEPTH_MAX {
            let message = format!("calls stand more than {DEPTH_MAX} deep in each other");
            return Err(Diagnostic::new(message, name_span, "one too deep"));
        }
        self.depth += 1;
        let chances_before = self.chances;
        self.chances += u32::from(function.beyond == Beyond::Chance);
        self.advance()?;
        let (mut arguments, end) = self.arguments(function, &name_span)?;
        self.depth -= 1;
        let span = name_span.start..end;
        check::complete(function, &mut arguments);
        check::call(function, &arguments, &span)?;
        Ok(Node { term: Term::Call(Call::new(function, arguments, chances_before)), span })
    }

    /// Everything up to the `)`, and where that ends. Nothing between two commas is an empty slot.
    fn arguments(&mut self, function: &Function, name_span: &Span) -> Result<(Vec<Node>, usize), Diagnostic> {
        let name = function.name;
        let mut arguments = Vec::new();
        if self.ahead.token == Token::Close {
            return Ok((arguments, self.advance()?.span.end));
        }
        loop {
            arguments.push(match self.ahead.token {
                Token::Comma | Token::Close => {
                    Node { term: Term::Empty, span: self.ahead.span.start..self.ahead.span.start }
                }
                Token::End => return Err(not_closed(name, name_span)),
                _ => match function.words_at(arguments.len()) {
                    Some(words) => self.word(function, arguments.len(), words)?,
                    None => self.argument()?,
                },
            });
            match self.ahead.token {
                Token::Comma => self.advance()?,
                Token::Close => return Ok((arguments, self.advance()?.span.end)),
                Token::End => return Err(not_closed(name, name_span)),
                _ => return Err(self.unexpected("a comma is missing", "the next argument begins here without one")),
            };
        }
    }

    /// A word that stands bare: one of those that may stand in that place.
    fn word(&mut self, function: &Function, at: usize, words: &[&'static str]) -> Result<Node, Diagnostic> {
        let Lexeme { token, span } = self.advance()?;
        let written = match &token {
            Token::Name(name) => name,
            Token::Text(text) => text.as_str(),
            _ => "",
        };
        let meant = words.iter().find(|word| word.eq_ignore_ascii_case(written)).unwrap_or(&words[0]);
        if token == Token::Name(meant) {
            return Ok(Node { term: Term::Word(meant), span });
        }
        let parameter = function.parameter(at);
        let message = format!("`{}` of `{}` must be {}", parameter.name, function.name, parameter.kind.describe());
        let hint = format!("write `{meant}`, just so and without quotes");
        Err(Diagnostic::new(message, span, "none of these words").with_hint(hint))
    }

    fn unexpected(&self, message: &str, label: &str) -> Diagnostic {
        Diagnostic::new(message, self.ahead.span.clone(), label)
    }
}

fn comparison(left: Node, operator: Operator, right: Node) -> Result<Node, Diagnostic> {
    for side in [&left, &right] {
        if matches!(&side.term, Term::Text(text) if text.is_empty()) {
            let hint = "a comparison with something empty never holds; ask `IsNullOrEmpty([attribute])` instead";
            return Err(Diagnostic::new("nothing can be compared with an empty text", side.span.clone(), "empty")
                .with_hint(hint));
        }
    }
    let span = left.span.start..right.span.end;
    Ok(Node { term: Term::Comparison(Box::new(Comparison { left, operator, right })), span })
}

/// A function that is written without parentheses.
fn bare_call(name: &str) -> Option<Call> {
    let function = find(name).filter(|function| function.stands_bare())?;
    Some(Call::new(function, Vec::new(), 0))
}

fn bare_word(name: &str, span: Span) -> Diagnostic {
    let hint = match name.to_ascii_lowercase().as_str() {
        "true" => "write `True`".to_owned(),
        "false" => "write `False`".to_owned(),
        "ignoreobjectflow" => "whom to pass over is said by the job: by its `scope`, or by a rule".to_owned(),
        _ if check::function(name, &span).is_ok() => format!("to call the function write `{name}(…)`"),
        _ => format!("for the attribute write `[{name}]`, for the text `\"{name}\"`"),
    };
    Diagnostic::new(format!("`{name}` is neither an attribute nor a text"), span, "a bare word").with_hint(hint)
}

fn not_closed(name: &str, name_span: &Span) -> Diagnostic {
    Diagnostic::new(format!("the call of `{name}` is not closed"), name_span.clone(), "begins here")
        .with_hint("close it with `)`")
}
