//! From .NET's notation to that of the engine below: groups, quantifiers, anchors and options.

use super::class::class;
use super::cursor::{Cursor, is_word, push_literal};
use super::groups::Groups;
use super::{DEPTH_MAX, REPEAT_MAX, unicode};
use crate::model::{Diagnostic, Span};

/// A pattern in the notation of the engine below.
pub(super) struct Translated {
    /// For texts that do not end with a line break.
    pub(super) plain: String,
    /// For texts that do, where that makes a difference.
    pub(super) before_line_break: Option<String>,
    pub(super) is_linear: bool,
    pub(super) groups: Groups,
}

/// Where `$` and `\Z` stand, until it is known for which texts. Nothing else is written with this character.
const END: char = '\0';

/// Translates a pattern. Read twice: which number a group has is known when all have been seen.
pub(super) fn translate(text: &str) -> Result<Translated, Diagnostic> {
    let (_, first) = Translator::read(text, None)?;
    let groups = first.groups;
    let (out, second) = Translator::read(text, Some(&groups))?;
    let before_line_break = out.contains(END).then(|| out.replace(END, r"(?=\n?\z)"));
    Ok(Translated { plain: out.replace(END, r"\z"), before_line_break, is_linear: second.is_linear, groups })
}

/// What `(?imnsx)` switches on and off.
#[derive(Debug, Clone, Copy, Default)]
struct Options {
    ignore_case: bool,
    multiline: bool,
    explicit_capture: bool,
    singleline: bool,
    ignore_white_space: bool,
}

struct Translator<'a> {
    cursor: Cursor<'a>,
    /// The groups seen so far.
    groups: Groups,
    /// All groups, in the second reading.
    known: Option<&'a Groups>,
    is_linear: bool,
}

impl<'a> Translator<'a> {
    fn read(text: &'a str, known: Option<&'a Groups>) -> Result<(String, Self), Diagnostic> {
        let mut translator = Self { cursor: Cursor::new(text), groups: Groups::default(), known, is_linear: true };
        let mut out = String::with_capacity(text.len() * 2);
        translator.sequence(&mut out, Options::default(), 0)?;
        if translator.cursor.peek().is_some() {
            let at = translator.cursor.at;
            return Err(Diagnostic::new("`)` closes nothing", at..at + 1, "was never opened")
                .with_hint("a parenthesis that stands for itself is written `\\)`"));
        }
        Ok((out, translator))
    }

    /// Everything up to the `)` that closes it, or the end. Options that are set in it end with it.
    fn sequence(&mut self, out: &mut String, mut options: Options, depth: usize) -> Result<(), Diagnostic> {
        loop {
            self.skip(options);
            match self.cursor.peek() {
                None | Some(')') => return Ok(()),
                Some('|') => {
                    self.cursor.at += 1;
                    out.push('|');
                }
                Some(_) => {
                    if let Some(atom) = self.atom(&mut options, depth)? {
                        self.repeated(out, &atom, options)?;
                    }
                }
            }
        }
    }

    /// White space and comments, where the options or `(?#…)` make them such.
    fn skip(&mut self, options: Options) {
        loop {
            let rest = self.cursor.rest();
            if options.ignore_white_space && rest.starts_with('#') {
                self.cursor.take_while(|c| c != '\n');
            } else if options.ignore_white_space && rest.starts_with(|c: char| c.is_ascii_whitespace()) {
                self.cursor.take_while(|c| c.is_ascii_whitespace());
            } else if let Some(end) = rest.strip_prefix("(?#").and_then(|comment| comment.find(')')) {
                self.cursor.at += "(?#".len() + end + 1;
            } else {
                return;
            }
        }
    }

