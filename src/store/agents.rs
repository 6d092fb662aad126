//! The agents that have asked for work: when last, from where, and as what. Shown to people; nothing is decided by it.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{Store, StoreError};
use crate::model::{TargetId, Timestamp};

/// How long after its last question an agent still counts as there. It asks at least twice a minute while it lives.
pub const AGENT_AWAY_AFTER: Duration = Duration::from_secs(120);
/// How often a question is written down: each would be a write to the disk, and people look at minutes.
const SEEN_EVERY: Duration = Duration::from_secs(10);
/// Rows (agent and target) of one client that are kept, the newest: an agent in a container has another name each time
/// it is started.
const ROWS_PER_CLIENT_MAX: u32 = 200;
/// Characters of a name or version that are kept.
const WORD_CHARACTERS_MAX: usize = 64;

/// An agent, as it was when it last asked for work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSeen {
    /// The client it is here, by id.
    pub client: String,
    /// What it calls itself: its machine's name, or what its file says; empty for one of before this was told.
    pub name: String,
    /// The version of muster it is; empty as the name is.
    pub version: String,
    /// The target it asked for work of.
    pub target: TargetId,
    /// The address it asked from.
    pub address: String,
    /// Of which kind the target is by its own file; empty for one of before this was told.
    pub kind: String,
    /// Whether the target is of that kind for any job: it is given no work otherwise.
    pub fits: bool,
}

/// An agent that has asked for work of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentState {
    /// Who it is, and of which target.
    pub agent: AgentSeen,
    /// The client's name; `None` where the client is not known any more.
    pub client_name: Option<String>,
    /// When it first asked.
    pub first_seen_at: Timestamp,
    /// When it last asked, to within ten seconds.
    pub seen_at: Timestamp,
    /// How many pieces of the target's work its client holds now.
    pub holds: u64,
}

impl AgentState {
    /// Whether it still counts as there.
    pub fn is_here(&self, now: Timestamp) -> bool {
        is_here(self.seen_at, now)
    }
}

/// Whether an agent that last asked at `seen_at` still counts as there.
pub fn is_here(seen_at: Timestamp, now: Timestamp) -> bool {
    now.since(seen_at) <= AGENT_AWAY_AFTER
}

impl Store {
    /// Writes down that an agent has asked for work, unless that stands there already.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn agent_asked(&self, agent: &AgentSeen, now: Timestamp) -> Result<(), StoreError> {
        let (name, version, kind) = (short(&agent.name), short(&agent.version), short(&agent.kind));
        let target = agent.target.as_str();
        let lately = now.minus(SEEN_EVERY);
        let stands_there = self.read(|on| {
            let mut statement = on.prepare_cached(
                "SELECT 1 FROM agent WHERE client = ?1 AND name = ?2 AND target = ?3 AND version = ?4 AND address = ?5
                 AND kind = ?6 AND fits = ?7 AND seen_at > ?8 AND seen_at <= ?9",
            )?;
            let fresh = params![agent.client, name, target, version, agent.address, kind, agent.fits, lately.0, now.0];
            Ok(statement.query_row(fresh, |_| Ok(())).optional()?.is_some())
        })?;
        if stands_there {
            return Ok(());
        }
        self.write(|on| {
            on.prepare_cached(
                "INSERT INTO agent (client, name, target, version, address, kind, fits, first_seen_at, seen_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (client, name, target) DO UPDATE SET
                   version = ?4, address = ?5, kind = ?6, fits = ?7, seen_at = ?8",
            )?
            .execute(params![
                agent.client,
                name,
                target,
                version,
                agent.address,
                kind,
                agent.fits,
                now.0
            ])?;
            on.prepare_cached(
                "DELETE FROM agent WHERE client = ?1 AND seen_at < (SELECT min(seen_at) FROM
                   (SELECT seen_at FROM agent WHERE client = ?1 ORDER BY seen_at DESC LIMIT ?2))",
            )?
            .execute(params![agent.client, ROWS_PER_CLIENT_MAX])?;
            Ok(())
        })
    }

    /// The agents that have asked for work, one row for each target of each, by name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn agents(&self) -> Result<Vec<AgentState>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare_cached(
                "SELECT agent.client, agent.name, agent.version, agent.target, address, first_seen_at, seen_at,
                   client.name, (SELECT count(*) FROM link JOIN target ON target.id = link.target
                     WHERE link.lease IS NOT NULL AND link.holder = agent.client AND target.name = agent.target),
                   agent.kind, agent.fits
                 FROM agent LEFT JOIN client ON client.id = agent.client ORDER BY agent.name, agent.client, agent.target",
            )?;
            let agents = statement.query_map([], state)?;
            Ok(agents.collect::<Result<_, _>>()?)
        })
    }
}

