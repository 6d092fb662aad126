//! What Entra took over from .NET and people's mappings rely on: how dates are written, and regular expressions.

pub mod date;
pub mod regex;
