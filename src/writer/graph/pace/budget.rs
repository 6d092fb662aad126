//! A budget of writes in a window of time: how many may be begun now, so that no window ever holds more of them.
//!
//! It is exact towards a tenant that counts in windows of any kind: a write stands in the budget from when it is sent
//! until a whole window after its answer, and the tenant has counted it somewhere between. Half of the budget may be
//! used at once, so that a small job is done at once; the rest is spread, so that the budget is never empty for long.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::super::batch::BATCH_MAX;

/// The share of the budget that may be used at once.
const AT_ONCE: u32 = 2;

/// Parts a window is counted in: a write is forgotten a five-hundredth of a window late at most.
const SLOTS: u32 = 512;

/// The shortest look ahead when writes are spread, as a part of the window: what comes back within it may be used.
const AHEAD_PARTS: u32 = 50;

/// How long writes may wait for others to fill a batch when the budget is spread …
const FILL_MAX: Duration = Duration::from_secs(1);

/// … and as a part of the window: what waits is not used.
const FILL_PARTS: u32 = 64;

/// The part of a window that is gone through without using half at once after the tenant has said that it is too much:
/// somebody else uses the same budget, or we have just been started again.
const CALM_PARTS: u32 = 1;

/// The same after it has said that little is left.
const WARNED_PARTS: u32 = 10;

/// How many writes are taken within which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteBudget {
    /// So many writes …
    pub writes: u32,
    /// … within any such time.
    pub per: Duration,
}

impl Default for WriteBudget {
    /// What Graph takes of one application in one tenant (`facts/graph_users.md` §10).
    fn default() -> Self {
        Self { writes: 3_000, per: Duration::from_secs(150) }
    }
}

/// Whether writes may be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::writer::graph) enum Ready {
    /// So many.
    Now(u32),
    /// Not before then.
    At(Instant),
}

/// What is left of a budget.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) size: WriteBudget,
    under_way: u32,
    /// How many leave the window, and when; the earliest first.
    spent: VecDeque<(Instant, u32)>,
    spent_sum: u32,
    /// Writes that have been earned by waiting, where the budget is spread.
    earned: f64,
    earned_at: Option<Instant>,
    calm_until: Option<Instant>,
}

impl Budget {
    pub(super) fn new(size: WriteBudget) -> Self {
        let size = WriteBudget { writes: size.writes.max(1), per: size.per.max(Duration::from_millis(1)) };
        let spent = VecDeque::new();
        Self { size, under_way: 0, spent, spent_sum: 0, earned: 0.0, earned_at: None, calm_until: None }
    }

    /// How many of `waiting` writes may be begun. Fewer than could fill a batch soon are waited for.
    pub(super) fn ready(&mut self, waiting: u32, now: Instant) -> Ready {
        self.count(now);
        let (left, rate) = (self.left(), self.rate(now));
        if left == 0 {
            return Ready::At(self.next_back(now));
        }
        let may = (f64::from(self.at_once(now)) + self.earned).min(f64::from(left));
        let fill = (rate * self.fill().as_secs_f64()).floor().clamp(1.0, BATCH_MAX as f64);
        let enough = fill.min(f64::from(waiting)).min(f64::from(left));
        if may >= enough {
            return Ready::Now(waiting.min(may as u32));
        }
        let pause = if rate > 0.0 {
            Duration::from_secs_f64(((enough - may) / rate).min(self.fill().as_secs_f64()))
        } else {
            self.fill()
        };
        // Never at this very moment: rounding must not turn waiting into spinning.
        Ready::At(now + pause.max(Duration::from_millis(1)))
    }

    /// How many writes the budget still has, for those that go before all others.
    pub(super) fn left_at(&mut self, now: Instant) -> u32 {
        self.count(now);
        self.left()
    }

    /// How many may be begun until `ahead` has passed.
    pub(super) fn soon(&mut self, ahead: Duration, now: Instant) -> u32 {
        self.count(now);
        let earned = f64::from(self.at_once(now)) + self.earned + self.rate(now) * ahead.as_secs_f64();
        let back: u32 = self.spent.iter().take_while(|(at, _)| *at <= now + ahead).map(|(_, count)| count).sum();
        earned.max(0.0).min(f64::from(self.left() + back)) as u32
    }

