//! Golden files, for tests: what is expected, kept beside the tests and read by people.

/// Compares with the file at `path`, from the crate's root; `MUSTER_BLESS=1` writes it instead.
#[expect(clippy::disallowed_methods, reason = "only tests run this")]
pub(crate) fn check(path: &str, actual: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var("MUSTER_BLESS").is_ok() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(expected, actual, "{path} differs; if that is right, run again with MUSTER_BLESS=1");
}
