//! A person of the demo, explained as `muster explain` does.

use crate::app::{ActiveJob, App};
use crate::cli::explain::{Detail, print_person};
use crate::cli::screen::say;
use crate::decide::trace;

/// Says where a person is, and why.
pub(super) fn explain(app: &App, job: &ActiveJob, anchor: &str, who: &str, detail: Detail) -> anyhow::Result<()> {
    say(format!("\n--- {anchor}: {who}"));
    match app.store.person(&job.state, anchor)? {
        Some(person) => {
            let traced = trace(&job.core, &person.stored.person, &person.stored.links);
            print_person(&person, Some(&traced), app.clock.now(), detail);
        }
        None => say("nobody of that name was ever accepted: the rows contradict each other and were not sent"),
    }
    Ok(())
}