    /// One thing that may be repeated; nothing where only options were set.
    fn atom(&mut self, options: &mut Options, depth: usize) -> Result<Option<String>, Diagnostic> {
        let start = self.cursor.at;
        let Some(c) = self.cursor.next() else { return Ok(None) };
        Ok(Some(match c {
            '(' => return self.group(options, depth),
            '[' => cased(class(&mut self.cursor, 0)?, *options),
            '.' => (if options.singleline { "(?s:.)" } else { r"[^\n]" }).to_owned(),
            '^' => (if options.multiline { "(?m:^)" } else { r"\A" }).to_owned(),
            '$' if options.multiline => "(?m:$)".to_owned(),
            '$' => END.to_string(),
            '\\' => self.escape(*options)?,
            '*' | '+' | '?' => return Err(nothing_to_repeat(start..self.cursor.at, c)),
            '{' if quantifier_numbers(self.cursor.rest()).is_some() => {
                return Err(nothing_to_repeat(start..self.cursor.at, c));
            }
            literal => cased(literal_text(literal), *options),
        }))
    }

    /// Adds a thing with its quantifier, if one follows.
    fn repeated(&mut self, out: &mut String, atom: &str, options: Options) -> Result<(), Diagnostic> {
        self.skip(options);
        let start = self.cursor.at;
        let Some(quantifier) = self.quantifier()? else {
            out.push_str(atom);
            return Ok(());
        };
        if atom.starts_with('(') {
            out.push_str(atom);
        } else {
            out.extend(["(?:", atom, ")"]);
        }
        out.push_str(&quantifier);
        if self.cursor.eat('?') {
            out.push('?');
        }
        self.skip(options);
        let again = self.cursor.at;
        match self.quantifier()? {
            None => Ok(()),
            Some(second) => {
                let wrong = Diagnostic::new(
                    format!("`{second}` repeats what is repeated already"),
                    start..self.cursor.at.max(again),
                    "a second quantifier",
                );
                Err(match second.as_str() {
                    "+" => wrong.with_hint(".NET has no possessive quantifiers; write an atomic group, `(?>a+)`"),
                    _ => wrong.with_hint("put what is meant to be repeated in `(?:…)`"),
                })
            }
        }
    }

    fn quantifier(&mut self) -> Result<Option<String>, Diagnostic> {
        let start = self.cursor.at;
        let rest = self.cursor.rest();
        if let Some(simple) = rest.chars().next().filter(|c| matches!(c, '*' | '+' | '?')) {
            self.cursor.at += 1;
            return Ok(Some(simple.to_string()));
        }
        let Some(numbers) = rest.strip_prefix('{').and_then(quantifier_numbers) else { return Ok(None) };
        self.cursor.at += numbers.len() + 2;
        let span = start..self.cursor.at;
        let (least, most) = numbers.split_once(',').unwrap_or((numbers, numbers));
        // What has no number is without end; what is no small number is too great.
        let bound = |digits: &str| digits.parse().ok().filter(|count: &u32| *count <= REPEAT_MAX);
        if [least, most].iter().any(|digits| !digits.is_empty() && bound(digits).is_none()) {
            let message = format!("more than {REPEAT_MAX} repeats are not counted");
            return Err(Diagnostic::new(message, span, "too great a number").with_hint("use `*` or `+`"));
        }
        match (bound(least), bound(most)) {
            (Some(least), Some(most)) if most < least => {
                Err(Diagnostic::new(format!("at least {least} and at most {most} is never"), span, "turn it round"))
            }
            _ => Ok(Some(format!("{{{numbers}}}"))),
        }
    }

    fn escape(&mut self, options: Options) -> Result<String, Diagnostic> {
        let start = self.cursor.at - 1;
        let Some(escape) = self.cursor.peek() else { return self.cursor.escaped_character(false).map(String::from) };
        let after = self.cursor.at + escape.len_utf8();
        let simple = match escape {
            'd' | 'D' | 's' | 'S' | 'b' | 'B' | 'A' | 'z' => format!("\\{escape}"),
            'w' | 'W' => unicode::word(escape == 'W').to_owned(),
            'Z' => END.to_string(),
            'p' | 'P' => {
                self.cursor.at = after;
                return Ok(cased(unicode::property(&mut self.cursor, escape == 'P')?, options));
            }
            'G' => {
                return Err(Diagnostic::new("`\\G` is not supported", start..after, "where the last match ended")
                    .with_hint("`\\A` is the beginning of the text"));
            }
            'k' => {
                self.cursor.at = after;
                return self.named_reference(start, options);
            }
            '1'..='9' => return self.numbered_reference(start, options),
            '<' | '\'' => return self.old_reference(start, options),
            _ => return Ok(cased(literal_text(self.cursor.escaped_character(false)?), options)),
        };
        self.cursor.at = after;
        Ok(simple)
    }

