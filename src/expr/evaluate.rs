//! From a tree and a person to a value; what comes from the person is known to, all the way.

use std::borrow::Cow;
use std::cell::Cell;

use jiff::civil::DateTime;

use crate::dotnet::date::{self, DateError};
use crate::dotnet::regex::{Effort, Pattern, SearchError};
use crate::model::{Span, Value, escape_rdn_value};

use super::datum::{Datum, Flow, Words, fault};
use super::node::{Node, Term};
use super::{EvaluateError, Inputs, TEXT_BYTES_MAX, WORK_BYTES_MAX, compare};

/// What the value will be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// A value in its own right.
    Plain,
    /// A distinguished name: what comes from the person is escaped where it joins what does not.
    ForDn,
}

/// The same, every text of it escaped for a distinguished name.
pub(super) fn escaped(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(escape_rdn_value(&text)),
        Value::Many(values) => Value::Many(values.into_iter().map(escaped).collect()),
        Value::Complex(parts) => Value::Complex(parts.into_iter().map(|(name, part)| (name, escaped(part))).collect()),
        unchanged @ (Value::Null | Value::Boolean(_) | Value::Integer(_)) => unchanged,
    }
}

/// One evaluation: what it is given, and how much more it may do.
pub(super) struct Run<'a> {
    inputs: &'a Inputs<'a>,
    /// Of [`WORK_BYTES_MAX`].
    left: Cell<usize>,
    /// What is left for its regular expressions.
    effort: Cell<Effort>,
}

impl<'a> Run<'a> {
    /// Nothing done yet.
    pub(super) fn new(inputs: &'a Inputs<'a>) -> Self {
        Self { inputs, left: Cell::new(WORK_BYTES_MAX), effort: Cell::default() }
    }

    /// Takes note of work that is done at `span`, in bytes that are gone through.
    fn spend(&self, bytes: usize, span: &Span) -> Result<(), EvaluateError> {
        let left = self.left.get().checked_sub(bytes).ok_or_else(|| {
            fault(&format!("the parts of the expression come to more than {WORK_BYTES_MAX} bytes together"), span)
        })?;
        self.left.set(left);
        Ok(())
    }
}

/// The value of a part of an expression. As deep as the tree, which is at most [`super::DEPTH_MAX`].
pub(super) fn evaluate<'a>(node: &'a Node, run: &'a Run<'a>, manner: Manner) -> Result<Flow<'a>, EvaluateError> {
    let flow = match &node.term {
        Term::Empty => Flow::nothing(),
        Term::Text(text) => Flow::constant(Datum::Text(Cow::Borrowed(text))),
        Term::Integer { value, .. } => Flow::constant(Datum::Integer(*value)),
        Term::Word(word) => Flow::constant(Datum::Text(Cow::Borrowed(word))),
        Term::Boolean(boolean) => Flow::constant(Datum::Boolean(*boolean)),
        Term::Attribute(path) => Flow { datum: Datum::at(path, run.inputs.attributes), from_person: true },
        Term::Comparison(comparison) => {
            let left = evaluate(&comparison.left, run, Manner::Plain)?.datum;
            let right = evaluate(&comparison.right, run, Manner::Plain)?.datum;
            Flow::constant(Datum::Boolean(compare::holds(left, comparison.operator, right, &node.span)?))
        }
        Term::Call(call) => {
            let (pattern, chances_before) = (call.pattern.as_deref(), call.chances_before);
            let (arguments, inputs) = (call.arguments.as_slice(), run.inputs);
            let given = Given { arguments, pattern, span: &node.span, inputs, run, manner, chances_before };
            (call.function.evaluate)(&given)?
        }
    };
    run.spend(flow.datum.weight(), &node.span)?;
    Ok(flow)
}

/// The place of the regular expression in the one function that takes one, `Replace`.
const PATTERN: usize = 2;

/// What a function is given. Arguments are evaluated when it asks for them, and not before.
pub(super) struct Given<'a> {
    arguments: &'a [Node],
    /// The regular expression among them, if the function takes one.
    pub(super) pattern: Option<&'a Pattern>,
    /// Where the call stands.
    pub(super) span: &'a Span,
    /// What beside its arguments it may reach for, if its [`super::Beyond`] says so.
    pub(super) inputs: &'a Inputs<'a>,
    /// The evaluation this is a part of.
    run: &'a Run<'a>,
    /// What the function's value will be used for.
    pub(super) manner: Manner,
    /// How many calls of chance stand before this one.
    pub(super) chances_before: u32,
}

impl<'a> Given<'a> {
    /// How many arguments there are, empty slots included.
    pub(super) fn count(&self) -> usize {
        self.arguments.len()
    }

    /// Whether something stands in that slot.
    pub(super) fn has(&self, at: usize) -> bool {
        self.arguments.get(at).is_some_and(|node| node.term != Term::Empty)
    }

