//! The corridor: what is done after what, and nothing else.

pub mod agent;
pub mod backoff;
pub mod carry;