    fn named_reference(&mut self, start: usize, options: Options) -> Result<String, Diagnostic> {
        let close = match self.cursor.next() {
            Some('<') => '>',
            Some('\'') => '\'',
            _ => {
                return Err(Diagnostic::new("`\\k` wants the name of a group", start..start + 2, "which group?")
                    .with_hint("write `\\k<name>`"));
            }
        };
        let name = self.cursor.take_while(is_word);
        if name.is_empty() || !self.cursor.eat(close) {
            return Err(Diagnostic::new("the name of the group is not closed", start..self.cursor.at, "unfinished")
                .with_hint("write `\\k<name>`"));
        }
        self.reference(name, start, options)
    }

    /// `\1`; in .NET numbers of two digits and more are characters in octal where there is no such group.
    fn numbered_reference(&mut self, start: usize, options: Options) -> Result<String, Diagnostic> {
        let mut ahead = self.cursor;
        let digits = ahead.take_while(|c| c.is_ascii_digit());
        let exists = digits.parse().ok().and_then(|number| self.known?.numbered(number)).is_some();
        if exists || digits.len() == 1 || self.known.is_none() {
            self.cursor = ahead;
            return self.reference(digits, start, options);
        }
        Ok(cased(literal_text(self.cursor.escaped_character(false)?), options))
    }

    /// `\<name>`, once another way to write `\k<name>`. Otherwise the sign stands for itself.
    fn old_reference(&mut self, start: usize, options: Options) -> Result<String, Diagnostic> {
        let sign = self.cursor.escaped_character(false)?;
        let close = if sign == '<' { '>' } else { sign };
        let mut ahead = self.cursor;
        let name = ahead.take_while(is_word);
        if !name.is_empty() && ahead.eat(close) && self.known.is_some_and(|known| known.of(name).is_some()) {
            return Err(Diagnostic::new("this old way to name a group is not supported", start..ahead.at, "ambiguous")
                .with_hint(format!("write `\\k<{name}>`")));
        }
        Ok(cased(literal_text(sign), options))
    }

    fn reference(&mut self, name: &str, start: usize, options: Options) -> Result<String, Diagnostic> {
        self.is_linear = false;
        let Some(known) = self.known else { return Ok(String::new()) };
        match known.of(name) {
            Some(group) if group > 0 => Ok(cased(format!("(?:\\{group})"), options)),
            _ => {
                Err(Diagnostic::new(format!("there is no group `{name}`"), start..self.cursor.at, "refers to nothing")
                    .with_hint("groups are counted from 1: first those without a name, then those with one"))
            }
        }
    }
}

