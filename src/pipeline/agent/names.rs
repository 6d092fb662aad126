//! At its start an agent asks whether what its own file names is there: a misspelt name protects nobody.

use std::sync::Arc;

use super::Desk;
use crate::pipeline::backoff::backoff;
use crate::pipeline::schedule::chain;
use crate::plain::plain;

/// Looks until the target has answered once, and says what it does not have. A target that is down keeps the agent from
/// nothing; one that runs once asks once.
pub(super) async fn tell_of_missing(desk: Arc<Desk>) {
    for attempt in 0_u32.. {
        match desk.carrier.writer.missing().await {
            Ok(missing) => {
                for missing in missing {
                    tracing::error!(target_id = %desk.target, cause = %plain(&missing.to_string()),
                        "the agent's file names what is not there; `muster check --agent FILE --look` looks again");
                }
                return;
            }
            Err(error) => tracing::warn!(target_id = %desk.target, cause = %chain(&error),
                "whether all that the agent's file names is there cannot be asked yet"),
        }
        if desk.agent.settings.once {
            return;
        }
        tokio::time::sleep(backoff(attempt, "names")).await;
    }
}
