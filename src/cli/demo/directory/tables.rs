//! What the demo shows of the domain, as tables, and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::domain::PEOPLE;
use super::eyes::Account;
use super::stage::Sending;
use crate::cli::screen::{counted, grouped, table};
use crate::plain::plain;

/// Accounts by the number HR knows their owners by.
pub(super) type Accounts = BTreeMap<String, Account>;

/// How a sending ended, and why where it did not go through.
pub(super) fn sending(sending: &Sending) -> String {
    let mut rows = table(["operations", "outcome"]);
    for (word, count) in &sending.outcomes {
        rows.add_row([grouped(*count), (*word).to_owned()]);
    }
    let requests = counted(sending.requests, "request", "requests");
    let told = format!("   {}: {} rows; {requests}\n{}", sending.file, grouped(sending.rows), rows.trim_fmt());
    if sending.reasons.is_empty() {
        return told;
    }
    let mut rows = table(["operations", "ended", "why", "for example"]);
    for why in &sending.reasons {
        let row = [grouped(why.count), why.outcome.to_owned(), why.code.clone(), why.example.clone()];
        rows.add_row(row.map(|cell| plain(&cell).into_owned()));
    }
    format!("{told}\n{}", rows.trim_fmt())
}

/// What the directory holds of all accounts, counted.
pub(super) fn count(accounts: &Accounts) -> String {
    let held = Held::of(accounts);
    format!(
        "   The directory says (LDAP, asked past muster): {} below {PEOPLE};\n   {} enabled, {} disabled, {} with a \
         password that was set (pwdLastSet), {} with a manager",
        counted(held.accounts, "account", "accounts"),
        grouped(held.enabled),
        grouped(held.accounts - held.enabled),
        grouped(held.with_password),
        grouped(held.with_manager),
    )
}

/// Some accounts, as the directory has them.
pub(super) fn some(accounts: &Accounts, anchors: &[&str]) -> String {
    let mut rows = table(["who", "account (DN, below that container)", "state", "password", "manager (DN, likewise)"]);
    for anchor in anchors {
        let Some(account) = accounts.get(*anchor) else { continue };
        let password = if account.has_password { "set" } else { "none" };
        let manager = account.manager.as_deref().map_or("none".to_owned(), short);
        rows.add_row([
            (*anchor).to_owned(),
            short(&account.dn),
            state(account).to_owned(),
            password.to_owned(),
            manager,
        ]);
    }
    rows.trim_fmt()
}

/// What became of some accounts: what, whose, as it was, as it is.
pub(super) fn became(told: &[(&str, &str)], before: &Accounts, after: &Accounts) -> String {
    let mut rows = table(["what", "who", "before", "now, in the directory"]);
    for (what, anchor) in told {
        let shown = |accounts: &Accounts| accounts.get(*anchor).map(one).unwrap_or_default();
        rows.add_row([(*what).to_owned(), (*anchor).to_owned(), shown(before), shown(after)]);
    }
    rows.trim_fmt()
}

/// Where an account stands, and whether it is enabled.
fn one(account: &Account) -> String {
    format!("{}, {}", short(&account.dn), state(account))
}

/// A distinguished name without what all people's names end with.
fn short(dn: &str) -> String {
    plain(dn.strip_suffix(PEOPLE).map_or(dn, |short| short.trim_end_matches(','))).into_owned()
}

fn state(account: &Account) -> &'static str {
    if account.is_enabled { "enabled" } else { "disabled" }
}

/// What the directory holds, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) accounts: u64,
    pub(super) enabled: u64,
    pub(super) with_password: u64,
    pub(super) with_manager: u64,
}

impl Held {
    pub(super) fn of(accounts: &Accounts) -> Self {
        let count = |holds: fn(&&Account) -> bool| accounts.values().filter(holds).count() as u64;
        Self {
            accounts: accounts.len() as u64,
            enabled: count(|account| account.is_enabled),
            with_password: count(|account| account.has_password),
            with_manager: count(|account| account.manager.is_some()),
        }
    }
}

/// A sending, and what the directory held after it.
pub(super) fn json(sending: &Sending, held: Held) -> Json {
    let outcomes: serde_json::Map<_, _> =
        sending.outcomes.iter().map(|(word, count)| ((*word).to_owned(), json!(count))).collect();
    json!({
        "file": sending.file,
        "rows": sending.rows,
        "outcomes": outcomes,
        "reasons": sending.reasons.iter().map(|why| json!({
            "outcome": why.outcome, "code": why.code, "operations": why.count, "example": why.example,
        })).collect::<Vec<_>>(),
        "waits": sending.waits.iter().map(|wait| json!({
            "code": wait.why, "count": wait.count, "until": wait.first.to_string(),
        })).collect::<Vec<_>>(),
        "directory": {
            "accounts": held.accounts,
            "enabled": held.enabled,
            "withPassword": held.with_password,
            "withManager": held.with_manager,
        },
    })
}
