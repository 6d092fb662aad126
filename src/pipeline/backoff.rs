//! How long to wait before trying again: doubled each time, spread by who waits, and no chance in it.

use std::time::Duration;

/// The first pause. A target that was busy for a moment is not busy any more.
pub const BACKOFF_SECONDS_BASE: u64 = 1;
/// The longest pause. Somebody who has repaired a target shall see work move within minutes.
pub const BACKOFF_SECONDS_MAX: u64 = 300;
/// The share of a pause that is spread, in per cent: enough that those who failed together do not return together.
const SPREAD_PERCENT: u64 = 25;

/// The pause after `attempt` earlier tries (0: this was the first) for the one called `who`.
///
/// The same question has the same answer, so that a plan repeats (promise 7). Between 75 and 100 per cent of the
/// doubled base, and never more than [`BACKOFF_SECONDS_MAX`].
pub fn backoff(attempt: u32, who: &str) -> Duration {
    let doubled = 1_u64.checked_shl(attempt).unwrap_or(u64::MAX).saturating_mul(BACKOFF_SECONDS_BASE);
    let longest = doubled.min(BACKOFF_SECONDS_MAX) * 1000;
    let spread = longest * SPREAD_PERCENT / 100;
    let hash = blake3::Hasher::new().update(&attempt.to_be_bytes()).update(who.as_bytes()).finalize();
    let [first, second, ..] = *hash.as_bytes();
    let share = u64::from(u16::from_be_bytes([first, second]));
    Duration::from_millis(longest - spread * share / u64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        for (attempt, longest) in [(0, 1), (1, 2), (4, 16), (8, 256), (9, 300), (63, 300), (64, 300), (u32::MAX, 300)] {
            let pause = backoff(attempt, "701984").as_millis();
            assert!(pause <= longest * 1000 && pause >= longest * 750, "{attempt}: {pause} ms");
        }
    }

    #[test]
    fn people_who_failed_together_do_not_return_together() {
        assert_eq!(backoff(5, "701984"), backoff(5, "701984"));
        assert_ne!(backoff(5, "701984"), backoff(5, "701985"));
    }
}
