//! Sentences about the product, in one binary.
