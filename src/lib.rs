//! muster calls people together and places them: HR data in, accounts in the right directory out.

pub mod model;

pub mod scim;

pub mod chance;
pub mod clock;
pub mod http_client;
pub mod queue;
pub mod source;
pub mod store;
pub mod token;
pub mod writer;

pub mod pipeline;

pub mod app;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod sample;
