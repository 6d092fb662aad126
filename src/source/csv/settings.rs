//! How an export is to be read: which column is whose attribute.

use crate::model::{Path, Value};

/// How a CSV export is to be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CsvSettings {
    /// What stands between cells; `None` finds out whether it is a comma, a semicolon or a tab.
    pub delimiter: Option<u8>,
    /// The columns that are used. One of them is the anchor; one header may be used several times.
    pub columns: Vec<Column>,
    /// How much smaller than last time the file may be, in percent of its rows; `None` asks nothing.
    pub rows_lost_percent_max: Option<f64>,
}

/// One column of the export and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What stands above it, byte for byte (white space at its edges aside).
    pub header: String,
    /// What it says.
    pub to: ColumnTarget,
    /// What its texts mean, when they are not meant as they stand: `Active` is `true`.
    /// Where anything is listed, a text that is not is a fault of the row.
    pub values: Vec<(String, Value)>,
    /// What its texts are read as, when nothing is listed.
    pub kind: CellKind,
    /// What an empty cell says.
    pub empty: EmptyCell,
    /// Between several values in one cell.
    pub split: Option<char>,
}

impl Column {
    /// A column of texts that is read as it stands.
    pub fn new(header: &str, to: ColumnTarget) -> Self {
        let (kind, empty) = (CellKind::default(), EmptyCell::default());
        Self { header: header.to_owned(), to, values: Vec::new(), kind, empty, split: None }
    }
}

/// What a column says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnTarget {
    /// Of whom the row speaks (`externalId`).
    Anchor,
    /// The value of this attribute.
    Attribute(Path),
}

/// What the texts of a column are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CellKind {
    /// As they stand.
    #[default]
    Text,
    /// `true`, `yes`, `1` or `false`, `no`, `0`, in any case of letters.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
}

/// What an empty cell, or one of nothing but white space, says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyCell {
    /// Nothing: what is held of the attribute is left alone.
    #[default]
    Absent,
    /// That the attribute is empty: [`Value::Null`].
    Clear,
}
