//! What is wrong with one row, in words for the person who keeps the export.

use std::fmt;
use std::sync::Arc;

use super::reader::ROW_BYTES_MAX;
use super::scan::CELL_BYTES_MAX;
use crate::model::AnchorError;

/// How much of a cell is quoted back, in characters: enough to find it, not enough to fill a screen.
const QUOTED_CHARS_MAX: usize = 40;

/// A row that is not taken, and why. The person it speaks of is not missing from the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The line the row begins on, from 1 (the header is line 1).
    pub line: u32,
    /// Of whom it speaks, as far as that can be read; of a ragged row it may be the wrong cell.
    pub anchor: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.anchor {
            Some(anchor) => write!(f, "line {} ({anchor}): {}", self.line, self.fault),
            None => write!(f, "line {}: {}", self.line, self.fault),
        }
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More or fewer cells than the header.
    #[error("the row has {cells} cells, the header has {columns}; is a delimiter not quoted, or one missing?")]
    Ragged {
        /// Of the row.
        cells: usize,
        /// Of the header.
        columns: usize,
    },
    /// The anchor column does not say of whom the row speaks.
    #[error("{0}; give the row the person's number")]
    Anchor(AnchorError),
    /// A byte of value zero.
    #[error("the row has a NUL byte in it; export it again, the file is damaged")]
    Nul,
    /// Bytes that are no text in UTF-8.
    #[error("the row is not UTF-8; save the file as UTF-8 (in Excel: \"CSV UTF-8\")")]
    NotUtf8,
    /// A quote that swallowed the rest of the file.
    #[error("the quote opened on line {opened} is never closed, so nothing after it could be read; close it")]
    NeverClosed {
        /// The line it was opened on.
        opened: u32,
    },
    /// A quote that was closed in the middle of something.
    #[error(
        "text follows a closing quote{}; double the quotes inside a quoted cell, or close the one before", lines(*opened, *closed)
    )]
    TextAfterQuote {
        /// The line it was opened on.
        opened: u32,
        /// The line it was closed on.
        closed: u32,
    },
    /// A cell over the limit.
    #[error("the cell `{column}` has {bytes} bytes, at most {CELL_BYTES_MAX} are read; shorten it")]
    CellTooLong {
        /// The column it stands in.
        column: Arc<str>,
        /// How long it is.
        bytes: usize,
    },
    /// A row over the limit.
    #[error("the row has more than {ROW_BYTES_MAX} bytes, so nothing after it was read; is a quote not closed?")]
    RowTooLong,
    /// A text that the column's list of values does not have.
    #[error("`{column}` is {}, which its `values` do not list{}", quoted(text), did_you_mean(near.as_deref()))]
    NotListed {
        /// The column.
        column: Arc<str>,
        /// What stands there.
        text: String,
        /// What is listed and looks like it.
        near: Option<String>,
    },
    /// A text that is neither true nor false.
    #[error("`{column}` is {}, which is neither true nor false (nor yes, no, 1, 0)", quoted(text))]
    NotBoolean {
        /// The column.
        column: Arc<str>,
        /// What stands there.
        text: String,
    },
    /// A text that is no whole number.
    #[error("`{column}` is {}, which is not a whole number", quoted(text))]
    NotInteger {
        /// The column.
        column: Arc<str>,
        /// What stands there.
        text: String,
    },
}

impl Fault {
    /// Whether it may have swallowed rows of other people.
    pub(super) fn hides_rows(&self) -> bool {
        match self {
            Self::NeverClosed { .. } | Self::RowTooLong => true,
            Self::TextAfterQuote { opened, closed } => opened != closed,
            _ => false,
        }
    }

    /// The word for it, stable between versions.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "ragged_row",
            Self::Anchor(_) => "bad_anchor",
            Self::Nul => "nul_byte",
            Self::NotUtf8 => "not_utf8",
            Self::NeverClosed { .. } => "quote_never_closed",
            Self::TextAfterQuote { .. } => "text_after_quote",
            Self::CellTooLong { .. } => "cell_too_long",
            Self::RowTooLong => "row_too_long",
            Self::NotListed { .. } => "value_not_listed",
            Self::NotBoolean { .. } => "not_boolean",
            Self::NotInteger { .. } => "not_integer",
        }
    }
}

/// Where a quote was opened and closed, when that is not one line.
fn lines(opened: u32, closed: u32) -> String {
    if opened == closed { String::new() } else { format!(" (opened on line {opened}, closed on line {closed})") }
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}

/// The end of a message that has found something alike.
pub(super) fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default()
}

/// What among `known` was probably meant by `text`.
pub(super) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    /// Below this, two words are alike by accident.
    const ALIKE_MIN: f64 = 0.85;
    let folded = text.trim().to_lowercase();
    known
        .map(|word| (strsim::jaro_winkler(&folded, &word.to_lowercase()), word))
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, word)| word.to_owned())
}
