//! Where in a user the reader stands, so that a fault can name it; costs nothing until then.

use std::cell::Cell;
use std::fmt;

use serde::de;

use super::{Fault, FaultKind};

/// The way from the top of the user to here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trail<'a> {
    up: Option<&'a Trail<'a>>,
    here: Segment<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Segment<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Trail<'a> {
    pub(super) fn top(name: &'a str) -> Self {
        Self { up: None, here: Segment::Name(name) }
    }

    pub(super) fn name(&'a self, name: &'a str) -> Self {
        Self { up: Some(self), here: Segment::Name(name) }
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self { up: Some(self), here: Segment::Index(index) }
    }

    /// Whether this is the top, under this name.
    pub(super) fn is_at(&self, name: &str) -> bool {
        self.up.is_none() && matches!(self.here, Segment::Name(here) if here.eq_ignore_ascii_case(name))
    }

    fn is_urn(&self) -> bool {
        matches!(self.here, Segment::Name(name) if name.contains(':'))
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(up) = self.up {
            fmt::Display::fmt(up, f)?;
        }
        match (self.here, self.up) {
            (Segment::Index(index), _) => write!(f, "[{index}]"),
            (Segment::Name(name), None) => f.write_str(name),
            (Segment::Name(name), Some(up)) => write!(f, "{}{name}", if up.is_urn() { ':' } else { '.' }),
        }
    }
}

/// Carries a fault past serde, whose errors hold only text.
#[derive(Default)]
pub(super) struct Faults(Cell<Option<Fault>>);

impl Faults {
    /// Notes the fault; the error only ends the reading.
    pub(super) fn raise<E: de::Error>(&self, kind: FaultKind, at: &Trail<'_>, message: impl Into<String>) -> E {
        self.raise_at(kind, at.to_string(), message)
    }

    pub(super) fn raise_at<E: de::Error>(&self, kind: FaultKind, path: String, message: impl Into<String>) -> E {
        self.0.set(Some(Fault { kind, path, message: message.into() }));
        E::custom("fault")
    }

    /// The noted fault, or one that says what serde said.
    pub(super) fn take(&self, path: &str, error: &serde_json::Error) -> Fault {
        let unnoted = || Fault { kind: FaultKind::Type, path: path.to_owned(), message: error.to_string() };
        self.0.take().unwrap_or_else(unnoted)
    }
}