    /// Writes a second that can go on without ever coming to an end of the budget: the greatest steady pace for which
    /// what is left, and what comes back by then, lasts at every moment of the coming window.
    pub(super) fn rate(&self, now: Instant) -> f64 {
        let mut have = f64::from(self.left());
        let shortest = self.size.per / AHEAD_PARTS;
        let mut rate = f64::INFINITY;
        for (at, count) in &self.spent {
            let ahead = at.saturating_duration_since(now);
            if ahead >= shortest {
                rate = rate.min(have / ahead.as_secs_f64());
            }
            have += f64::from(*count);
        }
        rate.min(have / self.size.per.as_secs_f64())
    }

    pub(super) fn begin(&mut self, writes: u32, now: Instant) {
        self.count(now);
        let beyond = writes.saturating_sub(self.at_once(now));
        self.earned = (self.earned - f64::from(beyond)).max(-(BATCH_MAX as f64));
        self.under_way += writes;
    }

    /// They were answered, or never will be: the tenant has counted them by now.
    pub(super) fn end(&mut self, writes: u32, now: Instant) {
        self.under_way = self.under_way.saturating_sub(writes);
        if writes == 0 {
            return;
        }
        self.spent_sum += writes;
        let at = now + self.size.per;
        match self.spent.back_mut() {
            Some((last, count)) if *last >= at => *count += writes,
            _ => self.spent.push_back((at + self.size.per / SLOTS, writes)),
        }
    }

    /// They were not sent after all.
    pub(super) fn give_back(&mut self, writes: u32) {
        self.under_way = self.under_way.saturating_sub(writes);
        self.earned += f64::from(writes);
    }

    /// The tenant has said that it was too much.
    pub(super) fn refused(&mut self, now: Instant) {
        self.calm(now + self.size.per / CALM_PARTS);
    }

    /// The tenant has said that little is left.
    pub(super) fn warned(&mut self, now: Instant) {
        self.calm(now + self.size.per / WARNED_PARTS);
    }

    /// Another job says less of the same tenant: the least counts.
    pub(super) fn narrow(&mut self, size: WriteBudget) {
        let pace = |size: &WriteBudget| f64::from(size.writes) / size.per.as_secs_f64().max(0.001);
        if pace(&size) < pace(&self.size) {
            *self = Self { under_way: self.under_way, ..Self::new(size) };
        }
    }

    fn fill(&self) -> Duration {
        FILL_MAX.min(self.size.per / FILL_PARTS)
    }

    fn calm(&mut self, until: Instant) {
        self.earned = self.earned.min(0.0);
        self.calm_until = self.calm_until.max(Some(until));
    }

    fn left(&self) -> u32 {
        self.size.writes.saturating_sub(self.under_way).saturating_sub(self.spent_sum)
    }

    /// Writes that need not be spread.
    fn at_once(&self, now: Instant) -> u32 {
        if self.calm_until.is_some_and(|until| until > now) {
            return 0;
        }
        self.left().saturating_sub(self.size.writes - self.size.writes.div_ceil(AT_ONCE))
    }

    /// When the next write comes back; what is under way ends soon and says so.
    fn next_back(&self, now: Instant) -> Instant {
        let next = self.spent.front().map_or(now + self.fill(), |(at, _)| *at);
        next.max(now + Duration::from_millis(1))
    }

