//! What a change damages, told from the change itself: also where it locks somebody out by other means than the switch.

use std::time::Duration;

use crate::model::{ACCOUNT_ENABLED, Attributes, Change, ChangeKind, Damage, Name, PARENT, Timestamp, Value};
use crate::reconcile::damages;

/// Attributes that lock somebody out, whatever they are set to: raw switches and hours (Active Directory, OpenLDAP's
/// password policy, 389 Directory Server, POSIX). Emptied, they let in.
const LOCKS: [&str; 11] = [
    "userAccountControl",
    "logonHours",
    "userWorkstations",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
    "nsAccountLock",
    "loginDisabled",
    "shadowExpire",
    "krbPrincipalExpiration",
    "lockoutTime",
];
/// Attributes by which an account ends at a moment: it locks out when that has passed.
const ENDS: &str = "accountExpires";
/// An end so near counts as if it had come: nobody would stop what a minute's delay hides.
const ENDS_SOON: Duration = Duration::from_secs(24 * 60 * 60);
/// What Active Directory takes for "never", besides 0.
const NEVER: i64 = i64::MAX;
/// 100 nanoseconds from 1601, as `accountExpires` counts, to milliseconds from 1970.
const FILETIME_EPOCH: i64 = 116_444_736_000_000_000;
const FILETIME_PER_MILLISECOND: i64 = 10_000;

/// What carrying `change` at `now` would damage, each once.
pub(super) fn damages_of(change: &Change, now: Timestamp) -> Vec<Damage> {
    let mut all: Vec<Damage> = damages(change).collect();
    let is_old = !matches!(change.kind, ChangeKind::Create | ChangeKind::Restore | ChangeKind::Delete);
    if is_old && !all.contains(&Damage::Disable) && locks_otherwise(&change.set, now) {
        all.push(Damage::Disable);
    }
    let names_a_container = change.set.get(PARENT).is_some_and(|value| !value.is_empty());
    if is_old && !all.contains(&Damage::Move) && names_a_container {
        all.push(Damage::Move);
    }
    all
}

fn locks_otherwise(set: &Attributes, now: Timestamp) -> bool {
    let is = |name: &Name, word: &str| name.as_str().eq_ignore_ascii_case(word);
    set.iter().any(|(name, value)| match value {
        Value::Null => false,
        value if is(name, ENDS) => has_ended(value, now.plus(ENDS_SOON)),
        // A word for it locks as well as the truth value, of which `damages` knows.
        Value::Text(word) if is(name, ACCOUNT_ENABLED) => !word.is_empty() && !word.eq_ignore_ascii_case("true"),
        // By its object identifier, or with options, it may be any of them.
        _ if name.as_str().contains(['.', ';']) => true,
        _ => LOCKS.iter().any(|lock| is(name, lock)),
    })
}

/// Whether an account with this end has ended by `now`. What cannot be read counts as if it had.
fn has_ended(value: &Value, now: Timestamp) -> bool {
    let ticks = match value {
        Value::Integer(ticks) => Some(*ticks),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    match (ticks, value) {
        (Some(0 | NEVER), _) => false,
        (Some(ticks), _) => (ticks.saturating_sub(FILETIME_EPOCH)) / FILETIME_PER_MILLISECOND <= now.0,
        (None, Value::Text(text)) => match text.trim().parse::<jiff::Timestamp>() {
            Ok(moment) => moment.as_millisecond() <= now.0,
            // A day without an hour: ended when it is over, by any of the world's clocks.
            Err(_) => text.trim().parse::<jiff::civil::Date>().is_ok_and(|day| !is_ahead(day, now)) || !is_date(text),
        },
        (None, _) => true,
    }
}

fn is_date(text: &str) -> bool {
    text.trim().parse::<jiff::civil::Date>().is_ok()
}

fn is_ahead(day: jiff::civil::Date, now: Timestamp) -> bool {
    day.to_zoned(jiff::tz::TimeZone::UTC).is_ok_and(|begins| begins.timestamp().as_millisecond() > now.0)
}
