//! Record to decision, on one core.

use std::hint::black_box;
use std::time::Instant;

use muster::model::{Statement, Timestamp};
use muster::pipeline::process::judge;
use muster::store::Decided;

use crate::figure::{Figure, grouped};
use crate::{people, sample};

const PEOPLE: u32 = 200_000;
/// Different people; each is decided several times.
const DIFFERENT: u64 = 20_000;

pub(crate) fn figure(size: u32) -> Figure {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    people::write_export(&path, DIFFERENT, 1, true).unwrap();
    let job = sample::job();
    let records = sample::records(&path, sample::settings(&job));
    let rounds = (u64::from(PEOPLE * size / 100) / DIFFERENT).max(1);
    let count = (rounds * records.len() as u64) as f64;

    let began = Instant::now();
    for _ in 0..rounds {
        for record in &records {
            black_box(record.clone());
        }
    }
    let ceiling = count / began.elapsed().as_secs_f64();

    let mut placed = 0;
    let began = Instant::now();
    for _ in 0..rounds {
        for record in &records {
            let decided = judge(&job.job, None, Statement::Upsert(record.clone()), Timestamp(0));
            placed += u64::from(matches!(&decided, Decided::Changed { decision, .. } if !decision.targets.is_empty()));
            black_box(decided);
        }
    }
    let reached = count / began.elapsed().as_secs_f64();
    assert!(placed > 0, "somebody must have been placed");

    Figure {
        work: "decide: record → decision with the sample job, one core",
        reached: format!("{} people/s", grouped(reached)),
        must: "≥ 100 000 people/s",
        ceiling: format!("{} people/s (each record copied, nothing decided)", grouped(ceiling)),
        holds: reached >= 100_000.0,
    }
}
