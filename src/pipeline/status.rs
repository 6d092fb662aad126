//! When a target's queue will be empty: an estimate, from what is left to do and how fast it goes.

use std::time::Duration;

use crate::model::Timestamp;
use crate::store::TargetWork;
use crate::writer::Pace;

/// An estimate beyond this is none: something stands still.
const ESTIMATE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// In how long the queue will be empty, if nothing new comes: as long as the slower of pace and present rate has it, and
/// not before what was put off is due. `None` where that cannot be said: nothing tells how fast it goes.
pub fn empty_in(work: &TargetWork, pace: Option<&Pace>, now: Timestamp) -> Option<Duration> {
    let put_off: u64 = work.put_off.iter().map(|put_off| put_off.count).sum();
    let last = work.put_off.iter().map(|put_off| put_off.last.since(now)).max().unwrap_or_default();
    let left = work.due + work.under_way + put_off;
    if left == 0 {
        return Some(Duration::ZERO);
    }
    let rate = work.rate.per_second();
    let by_rate = (rate > 0.0).then(|| left as f64 / rate);
    let by_pace = pace.filter(|pace| pace.writes > 0 && !pace.per.is_zero()).map(|pace| {
        let beyond = left.saturating_sub(pace.left.into()) as f64;
        pace.closed_for.as_secs_f64() + beyond * pace.per.as_secs_f64() / f64::from(pace.writes)
    });
    let seconds = match (by_rate, by_pace) {
        (Some(rate), Some(pace)) => rate.max(pace),
        (rate, pace) => rate.or(pace)?,
    };
    let estimate = Duration::try_from_secs_f64(seconds).ok()?.max(last);
    (estimate <= ESTIMATE_MAX).then_some(estimate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{PutOff, Rate};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn work(due: u64, written: u64) -> TargetWork {
        TargetWork { due, rate: Rate { written, within: Duration::from_secs(60) }, ..TargetWork::default() }
    }

    fn pace(left: u32, closed: u64) -> Pace {
        let closed_for = Duration::from_secs(closed);
        Pace { writes: 3_000, per: Duration::from_secs(150), left, closed_for, concurrency: 4 }
    }

    fn seconds(work: &TargetWork, pace: Option<Pace>) -> Option<u64> {
        empty_in(work, pace.as_ref(), NOW).map(|time| time.as_secs())
    }

    #[test]
    fn an_empty_queue_is_empty_now() {
        assert_eq!(seconds(&work(0, 0), None), Some(0));
        assert_eq!(seconds(&work(0, 0), Some(pace(0, 60))), Some(0));
    }

    #[test]
    fn what_is_beyond_the_budget_takes_as_long_as_it_refills() {
        assert_eq!(seconds(&work(1_000, 0), Some(pace(400, 0))), Some(30));
        assert_eq!(seconds(&work(1_000, 0), Some(pace(400, 100))), Some(130));
    }

    #[test]
    fn the_slower_of_pace_and_rate_counts() {
        assert_eq!(seconds(&work(1_000, 600), Some(pace(400, 0))), Some(100));
        assert_eq!(seconds(&work(1_000, 600_000), Some(pace(400, 0))), Some(30));
        assert_eq!(seconds(&work(600, 60), None), Some(600));
    }

    #[test]
    fn where_nothing_tells_how_fast_it_goes_nothing_is_said() {
        assert_eq!(seconds(&work(5, 0), None), None);
        assert_eq!(seconds(&work(100_000_000, 1), None), None);
    }

    #[test]
    fn it_is_not_empty_before_what_was_put_off_is_due() {
        let mut work = work(0, 60);
        let last = NOW.plus(Duration::from_secs(300));
        work.put_off.push(PutOff { why: "target_busy".to_owned(), count: 3, first: NOW, last });
        assert_eq!(seconds(&work, None), Some(300));
    }
}
