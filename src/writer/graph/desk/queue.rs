//! The calls that wait at the desk, in the order in which they are sent. It asks nobody and never waits.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{BATCH_MAX, LINGER, LINGER_MAX};
use crate::writer::graph::call::{Answer, Call, Lost};
use crate::writer::until::{TOO_LATE, Until};

/// A call that waits.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) call: Call,
    /// Later than this it is not begun any more.
    pub(super) begin_by: Instant,
    /// It is over by then, whatever happens; and a write may be begun only while its errand says so.
    pub(super) until: Until,
    pub(super) arrived: Instant,
    pub(super) answer: oneshot::Sender<Result<Answer, Lost>>,
}

impl Entry {
    fn is_urgent_write(&self) -> bool {
        self.call.urgent && self.call.writes()
    }

    fn is_too_late(&self) -> bool {
        self.call.writes() && self.until.is_too_late()
    }
}

/// Those that may be begun still. The others are told that it is too late; nothing was sent of them.
pub(super) fn in_time(entries: impl IntoIterator<Item = Entry>) -> impl Iterator<Item = Entry> {
    entries.into_iter().filter_map(|entry| {
        if !entry.is_too_late() {
            return Some(entry);
        }
        // Whoever does not listen any more need not be told.
        let _ = entry.answer.send(Err(Lost::unsent(None, TOO_LATE)));
        None
    })
}

/// The calls that wait; the urgent ones first.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<Entry>);

impl Queue {
    pub(super) fn push(&mut self, entry: Entry) {
        let at = if entry.call.urgent { self.0.partition_point(|held| held.call.urgent) } else { self.0.len() };
        self.0.insert(at, entry);
    }

    /// Puts back what was taken and not sent: it has waited longest.
    pub(super) fn put_back(&mut self, entries: Vec<Entry>) {
        for entry in entries.into_iter().rev() {
            let at = if entry.call.urgent { 0 } else { self.0.partition_point(|held| held.call.urgent) };
            self.0.insert(at, entry);
        }
    }

    /// Nobody waits for their answers any more, so they need not be sent.
    pub(super) fn forget_abandoned(&mut self) {
        self.0.retain(|entry| !entry.answer.is_closed());
    }

    /// Takes out the writes for which it has become too late while they waited.
    pub(super) fn dismiss_late(&mut self) {
        if self.0.iter().any(Entry::is_too_late) {
            self.0 = in_time(std::mem::take(&mut self.0)).collect();
        }
    }

    /// Answers those to whom `turn` gives a moment, by their places: to come back then.
    pub(super) fn turn_away(&mut self, turn: impl Fn(usize, &Entry) -> Option<Instant>, now: Instant) {
        let mut kept = VecDeque::with_capacity(self.0.len());
        for (at, entry) in std::mem::take(&mut self.0).into_iter().enumerate() {
            match turn(at, &entry) {
                None => kept.push_back(entry),
                Some(then) => {
                    let left = then.saturating_duration_since(now);
                    let after = (!left.is_zero()).then_some(left);
                    let why = "nothing was sent: the tenant asks for patience, or its budget of writes is used up";
                    // Whoever does not listen any more need not be told.
                    let _ = entry.answer.send(Err(Lost::unsent(after, why)));
                }
            }
        }
        self.0 = kept;
    }

    /// When the first of them must have begun; `None` where nobody waits.
    pub(super) fn last_chance(&self) -> Option<Instant> {
        self.0.iter().map(|entry| entry.begin_by).min()
    }

    /// Until when others may still join; `None` where it is time to go.
    pub(super) fn lingers_until(&self, now: Instant) -> Option<Instant> {
        if self.0.len() >= BATCH_MAX || self.0.iter().any(|entry| entry.call.prompt) {
            return None;
        }
        let first = self.0.iter().map(|entry| entry.arrived).min()?;
        let last = self.0.iter().map(|entry| entry.arrived).max()?;
        Some((last + LINGER).min(first + LINGER_MAX)).filter(|until| *until > now)
    }

    /// How many writes wait: those that cannot wait, and the others.
    pub(super) fn writes(&self) -> (u32, u32) {
        let count = |urgent: bool| self.0.iter().filter(|e| e.call.writes() && e.is_urgent_write() == urgent).count();
        (u32::try_from(count(true)).unwrap_or(u32::MAX), u32::try_from(count(false)).unwrap_or(u32::MAX))
    }

