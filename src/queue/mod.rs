//! Brings work to agents and settlements back: the embedded queue, leased over HTTPS.

pub mod remote;
pub mod wire;
