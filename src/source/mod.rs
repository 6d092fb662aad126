//! Where records come from: an HR export, and later other things that say who works here.

mod csv;
mod error;

pub use csv::{
    CELL_BYTES_MAX, CellKind, Column, ColumnTarget, CsvSettings, Duplicate, EmptyCell, Fault, REFUSED_ROWS_MAX,
    ROW_BYTES_MAX, RowFault, RowMark, Rows, Scan, Sniffed, anchor_mark, scan,
};
pub use error::SourceError;
