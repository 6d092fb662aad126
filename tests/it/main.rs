//! Sentences about the product, in one binary.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod hearth;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod ldif_services;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod practice;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod witness;

#[path = "../support/contoso.rs"]
mod contoso;
#[path = "../support/cultures.rs"]
mod cultures;
#[path = "../support/people.rs"]
mod people;
#[cfg(test)]
#[path = "../support/samba.rs"]
mod samba;
