//! What people read: the outputs of the real binary, kept in `tests/cases/screens/`. `MUSTER_BLESS=1` writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// A folder in which commands are called, and what they said.
struct Desk {
    folder: TempDir,
    said: String,
}

impl Desk {
    /// With the files of `samples/first`.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["job.toml", "people.csv", "bulk.json"] {
            fs::copy(sample(&format!("first/{name}")), folder.path().join(name)).unwrap();
        }
        fs::create_dir(folder.path().join("ldif")).unwrap();
        Self { folder, said: String::new() }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(words).current_dir(self.folder.path());
        for name in ["MUSTER_DATA", "MUSTER_LOG_FORMAT", "RUST_LOG", "COLUMNS", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("MUSTER_ENTRA_SECRET", "practice-secret");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Calls a command, and notes what it says: standard output, standard error with a `!` before it, exit code.
    fn call(&mut self, words: &[&str]) {
        let output = self.run(words);
        let shown: Vec<String> = words
            .iter()
            .map(|word| {
                if word.is_empty() || word.contains(' ') {
                    format!("'{word}'")
                } else {
                    word.escape_debug().to_string()
                }
            })
            .collect();
        let _ = writeln!(self.said, "$ muster {}", shown.join(" "));
        self.said.push_str(&String::from_utf8(output.stdout).unwrap());
        for line in String::from_utf8(output.stderr).unwrap().lines() {
            let _ = writeln!(self.said, "! {line}");
        }
        let _ = writeln!(self.said, "[exit {}]\n", output.status.code().unwrap());
    }

    /// Compares with what is kept; moments, ids and ports are those of another day.
    fn check(&self, name: &str) {
        let said = timeless(&self.said);
        assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "nothing on a screen moves the cursor");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/screens").join(name);
        if std::env::var_os("MUSTER_BLESS").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &said).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(kept == said, "{name} differs; if it is right, MUSTER_BLESS=1 cargo test --test it screens\n{said}");
    }
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

fn timeless(said: &str) -> String {
    let words = said.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || "-:.".contains(c)));
    let words = words.map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let rest = &word[bare.len()..];
        let dashes = bare.matches('-').count();
        if bare.len() == "2026-01-01T00:00:00.000Z".len() && bare.ends_with('Z') && dashes == 2 {
            format!("<time>{rest}")
        } else if bare.len() == 36 && dashes == 4 && bare.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            format!("<id>{rest}")
        } else {
            word.to_owned()
        }
    });
    words.collect()
}

/// A practice tenant, as a process; it ends with the test.
struct Practice(Child);