    /// Forgets what has left the window, and counts what was earned since.
    fn count(&mut self, now: Instant) {
        let since = self.earned_at.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let rate = self.rate(now);
        let most = (rate * self.fill().as_secs_f64()).max(BATCH_MAX as f64);
        self.earned = (self.earned + rate * since.as_secs_f64()).min(most);
        while let Some((_, count)) = self.spent.front().copied().filter(|(at, _)| *at <= now) {
            self.spent_sum -= count;
            self.spent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Duration = Duration::from_millis(40);

    /// Writes all the budget lets through for so many windows, each write answered after [`LATENCY`]; gives when each
    /// was answered. `demand` is how many a second are asked for.
    fn run(size: WriteBudget, windows: u32, demand: f64) -> Vec<Duration> {
        let begun = Instant::now();
        let (mut now, end) = (begun, begun + size.per * windows);
        let mut budget = Budget::new(size);
        let mut under_way: VecDeque<(Instant, u32)> = VecDeque::new();
        let mut written = Vec::new();
        while now < end {
            while let Some((at, count)) = under_way.front().copied().filter(|(at, _)| *at <= now) {
                budget.end(count, at);
                written.extend(std::iter::repeat_n(at - begun, count as usize));
                under_way.pop_front();
            }
            let asked = (demand * (now - begun).as_secs_f64()) as u32;
            let done = (written.len() as u32) + under_way.iter().map(|(_, count)| count).sum::<u32>();
            let next = match budget.ready(asked.saturating_sub(done).min(500), now) {
                Ready::Now(0) => now + Duration::from_millis(10),
                Ready::Now(count) => {
                    let count = count.min(BATCH_MAX as u32);
                    budget.begin(count, now);
                    under_way.push_back((now + LATENCY, count));
                    now
                }
                Ready::At(at) => at,
            };
            now = under_way.front().map_or(next, |(at, _)| next.min(*at));
        }
        written
    }

    fn most_in_a_window(written: &[Duration], per: Duration) -> usize {
        let mut most = 0;
        let mut first = 0;
        for (at, time) in written.iter().enumerate() {
            while *time - written[first] >= per {
                first += 1;
            }
            most = most.max(at + 1 - first);
        }
        most
    }

    #[test]
    fn at_full_load_nearly_all_of_the_budget_is_used_and_no_window_holds_more() {
        for (writes, seconds) in [(3_000, 150), (300, 10), (100, 10), (40, 4), (200, 2), (7, 30), (1, 2)] {
            let size = WriteBudget { writes, per: Duration::from_secs(seconds) };
            let written = run(size, 6, 1e6);
            let most = most_in_a_window(&written, size.per);
            assert!(most <= writes as usize, "{most} of {writes} within {seconds} s");
            let used = written.len() as f64 / f64::from(writes * 6);
            assert!(used >= 0.95, "{used} of {writes} in {seconds} s were used");
        }
    }

    #[test]
    fn half_may_be_used_at_once_and_then_there_is_always_a_little() {
        let size = WriteBudget::default();
        let written = run(size, 4, 1e6);
        let within = |from: u64, to: u64| {
            let range = Duration::from_secs(from)..Duration::from_secs(to);
            written.iter().filter(|at| range.contains(*at)).count()
        };
        assert!((1_500..1_560).contains(&within(0, 2)), "{}", within(0, 2));
        for from in (2..590).step_by(5) {
            assert!(within(from, from + 5) >= 40, "{} from second {from}", within(from, from + 5));
        }
    }

    #[test]
    fn what_is_asked_for_below_the_budget_is_never_held_up() {
        let size = WriteBudget { writes: 300, per: Duration::from_secs(15) };
        let written = run(size, 6, 18.0);
        assert!(written.len() >= 18 * 89 && written.len() <= 18 * 90, "{}", written.len());
    }

    #[test]
    fn who_was_told_that_it_was_too_much_does_not_use_half_at_once() {
        let now = Instant::now();
        let mut budget = Budget::new(WriteBudget::default());
        assert_eq!(budget.ready(5_000, now), Ready::Now(1_500));
        budget.refused(now);
        assert!(matches!(budget.ready(5_000, now), Ready::At(at) if at <= now + FILL_MAX));
        assert_eq!(budget.ready(5_000, now + FILL_MAX), Ready::Now(20));
        assert_eq!(budget.left_at(now), 3_000);
    }

    #[test]
    fn what_was_not_sent_is_given_back_and_the_least_budget_counts() {
        let now = Instant::now();
        let mut budget = Budget::new(WriteBudget { writes: 10, per: Duration::from_secs(1) });
        budget.begin(10, now);
        assert_eq!(budget.left_at(now), 0);
        budget.give_back(10);
        assert_eq!(budget.left_at(now), 10);
        budget.narrow(WriteBudget { writes: 100, per: Duration::from_secs(1) });
        assert_eq!(budget.size.writes, 10);
        budget.narrow(WriteBudget { writes: 100, per: Duration::from_secs(100) });
        assert_eq!(budget.size.writes, 100);
    }
}
