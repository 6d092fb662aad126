//! The `muster` command: hands its words to `cli`.

use std::process::ExitCode;

/// Several threads allocate while uploads are parsed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The one provider of cryptography; only a second call could fail.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    muster::cli::main()
}
