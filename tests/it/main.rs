//! Sentences about the product, in one binary.

#[path = "../support/contoso.rs"]
mod contoso;
#[path = "../support/cultures.rs"]
mod cultures;
#[path = "../support/people.rs"]
mod people;

#[expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod exports;
