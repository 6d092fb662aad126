//! The rooms of thought, compiled from their own files: what the fuzzer calls, without the rest of the house.

#[path = "../../../src/dotnet/mod.rs"]
pub mod dotnet;
#[path = "../../../src/expr/mod.rs"]
pub mod expr;
#[path = "../../../src/model/mod.rs"]
pub mod model;
#[path = "../../../src/predicate/mod.rs"]
pub mod predicate;
#[path = "../../../src/scim/mod.rs"]
pub mod scim;
#[path = "../../../src/scope/mod.rs"]
pub mod scope;

mod check;

/// Asks of a text what is true of every text; panics where it is not.
pub fn language(input: &[u8]) {
    check::check(input);
}
