//! A large export in, as `muster import --decide-only` does it: time, memory, and what it leaves on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::figure::{Figure, grouped};
use crate::people;

const ROWS: u64 = 1_000_000;
/// Growth of memory is counted from this size on.
const ROWS_SMALL: u64 = 100_000;
const MIB: f64 = 1024.0 * 1024.0;

struct Run {
    seconds: f64,
    peak_bytes: f64,
}

pub(crate) fn figures(size: u32) -> Vec<Figure> {
    let folder = tempfile::tempdir().unwrap();
    let (rows, rows_small) = (ROWS * u64::from(size) / 100, ROWS_SMALL * u64::from(size) / 100);
    let large = folder.path().join("large.csv");
    let small = folder.path().join("small.csv");
    people::write_export(&large, rows, 7, true).unwrap();
    people::write_export(&small, rows_small, 7, true).unwrap();

    let small_run = import(&small, &folder.path().join("small"), rows_small, "pending");
    let data = folder.path().join("large");
    let first = import(&large, &data, rows, "pending");
    let bytes_a_person = bytes_in(&data) / rows as f64;
    let again = import(&large, &data, rows, "unchanged");
    let growth = (first.peak_bytes - small_run.peak_bytes).max(0.0) / (rows - rows_small) as f64;

    let bare = bare_import(&large, &folder.path().join("bare.db"), rows);
    let reading = reading(&large, rows);
    vec![
        Figure {
            work: "import of 1 000 000 rows up to recorded decisions, first time",
            reached: format!("{:.1} s", first.seconds),
            must: "≤ 20 s",
            ceiling: format!("{bare:.1} s (read by `csv`, each row put bare into one SQLite table)"),
            holds: first.seconds <= 20.0,
        },
        Figure {
            work: "its memory at the peak, and growth beyond 100 000 rows",
            reached: format!("{:.0} MB, {growth:.0} bytes a row", first.peak_bytes / MIB),
            must: "≤ 400 MB, ≤ 100 bytes a row",
            ceiling: format!("{:.0} MB at 100 000 rows", small_run.peak_bytes / MIB),
            holds: first.peak_bytes / MIB <= 400.0 && growth <= 100.0,
        },
        Figure {
            work: "the same file again, unchanged",
            reached: format!("{:.1} s", again.seconds),
            must: "≤ 4 s",
            ceiling: format!("{reading:.1} s (read by `csv`, nothing done)"),
            holds: again.seconds <= 4.0,
        },
        Figure {
            work: "the store after the first import",
            reached: format!("{} bytes a person", grouped(bytes_a_person)),
            must: "≤ 2 048 bytes a person",
            ceiling: format!("{} bytes a row in the export", grouped(bytes_in(&large) / rows as f64)),
            holds: bytes_a_person <= 2048.0,
        },
    ]
}

fn import(source: &Path, data: &Path, rows: u64, outcome: &str) -> Run {
    let job = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/contoso/job.toml");
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["import", "--decide-only", "--json", "--job"])
        .args([&job, source])
        .arg("--data")
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let peak_bytes = watch(&mut child);
    let seconds = began.elapsed().as_secs_f64();
    let answer = child.wait_with_output().unwrap();
    assert!(answer.status.success(), "the import must end well");
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let counted = match outcome {
        "unchanged" => &answer["unchanged"],
        outcome => &answer["outcomes"][outcome],
    };
    assert_eq!(counted.as_u64(), Some(rows), "every row must have ended {outcome}: {answer}");
    Run { seconds, peak_bytes }
}

/// Looks at the child's memory until it ends: the kernel keeps the peak.
fn watch(child: &mut Child) -> f64 {
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0.0_f64;
    while child.try_wait().unwrap().is_none() {
        if let Ok(text) = fs::read_to_string(&status) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
            peak = peak.max(kib.unwrap_or(0.0) * 1024.0);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    peak
}

fn bytes_in(path: &Path) -> f64 {
    if path.is_file() {
        return fs::metadata(path).unwrap().len() as f64;
    }
    fs::read_dir(path).unwrap().map(|entry| bytes_in(&entry.unwrap().path())).sum()
}

/// The least an import could do: every row read, and put as it is into a table.
fn bare_import(source: &Path, file: &Path, rows: u64) -> f64 {
    let began = Instant::now();
    let mut connection = Connection::open(file).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "synchronous", "full").unwrap();
    connection.execute_batch("CREATE TABLE row (id INTEGER PRIMARY KEY, said BLOB NOT NULL)").unwrap();
    let mut reader = csv::Reader::from_path(source).unwrap();
    let mut record = csv::ByteRecord::new();
    let mut left = rows;
    while left > 0 {
        let transaction = connection.transaction().unwrap();
        {
            let mut insert = transaction.prepare_cached("INSERT INTO row (said) VALUES (?1)").unwrap();
            for _ in 0..left.min(100_000) {
                assert!(reader.read_byte_record(&mut record).unwrap());
                insert.execute([record.as_slice()]).unwrap();
                left -= 1;
            }
        }
        transaction.commit().unwrap();
    }
    began.elapsed().as_secs_f64()
}

fn reading(source: &Path, rows: u64) -> f64 {
    let began = Instant::now();
    let mut reader = csv::Reader::from_path(source).unwrap();
    let mut record = csv::ByteRecord::new();
    let mut count = 0;
    while reader.read_byte_record(&mut record).unwrap() {
        count += 1;
    }
    assert_eq!(count, rows);
    began.elapsed().as_secs_f64()
}
