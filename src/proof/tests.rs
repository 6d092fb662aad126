//! Tests that pass, and tests that fail.