    /// Takes a batch, with no more writes in it than may be. Questions always may.
    pub(super) fn take(&mut self, mut urgent_may: u32, mut others_may: u32) -> Vec<Entry> {
        let mut taken = Vec::with_capacity(BATCH_MAX);
        let mut at = 0;
        while at < self.0.len() && taken.len() < BATCH_MAX {
            let entry = &self.0[at];
            let may = match (entry.call.writes(), entry.is_urgent_write()) {
                (false, _) => true,
                (true, true) => take_one(&mut urgent_may),
                (true, false) => take_one(&mut others_may),
            };
            match may {
                true => taken.extend(self.0.remove(at)),
                false => at += 1,
            }
        }
        taken
    }
}

fn take_one(may: &mut u32) -> bool {
    let one = *may > 0;
    *may = may.saturating_sub(1);
    one
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::Method;

    use super::*;
    use crate::clock::Deadline;

    type Answers = Vec<oneshot::Receiver<Result<Answer, Lost>>>;

    /// A queue of calls named so: `w…` is a write, `u…` an urgent one, `r…` a question. Their answers, too.
    fn queue(names: &[&str], now: Instant) -> (Queue, Answers) {
        let mut queue = Queue::default();
        let mut answers = Vec::new();
        for name in names {
            let method = if name.starts_with('r') { Method::GET } else { Method::PATCH };
            let call = Call::write(method, (*name).to_owned(), None).urgent(name.starts_with('u'));
            let (sender, answer) = oneshot::channel();
            let later = now + Duration::from_secs(10);
            queue.push(Entry { call, begin_by: later, until: Until::at(later), arrived: now, answer: sender });
            answers.push(answer);
        }
        (queue, answers)
    }

    fn names(entries: &[Entry]) -> String {
        entries.iter().map(|entry| entry.call.path.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn who_is_locked_out_goes_first_and_questions_need_no_budget() {
        let (mut queue, _answers) = queue(&["w1", "r1", "w2", "u1", "r2", "u2"], Instant::now());
        assert_eq!(queue.writes(), (2, 2));
        assert_eq!(names(&queue.take(1, 0)), "u1 r1 r2");
        let back = queue.take(1, 1);
        assert_eq!(names(&back), "u2 w1");
        queue.put_back(back);
        assert_eq!(names(&queue.take(9, 9)), "u2 w1 w2");
    }

    #[test]
    fn twenty_go_at_once_and_fewer_wait_a_moment_for_each_other() {
        let now = Instant::now();
        let (mut queue, mut answers) = queue(&["w"; 30], now);
        assert_eq!(queue.lingers_until(now), None);
        assert_eq!(queue.take(0, 30).len(), BATCH_MAX);
        assert_eq!(queue.lingers_until(now), Some(now + LINGER));
        assert_eq!(queue.lingers_until(now + LINGER), None);
        answers.truncate(25);
        queue.forget_abandoned();
        assert_eq!(queue.take(0, 30).len(), 5);
    }

    #[test]
    fn a_write_that_no_longer_fits_in_its_lease_is_taken_out_and_a_question_is_not() {
        let (mut queue, mut answers) = queue(&["w1", "r1", "u1", "w2"], Instant::now());
        let end = |queue: &mut Queue, at: usize| {
            queue.0[at].until.begin_before = Some(Deadline::within(Duration::ZERO));
        };
        // `u1` has come to stand first.
        (0..3).for_each(|at| end(&mut queue, at));
        queue.dismiss_late();
        for at in [2, 0] {
            let lost = answers[at].try_recv().unwrap().unwrap_err();
            assert_eq!((lost.after, lost.is_sent, lost.why.as_str()), (None, false, TOO_LATE));
        }
        let taken = queue.take(9, 9);
        assert_eq!(names(&taken), "r1 w2");
        assert_eq!(names(&in_time(taken).collect::<Vec<_>>()), "r1 w2");
    }

    #[test]
    fn who_cannot_be_seen_to_in_time_is_told_when_to_come_back() {
        let now = Instant::now();
        let (mut queue, mut answers) = queue(&["w1", "w2"], now);
        let turn = |at: usize| now + Duration::from_secs(6 * (at as u64 + 1));
        queue.turn_away(|at, entry| Some(turn(at)).filter(|turn| *turn > entry.begin_by), now);
        let lost = answers.remove(1).try_recv().unwrap().unwrap_err();
        assert_eq!((lost.after, lost.is_sent), (Some(Duration::from_secs(12)), false));
        assert_eq!(names(&queue.take(0, 9)), "w1");
    }
}
