//! A batch on its way: token, gate, request, and to each call its own answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use secrecy::SecretString;
use tokio::time::Instant;

use super::queue::{Entry, in_time};
use super::{Going, Inner};
use crate::meter::{self, Counter};
use crate::writer::graph::batch;
use crate::writer::graph::call::{Answer, Lost};
use crate::writer::graph::pace::Bearing;

/// Longest address of a request on its own; in a batch there is no such limit (`facts/graph_users.md` §5, §8).
const PATH_CHARS_MAX: usize = 2_000;

/// Statuses by which a tenant, or what stands before it, refuses batches rather than what is in them.
const NO_BATCH: [u16; 6] = [400, 404, 405, 411, 413, 501];

/// Carries a batch and answers every call in it.
pub(super) async fn carry(inner: Arc<Inner>, entries: Vec<Entry>, mut going: Going) {
    let Some(deadline) = entries.iter().map(|entry| entry.until.end).min() else { return };
    let refused = match inner.line.token(deadline).await {
        Err(lost) => return tell_all(entries, &Err(lost)),
        Ok(token) => inner.carry_once(entries, &token, deadline, &mut going, true).await,
    };
    if refused.is_empty() {
        return;
    }
    // Refused tokens that were still valid have been seen (`facts/graph_users.md` §1): a new one, once. What was
    // refused so was not done.
    match inner.line.token(deadline).await {
        Err(lost) => tell_all(refused, &Err(lost)),
        Ok(token) => drop(inner.carry_once(refused, &token, deadline, &mut going, false).await),
    }
}

/// To all of them the same.
fn tell_all(entries: Vec<Entry>, answer: &Result<Answer, Lost>) {
    for entry in entries {
        // Whoever does not listen any more need not be told.
        let _ = entry.answer.send(answer.clone());
    }
}

impl Inner {
    /// Sends them, and answers them; gives back those whose token was refused, where another may be tried.
    async fn carry_once(
        self: &Arc<Self>,
        entries: Vec<Entry>,
        token: &SecretString,
        deadline: Instant,
        going: &mut Going,
        may_renew: bool,
    ) -> Vec<Entry> {
        // The gate may have closed while the token was fetched. There is nothing to wait for from here to the request.
        if self.pacer.closed_until(Instant::now()).is_some() {
            self.put_back(entries);
            return Vec::new();
        }
        // A write may have waited long, for its turn or for the token.
        let entries: Vec<Entry> = in_time(entries).collect();
        if entries.is_empty() {
            return Vec::new();
        }
        going.sent();
        let alone = entries.len() == 1 && entries[0].call.path.len() <= PATH_CHARS_MAX;
        let sent = if alone {
            self.line.send(&entries[0].call, token, deadline).await
        } else {
            self.line.send(&batch::envelope(entries.iter().map(|entry| &entry.call)), token, deadline).await
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(lost) => {
                self.pacer.heed(Bearing::Silent, Instant::now());
                tell_all(entries, &Err(lost));
                return Vec::new();
            }
        };
        let parts = if alone { None } else { batch::answers(&answer.body, entries.len()) };
        // The gate closes for all before anybody is told, so that nobody begins anything meanwhile.
        self.heed(&answer, parts.as_deref().unwrap_or_default());
        if answer.status == 401 && may_renew {
            self.line.tokens.forget(token);
            return entries;
        }
        if alone {
            tell_all(entries, &Ok(answer));
            return Vec::new();
        }
        match parts {
            Some(answers) => {
                self.count(&answers);
                self.tell_each(entries, answers, token, may_renew)
            }
            None => {
                self.tell_whole(entries, answer, token, deadline).await;
                Vec::new()
            }
        }
    }

    /// What is in a batch is counted by itself: the batch is answered 200 though all in it were refused.
    fn count(&self, answers: &[Option<Answer>]) {
        for answer in answers.iter().flatten() {
            let labels = [("host", self.line.host()), ("status", &answer.status.to_string())];
            meter::count(Counter::AnswersInBatches, &labels, 1);
        }
    }

    fn put_back(self: &Arc<Self>, entries: Vec<Entry>) {
        let mut waiting = self.waiting();
        waiting.queue.put_back(entries);
        let is_new = !std::mem::replace(&mut waiting.is_served, true);
        drop(waiting);
        self.see_to_it(is_new);
    }

    /// To each its own answer.
    fn tell_each(
        &self,
        entries: Vec<Entry>,
        answers: Vec<Option<Answer>>,
        token: &SecretString,
        may_renew: bool,
    ) -> Vec<Entry> {
        let mut refused = Vec::new();
        for (entry, answer) in entries.into_iter().zip(answers) {
            match answer {
                Some(answer) if answer.status == 401 && may_renew => {
                    self.line.tokens.forget(token);
                    refused.push(entry);
                }
                Some(answer) => {
                    let (method, path) = (&entry.call.method, entry.call.shown());
                    tracing::debug!(%method, path, status = answer.status, "Graph answered in a batch");
                    let _ = entry.answer.send(Ok(answer));
                }
                None => {
                    drop(entry.answer.send(Err(Lost::sent("the batch was answered, and this request in it was not"))))
                }
            }
        }
        refused
    }

