//! muster calls people together and places them: HR data in, accounts in the right directory out.

pub mod model;

pub mod chance;
pub mod clock;
pub mod http_client;
pub mod token;
pub mod writer;

pub mod sandbox;