fn state(row: &Row<'_>) -> rusqlite::Result<AgentState> {
    let target: String = row.get(3)?;
    Ok(AgentState {
        agent: AgentSeen {
            client: row.get(0)?,
            name: row.get(1)?,
            version: row.get(2)?,
            target: TargetId::new(&target),
            address: row.get(4)?,
            kind: row.get(9)?,
            fits: row.get(10)?,
        },
        first_seen_at: Timestamp(row.get(5)?),
        seen_at: Timestamp(row.get(6)?),
        client_name: row.get(7)?,
        holds: row.get(8)?,
    })
}

/// When an agent that is given work of this target last asked for it; `None` where none ever has.
pub(super) fn last_asked(on: &Transaction<'_>, target: &TargetId) -> Result<Option<Timestamp>, StoreError> {
    let last: Option<i64> = on
        .prepare_cached("SELECT max(seen_at) FROM agent WHERE target = ?1 AND fits")?
        .query_row([target.as_str()], |row| row.get(0))?;
    Ok(last.map(Timestamp))
}

fn short(word: &str) -> String {
    word.chars().take(WORD_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Access;

    fn asked(name: &str, target: &str) -> AgentSeen {
        AgentSeen {
            client: "c".to_owned(),
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            target: TargetId::new(target),
            address: "127.0.0.1".to_owned(),
            kind: "ldif".to_owned(),
            fits: true,
        }
    }

    #[test]
    fn an_agent_is_remembered_by_target_and_when_it_asked_last() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Access::Alone).unwrap();
        let at = Timestamp(1_000_000);
        let minute = Duration::from_secs(60);
        store.agent_asked(&asked("a", "hq"), at).unwrap();
        store.agent_asked(&asked("a", "paris"), at).unwrap();
        store.agent_asked(&asked("a", "hq"), at.plus(Duration::from_secs(1))).unwrap();
        store.agent_asked(&asked("a", "hq"), at.plus(minute)).unwrap();
        let told: Vec<_> =
            store.agents().unwrap().into_iter().map(|state| (state.agent.target, state.seen_at)).collect();
        assert_eq!(told, [(TargetId::new("hq"), at.plus(minute)), (TargetId::new("paris"), at)]);
        let last = |target: &str| store.read(|on| last_asked(on, &TargetId::new(target))).unwrap();
        assert_eq!((last("hq"), last("rome")), (Some(at.plus(minute)), None));
        assert!(is_here(at, at.plus(minute)) && !is_here(at, at.plus(minute * 3)));
        let other = AgentSeen { fits: false, ..asked("b", "hq") };
        store.agent_asked(&other, at.plus(minute * 2)).unwrap();
        assert_eq!(last("hq"), Some(at.plus(minute)), "who is given no work is nobody that work waits for");
    }

    #[test]
    fn who_has_a_new_name_each_time_does_not_fill_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Access::Alone).unwrap();
        let minute = Duration::from_secs(60);
        for number in 0..ROWS_PER_CLIENT_MAX + 5 {
            store.agent_asked(&asked(&format!("agent-{number}"), "hq"), Timestamp(0).plus(minute * number)).unwrap();
        }
        assert_eq!(store.agents().unwrap().len(), ROWS_PER_CLIENT_MAX as usize);
    }
}
