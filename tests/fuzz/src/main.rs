//! Looks for texts that make the language of the rules stumble. Called by `tests/fuzz/run.sh`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| muster_fuzz::language(input));
