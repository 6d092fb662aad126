//! The heart of the house without its doors: a store in a folder of its own, directories that are simulated, a clock
//! moved by hand, and verbs. When it is dropped, nothing may be wrong in its store, and no work left.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use muster::app::{ActiveJob, ActiveTarget, App, Hands, LeaseTimes};
use muster::clock::Clock as _;
use muster::config::{self, SourceMeant};
use muster::model::{
    Anchor, Attributes, Carried, LeaseId, Name, Outcome, Record, Statement, TargetId, Timestamp, UploadId, Value,
    WorkItem, WorkerId,
};
use muster::pipeline::carry::carry;
use muster::pipeline::deliver;
use muster::pipeline::import::{ImportError, Imported, import};
use muster::pipeline::ingest::{BulkUpload, IngestLimits, ingest};
use muster::scim::{bulk_request, parse_path};
use muster::source::CsvSettings;
use muster::store::{Access, PersonState, Released, Settled, Store};
use muster::writer::simulated::{SimulatedAccount, SimulatedWriter};
use muster::writer::{Cause, WriteError};
use tempfile::TempDir;

use super::practice::HandClock;
use super::witness::{Witness, Wrote};

/// Employees live in the cloud, contractors on the premises, the board nowhere; of others no rule speaks.
pub(crate) const JOB: &str = r#"
name = "hr"
source = { kind = "api", flow_null = ["title", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"] }

[scope]
filter = 'not (userType eq "Alumni")'

[policy]
out_of_scope = "hold"
nowhere = "hold"
placement_change = "hold"

[[rule]]
id = "contractors"
when = 'userType eq "Contractor"'
place = "on-premises"
container = 'Switch([title], "OU=Guests,DC=contoso", "Boss", "OU=Bosses,DC=contoso")'

[[rule]]
id = "employees"
when = 'userType eq "Employee"'
place = "cloud"

[[rule]]
id = "board"
when = 'userType eq "Board"'
place = "nowhere"

[target.cloud]
kind = "graph"
tenant = "contoso.example"
client_id = "c"
client_secret = { env = "NO_SUCH_SECRET" }
map = [
  { to = "employeeId", direct = "externalId", match = 1 },
  { to = "userPrincipalName", expression = 'Append([userName], "@contoso.example")', match = 2 },
  { to = "mailNickname", direct = "userName", apply = "create" },
  { to = "displayName", direct = "displayName" },
  { to = "jobTitle", direct = "title", flow_null = true },
  { to = "usageLocation", direct = "preferredLanguage", flow_null = true },
  { to = "accountEnabled", direct = "active" },
  { to = "manager", direct = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", flow_null = true },
]

[target.hq]
kind = "ldif"
folder = "."
map = [
  { to = "employeeID", direct = "externalId", match = 1 },
  { to = "cn", expression = 'Join(" ", [displayName], [externalId])' },
  { to = "sAMAccountName", direct = "userName" },
  { to = "displayName", direct = "displayName" },
  { to = "accountEnabled", direct = "active" },
  { to = "manager", direct = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", flow_null = true },
]
"#;

/// Where a person's manager is stated.
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";

/// Who carries, in tests that do it by hand.
const WORKER: &str = "server";

/// Longest the clock is moved to the next thing that is due, while settling: more is a wait for something that
/// will not come by itself.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// Rounds of deciding and delivering after which it is plain that it never ends.
const ROUNDS_MAX: usize = 10_000;

/// The heart of a house.
pub(crate) struct Hearth {
    pub(crate) clock: Arc<HandClock>,
    directories: BTreeMap<&'static str, Arc<Witness>>,
    jobs: Vec<String>,
    app: Option<App>,
    folder: TempDir,
}

impl Hearth {
    /// With the job [`JOB`].
    pub(crate) fn open() -> Self {
        Self::with(&[JOB])
    }

    /// With [`JOB`], changed so: each pair is what is there, and what stands in its place.
    pub(crate) fn changed(changes: &[(&str, &str)]) -> Self {
        Self::with(&[&changed(changes)])
    }

    /// With these jobs. Targets of one name are one directory.
    pub(crate) fn with(jobs: &[&str]) -> Self {
        let clock = HandClock::new();
        let directories =
            ["cloud", "hq", "chat"].map(|name| (name, Arc::new(Witness::new(SimulatedWriter::new(), clock.clone()))));
        let mut house = Self {
            clock,
            directories: directories.into_iter().collect(),
            jobs: jobs.iter().map(ToString::to_string).collect(),
            app: None,
            folder: TempDir::new().unwrap(),
        };
        house.restart();
        house
    }

    /// Ends the process at once, and starts another: what was not on the disk is gone. Directories stay.
    pub(crate) fn restart(&mut self) {
        // The lock of the folder goes with the store.
        self.app = None;
        let store = Arc::new(Store::open(self.folder.path(), Access::Alone).unwrap());
        let mut app = App::new(store, self.clock.clone(), LeaseTimes::default());
        for text in &self.jobs {
            let job = config::check_text("job.toml", text).unwrap_or_else(|report| panic!("{}", report.render(false)));
            let targets = job.job.targets.iter().map(|target| ActiveTarget {
                id: target.id.clone(),
                directory: target.id.to_string(),
                hands: Hands::Embedded(self.directories[target.id.as_str()].clone()),
            });
            let targets = targets.collect();
            app.join(job.job, text.as_bytes(), targets).unwrap();
        }
        self.app = Some(app);
    }

    /// Starts anew with another job file.
    pub(crate) fn restart_with(&mut self, job: &str) {
        self.jobs[0] = job.to_owned();
        self.restart();
    }

    pub(crate) fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.app().store
    }

    pub(crate) fn job(&self) -> &Arc<ActiveJob> {
        &self.app().jobs[0]
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The folder it lives in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn witness(&self, directory: &str) -> &Arc<Witness> {
        &self.directories[directory]
    }

    /// The simulated directory itself.
    pub(crate) fn directory(&self, directory: &str) -> &SimulatedWriter {
        &self.directories[directory].inner
    }

    /// Accepts an upload; nothing is decided yet.
    pub(crate) fn upload(&self, statements: &[Statement]) -> UploadId {
        self.upload_to(0, statements)
    }

    /// The same for one of several jobs.
    pub(crate) fn upload_to(&self, job: usize, statements: &[Statement]) -> UploadId {
        let body = bulk_request(statements.iter().map(|statement| (statement, "b")).collect::<Vec<_>>());
        self.ingest(job, &body)
    }

    /// Accepts a body as it is.
    pub(crate) fn ingest(&self, job: usize, body: &[u8]) -> UploadId {
        let upload = BulkUpload { client: "payroll", request_id: None, body, at: self.now() };
        let limits = IngestLimits { operations_max: 10_000, staged_operations_max: 100_000, staged_bytes_max: 1 << 30 };
        ingest(self.store(), self.app().jobs[job].state.key, &upload, &limits).unwrap().upload
    }

    /// Uploads, decides, and delivers all that can be delivered now.
    pub(crate) async fn say(&self, statements: &[Statement]) -> UploadId {
        let upload = self.upload(statements);
        self.work().await;
        upload
    }

    /// Imports a CSV for the first job.
    pub(crate) fn import(&self, path: &Path, settings: &CsvSettings) -> Result<Imported, ImportError> {
        let job = self.job();
        import(self.store(), &job.core, &job.state, (path, settings), self.now(), &mut |_| {})
    }

    /// How the first job's file reads an export, where it does.
    pub(crate) fn csv(&self) -> Option<CsvSettings> {
        match config::check_text("job.toml", &self.jobs[0]).ok()?.source {
            SourceMeant::Csv(settings) => Some(settings),
            SourceMeant::Api => None,
        }
    }

    /// Decides one upload, or some people again; whether there was anything to decide.
    pub(crate) fn decide_next(&self) -> bool {
        self.app().jobs.iter().any(|job| self.app().decider(job).decide_waiting(&|| false).unwrap())
    }

    /// Decides all that was accepted.
    pub(crate) fn decide(&self) {
        while self.decide_next() {}
    }

    /// Delivers once at every target; how many pieces of work ended.
    pub(crate) async fn deliver_once(&self) -> usize {
        let mut ended = 0;
        for job in &self.app().jobs {
            for deliverer in self.app().deliverers(job) {
                ended += deliverer.deliver_once().await.unwrap();
            }
        }
        ended
    }

    /// Decides and delivers all that is due now.
    pub(crate) async fn work(&self) {
        self.decide();
        for _ in 0..ROUNDS_MAX {
            if self.deliver_once().await == 0 {
                return;
            }
        }
        panic!("it never ends");
    }

    /// The same, and moves the clock to whatever is due later, until nothing is.
    pub(crate) async fn settle(&self) {
        for _ in 0..ROUNDS_MAX {
            self.work().await;
            let due = self.app().jobs.iter().flat_map(|job| &job.state.targets);
            let Some(due) = due.filter_map(|(_, key)| self.store().next_due(*key).unwrap()).min() else { return };
            let wait = due.since(self.now());
            assert!(wait <= PATIENCE, "the next piece of work is due only in {wait:?}");
            self.clock.pass(wait);
        }
        panic!("it never ends");
    }

    /// Leases what is due at a target, by hand.
    pub(crate) fn lease(&self, target: &str) -> Vec<WorkItem> {
        self.lease_some(target, 16)
    }

    /// The same, but no more than so many.
    pub(crate) fn lease_some(&self, target: &str, count: usize) -> Vec<WorkItem> {
        let (app, job) = (self.app(), self.job());
        let settings = app.lease_settings(count);
        let (target, worker) = (TargetId::new(target), WorkerId::new(WORKER));
        deliver::lease(&app.store, &job.core, &job.state, &target, &worker, &settings, self.now()).unwrap().items
    }

    /// Carries a leased item, and reports nothing yet.
    pub(crate) async fn carry(&self, item: &WorkItem) -> Carried {
        carry(self.directories[item.target.as_str()].as_ref(), item, self.clock.as_ref()).await
    }

    /// Reports what was carried.
    pub(crate) fn report(&self, lease: &LeaseId, carried: Carried) -> Settled {
        let job = self.job();
        self.store().settle(&job.state, &WorkerId::new(WORKER), lease, carried, self.now()).unwrap()
    }

    /// Lets what is held go.
    pub(crate) fn release(&self, anchor: Option<&str>) -> Released {
        self.store().release(&self.job().state, None, anchor, self.now()).unwrap()
    }

    /// How the operations of an upload ended: `applied`, `held manager_pending`, `superseded by 3#0`, `pending`.
    pub(crate) fn outcomes(&self, upload: UploadId) -> Vec<String> {
        let operations = self.store().operations(upload, 0, 100_000).unwrap();
        operations.iter().map(|operation| operation.outcome.as_ref().map_or("pending".to_owned(), words)).collect()
    }

    /// How the only operation of an upload ended.
    pub(crate) fn outcome(&self, upload: UploadId) -> String {
        let mut outcomes = self.outcomes(upload);
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        outcomes.remove(0)
    }

    /// The accounts of a person in a directory, by the anchor it holds.
    pub(crate) fn accounts(&self, directory: &str, anchor: &str) -> Vec<SimulatedAccount> {
        let is_theirs = |account: &SimulatedAccount| anchor_of(account).is_some_and(|held| held == anchor);
        self.directory(directory).accounts().into_iter().filter(is_theirs).collect()
    }

    /// The only account of a person in a directory.
    pub(crate) fn account(&self, directory: &str, anchor: &str) -> SimulatedAccount {
        let mut accounts = self.accounts(directory, anchor);
        assert_eq!(accounts.len(), 1, "{anchor} at {directory}: {accounts:?}");
        accounts.remove(0)
    }

    /// One attribute of it, as text.
    pub(crate) fn holds(&self, directory: &str, anchor: &str, attribute: &str) -> String {
        match self.account(directory, anchor).attributes.get(attribute) {
            None => "nothing".to_owned(),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Boolean(truth)) => truth.to_string(),
            Some(other) => format!("{other:?}"),
        }
    }

    /// Whom the account reports to, by the anchor of that account.
    pub(crate) fn manager(&self, directory: &str, anchor: &str) -> Option<String> {
        let manager = self.account(directory, anchor).manager?;
        let accounts = self.directory(directory).accounts();
        let account = accounts.iter().find(|account| account.object == manager);
        Some(account.map_or("gone", |account| anchor_of(account).unwrap()).to_owned())
    }

    /// All there is to say about a person.
    pub(crate) fn person(&self, anchor: &str) -> PersonState {
        self.store().person(&self.job().state, anchor).unwrap().unwrap()
    }

    /// What was written in a directory, in order.
    pub(crate) fn written(&self, directory: &str) -> Vec<Wrote> {
        self.directories[directory].written()
    }

    /// What is wrong in the store, and work that is left where none may be.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<_> = self.store().fsck().unwrap().iter().map(|fault| format!("{fault:?}")).collect();
        let backlog = self.store().backlog().unwrap();
        if backlog.operations > 0 {
            faults.push(format!("not decided: {backlog:?}"));
        }
        for job in &self.app().jobs {
            for (id, key) in &job.state.targets {
                let waiting = self.store().target_state(id, *key).unwrap().waiting;
                if waiting > 0 {
                    faults.push(format!("{waiting} pieces of work left at {id}"));
                }
            }
        }
        faults
    }

    /// What `explain` would tell, for a test that fails.
    pub(crate) fn tell(&self, anchor: &str) -> String {
        let person = self.person(anchor);
        let mut told = format!("{anchor}: {:?} by {:?}, {:?}\n", person.standing, person.rule, person.stored.person);
        for link in &person.links {
            let _ = writeln!(told, "  {link:?}");
        }
        for operation in &person.operations {
            let _ = writeln!(told, "  {} generation {:?}: {:?}", operation.id, operation.generation, operation.outcome);
        }
        for entry in person.history.iter().rev() {
            let part = entry.part.word();
            let change = entry.change.as_ref().map(|change| change.kind.word());
            let (outcome, why) = (entry.outcome.as_ref().map(words), &entry.why);
            let _ = writeln!(
                told,
                "  {} {} {part} {:?} {change:?} {outcome:?} {why:?}",
                entry.at, entry.target, entry.generation
            );
        }
        told
    }
}

impl Drop for Hearth {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.faults(), Vec::<String>::new());
        }
    }
}

