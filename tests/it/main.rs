//! Sentences about the product, in one binary.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod practice;
#[cfg(test)]
mod sandbox;
