//! Promise 1, watched from outside: 202 means kept.

use reqwest::StatusCode;

use super::commands::Site;
use super::house::{bulk, person};

/// What one thread asked of the kernel: when it was called, and when it returned.
#[derive(Debug)]
struct Call {
    name: String,
    words: String,
    returned_at: usize,
    begun_at: usize,
}

/// Reads a log of `strace -f`: calls that were interrupted by others' lines are put together again.
fn calls(log: &str) -> Vec<Call> {
    let mut open: Vec<(String, Call)> = Vec::new();
    let mut calls = Vec::new();
    for (at, line) in log.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some(place) = open.iter().position(|(by, _)| by == thread) else { continue };
            let (_, mut call) = open.swap_remove(place);
            call.words.push_str(resumed);
            call.returned_at = at;
            calls.push(call);
        } else if let Some((name, words)) = rest.split_once('(') {
            let call = Call { name: name.to_owned(), words: words.to_owned(), returned_at: at, begun_at: at };
            if words.contains("<unfinished ...>") {
                open.push((thread.to_owned(), call));
            } else {
                calls.push(call);
            }
        }
    }
    calls
}

#[tokio::test]
#[ignore = "needs strace: run by tests/all.sh"]
async fn a_sync_of_the_log_returns_before_the_202_is_sent() {
    let site = Site::new();
    let (id, secret) = site.client("payroll", &["--role", "SynchronizationData-User.Upload"]);
    let trace = site.path("trace");
    let trace = trace.to_str().unwrap();
    let what = "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg";
    let served = site.serve(&["strace", "-f", "-y", "-s", "64", "-e", what, "-o", trace]);
    let token = served.token(&id, &secret).await;
    for number in 0..5 {
        let body = bulk(&[person(&number.to_string(), "Employee", "")]);
        assert_eq!(served.upload(&token, body).await, StatusCode::ACCEPTED);
    }
    served.stop();
    let calls = calls(&std::fs::read_to_string(trace).unwrap());
    let answers: Vec<_> = calls.iter().filter(|call| call.words.contains("HTTP/1.1 202")).collect();
    assert_eq!(answers.len(), 5, "{calls:#?}");
    let is_log = |call: &&Call| call.words.contains("muster.db-wal");
    let mut before = 0;
    for answer in answers {
        let synced = calls.iter().filter(is_log).any(|call| {
            call.name.ends_with("sync")
                && call.words.contains("= 0")
                && (before..answer.begun_at).contains(&call.returned_at)
        });
        let written = calls
            .iter()
            .filter(is_log)
            .any(|call| call.name == "pwrite64" && (before..answer.begun_at).contains(&call.returned_at));
        assert!(written && synced, "nothing was synced before line {}", answer.begun_at);
        before = answer.returned_at;
    }
}
