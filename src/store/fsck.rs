//! *fsck*: whether the store is as it must be. Every test that has a store ends with it.

use rusqlite::Transaction;

use super::codec;
use super::names::Names;
use super::{Store, StoreError};

/// Something in the store that must not be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What must be so.
    pub rule: &'static str,
    /// Where it is not: the first few.
    pub examples: Vec<String>,
}

/// Examples shown of one fault.
const EXAMPLES_MAX: usize = 5;

/// What must hold, and the query that lists where it does not.
const RULES: &[(&str, &str)] = &[
    (
        "the installation has one key, of 32 bytes",
        "SELECT count(*) || ' of them' FROM installation HAVING count(*) <> 1
         UNION ALL SELECT length(key) || ' bytes' FROM installation WHERE length(key) <> 32",
    ),
    (
        "every person has one anchor, and every anchor one person",
        "SELECT 'person ' || person.id FROM person LEFT JOIN anchor ON anchor.job = person.job AND anchor.anchor = person.anchor
           WHERE anchor.person IS NOT person.id
         UNION ALL SELECT 'anchor ' || anchor.anchor FROM anchor LEFT JOIN person ON person.id = anchor.person WHERE person.id IS NULL",
    ),
    (
        "every decided operation is recorded once",
        "SELECT 'upload ' || upload.id || ': ' || upload.decided || ' decided, ' || count(operation.idx) || ' recorded'
           FROM upload LEFT JOIN operation ON operation.upload = upload.id
           GROUP BY upload.id HAVING count(operation.idx) <> upload.decided",
    ),
    (
        "an upload that is not decided has its body, and one that is has none left",
        "SELECT 'upload ' || upload.id FROM upload LEFT JOIN staged ON staged.upload = upload.id
           WHERE (upload.decided < upload.operations) <> (staged.upload IS NOT NULL)",
    ),
    (
        "an operation that has not ended has work left for its person",
        "SELECT operation.upload || '#' || operation.idx FROM operation WHERE operation.outcome = 0 AND NOT EXISTS
           (SELECT 1 FROM link WHERE link.person = operation.person AND link.due IS NOT NULL)",
    ),
    (
        "an operation knows no state that its person has not reached",
        "SELECT operation.upload || '#' || operation.idx FROM operation JOIN person ON person.id = operation.person
           WHERE operation.generation > person.generation",
    ),
    (
        "a superseded operation names a newer one of the same person",
        "SELECT o.upload || '#' || o.idx FROM operation o LEFT JOIN operation n ON n.upload = o.by_upload AND n.idx = o.by_idx
           WHERE o.outcome = 6 AND (n.person IS NOT o.person OR (n.upload, n.idx) <= (o.upload, o.idx))",
    ),
    (
        "an ended operation has said when, and held, skipped and failed ones why",
        "SELECT upload || '#' || idx FROM operation
           WHERE (outcome <> 0 AND ended_at IS NULL) OR (outcome IN (3, 4, 5) AND code IS NULL)",
    ),
    (
        "every link belongs to a person and a target",
        "SELECT 'link ' || link.id FROM link LEFT JOIN person ON person.id = link.person LEFT JOIN target ON target.id = link.target
           WHERE person.id IS NULL OR target.id IS NULL",
    ),
    (
        "no link is ahead of its person",
        "SELECT 'link ' || link.id FROM link JOIN person ON person.id = link.person
           WHERE link.generation > person.generation OR link.settled > link.generation",
    ),
    (
        "a link without work is settled",
        "SELECT 'link ' || id FROM link WHERE due IS NULL AND (lease IS NOT NULL OR (settled = generation AND outcome IS NULL))",
    ),
    (
        "who holds a lease holds it of a state, and until a time",
        "SELECT 'link ' || id FROM link
           WHERE lease IS NOT NULL AND (holder IS NULL OR ends IS NULL OR leased_generation IS NULL OR due < ends)",
    ),
    (
        "what an ended operation absorbed has ended",
        "SELECT o.upload || '#' || o.idx FROM operation o WHERE o.outcome = 0 AND EXISTS (SELECT 1 FROM operation n
           WHERE n.person = o.person AND n.generation > o.generation AND n.outcome IN (1, 2, 3, 6))",
    ),
    (
        "a linked account is known, and a known account is linked",
        "SELECT 'link ' || id FROM link WHERE part = 0 AND (object IS NULL) <> (known IS NULL)",
    ),
    (
        "who waits for a manager's account waits where it is to be, and not yet",
        "SELECT 'link ' || waits.id FROM link waits JOIN person ON person.id = waits.person
           JOIN anchor ON anchor.job = person.job AND anchor.anchor = waits.manager
           JOIN person manager ON manager.id = anchor.person
           WHERE waits.part = 1 AND waits.code = 'manager_pending' AND waits.due IS NULL
             AND ((person.placed = waits.target AND manager.placed > 0 AND manager.placed <> waits.target)
               OR EXISTS (SELECT 1 FROM link there WHERE there.person = manager.id AND there.target = waits.target
                 AND there.part = 0 AND there.object IS NOT NULL))",
    ),
    (
        "a membership names its group, and nothing else does",
        "SELECT 'link ' || id FROM link WHERE (part >= 2) <> (member_of IS NOT NULL)",
    ),
    (
        "what is known of a membership is known of an account that is linked",
        "SELECT 'link ' || m.id FROM link m WHERE m.added IS NOT NULL AND (m.part < 2 OR NOT EXISTS (SELECT 1 FROM link a
           WHERE a.person = m.person AND a.target = m.target AND a.part = 0 AND a.object IS NOT NULL))",
    ),
    (
        "a name that is offered or taken is one person's who is there",
        "SELECT namespace || ' ' || value FROM reservation LEFT JOIN person ON person.id = reservation.person WHERE person.id IS NULL",
    ),
    (
        "a name is offered to a piece of work of its person's that is under way, or may have taken it",
        "SELECT namespace || ' ' || value FROM reservation LEFT JOIN link ON link.id = reservation.link
           WHERE reservation.link IS NOT NULL AND (link.person IS NOT reservation.person OR link.part <> 0 OR (link.lease IS NULL AND NOT link.look))",
    ),
    (
        "a target counts the people who are there",
        "SELECT target.name || ': ' || target.people || ' counted, ' || count(link.id) || ' linked' FROM target
           LEFT JOIN link ON link.target = target.id AND link.object IS NOT NULL
           GROUP BY target.id HAVING count(link.id) <> target.people",
    ),
];

