//! muster calls people together and places them: HR data in, accounts in the right directory out.

pub mod model;

pub mod scim;

pub mod chance;
pub mod clock;
pub mod writer;