/// What an account holds of the source's identifier: apps call it by SCIM's name.
pub(crate) fn anchor_of(account: &SimulatedAccount) -> Option<&str> {
    let held = ["employeeId", "externalId"].into_iter().find_map(|name| account.attributes.get(name))?;
    held.as_text()
}

/// An outcome in a few words.
pub(crate) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Superseded { by } => format!("superseded by {by}"),
        outcome => match outcome.reason() {
            Some(reason) => format!("{} {}", outcome.word(), reason.code),
            None => outcome.word().to_owned(),
        },
    }
}

/// [`JOB`] with these texts in place of those.
pub(crate) fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(JOB.to_owned(), |job, (from, to)| {
        assert!(job.contains(from), "the job has no `{from}`");
        job.replace(from, to)
    })
}

/// A statement that says these things of a person; `null` says that there is nothing.
pub(crate) fn says(anchor: &str, values: &[(&str, &str)]) -> Statement {
    let mut attributes = Attributes::new();
    for (path, value) in values {
        let path = if *path == "manager" { MANAGER } else { path };
        let value = match *value {
            "null" => Value::Null,
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            text => Value::text(text),
        };
        parse_path(path).unwrap().set(&mut attributes, value);
    }
    Statement::Upsert(Record { anchor: Anchor::parse(anchor).unwrap(), attributes })
}

