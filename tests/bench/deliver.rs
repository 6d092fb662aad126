//! Work leased, carried and settled: the store's and our own part of delivery, beside a directory that answers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use muster::app::{ActiveTarget, App, Hands, LeaseTimes};
use muster::clock::{Clock as _, SystemClock};
use muster::config;
use muster::model::{Anchor, Attributes, Change, Found, Known, ObjectId, Record, Statement, TargetId, Value};
use muster::pipeline::deliver::OnError;
use muster::pipeline::ingest::{BulkUpload, IngestLimits, ingest};
use muster::pipeline::schedule::Shutdown;
use muster::scim::{bulk_request, parse_path};
use muster::store::{Access, Store};
use muster::writer::{Errand, Group, Membership, Search, WriteError, Writer};
use rusqlite::Connection;

use crate::figure::{Figure, grouped};

const PEOPLE: usize = 50_000;
/// Operations in one upload.
const UPLOAD: usize = 5_000;

/// Everybody lives in the cloud, with the attributes that most jobs have.
const JOB: &str = r#"
name = "bench"
source.kind = "api"

[[rule]]
id = "everybody"
when = 'userName pr'
place = "cloud"

[target.cloud]
kind = "graph"
tenant = "contoso.example"
client_id = "c"
client_secret = { env = "NO_SUCH_SECRET" }
map = [
  { to = "employeeId", direct = "externalId", match = 1 },
  { to = "userPrincipalName", expression = 'Append([userName], "@contoso.example")' },
  { to = "mailNickname", direct = "userName", apply = "create" },
  { to = "displayName", expression = 'Join(" ", [name.givenName], [name.familyName])' },
  { to = "givenName", direct = "name.givenName" },
  { to = "surname", direct = "name.familyName" },
  { to = "jobTitle", direct = "title" },
  { to = "department", direct = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" },
  { to = "accountEnabled", direct = "active" },
  { to = "manager", direct = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value" },
]
"#;

pub(crate) fn figures(size: u32) -> Vec<Figure> {
    let people = (PEOPLE * size as usize / 100).max(200);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let bench = Bench::new(people, false);
    let seconds = runtime.block_on(bench.deliver(Arc::new(AtOnce::default())));
    let reached = people as f64 / seconds;
    let ceiling = people as f64 / bare(people);
    vec![Figure {
        work: "deliver: leased, carried to a directory that answers at once, settled",
        reached: format!("{} people/s", grouped(reached)),
        must: "≥ 6 000 people/s",
        ceiling: format!("{} people/s (two bare rows of as many bytes, 200 people a transaction)", grouped(ceiling)),
        holds: reached >= 6_000.0,
    }]
}

/// A data folder with people who are decided on, and of whom none has an account.
pub(crate) struct Bench {
    app: App,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// With `managed`, everybody but every twentieth reports to one of those.
    pub(crate) fn new(people: usize, managed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path(), Access::Alone).unwrap());
        let mut app = App::new(store, Arc::new(SystemClock), LeaseTimes::default());
        let job = config::check_text("job.toml", JOB).expect("the job is sound").job;
        let target = TargetId::new("cloud");
        app.join(
            job,
            b"bench",
            vec![ActiveTarget { id: target, directory: "cloud".to_owned(), kind: None, hands: Hands::Agent }],
        )
        .unwrap();
        let job = &app.jobs[0];
        let numbers: Vec<_> = (0..people).collect();
        for some in numbers.chunks(UPLOAD) {
            let statements: Vec<_> = some.iter().map(|n| person(*n, managed)).collect();
            let body = bulk_request(statements.iter().map(|statement| (statement, "b")).collect::<Vec<_>>());
            let upload = BulkUpload { client: "bench", request_id: None, body: &body, at: SystemClock.now() };
            let limits =
                IngestLimits { operations_max: UPLOAD, staged_operations_max: 10_000_000, staged_bytes_max: 1 << 40 };
            ingest(&app.store, job.state.key, &upload, &limits).unwrap();
        }
        while app.decider(job).decide_waiting(&|| false).unwrap() {}
        Self { app, _folder: folder }
    }

    /// Delivers everybody; gives the seconds it took.
    pub(crate) async fn deliver(&self, writer: Arc<dyn Writer>) -> f64 {
        let job = &self.app.jobs[0];
        let (id, key) = job.state.targets[0].clone();
        let people = self.app.store.people_count(&job.state).unwrap();
        let (switch, shutdown) = Shutdown::new();
        let deliverer = self.app.deliverer(job, &id, writer);
        let running = tokio::spawn(deliverer.run(self.app.work.listen(), shutdown, OnError::Stop));
        let began = Instant::now();
        while self.app.store.next_due(key).unwrap().is_some() {
            assert!(!running.is_finished(), "it must not end by itself");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let seconds = began.elapsed().as_secs_f64();
        switch.send_replace(true);
        running.await.unwrap().unwrap();
        let work = self.app.store.target_work(key, SystemClock.now()).unwrap();
        assert_eq!((work.linked, work.held.len(), work.failed.len()), (people, 0, 0), "everybody must have an account");
        assert_eq!(self.app.store.fsck().unwrap(), [], "the store must be as it must be");
        seconds
    }
}

fn person(n: usize, managed: bool) -> Statement {
    let mut attributes = Attributes::new();
    let mut set = |path: &str, value: Value| parse_path(path).unwrap().set(&mut attributes, value);
    set("userName", Value::text(format!("user{n}")));
    set("name.givenName", Value::text(format!("Given{}", n % 977)));
    set("name.familyName", Value::text(format!("Family{}", n % 1_999)));
    set("title", Value::text("Clerk of the second class"));
    set("active", Value::Boolean(true));
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    set(&format!("{enterprise}:department"), Value::text(format!("Department {}", n % 53)));
    if managed && !n.is_multiple_of(20) {
        set(&format!("{enterprise}:manager.value"), Value::text((n - n % 20).to_string()));
    }
    Statement::Upsert(Record { anchor: Anchor::parse(&n.to_string()).unwrap(), attributes })
}

/// A directory that answers at once and keeps nothing.
#[derive(Default)]
pub(crate) struct AtOnce {
    made: AtomicU64,
}

impl AtOnce {
    /// Accounts that were made.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Writer for AtOnce {
    async fn find(&self, _: &Search) -> Result<Found, WriteError> {
        Ok(Found::Nobody)
    }

    async fn write(&self, _: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        // As random as the ids of Entra.
        let object = ObjectId::new(&format!("{:016x}", made.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        Ok(Some(Known { object, attributes: change.set.clone(), container: None, synced: false }))
    }

    async fn set_manager(&self, _: &Errand<'_>, _: &ObjectId, _: Option<&ObjectId>) -> Result<(), WriteError> {
        Ok(())
    }

    async fn set_member(&self, _: &Errand<'_>, _: &Group, _: &ObjectId, _: bool) -> Result<Membership, WriteError> {
        Ok(Membership::Changed)
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// The least that could be recorded of everybody: what is known of the account, and a line of history.
fn bare(people: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = Connection::open(folder.path().join("bare.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "synchronous", "full").unwrap();
    connection
        .execute_batch("CREATE TABLE known (id INTEGER PRIMARY KEY, said BLOB); CREATE TABLE history (id INTEGER PRIMARY KEY, said BLOB);")
        .unwrap();
    let said = [7_u8; 300];
    let began = Instant::now();
    for some in (0..people).collect::<Vec<_>>().chunks(200) {
        let transaction = connection.transaction().unwrap();
        for _ in some {
            for query in ["INSERT INTO known (said) VALUES (?1)", "INSERT INTO history (said) VALUES (?1)"] {
                transaction.prepare_cached(query).unwrap().execute([&said[..]]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    began.elapsed().as_secs_f64()
}
