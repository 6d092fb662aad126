//! muster calls people together and places them: HR data in, accounts in the right directory out.

pub mod model;

pub mod dotnet;
pub mod expr;
pub mod predicate;
pub mod scim;

pub mod overlay;

pub mod mapping;
pub mod rules;
pub mod scope;

pub mod decide;
pub mod graph_schema;
pub mod proof;
pub mod reconcile;

pub mod chance;
pub mod clock;
pub mod http_client;
pub mod plain;
pub mod queue;
pub mod source;
pub mod store;
pub mod token;
pub mod writer;

pub mod pipeline;

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
