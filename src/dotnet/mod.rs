//! What Entra took over from .NET and people's mappings rely on: how dates are written, read and counted.

pub mod date;
pub mod interval;