impl Translator<'_> {
    /// A group whose `(` was read.
    fn group(&mut self, options: &mut Options, depth: usize) -> Result<Option<String>, Diagnostic> {
        let open = self.cursor.at - 1;
        if depth == DEPTH_MAX {
            let message = format!("groups are nested deeper than {DEPTH_MAX}");
            return Err(Diagnostic::new(message, open..self.cursor.at, "too deep"));
        }
        let mut inside = *options;
        let head = if self.cursor.eat('?') {
            match self.special(open, &mut inside)? {
                Some(head) => head,
                None => {
                    *options = inside;
                    return Ok(None);
                }
            }
        } else if options.explicit_capture {
            "(?:"
        } else {
            self.groups.push(None);
            "("
        };
        let mut out = String::from(head);
        self.sequence(&mut out, inside, depth + 1)?;
        if !self.cursor.eat(')') {
            return Err(Diagnostic::new("`(` is never closed", open..open + 1, "its `)` is missing")
                .with_hint("a parenthesis that stands for itself is written `\\(`"));
        }
        out.push(')');
        Ok(Some(out))
    }

    /// What stands behind `(?`: how the group begins for the engine below; nothing for bare options.
    fn special(&mut self, open: usize, options: &mut Options) -> Result<Option<&'static str>, Diagnostic> {
        let rest = self.cursor.rest();
        for (sign, head) in [("=", "(?="), ("!", "(?!"), ("<=", "(?<="), ("<!", "(?<!"), (">", "(?>")] {
            if rest.starts_with(sign) {
                self.cursor.at += sign.len();
                self.is_linear = false;
                return Ok(Some(head));
            }
        }
        let refused = |message: &str, hint: &str| {
            let end = open + 2 + rest.chars().next().map_or(0, char::len_utf8);
            Err(Diagnostic::new(message, open..end, "not supported").with_hint(hint))
        };
        match rest.chars().next() {
            Some(':') => self.cursor.at += 1,
            Some('<') => return self.name(open, '>').map(Some),
            Some('\'') => return self.name(open, '\'').map(Some),
            Some('(') => return refused("conditionals are not supported", "write both cases, joined with `|`"),
            Some(')') => return refused("`?` repeats nothing", "a sign that stands for itself is written `\\?`"),
            Some('#') => return refused("the comment is never closed", "close it with `)`"),
            Some('P') => return refused("`(?P` is not known to .NET", "a group is named `(?<name>…)`"),
            _ => return self.options(open, options),
        }
        Ok(Some("(?:"))
    }

    fn name(&mut self, open: usize, close: char) -> Result<&'static str, Diagnostic> {
        self.cursor.at += 1;
        let start = self.cursor.at;
        let name = self.cursor.take_while(is_word);
        let span = start..self.cursor.at;
        if self.cursor.peek() == Some('-') {
            return Err(Diagnostic::new(
                "balancing groups are not supported",
                open..self.cursor.at + 1,
                "not supported",
            )
            .with_hint("no regular expression of muster counts brackets"));
        }
        if name.is_empty() || !self.cursor.eat(close) {
            return Err(Diagnostic::new("a group's name has letters, digits and `_`", open..self.cursor.at, "no name")
                .with_hint(format!("it ends with `{close}`: `(?<name>…)`")));
        }
        if name.starts_with(|c: char| c.is_numeric()) {
            return Err(Diagnostic::new("a group with a number of its own is not supported", span, "a number")
                .with_hint("give it a name, or none"));
        }
        if self.groups.has(name) {
            return Err(Diagnostic::new(format!("two groups are called `{name}`"), span, "called so again here")
                .with_hint("give each a name of its own"));
        }
        self.groups.push(Some(name.to_owned()));
        Ok("(")
    }

    fn options(&mut self, open: usize, options: &mut Options) -> Result<Option<&'static str>, Diagnostic> {
        let mut on = true;
        while let Some(letter) = self.cursor.next() {
            match letter {
                'i' => options.ignore_case = on,
                'm' => options.multiline = on,
                'n' => options.explicit_capture = on,
                's' => options.singleline = on,
                'x' => options.ignore_white_space = on,
                '+' => on = true,
                '-' => on = false,
                ')' => return Ok(None),
                ':' => return Ok(Some("(?:")),
                _ => break,
            }
        }
        let shown = self.cursor.slice(open..self.cursor.at);
        Err(Diagnostic::new(format!("`{shown}` begins no group"), open..self.cursor.at, "unknown").with_hint(
            "options are `i`, `m`, `n`, `s` and `x`; others, such as RightToLeft, cannot be set in a pattern",
        ))
    }
}

/// The numbers of `{2}`, `{2,}` or `{2,3}` whose brace was read; any other brace stands for itself.
pub(super) fn quantifier_numbers(rest: &str) -> Option<&str> {
    let numbers = &rest[..rest.find('}')?];
    let (least, most) = numbers.split_once(',').unwrap_or((numbers, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!least.is_empty() && digits(least) && digits(most)).then_some(numbers)
}

fn nothing_to_repeat(span: Span, sign: char) -> Diagnostic {
    Diagnostic::new(format!("`{sign}` repeats nothing"), span, "nothing stands before it")
        .with_hint(format!("a sign that stands for itself is written `\\{sign}`"))
}

fn literal_text(c: char) -> String {
    let mut text = String::new();
    push_literal(&mut text, c);
    text
}

/// The same without regard to case, where the options say so.
fn cased(atom: String, options: Options) -> String {
    if options.ignore_case { format!("(?i:{atom})") } else { atom }
}
