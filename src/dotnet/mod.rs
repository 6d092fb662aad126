//! What Entra took over from .NET and people's mappings rely on: how dates are written, read and counted, and regular
//! expressions.

pub mod date;
pub mod interval;
pub mod regex;
