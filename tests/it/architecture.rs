//! The house is built to its plan: arrows run one way, thought is pure, functions and files stay small.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, floor by floor: a room may look at its own floor and at those before it.
const FLOORS: [(&str, &[&str]); 5] = [
    ("words", &["model"]),
    (
        "thought",
        &[
            "dotnet",
            "predicate",
            "scim",
            "expr",
            "overlay",
            "mapping",
            "rules",
            "scope",
            "decide",
            "reconcile",
            "graph_schema",
            "proof",
        ],
    ),
    ("hands", &["chance", "clock", "http_client", "meter", "plain", "queue", "source", "store", "token", "writer"]),
    ("corridor", &["pipeline"]),
    ("doors", &["app", "cli", "config", "telemetry", "api", "sandbox"]),
];

/// Rooms on one floor that nevertheless do not know of each other.
const STRANGERS: [(&str, &[&str]); 7] = [
    // Fuzzing compiles it without them.
    ("scim", &["mapping", "reconcile", "expr", "decide", "rules", "scope"]),
    ("api", &["cli", "sandbox", "config"]),
    ("config", &["api", "app", "cli", "sandbox"]),
    ("sandbox", &["api", "app", "cli", "config"]),
    ("store", &["writer", "source", "queue", "token", "http_client"]),
    ("source", &["store", "writer", "queue", "token", "http_client"]),
    ("writer", &["store", "source", "queue"]),
];

/// What pure code has no business with.
const IMPURE: [&str; 12] = [
    "async fn",
    "std::env",
    "std::fs",
    "std::net",
    "SystemTime",
    "Instant::now",
    "tokio::",
    "reqwest::",
    "rusqlite::",
    "actix_web::",
    "aws_lc_rs::",
    "println!",
];

/// Longest function, in lines from `fn` to its closing brace. Clippy counts statements; this counts what is read.
const FUNCTION_LINES_MAX: usize = 70;
/// Nine functions in ten are at most this long.
const FUNCTION_LINES_P90: usize = 30;
/// Longest file that is not a test, in lines.
const FILE_LINES_MAX: usize = 400;

struct SourceFile {
    path: PathBuf,
    text: String,
}

impl SourceFile {
    /// The room it stands in: the first word of its path below `src`.
    fn room(&self) -> &str {
        let first = self.path.strip_prefix(root().join("src")).unwrap().components().next().unwrap();
        first.as_os_str().to_str().unwrap().trim_end_matches(".rs")
    }

    fn is_test(&self) -> bool {
        let name = self.path.file_stem().unwrap().to_str().unwrap();
        let in_tests = self.path.components().any(|part| part.as_os_str() == "tests");
        in_tests || name.ends_with("tests") || ["golden", "sample", "samples"].contains(&name)
    }

    /// The text before its unit tests.
    fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, found: &mut Vec<SourceFile>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push(SourceFile { path, text });
        }
    }
}

fn sources() -> Vec<SourceFile> {
    let mut found = Vec::new();
    files_below(&root().join("src"), &mut found);
    found
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, rooms)| rooms.contains(&room))
}

/// The rooms a text names: what stands behind `crate::`.
fn rooms_named(code: &str) -> Vec<&str> {
    let words =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| line.split("crate::").skip(1));
    words
        .map(|rest| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default())
        .collect()
}

#[test]
fn every_room_has_its_floor() {
    for file in sources() {
        let room = file.room();
        let outside = ["lib", "main", "golden", "sample"].contains(&room);
        assert!(outside || floor_of(room).is_some(), "{}: `{room}` is on no floor of the plan", file.path.display());
    }
}

#[test]
fn the_map_tells_of_every_room_in_the_order_of_the_plan() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let told: Vec<&str> = map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let planned: Vec<&str> = FLOORS.iter().flat_map(|(_, rooms)| rooms.iter().copied()).collect();
    assert_eq!(told, planned);
}

#[test]
fn arrows_run_one_way() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test()) {
        let room = file.room();
        let Some(floor) = floor_of(room) else { continue };
        for named in rooms_named(file.code()) {
            let upward = floor_of(named).is_some_and(|other| other > floor);
            let stranger = STRANGERS.iter().any(|(who, whom)| *who == room && whom.contains(&named));
            if upward || stranger {
                wrong.push(format!("{} looks at `{named}`", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn thought_is_pure() {
    let pure = |file: &&SourceFile| floor_of(file.room()).is_some_and(|floor| floor <= 1) && !file.is_test();
    for file in sources().iter().filter(pure) {
        for impure in IMPURE {
            assert!(!file.code().contains(impure), "{} says `{impure}`", file.path.display());
        }
    }
}

#[test]
fn only_the_store_speaks_sql() {
    for file in sources().iter().filter(|file| file.room() != "store" && !file.is_test()) {
        for sql in ["SELECT ", "INSERT INTO ", "rusqlite::"] {
            assert!(!file.code().contains(sql), "{} says `{sql}`", file.path.display());
        }
    }
}

#[test]
fn the_corridor_names_no_vendor() {
    for file in sources().iter().filter(|file| file.room() == "pipeline" && !file.is_test()) {
        for vendor in ["writer::graph", "writer::ldap", "writer::ldif", "writer::scim", "writer::simulated"] {
            assert!(!file.code().contains(vendor), "{} names `{vendor}`", file.path.display());
        }
    }
}

#[test]
fn every_file_opens_with_what_it_is_and_stays_small() {
    for file in sources() {
        let shown = file.path.display();
        assert!(file.text.starts_with("//! "), "{shown} has no opening sentence");
        let lines = file.text.lines().count();
        assert!(file.is_test() || lines <= FILE_LINES_MAX, "{shown} has {lines} lines");
    }
}

#[test]
fn functions_fit_on_a_screen() {
    let mut lengths = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test()) {
        for (line, length) in functions(file.code()) {
            assert!(length <= FUNCTION_LINES_MAX, "{}:{line}: a function of {length} lines", file.path.display());
            lengths.push(length);
        }
    }
    lengths.sort_unstable();
    let p90 = lengths[lengths.len() * 9 / 10];
    assert!(p90 <= FUNCTION_LINES_P90, "nine functions in ten have up to {p90} lines");
}

/// Where each function begins, and how many lines it has: rustfmt closes it where it opened it.
fn functions(code: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let words = [
            "fn ",
            "pub fn ",
            "pub(super) fn ",
            "pub(crate) fn ",
            "async fn ",
            "pub async fn ",
            "pub(super) async fn ",
        ];
        if !words.iter().any(|word| trimmed.starts_with(word)) || trimmed.ends_with('}') || trimmed.ends_with(';') {
            continue;
        }
        let closing = format!("{}}}", &line[..line.len() - trimmed.len()]);
        let length = lines[at..].iter().position(|line| *line == closing);
        found.extend(length.map(|length| (at + 1, length + 1)));
    }
    found
}

#[test]
fn no_test_file_is_forgotten() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    for entry in fs::read_dir(root().join("tests/it")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(name == "main" || main.contains(&format!("mod {name};")), "tests/it/{name}.rs is not run");
    }
}
