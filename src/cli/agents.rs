//! `muster agents`: who has asked for work, and when last.

use std::process::ExitCode;

use serde_json::json;

use super::Globals;
use super::jobs::open_store;
use super::screen::{say, say_json, table};
use crate::clock::{Clock as _, SystemClock};
use crate::plain::plain;
use crate::store::{Access, AgentState};

/// Tell which agents have asked for work: what they are, where, and when they asked last.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let agents = open_store(&globals.data, Access::Beside)?.agents()?;
    let now = SystemClock.now();
    if globals.json {
        say_json(&agents.iter().map(|state| agent_json(state, state.is_here(now))).collect());
    } else if agents.is_empty() {
        say("no agent has ever asked for work; `muster agent --help` says how one is started");
    } else {
        let mut rows = table(["agent", "target", "asked last", "", "holds", "version", "from", "client"]);
        for state in &agents {
            let agent = &state.agent;
            rows.add_row([
                plain(if agent.name.is_empty() { "(not told)" } else { &agent.name }).into_owned(),
                agent.target.to_string(),
                state.seen_at.to_string(),
                if state.is_here(now) { "here" } else { "away" }.to_owned(),
                state.holds.to_string(),
                plain(&agent.version).into_owned(),
                agent.address.clone(),
                state.client_name.clone().unwrap_or_else(|| agent.client.clone()),
            ]);
        }
        say(rows.trim_fmt());
    }
    Ok(ExitCode::SUCCESS)
}

fn agent_json(state: &AgentState, is_here: bool) -> serde_json::Value {
    json!({
        "name": state.agent.name,
        "version": state.agent.version,
        "target": state.agent.target.as_str(),
        "kind": state.agent.kind,
        "fits": state.agent.fits,
        "clientId": state.agent.client,
        "clientName": state.client_name,
        "address": state.agent.address,
        "firstSeenAt": state.first_seen_at.to_string(),
        "lastSeenAt": state.seen_at.to_string(),
        "isHere": is_here,
        "holds": state.holds,
    })
}