impl Store {
    /// Looks at everything. No faults means the store is as it must be.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be read.
    pub fn fsck(&self) -> Result<Vec<Fault>, StoreError> {
        self.read(|on| {
            let mut faults = Vec::new();
            let mut statement = on.prepare("PRAGMA integrity_check(5)")?;
            let found = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            if found != ["ok"] {
                faults.push(Fault { rule: "the file is a sound SQLite database", examples: found });
            }
            for (rule, query) in RULES {
                let examples = listed(on, query)?;
                if !examples.is_empty() {
                    faults.push(Fault { rule, examples });
                }
            }
            let examples = unreadable(on)?;
            if !examples.is_empty() {
                faults.push(Fault { rule: "every stored payload can be read", examples });
            }
            Ok(faults)
        })
    }
}

fn listed(on: &Transaction<'_>, query: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = on.prepare(&format!("SELECT * FROM ({query}) LIMIT {EXAMPLES_MAX}"))?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn unreadable(on: &Transaction<'_>) -> Result<Vec<String>, StoreError> {
    let names = Names::read(on)?;
    let mut faults = Vec::new();
    let mut people = on.prepare("SELECT id, attributes FROM person")?;
    let mut rows = people.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = codec::decode_person(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?, &names) {
            faults.push(format!("person {}: {error}", row.get::<_, i64>(0)?));
        }
    }
    let mut known = on.prepare("SELECT id, object, known FROM link WHERE object IS NOT NULL AND known IS NOT NULL")?;
    let mut rows = known.query([])?;
    while let Some(row) = rows.next()? {
        let object: String = row.get(1)?;
        if let Err(error) =
            codec::decode_known(&object, row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?, &names)
        {
            faults.push(format!("link {}: {error}", row.get::<_, i64>(0)?));
        }
    }
    let mut changes = on.prepare("SELECT id, change FROM journal WHERE change IS NOT NULL")?;
    let mut rows = changes.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = codec::decode_change(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?, &names) {
            faults.push(format!("journal {}: {error}", row.get::<_, i64>(0)?));
        }
    }
    faults.truncate(EXAMPLES_MAX);
    Ok(faults)
}