    /// Where that argument stands; the whole call, where it was left out.
    pub(super) fn span_of(&self, at: usize) -> &'a Span {
        self.arguments.get(at).map_or(self.span, |node| &node.span)
    }

    /// The text that is written there, if it is one: what needs no person to be known.
    pub(super) fn literal(&self, at: usize) -> Option<&'a str> {
        match &self.arguments.get(at)?.term {
            Term::Text(text) => Some(text),
            Term::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The value of an argument; nothing where it was left out.
    pub(super) fn value(&self, at: usize, manner: Manner) -> Result<Flow<'a>, EvaluateError> {
        match self.arguments.get(at) {
            Some(node) => evaluate(node, self.run, manner),
            None => Ok(Flow::nothing()),
        }
    }

    /// The value of an argument that becomes the function's own value.
    pub(super) fn chosen(&self, at: usize) -> Result<Flow<'a>, EvaluateError> {
        self.value(at, self.manner)
    }

    /// The value of an argument, to be looked at.
    pub(super) fn datum(&self, at: usize) -> Result<Datum<'a>, EvaluateError> {
        Ok(self.value(at, Manner::Plain)?.datum)
    }

    /// The text of an argument; `None` where there is nothing.
    pub(super) fn words(&self, at: usize, manner: Manner) -> Result<Option<Words<'a>>, EvaluateError> {
        let Flow { datum, from_person } = self.value(at, manner)?;
        Ok(datum.into_text(self.span_of(at))?.map(|text| Words { text, from_person }))
    }

    /// The bare text of an argument, to be changed or looked at.
    pub(super) fn text(&self, at: usize) -> Result<Option<Words<'a>>, EvaluateError> {
        self.words(at, Manner::Plain)
    }

    /// A whole number; a text that reads as one will do.
    pub(super) fn integer(&self, at: usize) -> Result<i64, EvaluateError> {
        self.integer_or_nothing(at)?.ok_or_else(|| fault("there is no whole number", self.span_of(at)))
    }

    /// A whole number, or `None` where there is nothing.
    pub(super) fn integer_or_nothing(&self, at: usize) -> Result<Option<i64>, EvaluateError> {
        let span = self.span_of(at);
        match self.datum(at)?.one(span)? {
            Datum::Integer(integer) => Ok(Some(integer)),
            empty if empty.is_empty() => Ok(None),
            Datum::Text(text) => {
                text.trim().parse().map(Some).map_err(|_| fault("the value is not a whole number", span))
            }
            _ => Err(fault("there is no whole number", span)),
        }
    }

    /// What a search for the pattern among the arguments comes to, with what the whole evaluation has left for it.
    pub(super) fn search<T>(
        &self,
        search: impl FnOnce(&mut Effort) -> Result<T, SearchError>,
    ) -> Result<T, EvaluateError> {
        let mut effort = self.run.effort.get();
        let found = search(&mut effort).map_err(|error| fault(&error.to_string(), self.span_of(PATTERN)));
        self.run.effort.set(effort);
        found
    }

    /// A moment; a text in one of the usual forms will do. `None` where there is nothing.
    pub(super) fn moment(&self, at: usize) -> Result<Option<DateTime>, EvaluateError> {
        let span = self.span_of(at);
        match self.datum(at)?.one(span)? {
            Datum::Moment(moment) => Ok(Some(moment)),
            other => match other.into_text(span)?.filter(|text| !text.is_empty()) {
                None => Ok(None),
                Some(text) => date::read(&text).map(Some).map_err(|why| fault(no_date(why), span)),
            },
        }
    }

    /// Several values; one is a list of one, and nothing an empty list. And whether they come from the person.
    pub(super) fn values(&self, at: usize) -> Result<(Vec<Datum<'a>>, bool), EvaluateError> {
        let Flow { datum, from_person } = self.value(at, Manner::Plain)?;
        let values = match datum {
            Datum::Nothing | Datum::Dropped => Vec::new(),
            Datum::Many(values) => values,
            single => vec![single],
        };
        Ok((values, from_person))
    }
}

/// Why a text in none of the usual forms, or of no calendar, is no date.
fn no_date(why: DateError) -> &'static str {
    match why {
        DateError::Form => "the value is no date in a usual form; `FormatDateTime` reads other forms",
        DateError::Calendar => "the value says no date that there is",
        DateError::Weekday => "the value says a date that is another day of the week",
    }
}

/// What became of a text, if it is not longer than a text may be.
pub(super) fn bounded<'a>(text: String, span: &Span) -> Result<Datum<'a>, EvaluateError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(too_long(span));
    }
    Ok(Datum::Text(Cow::Owned(text)))
}

fn too_long(span: &Span) -> EvaluateError {
    fault(&format!("the text would be longer than {TEXT_BYTES_MAX} bytes"), span)
}

/// Room to begin a text with: most names and addresses fit, and need not be moved as they grow.
const TEXT_BYTES_USUAL: usize = 32;

/// A text that is being put together of parts.
pub(super) struct Writing<'a> {
    text: String,
    from_person: bool,
    manner: Manner,
    span: &'a Span,
}

impl<'a> Writing<'a> {
    /// Nothing written yet.
    pub(super) fn new(manner: Manner, span: &'a Span) -> Self {
        Self { text: String::with_capacity(TEXT_BYTES_USUAL), from_person: false, manner, span }
    }

    /// Whether nothing has been written.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a part; for a distinguished name, escaped if it comes from the person.
    pub(super) fn add(&mut self, part: &str, from_person: bool) -> Result<(), EvaluateError> {
        if from_person && self.manner == Manner::ForDn {
            return self.push(&escape_rdn_value(part));
        }
        self.from_person |= from_person;
        self.push(part)
    }

    fn push(&mut self, part: &str) -> Result<(), EvaluateError> {
        if self.text.len() + part.len() > TEXT_BYTES_MAX {
            return Err(too_long(self.span));
        }
        self.text.push_str(part);
        Ok(())
    }

    /// What has been written.
    pub(super) fn finish(self) -> Flow<'a> {
        Flow { datum: Datum::Text(Cow::Owned(self.text)), from_person: self.from_person }
    }
}
