//! Regular expressions as .NET's `Regex` reads them, in a bounded number of steps.
//!
//! A pattern is translated once into the notation of the engine below, which runs in linear time what needs neither
//! lookaround nor backreferences nor atomic groups, and backtracks under a limit where it does. What differs from .NET:
//!
//! - `.` and classes take a whole character where .NET takes a UTF-16 unit (only beyond U+FFFF).
//! - Without regard to case, Unicode's simple folding decides, and no culture.
//! - `\b` stands beside any alphabetic character, mark, digit or `_`; .NET leaves out enclosing marks and letter numbers.
//! - Conditionals, balancing groups, `\G`, and a name or number given to two groups are refused by name.
//!
//! Pure: the same pattern and text give the same answer on every machine, as steps are counted and no clock is read.

mod class;
mod cursor;
mod effort;
mod groups;
mod template;
mod translate;
mod unicode;

use std::ops::Range;

use fancy_regex::{CompileError, Error, ParseError, Regex, RegexBuilder};

use crate::model::Diagnostic;
use groups::Groups;

pub use effort::Effort;
pub use template::{Piece, Template};

/// Longest pattern, in bytes. People write a few dozen; an expression has 10,000 characters in all.
pub const PATTERN_BYTES_MAX: usize = 2_000;
/// Groups inside groups. The engine below bears 64 levels, and a quantifier may add one.
pub const DEPTH_MAX: usize = 24;
/// The greatest number in a quantifier, `{1,1000}`. Repeats are unrolled when they are compiled.
pub const REPEAT_MAX: u32 = 1_000;
/// Bytes of a compiled pattern, per part that runs in linear time: `\p{L}{200}` has about as many.
pub const COMPILED_BYTES_MAX: usize = 4 << 20;
/// Steps back in one search, where the pattern needs them. A value of 300 characters may be searched from each of them
/// to its end.
pub const STEPS_MAX: usize = 50_000;
/// Steps back that are enough for most searches, and are tried first: few searches may need more.
const STEPS_FEW: usize = 250;

/// How long a text may be, and how often a pattern is sought in it, so that all searches together stay bounded.
struct Bounds {
    text_bytes: usize,
    matches: usize,
}

/// In linear time a search costs a fraction of a millisecond at most.
const LINEAR: Bounds = Bounds { text_bytes: 16 * 1024, matches: 4_096 };
/// The longest attribute of a directory that people fill has 1,024 characters.
const BACKTRACKING: Bounds = Bounds { text_bytes: 4 * 1024, matches: 1_000 };

/// A regular expression that was understood. Two are equal when they are written alike.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    groups: Groups,
    program: Program,
    /// For texts that end with a line break, which `$` and `\Z` also hold before; where the pattern has them.
    before_line_break: Option<Program>,
}

#[derive(Debug, Clone)]
struct Program {
    regex: Regex,
    /// The same with few steps; `None` where it runs in linear time.
    quick: Option<Regex>,
    /// About how many; see [`effort`].
    states: u64,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

/// Why it cannot be said whether and where a pattern is found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The pattern tries too many ways, or, searched for from many places, might.
    #[error("the regular expression needs too many steps for this value")]
    Steps,
    /// The text is longer than is searched.
    #[error("the value is longer than the {0} bytes a regular expression is sought in")]
    Text(usize),
    /// It is found too often.
    #[error("the regular expression is found more than {0} times in this value")]
    Matches(usize),
}

/// Where a pattern was found, in bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The whole, then every group; `None` where a group took no part.
    spans: Vec<Option<Range<usize>>>,
}

impl Found {
    /// Where the whole pattern stands.
    pub fn whole(&self) -> Range<usize> {
        self.spans.first().cloned().flatten().unwrap_or_default()
    }

    /// Where a group stands, as [`Pattern::group`] numbers it.
    pub fn group(&self, group: usize) -> Option<Range<usize>> {
        self.spans.get(group).cloned().flatten()
    }
}

