//! `muster demo --active-directory`, as a stranger runs it: the real binary, and a real domain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A domain is made in some seconds; machines differ.
const WAIT_MAX: Duration = Duration::from_secs(180);

fn demo(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(["demo", "--active-directory", "--folder"]).arg(folder).args(words);
    command.env_remove("MUSTER_DATA").env_remove("RUST_LOG").env_remove("COLUMNS");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Processes that have a file of the domain open, or name it: Samba rewrites its own command line.
fn left_behind(folder: &Path) -> Vec<String> {
    let inner = folder.join("domain");
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let is_of_domain = |process: &PathBuf| {
        let words = text(&fs::read(process.join("cmdline")).unwrap_or_default());
        let files = fs::read_dir(process.join("fd")).into_iter().flatten();
        let mut files = files.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        words.contains(inner.to_str().unwrap()) || files.any(|file| file.starts_with(&inner))
    };
    processes.filter(is_of_domain).map(|process| text(&fs::read(process.join("comm")).unwrap_or_default())).collect()
}

fn assert_ended_well(output: &Output, folder: &Path) {
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert_eq!(left_behind(folder), Vec::<String>::new());
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < WAIT_MAX, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -s {name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

#[test]
#[ignore = "needs Samba"]
fn the_demo_shows_the_way_into_a_real_domain_twice_in_one_folder_and_leaves_nothing_running() {
    let desk = TempDir::new().unwrap();
    let folder = desk.path().join("demo");
    let output = demo(&folder, &[]).output().unwrap();
    assert_ended_well(&output, &folder);
    let said = text(&output.stdout);
    for shown in [
        "124 accounts below OU=People,DC=contoso,DC=example",
        "123 enabled, 1 disabled, 124 with a password that was set (pwdLastSet), 123 with a manager",
        "CN=María José Castro,OU=Commercial",
        "CN=Renée O'Brien,OU=Corporate, enabled",
        "CN=Ewa Nowak,OU=Operations, enabled",
        "CN=Callum Brontë,OU=Technology, disabled",
        "CN=Björn Wallén,OU=Technology, enabled",
        "it is a member of the protected group CN=Domain Admins,CN=Users,DC=contoso,DC=example",
        "its title is still \"Team Lead\"",
        "9 of them are disabled",
        "91 because of agent_limit_disable",
        "this agent may disable 10 accounts an hour",
        "muster fsck: everything is as it must be; 124 accounts linked, and 124 in the directory",
        "Everything ended as it must",
    ] {
        assert!(said.contains(shown), "it does not say `{shown}`:\n{said}");
    }
    assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "nothing on the screen moves the cursor");

    let output = demo(&folder, &["--json"]).output().unwrap();
    assert_ended_well(&output, &folder);
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["faults"], Json::Array(Vec::new()));
    assert_eq!(told["sendings"][3]["directory"]["enabled"], 114, "{told}");
    assert_eq!(told["sendings"][3]["waits"][0]["count"], 91, "{told}");
    // The store is left as it should be, and can be asked.
    let data = folder.join("data").display().to_string();
    for words in [["fsck", "--data", &data].as_slice(), &["explain", "1026", "--data", &data]] {
        let asked = Command::new(env!("CARGO_BIN_EXE_muster")).args(words).output().unwrap();
        assert!(asked.status.success(), "{words:?}: {asked:?}");
    }
}

#[test]
#[ignore = "needs Samba"]
fn a_demo_that_is_interrupted_or_killed_takes_its_domain_with_it() {
    let desk = TempDir::new().unwrap();
    for (name, served) in [("INT", false), ("INT", true), ("KILL", true)] {
        let folder = desk.path().join(format!("{name}-{served}"));
        let mut child = demo(&folder, &["--keep"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = if served { "data/muster.db" } else { "domain/private" };
        wait_for("the demo begins", || folder.join(begun).exists());
        assert_ne!(left_behind(&folder), Vec::<String>::new());
        signal(&child, name);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), if name == "INT" { Some(130) } else { None });
        wait_for("nothing is left of it", || left_behind(&folder).is_empty());
    }
}

#[test]
#[ignore = "needs Samba"]
fn a_domain_controller_that_dies_ends_the_demo_with_its_words() {
    let desk = TempDir::new().unwrap();
    let folder = desk.path().join("demo");
    let child = demo(&folder, &["--keep"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the server has begun", || folder.join("people.csv").exists());
    let pid = fs::read_to_string(folder.join("domain/run/samba.pid")).unwrap();
    assert!(Command::new("sh").args(["-c", &format!("kill -s KILL {}", pid.trim())]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the domain controller has ended"), "{}", text(&output.stderr));
    assert_eq!(left_behind(&folder), Vec::<String>::new());
}

#[test]
#[ignore = "needs Samba"]
fn two_demos_that_begin_at_the_same_moment_do_not_take_one_another_for_themselves() {
    let desk = TempDir::new().unwrap();
    let folders = ["one", "other"].map(|name| desk.path().join(name));
    let running = folders.each_ref().map(|folder| demo(folder, &["--json"]).stdout(Stdio::piped()).spawn().unwrap());
    let outputs = running.map(|child| child.wait_with_output().unwrap());
    for (output, folder) in outputs.iter().zip(&folders) {
        assert_ended_well(output, folder);
    }
}

#[test]
fn the_job_of_the_demo_does_what_its_own_tests_say() {
    let job = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/active-directory/job.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_muster")).arg("test").arg(job).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn what_the_demo_lacks_for_a_domain_is_said_before_anything_is_made() {
    let desk = TempDir::new().unwrap();
    let folder = desk.path().join("demo");
    let output = demo(&folder, &[]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("samba-tool") && said.contains("apt-get install samba samba-ad-provision"), "{said}");
    assert!(!folder.exists() && output.stdout.is_empty());
}
