//! The corridor: what is done after what, and nothing else.

pub mod against;
pub mod agent;
pub mod backoff;
pub mod carry;
pub mod conceal;
pub mod deliver;
pub mod dispatch;
pub mod import;
pub mod ingest;
pub mod look;
pub mod plan;
pub mod process;
pub mod schedule;
pub mod send;
pub mod status;
