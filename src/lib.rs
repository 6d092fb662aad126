//! muster calls people together and places them: HR data in, accounts in the right directory out.
//!
//! The rooms of the house stand below in reading order, floor by floor. A room may look at its own floor and at those
//! before it, never further on; `tests/it/architecture.rs` sees to it.

// Words: what there is, and what may be true of it.
pub mod model;

// Thought: text that is understood, and what follows from it. Pure: no clock, no chance, no files, no network.
pub mod dotnet;
pub mod predicate;
pub mod scim;

pub mod expr;

pub mod overlay;

pub mod mapping;
pub mod rules;
pub mod scope;

pub mod decide;
pub mod reconcile;

pub mod graph_schema;
pub mod proof;

// Hands: what reaches out, to the store, to sources and to directories.
pub mod chance;
pub mod clock;
pub mod http_client;
pub mod meter;
pub mod plain;
pub mod queue;
pub mod source;
pub mod store;
pub mod token;
pub mod writer;

// The corridor: first this, then that, and nothing else.
pub mod pipeline;

// Doors: where people and programs come in, and where the parts are chosen.
pub mod app;
pub mod cli;
pub mod config;
pub mod telemetry;

pub mod api;
pub mod sandbox;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod sample;