    /// One answer to the batch as a whole, and none to what is in it.
    async fn tell_whole(&self, entries: Vec<Entry>, answer: Answer, token: &SecretString, deadline: Instant) {
        match answer.status {
            // Nothing in it was done.
            429 | 300..=399 | 401 | 403 | 408 => tell_all(entries, &Ok(answer)),
            status if NO_BATCH.contains(&status) => {
                if !self.told_of_refusal.swap(true, Ordering::Relaxed) {
                    tracing::warn!(status, "Graph refuses a batch; its requests are sent one by one");
                }
                self.one_by_one(entries, token, deadline).await;
            }
            status => tell_all(
                entries,
                &Err(Lost::sent(format!("{status}: the batch was answered as a whole, and nothing in it"))),
            ),
        }
    }

    async fn one_by_one(&self, entries: Vec<Entry>, token: &SecretString, deadline: Instant) {
        for entry in in_time(entries) {
            let now = Instant::now();
            if let Some(until) = self.pacer.closed_until(now) {
                let lost = Lost::unsent(Some(until - now), "nothing was sent: the tenant asks for patience");
                let _ = entry.answer.send(Err(lost));
                continue;
            }
            let answer = self.line.send(&entry.call, token, deadline).await;
            match &answer {
                Ok(answer) => self.heed(answer, &[]),
                Err(_) => self.pacer.heed(Bearing::Silent, Instant::now()),
            }
            let _ = entry.answer.send(answer);
        }
    }

    /// Heeds an answer and all its parts, at once and once: they are of one cause, and the worst of them counts. Were the
    /// batch heeded before its parts, another might begin in between.
    fn heed(&self, answer: &Answer, parts: &[Option<Answer>]) {
        let now = Instant::now();
        let all = || std::iter::once(answer).chain(parts.iter().flatten());
        for share in all().filter_map(|answer| answer.share) {
            self.pacer.heed_share(share, now);
        }
        self.pacer.heed(all().map(bearing).fold(Bearing::Well, Bearing::or_worse), now);
    }
}

fn bearing(answer: &Answer) -> Bearing {
    match answer.status {
        429 => Bearing::Patience(answer.after),
        503 | 504 if answer.after.is_some() => Bearing::Patience(answer.after),
        500..=599 if answer.status != 501 => Bearing::Poorly,
        _ => Bearing::Well,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use url::Url;

    use super::*;
    use crate::clock::SystemClock;
    use crate::http_client;
    use crate::token::TokenSource;
    use crate::writer::graph::call::Line;
    use crate::writer::graph::desk::Desk;
    use crate::writer::graph::pace::{Pacer, WriteBudget};

    fn desk() -> Desk {
        // Only the first of the tests does it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let url = Url::parse("http://127.0.0.1:1/").unwrap();
        let http = http_client::build(&url, Duration::from_secs(1), None).unwrap();
        let tokens = TokenSource::new(&url, "muster", &"practice".into(), "", http.clone(), Arc::new(SystemClock));
        let line = Line { http, tokens, base: url.to_string() };
        Desk::new(line, Arc::new(Pacer::new(WriteBudget::default())))
    }

    fn answer(status: u16, after: Option<u64>) -> Answer {
        Answer { status, after: after.map(Duration::from_secs), ..Answer::default() }
    }

    /// For how long nothing is begun.
    fn closed_for(desk: &Desk) -> Duration {
        desk.pacer().pace(Instant::now()).closed_for
    }

    #[test]
    fn whoever_hears_of_an_answer_finds_the_gate_closed_already_if_a_part_of_it_asks_for_patience() {
        let desk = desk();
        let pace = desk.pacer().listen();
        let heard = *pace.borrow();
        let parts = [Some(answer(204, None)), Some(answer(429, Some(7))), None, Some(answer(429, Some(170)))];
        desk.inner.heed(&answer(200, None), &parts);
        // Told once: nobody was woken while the gate was still open.
        assert_eq!(*pace.borrow(), heard.wrapping_add(1));
        assert!(closed_for(&desk) > Duration::from_secs(169), "{:?}", closed_for(&desk));
        assert_eq!(desk.pacer().pace(Instant::now()).concurrency, 2);
    }

    #[test]
    fn pauses_double_while_batches_come_back_with_parts_that_ask_for_patience() {
        let desk = desk();
        let parts = [Some(answer(204, None)), Some(answer(429, None)), Some(answer(429, None))];
        for longest in [500, 1_000, 2_000, 4_000, 8_000] {
            desk.inner.heed(&answer(200, None), &parts);
            let closed = closed_for(&desk).as_millis();
            assert!(closed <= longest && closed >= longest / 2 - 100, "{closed} of {longest}");
        }
    }

    #[test]
    fn of_an_answer_and_its_parts_the_worst_counts() {
        let bearings = [
            Bearing::Well,
            Bearing::Poorly,
            Bearing::Silent,
            Bearing::Patience(None),
            Bearing::Patience(Some(Duration::from_secs(1))),
            Bearing::Patience(Some(Duration::from_secs(2))),
        ];
        for (at, worse) in bearings.iter().enumerate() {
            for better in &bearings[..=at] {
                assert_eq!((better.or_worse(*worse), worse.or_worse(*better)), (*worse, *worse));
            }
        }
    }
}
