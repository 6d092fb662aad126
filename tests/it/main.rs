//! Sentences about the product, in one binary.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod ldif_services;
#[cfg(test)]
mod practice;
#[cfg(test)]
mod sandbox;

#[cfg(test)]
#[path = "../support/samba.rs"]
mod samba;
