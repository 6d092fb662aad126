//! muster calls people together and places them: HR data in, accounts in the right directory out.

pub mod model;

pub mod expr;
pub mod scim;

pub mod overlay;

pub mod mapping;
pub mod rules;
pub mod scope;

pub mod decide;
pub mod reconcile;

pub mod chance;
pub mod clock;
pub mod config;
pub mod source;
pub mod writer;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod sample;
