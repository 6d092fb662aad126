//! A mistake in a text somebody wrote, and where it stands.

use std::ops::Range;

/// Bytes of the text that was read, from and to.
pub type Span = Range<usize>;

/// A mistake in a filter, an expression or a job file: what, where, and what to try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where, in bytes of the text that was read.
    pub span: Span,
    /// What stands there, beside the underline; may be empty.
    pub label: String,
    /// What to try.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn new(message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self { message: message.into(), span, label: label.into(), hint: None }
    }

    /// The same, with something to try.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, in a text in which this one begins at `offset`.
    #[must_use]
    pub fn moved_by(mut self, offset: usize) -> Self {
        self.span = self.span.start + offset..self.span.end + offset;
        self
    }
}
