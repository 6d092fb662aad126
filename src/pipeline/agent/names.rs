//! At its start an agent asks whether what its own file names is there: a misspelt name protects nobody.

use std::sync::Arc;
use std::time::Duration;

use super::Desk;
use crate::pipeline::schedule::chain;
use crate::plain::plain;

/// When a target that could not be asked is asked again. A directory that does not let the agent in counts each try, and
/// locks accounts after some within half an hour: an agent without work adds few.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(300);

/// Looks until the target has answered once, and says what it does not have. A target that is down keeps the agent from
/// nothing; one that runs once asks once.
pub(super) async fn tell_of_missing(desk: Arc<Desk>) {
    loop {
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
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}