impl Pattern {
    /// Reads a pattern and makes it ready.
    ///
    /// # Errors
    /// A [`Diagnostic`] in bytes of `text`: where .NET would refuse it, and where it is .NET's and not muster's.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        if text.len() > PATTERN_BYTES_MAX {
            let message = format!("the regular expression is longer than {PATTERN_BYTES_MAX} bytes");
            return Err(Diagnostic::new(message, 0..text.len(), "too long").with_hint("split the work in two"));
        }
        let translated = translate::translate(text)?;
        let program = Program::compile(&translated.plain, translated.is_linear, text)?;
        let before_line_break = match &translated.before_line_break {
            Some(exact) => Some(Program::compile(exact, false, text)?),
            None => None,
        };
        Ok(Self { written: text.to_owned(), groups: translated.groups, program, before_line_break })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The group of that name, or of that number in .NET's counting; for [`Found::group`].
    pub fn group(&self, name: &str) -> Option<usize> {
        self.groups.of(name)
    }

    /// The names of its groups, in the order they are written.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.names()
    }

    /// Whether it is found anywhere in the text, as `Regex.IsMatch` says.
    ///
    /// # Errors
    /// [`SearchError`] where that cannot be said.
    pub fn is_match(&self, text: &str) -> Result<bool, SearchError> {
        Ok(self.first(text)?.is_some())
    }

    /// Where it is first found.
    ///
    /// # Errors
    /// [`SearchError`] where that cannot be said.
    pub fn first(&self, text: &str) -> Result<Option<Found>, SearchError> {
        self.first_within(text, &mut Effort::default())
    }

    /// The same, with what other searches have left.
    ///
    /// # Errors
    /// [`SearchError`] where that cannot be said.
    pub fn first_within(&self, text: &str, effort: &mut Effort) -> Result<Option<Found>, SearchError> {
        self.program_for(text)?.search(text, 0, effort)
    }

    /// Where it is found, from left to right, as `Regex.Matches` says: after an empty one the search goes on one
    /// character further, and an empty one may stand right behind another.
    ///
    /// # Errors
    /// [`SearchError`] where that cannot be said.
    pub fn all(&self, text: &str) -> Result<Vec<Found>, SearchError> {
        self.all_within(text, &mut Effort::default())
    }

    /// The same, with what other searches have left.
    ///
    /// # Errors
    /// [`SearchError`] where that cannot be said.
    pub fn all_within(&self, text: &str, effort: &mut Effort) -> Result<Vec<Found>, SearchError> {
        let program = self.program_for(text)?;
        let matches_max = program.bounds().matches;
        let mut all = Vec::new();
        let mut from = Some(0);
        while let Some(at) = from {
            let Some(found) = program.search(text, at, effort)? else { break };
            let whole = found.whole();
            from = match text[whole.end..].chars().next() {
                _ if !whole.is_empty() => Some(whole.end),
                Some(next) => Some(whole.end + next.len_utf8()),
                None => None,
            };
            if all.len() == matches_max {
                return Err(SearchError::Matches(matches_max));
            }
            all.push(found);
        }
        Ok(all)
    }

    fn program_for(&self, text: &str) -> Result<&Program, SearchError> {
        let program = match &self.before_line_break {
            Some(exact) if text.ends_with('\n') => exact,
            _ => &self.program,
        };
        let longest = program.bounds().text_bytes;
        if text.len() <= longest { Ok(program) } else { Err(SearchError::Text(longest)) }
    }
}

impl Program {
    fn compile(engine_pattern: &str, is_linear: bool, written: &str) -> Result<Self, Diagnostic> {
        let compiled = |steps| {
            let built = RegexBuilder::new(engine_pattern)
                .backtrack_limit(steps)
                .delegate_size_limit(COMPILED_BYTES_MAX)
                .delegate_dfa_size_limit(COMPILED_BYTES_MAX)
                .build();
            built.map_err(|error| refused(&error, written))
        };
        let quick = if is_linear { None } else { Some(compiled(STEPS_FEW)?) };
        Ok(Self { regex: compiled(STEPS_MAX)?, quick, states: effort::states(written) })
    }

    fn bounds(&self) -> &'static Bounds {
        if self.quick.is_none() { &LINEAR } else { &BACKTRACKING }
    }

    fn search(&self, text: &str, from: usize, effort: &mut Effort) -> Result<Option<Found>, SearchError> {
        let ahead = text.len() - from;
        let Some(quick) = &self.quick else {
            effort.spend_through(ahead, self.states)?;
            return find(&self.regex, text, from);
        };
        effort.spend_back(ahead, self.states, STEPS_FEW)?;
        find(quick, text, from).or_else(|_| {
            effort.spend_back(ahead, self.states, STEPS_MAX)?;
            find(&self.regex, text, from)
        })
    }
}

fn find(regex: &Regex, text: &str, from: usize) -> Result<Option<Found>, SearchError> {
    let captures = regex.captures_from_pos(text, from).map_err(|_| SearchError::Steps)?;
    Ok(captures.map(|captures| Found {
        spans: (0..captures.len()).map(|group| captures.get(group).map(|found| found.range())).collect(),
    }))
}

/// What the engine below cannot run although .NET would.
fn refused(error: &Error, written: &str) -> Diagnostic {
    let whole = 0..written.len();
    match error {
        Error::CompileError(error) => match **error {
            CompileError::LookBehindNotConst | CompileError::DfaBuildError(..) => {
                Diagnostic::new("a lookbehind in the regular expression is too free", whole, "cannot be run")
                    .with_hint("give what stands in `(?<=…)` a fixed length, without lookaround or backreferences")
            }
            _ => Diagnostic::new("the regular expression is too large", whole, "cannot be run")
                .with_hint("use smaller numbers in `{…}`, or `[A-Za-z]` where `\\w` says more than is needed"),
        },
        Error::ParseError(_, ParseError::TargetNotRepeatable) => {
            Diagnostic::new("the regular expression repeats what takes no room", whole, "cannot be run")
                .with_hint("take the quantifier behind `^`, `$`, `\\b` or the lookaround away")
        }
        _ => Diagnostic::new("the regular expression cannot be run", whole, error.to_string()),
    }
}

#[cfg(test)]
mod tests;