/// Somebody at work: an employee, or whatever `user_type` says.
pub(crate) fn person(anchor: &str, user_type: &str, more: &[(&str, &str)]) -> Statement {
    let user_name = format!("u{anchor}");
    let name = format!("Person {anchor}");
    let mut values = vec![
        ("userName", user_name.as_str()),
        ("displayName", name.as_str()),
        ("userType", user_type),
        ("active", "true"),
        ("title", "Clerk"),
    ];
    values.retain(|(path, _)| !more.iter().any(|(other, _)| other == path));
    values.extend(more);
    says(anchor, &values)
}

/// An employee.
pub(crate) fn employee(anchor: &str) -> Statement {
    person(anchor, "Employee", &[])
}

/// The source has deleted the person.
pub(crate) fn gone(anchor: &str) -> Statement {
    Statement::Delete(Anchor::parse(anchor).unwrap())
}

/// The target asks for patience.
pub(crate) fn later(seconds: u64) -> WriteError {
    WriteError::Later { after: Some(Duration::from_secs(seconds)), cause: Cause("busy".to_owned()) }
}

/// The target's answer was lost.
pub(crate) fn unknown() -> WriteError {
    WriteError::Unknown { cause: Cause("no answer".to_owned()) }
}

/// The target refuses.
pub(crate) fn refused() -> WriteError {
    WriteError::Refused { code: "refused".to_owned(), cause: Cause("it will not".to_owned()) }
}

/// Somebody else has that name, which looked free.
pub(crate) fn taken(attribute: &str) -> WriteError {
    WriteError::Taken { attribute: Name::new(attribute), holder: None, cause: Cause("somebody has it".to_owned()) }
}