impl Practice {
    /// Starts one, and turns the job of the desk to it.
    fn start(desk: &Desk) -> Self {
        let mut command = desk.command(&["sandbox", "--listen", "127.0.0.1:0", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Json = serde_json::from_str(&line).unwrap();
        let job = fs::read_to_string(desk.folder.path().join("job.toml")).unwrap();
        desk.write("job.toml", job.replace("127.0.0.1:8090", told["listening"].as_str().unwrap()));
        Self(child)
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const COMMANDS: [&str; 13] = [
    "demo",
    "check",
    "test",
    "plan",
    "import",
    "explain",
    "functions",
    "release",
    "fsck",
    "serve",
    "client",
    "agent",
    "sandbox",
];

#[test]
fn help_says_what_each_command_does_and_how_it_ends() {
    let mut desk = Desk::new();
    desk.call(&["--help"]);
    for command in COMMANDS {
        desk.call(&[command, "--help"]);
    }
    desk.call(&["plan", "people.csv"]);
    desk.call(&["plan", "people.csv", "--jobb", "job.toml"]);
    desk.check("help.txt");
}

#[test]
fn check_tells_every_mistake_and_what_to_try() {
    let mut desk = Desk::new();
    desk.call(&["check", "job.toml"]);
    desk.write("empty.toml", "");
    desk.write("latin-1.toml", b"name = \"caf\xe9\"\n");
    desk.write("moves.toml", "name = \"a\"\n[source]\nkind = \"\u{202e}csv\"\n\"b\\u001b[31m\" = 1\n");
    desk.call(&["check", "empty.toml", "latin-1.toml", "ldif", "none.toml", "moves.toml"]);
    desk.call(&["check", "--json", "job.toml", "empty.toml"]);
    desk.check("check.txt");
}

#[test]
fn a_job_that_fails_its_own_tests_says_why_and_is_not_run() {
    let mut desk = Desk::new();
    desk.call(&["test", "job.toml"]);
    let job = fs::read_to_string(desk.folder.path().join("job.toml")).unwrap();
    let changed = job.replace("'userType eq \"Contractor\"'", "'userType eq \"Guest\" or not (userType pr)'");
    desk.write("changed.toml", changed.replace("Append([userName], ", "Append([name.givenName], "));
    desk.call(&["test", "changed.toml", "job.toml", "--junit", "results.xml"]);
    desk.said.push_str(&fs::read_to_string(desk.folder.path().join("results.xml")).unwrap());
    desk.call(&["test", "changed.toml", "--json"]);
    desk.call(&["check", "changed.toml"]);
    desk.call(&["check", "changed.toml", "--json"]);
    let elsewhere = "placement = \"cloud\"\nlinked = [\"hq\"]";
    desk.write("linked.toml", job.replace("placement = \"cloud\"", elsewhere));
    desk.call(&["test", "linked.toml"]);
    desk.call(&["import", "people.csv", "--job", "changed.toml"]);
    desk.call(&["serve", "--job", "changed.toml"]);
    let untested = job.split_once("# What the job shall do").unwrap().0;
    desk.write("untested.toml", untested);
    desk.call(&["test", "untested.toml"]);
    desk.call(&["test", "none.toml", "job.toml"]);
    desk.call(&["test", "none.toml", "--json"]);
    desk.check("test.txt");
    assert!(!desk.folder.path().join("muster-data").exists(), "nothing was begun");
}

#[test]
fn functions_tells_what_the_mapping_language_can_do() {
    let mut desk = Desk::new();
    desk.call(&["functions"]);
    for name in ["Switch", "formatdatetime", "SelectUniqueValue", "RandomString", "Error"] {
        desk.call(&["functions", name]);
    }
    desk.call(&["functions", "Swich"]);
    desk.call(&["functions", "x\u{1b}[31m"]);
    desk.call(&["functions", "IgnoreFlowIfNullOrEmpty", "--json"]);
    desk.check("functions.txt");
}

#[test]
fn plan_tells_what_would_happen_and_writes_nothing() {
    let mut desk = Desk::new();
    desk.call(&["plan", "people.csv", "--job", "job.toml"]);
    desk.call(&["plan", "people.csv", "--job", "job.toml", "--data", "elsewhere", "--show", "0"]);
    desk.call(&["plan", "people.csv", "--job", "job.toml", "--json"]);
    desk.write(
        "odd.csv",
        "id;login;given;family;name;kind;active;country;manager;no\u{1b}[2Jtes\n\
         1003;eve;Eve\u{202e};\u{1b}[31mred;Eve;Employee;yes;GB;;\n\
         1004;sam;Sam;Two;Sam;Employee;yes;GB;;\n1004;sam;Sam;Three;Sam;Employee;yes;GB;;\n\
         1005;kim;Kim;Once;Kim;Employee;yes;GB;;\n1005;kim;Kim;Once;Kim;Employee;yes;GB;;\n\
         ;nobody;;;;Employee;yes;;;\n\"ev\u{202e}il\";x;;;;Employee;perhaps\u{7};;;\n1007;few;cells\n",
    );
    desk.call(&["plan", "odd.csv", "--job", "job.toml"]);
    for (name, text) in [("empty.csv", ""), ("header.csv", "id,login\n"), ("other.csv", "a,b\n1,2\n")] {
        desk.write(name, text);
        desk.call(&["plan", name, "--job", "job.toml"]);
    }
    desk.call(&["plan", "none.csv", "--job", "job.toml"]);
    desk.call(&["plan", "ldif", "--job", "job.toml"]);
    desk.check("plan.txt");
    let mut left: Vec<_> = fs::read_dir(desk.folder.path())
        .unwrap()
        .map(|held| held.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["bulk.json", "empty.csv", "header.csv", "job.toml", "ldif", "odd.csv", "other.csv", "people.csv"],
        "a plan leaves nothing behind"
    );
}

/// Fifteen employees; `active` of all, and the country of the first.
fn fifteen(active: &str, country: &str) -> String {
    let mut csv = String::from("id,login,given,family,name,kind,active,country,manager\n");
    for number in 1..=15 {
        let country = if number == 1 { country } else { "GB" };
        let _ = writeln!(csv, "{number},u{number},Un,Known,Un Known {number},Employee,{active},{country},");
    }
    csv
}

#[test]
fn a_job_is_imported_explained_and_released() {
    let mut desk = Desk::new();
    let _practice = Practice::start(&desk);
    desk.write("people.csv", fifteen("yes", "USA"));
    desk.call(&["import", "people.csv", "--job", "job.toml"]);
    desk.call(&["import", "people.csv", "--job", "job.toml", "--json"]);
    desk.call(&["explain", "1", "--job-file", "job.toml"]);
    desk.write("people.csv", fifteen("no", "US"));
    desk.call(&["import", "people.csv", "--job", "job.toml"]);
    desk.call(&["explain", "15"]);
    desk.call(&["release"]);
    desk.call(&["release", "15"]);
    desk.call(&["release", "--all"]);
    desk.call(&["import", "people.csv", "--job", "job.toml"]);
    desk.call(&["release", "--all"]);
    desk.call(&["release", "--all", "--target", "none"]);
    desk.call(&["explain", "nobo\u{1b}[31mdy"]);
    desk.call(&["explain", ""]);
    desk.call(&["explain", "1", "--job", "none"]);
    desk.call(&["fsck"]);
    desk.check("import.txt");
}

#[test]
fn status_says_what_waits_and_for_whom() {
    let mut desk = Desk::new();
    desk.call(&["status"]);
    desk.call(&["import", "people.csv", "--job", "job.toml", "--decide-only"]);
    desk.call(&["status"]);
    desk.call(&["status", "--json"]);
    desk.call(&["status", "--job", "other"]);
    desk.check("status.txt");
}

#[test]
fn a_job_file_that_changed_says_what_that_means() {
    let mut desk = Desk::new();
    let _practice = Practice::start(&desk);
    desk.write("people.csv", fifteen("yes", "GB"));
    desk.call(&["import", "people.csv", "--job", "job.toml"]);
    let short: Vec<_> = fifteen("yes", "GB").lines().take(6).map(str::to_owned).collect();
    desk.write("short.csv", short.join("\n"));
    desk.call(&["plan", "short.csv", "--job", "job.toml"]);
    desk.call(&["import", "short.csv", "--job", "job.toml"]);
    let job = fs::read_to_string(desk.folder.path().join("job.toml")).unwrap();
    desk.write("renamed.toml", job.replace("[target.entra]", "[target.cloud]"));
    desk.call(&["plan", "people.csv", "--job", "renamed.toml", "--show", "1"]);
    let untested = job.split_once("# What the job shall do").unwrap().0;
    desk.write("ruled.toml", untested.replace("'userType eq \"Employee\"'", "'userType eq \"Worker\"'"));
    desk.call(&["plan", "people.csv", "--job", "ruled.toml", "--show", "1"]);
    desk.call(&["import", "people.csv", "--job", "ruled.toml"]);
    desk.call(&["fsck"]);
    desk.check("changed.txt");
}

#[test]
fn a_plan_against_another_job_file_tells_who_would_move_and_what_would_change() {
    let mut desk = Desk::new();
    desk.write(
        "people.csv",
        fs::read_to_string(sample("first/people.csv")).unwrap()
            + "1003,bob,Bob,Burg,Bob Burg,Visitor,yes,DE,\n1004,cy,Cy,,Cy,Employee,yes,DE,1001\n",
    );
    desk.call(&["plan", "--job", "job.toml", "--against", "running"]);
    desk.call(&["import", "people.csv", "--job", "job.toml", "--decide-only"]);
    let job = fs::read_to_string(desk.folder.path().join("job.toml")).unwrap();
    desk.call(&["plan", "--job", "job.toml", "--against", "running"]);
    let moved = job.replace("OU=Guests", "OU=Externals").replace("'userType eq \"Employee\"'", "'userType pr'");
    let moved = moved.replace("to = \"sn\", direct = \"name.familyName\"", "to = \"title\", constant = \"Guest\"");
    let moved = moved.replace("[userName], \"@contoso.example\"", "[name.familyName], \"@contoso.example\"");
    desk.write("new.toml", moved);
    desk.call(&["plan", "--job", "new.toml", "--against", "running"]);
    desk.call(&["plan", "--job", "new.toml", "--against", "job.toml", "--show", "1"]);
    desk.call(&["plan", "--job", "new.toml", "--against", "job.toml", "--json"]);
    desk.call(&["plan", "people.csv", "--job", "new.toml", "--against", "job.toml"]);
    desk.call(&["plan", "--job", "new.toml", "--against", "none.toml"]);
    desk.write("other.toml", job.replace("name = \"first\"", "name = \"other\"").replace("\"ada@", "\"bea@"));
    desk.call(&["plan", "--job", "other.toml", "--against", "job.toml"]);
    desk.call(&["plan", "--job", "other.toml", "--against", "running"]);
    desk.call(&["plan", "--job", "job.toml", "--against", "running", "--data", "ldif"]);
    desk.call(&["explain", "1004"]);
    desk.write("record.json", r#"{"externalId": "7", "userType": "Contractor", "displayName": "Sue"}"#);
    desk.call(&["explain", "--record", "record.json"]);
    desk.call(&["explain", "--record", "record.json", "--job-file", "new.toml", "--json"]);
    desk.write("record.json", r#"{"userTyp": "Contractor"}"#);
    desk.call(&["explain", "--record", "record.json"]);
    desk.check("against.txt");
}

#[test]
fn a_data_folder_that_cannot_be_used_says_why() {
    let mut desk = Desk::new();
    desk.call(&["explain", "1"]);
    desk.call(&["fsck", "--data", "none"]);
    desk.call(&["client", "list"]);
    desk.call(&["import", "people.csv", "--job", "job.toml", "--data", "people.csv"]);
    fs::create_dir(desk.folder.path().join("junk")).unwrap();
    desk.write("junk/muster.db", "not a database, whatever its name says; not a database at all");
    desk.call(&["fsck", "--data", "junk"]);
    desk.call(&["plan", "people.csv", "--job", "job.toml", "--data", "junk"]);
    desk.check("folder.txt");
}

#[test]
fn what_is_for_machines_is_json_and_nothing_else() {
    let desk = Desk::new();
    let words: [&[&str]; 7] = [
        &["check", "job.toml"],
        &["plan", "people.csv", "--job", "job.toml"],
        &["import", "people.csv", "--job", "job.toml", "--decide-only"],
        &["explain", "1001"],
        &["release", "--all"],
        &["functions"],
        &["fsck"],
    ];
    for words in words {
        let output = desk.run(&[words, &["--json"]].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.is_empty(), "{words:?}");
        for line in said.lines() {
            let _: Json = serde_json::from_str(line).unwrap_or_else(|_| panic!("{words:?} said {line}"));
        }
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error_and_a_closed_pipe_is_none() {
    let desk = Desk::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = desk.command(&["check", "job.toml"]).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
    let mut child = desk.command(&["plan", "people.csv", "--job", "job.toml"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn the_readme_says_what_the_commands_say() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for name in ["job.toml", "people.csv", "bulk.json"] {
        let text = fs::read_to_string(sample(&format!("first/{name}"))).unwrap();
        assert!(readme.contains(text.trim_end()), "the README shows samples/first/{name} as it is");
    }
    let desk = Desk::new();
    for words in [&["check", "job.toml"][..], &["plan", "people.csv", "--job", "job.toml"]] {
        let said = String::from_utf8(desk.run(words).stdout).unwrap();
        assert!(readme.contains(said.trim_end()), "the README shows what muster {words:?} says:\n{said}");
    }
    desk.write("zoe.json", r#"{"name.givenName": "Zoë", "name.familyName": "Müller"}"#);
    for expression in [
        r#"Join(".", NormalizeDiacritics([name.givenName]), [name.familyName])"#,
        r#"Join(".", [name.givenName] & [name.familyName])"#,
    ] {
        let output = desk.run(&["expr", expression, "--input", "zoe.json"]);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(readme.contains(&format!("'{expression}' --input zoe.json\n{}", said.trim_end())), "{said}");
    }
    for command in COMMANDS.into_iter().chain(["expr", "functions", "schema export", "schema import"]) {
        assert!(readme.contains(&format!("muster {command}")), "the README speaks of {command}");
    }
}

/// One of the sample exports, by anchor and column; without those whose rows contradict each other.
fn contoso(name: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(sample(&format!("contoso/{name}"))).unwrap();
    let mut people = BTreeMap::new();
    let mut contradicting = BTreeSet::new();
    for row in reader.deserialize() {
        let row: BTreeMap<String, String> = row.unwrap();
        let anchor = row["WorkerID"].clone();
        if people.insert(anchor.clone(), row.clone()).is_some_and(|before| before != row) {
            contradicting.insert(anchor);
        }
    }
    people.retain(|anchor, _| !contradicting.contains(anchor));
    people
}

type Row = BTreeMap<String, String>;

/// Where `samples/contoso/job.toml` places a person, retold in plain code.
fn home(row: &Row) -> &'static str {
    let is_guest = row["WorkerType"] == "Contractor" || row["WorkerType"] == "Intern";
    match row["WorkerType"].as_str() {
        "Service" => "held",
        _ if row["Status"] == "Terminated" && row["HireDate"].as_str() < "1995-01-01" => "nowhere",
        _ if is_guest && row["Division"] != "Technology" => "hq",
        "Intern" => "held",
        _ => "entra",
    }
}

/// What a row ends as when it is the first that is said of a person.
fn ending(row: &Row, people: &BTreeMap<String, Row>) -> &'static str {
    let is_refused = |row: &Row| home(row) == "entra" && !matches!(row["Country"].len(), 0 | 2);
    let manager = &row["ManagerID"];
    let waits = !manager.is_empty() && people.get(manager).is_none_or(is_refused);
    match home(row) {
        "held" => "held",
        "nowhere" => "skipped",
        _ if is_refused(row) => "failed",
        "entra" if waits => "held",
        _ => "applied",
    }
}

/// What a row says, as far as it matters: who is on leave is active.
fn said(row: &Row) -> Row {
    let mut row = row.clone();
    if row["Status"] == "On Leave" {
        row.insert("Status".to_owned(), "Active".to_owned());
    }
    row
}

fn counted(endings: impl Iterator<Item = &'static str>) -> Json {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    endings.for_each(|ending| *counts.entry(ending).or_default() += 1);
    json!(counts)
}

#[test]
fn the_demo_expects_what_the_samples_say() {
    let (first, later) = (contoso("people.csv"), contoso("people-next-week.csv"));
    let again = |row: &Row| if ending(row, &first) == "failed" { "failed" } else { "unchanged" };
    let next = later.values().map(|row| match first.get(&row["WorkerID"]) {
        None => ending(row, &later),
        Some(before) if said(before) == said(row) => again(row),
        // Their account is there, and is disabled.
        Some(before) if home(before) == "entra" && home(row) == "nowhere" => "applied",
        Some(_) => ending(row, &later),
    });
    let expected =
        [counted(first.values().map(|row| ending(row, &first))), counted(first.values().map(again)), counted(next)];
    let desk = Desk::new();
    let output = desk.run(&["demo", "--folder", "demo", "--json"]);
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes = |at: usize| told["sendings"][at]["outcomes"].clone();
    assert_eq!([outcomes(0), outcomes(1), outcomes(2)], expected);
    assert!(output.status.success(), "{}", told["faults"]);
}

#[test]
fn the_demo_ends_well() {
    let desk = Desk::new();
    let output = desk.run(&["demo", "--folder", "demo"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("8 Deutschland, 13 USA, 10 United Kingdom"), "it says why people failed: {said}");
}

#[test]
fn a_job_goes_out_as_a_schema_and_comes_back_and_what_has_no_counterpart_is_named() {
    let mut desk = Desk::new();
    for words in [["schema", "--help"].as_slice(), &["schema", "export", "--help"], &["schema", "import", "--help"]] {
        desk.call(words);
    }
    desk.call(&["schema", "export", "job.toml", "--output", "job.json"]);
    desk.call(&["schema", "import", "job.json", "--strict", "--output", "again.toml"]);
    desk.call(&["check", "again.toml"]);
    let entra = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/graph/api2aad.json"));
    desk.write("entra.json", entra.unwrap());
    desk.call(&["schema", "import", "entra.json", "--output", "entra.toml"]);
    desk.call(&["check", "entra.toml"]);
    desk.call(&["schema", "import", "entra.json", "--strict", "--output", "strict.toml"]);
    assert!(!desk.folder.path().join("strict.toml").exists());
    // What is kept by hand is not written over.
    desk.call(&["schema", "import", "entra.json", "--output", "job.toml"]);
    desk.call(&["schema", "export", "job.toml", "--output", "job.toml"]);
    assert_eq!(fs::read(desk.folder.path().join("job.toml")).unwrap(), fs::read(sample("first/job.toml")).unwrap());
    desk.write("wide.json", "{}".encode_utf16().flat_map(u16::to_le_bytes).chain([0xff]).collect::<Vec<u8>>());
    desk.call(&["schema", "import", "wide.json"]);
    desk.call(&["check", "entra.json"]);
    desk.write("salesforce.json", SALESFORCE);
    desk.call(&["schema", "import", "salesforce.json"]);
    desk.write("other.json", "{ \"people\": [] }");
    desk.call(&["schema", "import", "other.json"]);
    desk.call(&["schema", "import", "none.json"]);
    desk.call(&["schema", "export", "none.toml"]);
    desk.check("schema.txt");
}

const SALESFORCE: &str = r#"{ "directories": [], "synchronizationRules": [ {
    "name": "USER_OUTBOUND_USER", "sourceDirectoryName": "Azure Active Directory",
    "targetDirectoryName": "salesforce.com", "objectMappings": [ { "targetObjectName": "User" } ] } ] }"#;
