//! An HR export as a CSV file: looked through once, then read where it is needed.
//!
//! The first pass ([`scan`]) marks every row by what it says, in 48 bytes; the second ([`Rows`])
//! makes records of those rows that turned out to be new. So a week in which ten of a million
//! people changed costs one pass over the bytes and ten records.

mod fault;
mod layout;
mod meaning;
mod plan;
mod reader;
mod repeats;
mod row;
mod rows;
mod scan;
mod settings;
mod sniff;
#[cfg(test)]
mod tests;

pub use fault::{Fault, RowFault};
pub use layout::anchor_mark;
pub use reader::ROW_BYTES_MAX;
pub use repeats::Duplicate;
pub use rows::Rows;
pub use scan::{CELL_BYTES_MAX, REFUSED_ROWS_MAX, RowMark, Scan, scan};
pub use settings::{CellKind, Column, ColumnTarget, CsvSettings, EmptyCell};
pub use sniff::Sniffed;
