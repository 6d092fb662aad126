//! How much a search may cost: counted before it is done, by what it costs at worst, as no clock is read.

use super::SearchError;
use super::translate::quantifier_numbers;

/// Steps back times bytes of text, which is about a nanosecond at worst: a tenth of a second for all searches together.
const EFFORT_MAX: u64 = 100_000_000;
/// What begins a search costs as much as so many bytes.
const BEGINNING_BYTES: u64 = 32;
/// Up to so many states, text is gone through at about a byte in a nanosecond.
const STATES_FEW: u64 = 16;
/// What each state may cost for a byte of text, where there are more.
const STATE_EFFORT: u64 = 30;
/// So many states cost as much as a step back.
const STATES_PER_STEP: u64 = 64;

/// What is left for searches that belong together: those of one expression, for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    left: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { left: EFFORT_MAX }
    }
}

impl Effort {
    /// For a search through so many bytes, in linear time, by a pattern of so many states.
    pub(super) fn spend_through(&mut self, bytes: usize, states: u64) -> Result<(), SearchError> {
        let per_byte = if states <= STATES_FEW { 1 } else { states.saturating_mul(STATE_EFFORT) };
        self.spend(reach(bytes).saturating_mul(per_byte))
    }

    /// For a search that may go back so many steps.
    pub(super) fn spend_back(&mut self, bytes: usize, states: u64, steps: usize) -> Result<(), SearchError> {
        let per_step = 1 + states / STATES_PER_STEP;
        self.spend(reach(bytes).saturating_mul(per_step).saturating_mul(steps as u64))
    }

    fn spend(&mut self, effort: u64) -> Result<(), SearchError> {
        self.left = self.left.checked_sub(effort).ok_or(SearchError::Steps)?;
        Ok(())
    }
}

fn reach(bytes: usize) -> u64 {
    BEGINNING_BYTES + bytes as u64
}

/// About how many states a pattern has: its signs, each as often as it is counted out. Rather more than fewer.
pub(super) fn states(pattern: &str) -> u64 {
    let mut outside = Vec::new();
    let (mut all, mut last) = (0_u64, 0_u64);
    let mut signs = pattern.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '(' => outside.push(std::mem::take(&mut all)),
            ')' => {
                last = all.max(1);
                all = outside.pop().unwrap_or(0_u64).saturating_add(last);
            }
            '{' if let Some(numbers) = quantifier_numbers(signs.as_str()) => {
                let (least, most) = numbers.split_once(',').unwrap_or((numbers, numbers));
                let times = most.parse().or_else(|_| least.parse()).unwrap_or(1_u64).max(1);
                all = all.saturating_add(last.saturating_mul(times - 1));
                last = last.saturating_mul(times);
                signs.by_ref().take(numbers.len() + 1).for_each(drop);
            }
            '*' | '+' | '?' => {}
            // May be a comment's, and stand between a thing and its quantifier.
            _ if sign.is_whitespace() => all = all.saturating_add(1),
            _ => {
                match sign {
                    '\\' => drop(signs.next()),
                    '[' => skip_class(&mut signs),
                    _ => {}
                }
                last = 1;
                all = all.saturating_add(1);
            }
        }
    }
    outside.into_iter().fold(all, u64::saturating_add)
}

/// Goes on behind the class that was opened. What another class inside it leaves over is counted on its own.
fn skip_class(signs: &mut std::str::Chars<'_>) {
    let mut is_first = true;
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => drop(signs.next()),
            ']' if !is_first => return,
            _ => {}
        }
        is_first = is_first && sign == '^';
    }
}
