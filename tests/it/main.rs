//! Sentences about the product, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod ldif_services;

#[path = "../support/samba.rs"]
mod samba;
