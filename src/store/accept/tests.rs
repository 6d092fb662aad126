//! Uploads that arrive at once, and again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::model::{JobId, TargetId};
use crate::store::{Access, JobState};

/// Threads that upload at once.
const THREADS: u32 = 8;
/// Uploads of each.
const UPLOADS: u32 = 25;

fn store() -> (TempDir, Store, JobState) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path(), Access::Alone).unwrap();
    let job = store.register(&JobId::new("hr"), b"1", &[(TargetId::new("cloud"), "cloud".to_owned())]).unwrap();
    (folder, store, job)
}

fn upload(job: &JobState, request_id: Option<&str>, body: &str, at: i64) -> NewUpload {
    NewUpload {
        job: job.key,
        origin: "payroll".to_owned(),
        request_id: request_id.map(str::to_owned),
        body_hash: *blake3::hash(body.as_bytes()).as_bytes(),
        operations: 1,
        bytes: body.len() as u64,
        body: body.as_bytes().to_vec(),
        accepted_at: Timestamp(at),
    }
}

#[test]
fn whoever_uploads_at_once_gets_a_number_of_their_own() {
    let (folder, store, job) = store();
    let (store, job) = (Arc::new(store), Arc::new(job));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (store, job) = (Arc::clone(&store), Arc::clone(&job));
            thread::spawn(move || {
                let bodies = (0..UPLOADS).map(|number| format!("{thread}/{number}"));
                bodies
                    .map(|body| (store.accept(upload(&job, None, &body, 0)).unwrap().upload, body))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let answers: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let numbers: BTreeSet<UploadId> = answers.iter().map(|(upload, _)| *upload).collect();
    assert_eq!(numbers.len(), (THREADS * UPLOADS) as usize);
    // Each of one sender comes after the one before, and is what that sender sent.
    assert!(answers.chunks(UPLOADS as usize).all(|mine| mine.is_sorted_by_key(|(upload, _)| *upload)));
    drop(Arc::into_inner(store));
    let store = Store::open(folder.path(), Access::Alone).unwrap();
    for (upload, body) in &answers {
        let kept = store.next_to_decide(job.key, UploadId(upload.0 - 1)).unwrap().unwrap();
        assert_eq!((kept.upload, kept.body), (*upload, body.as_bytes().to_vec()));
    }
    assert_eq!(store.backlog().unwrap().uploads, u64::from(THREADS * UPLOADS));
    assert_eq!(store.fsck().unwrap(), Vec::new());
}

#[test]
fn the_same_request_again_is_a_repeat_for_a_day() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let (_folder, store, job) = store();
    let accept = |request_id, body, at| store.accept(upload(&job, request_id, body, at)).unwrap();
    let first = accept(Some("r1"), "a", 0);
    assert!(!first.repeat);
    assert_eq!(accept(Some("r1"), "a", DAY - 1), Accepted { upload: first.upload, repeat: true });
    // Another body, another request or none at all is another upload; so is the next day's.
    for (request_id, body, at) in [(Some("r1"), "b", 1), (Some("r2"), "a", 1), (None, "a", 1), (None, "a", 1)] {
        assert!(!accept(request_id, body, at).repeat);
    }
    assert!(!accept(Some("r1"), "a", DAY).repeat);
    let other = NewUpload { origin: "somebody else".to_owned(), ..upload(&job, Some("r1"), "a", 1) };
    assert!(!store.accept(other).unwrap().repeat);
}

#[test]
fn of_two_that_are_the_same_and_come_at_once_one_is_kept() {
    let (_folder, store, job) = store();
    let store = &store;
    let answers: Vec<Accepted> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| store.accept(upload(&job, Some("r"), "a", 0)).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| !answer.repeat).count(), 1);
    assert!(answers.iter().all(|answer| answer.upload == answers[0].upload));
    assert_eq!(store.backlog().unwrap().uploads, 1);
}
