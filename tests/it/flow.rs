//! A target is kept busy: work is leased while other work is carried, no more than there is room for, and whatever
//! happens everybody has exactly one account in the end.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use muster::app::{ActiveTarget, App, Hands, LeaseTimes};
use muster::clock::Clock as _;
use muster::config;
use muster::model::{Change, ChangeKind, Found, Known, ObjectId, Statement, TargetId, UploadId, Value};
use muster::pipeline::deliver::{OnError, UNDER_WAY_MAX};
use muster::pipeline::ingest::{BulkUpload, IngestLimits, ingest};
use muster::pipeline::look::Looker;
use muster::pipeline::schedule::Shutdown;
use muster::scim::bulk_request;
use muster::store::{Access, Store};
use muster::writer::simulated::SimulatedWriter;
use muster::writer::{Errand, Group, Membership, Pace, Room, Search, WriteError, Writer};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::hearth::{JOB, changed, gone, person};
use super::practice::HandClock;
use super::witness::{Weather, Witness};
use crate::people::Dice;

/// How long anything here may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// A directory that takes its time, and says how much it has room for.
struct Slow {
    inner: Arc<Witness>,
    takes: Duration,
    room: Mutex<Room>,
    pace: Option<Pace>,
    now: AtomicUsize,
    most: AtomicUsize,
    managers: AtomicUsize,
    managers_most: AtomicUsize,
    /// Anchors in the order in which their writes ended.
    order: Mutex<Vec<String>>,
}

impl Slow {
    fn new(takes: Duration) -> Self {
        Self {
            inner: Arc::new(Witness::new(SimulatedWriter::new(), HandClock::new())),
            takes,
            room: Mutex::new(Room::Open(usize::MAX)),
            pace: None,
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            managers: AtomicUsize::new(0),
            managers_most: AtomicUsize::new(0),
            order: Mutex::default(),
        }
    }

    async fn takes_time(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    fn order(&self) -> Vec<String> {
        self.order.lock().unwrap().clone()
    }
}

#[async_trait]
impl Writer for Slow {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        self.takes_time().await;
        self.inner.find(search).await
    }

    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        self.takes_time().await;
        self.order.lock().unwrap().push(errand.anchor.to_string());
        self.inner.write(errand, change).await
    }

    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        let now = self.managers.fetch_add(1, Ordering::SeqCst) + 1;
        self.managers_most.fetch_max(now, Ordering::SeqCst);
        self.takes_time().await;
        self.managers.fetch_sub(1, Ordering::SeqCst);
        self.inner.set_manager(errand, object, manager).await
    }

    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        self.inner.set_member(errand, group, object, is_member).await
    }

    fn room(&self) -> Room {
        match *self.room.lock().unwrap() {
            Room::Open(most) => Room::Open(most.saturating_sub(self.now.load(Ordering::SeqCst))),
            closed @ Room::ClosedFor(_) => closed,
        }
    }

    fn pace(&self) -> Option<Pace> {
        self.pace
    }

    fn timeout(&self) -> Duration {
        self.inner.timeout()
    }
}

/// A job whose targets are slow, delivered as `serve` does it.
struct Mill {
    app: App,
    clock: Arc<HandClock>,
    cloud: Arc<Slow>,
    hq: Arc<Slow>,
    switch: watch::Sender<bool>,
    running: JoinSet<()>,
    _folder: TempDir,
}

impl Mill {
    fn start(job: &str, cloud: Slow) -> Self {
        let folder = TempDir::new().unwrap();
        let (clock, cloud, hq) = (HandClock::new(), Arc::new(cloud), Arc::new(Slow::new(Duration::from_millis(1))));
        let store = Arc::new(Store::open(folder.path(), Access::Alone).unwrap());
        let mut app = App::new(store, clock.clone(), LeaseTimes::default());
        let meant = config::check_text("job.toml", job).unwrap_or_else(|report| panic!("{}", report.render(false)));
        let targets = [("cloud", cloud.clone()), ("hq", hq.clone())].map(|(id, writer)| ActiveTarget {
            id: TargetId::new(id),
            directory: id.to_owned(),
            hands: Hands::Embedded(writer),
        });
        let active = app.join(meant.job, job.as_bytes(), targets.into()).unwrap();
        let (switch, shutdown) = Shutdown::new();
        let mut running = JoinSet::new();
        for deliverer in app.deliverers(&active) {
            let (work, shutdown) = (app.work.listen(), shutdown.clone());
            running.spawn(async move { deliverer.run(work, shutdown, OnError::Retry).await.unwrap() });
        }
        Self { app, clock, cloud, hq, switch, running, _folder: folder }
    }

    /// Accepts and decides; delivering goes on beside.
    fn say(&self, statements: &[Statement]) -> UploadId {
        let body = bulk_request(statements.iter().map(|statement| (statement, "b")).collect::<Vec<_>>());
        let upload = BulkUpload { client: "payroll", request_id: None, body: &body, at: self.clock.now() };
        let limits = IngestLimits { operations_max: 10_000, staged_operations_max: 100_000, staged_bytes_max: 1 << 30 };
        let job = &self.app.jobs[0];
        let upload = ingest(&self.app.store, job.state.key, &upload, &limits).unwrap().upload;
        while self.app.decider(job).decide_waiting(&|| false).unwrap() {}
        upload
    }

    fn waiting(&self) -> u64 {
        let targets = &self.app.jobs[0].state.targets;
        targets.iter().map(|(id, key)| self.app.store.target_state(id, *key).unwrap().waiting).sum()
    }

    /// Waits until `so`, or says what it waited for.
    async fn until(&self, what: &str, so: impl Fn() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(began.elapsed() < PATIENCE, "waited in vain until {what}; {} left", self.waiting());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn until_done(&self) {
        self.until("all is done", || self.waiting() == 0).await;
    }

    /// Stops, looks over the store and both directories, and gives what differs.
    async fn stop(mut self) -> u64 {
        self.switch.send_replace(true);
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
        assert_eq!(self.app.store.fsck().unwrap(), []);
        let job = &self.app.jobs[0];
        for slow in [&self.cloud, &self.hq] {
            slow.inner.set_weather(Weather::default(), Dice::new(1));
        }
        let writer = |slow: &Arc<Slow>| -> Arc<dyn Writer> { slow.inner.clone() };
        let looker = Looker {
            store: self.app.store.clone(),
            job: job.core.clone(),
            state: job.state.clone(),
            targets: vec![(TargetId::new("cloud"), writer(&self.cloud)), (TargetId::new("hq"), writer(&self.hq))],
            examples_max: 5,
        };
        let looked = Arc::new(looker).look(&mut |_| {}).await.unwrap();
        assert!(looked.iter().all(|target| target.differing == 0), "{looked:?}");
        looked.iter().map(|target| target.right).sum()
    }
}

fn employees(from: usize, count: usize) -> Vec<Statement> {
    (from..from + count).map(|n| person(&n.to_string(), "Employee", &[])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_are_under_way_at_once_and_everybody_gets_one_account() {
    let mill = Mill::start(JOB, Slow::new(Duration::from_millis(20)));
    let upload = mill.say(&employees(0, 1_500));
    mill.until_done().await;
    assert_eq!(mill.app.store.outcomes(upload).unwrap(), [("applied", 1_500)]);
    let most = mill.cloud.most.load(Ordering::SeqCst);
    assert!((UNDER_WAY_MAX / 4..=UNDER_WAY_MAX).contains(&most), "{most} were under way at once");
    assert_eq!(mill.stop().await, 1_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_target_asks_for_patience_nothing_is_leased() {
    let mill = Mill::start(JOB, Slow::new(Duration::from_millis(1)));
    *mill.cloud.room.lock().unwrap() = Room::ClosedFor(Duration::from_secs(60));
    mill.say(&employees(0, 50));
    // The other target goes on meanwhile.
    mill.say(&[person("900", "Contractor", &[])]);
    mill.until("the other target is done", || mill.waiting() == 50).await;
    assert_eq!(mill.cloud.most.load(Ordering::SeqCst), 0);
    let job = &mill.app.jobs[0];
    let status = job.state.targets.iter().map(|(_, key)| mill.app.store.next_due(*key).unwrap());
    assert!(status.flatten().all(|due| due <= mill.clock.now()), "none of it is leased");
    *mill.cloud.room.lock().unwrap() = Room::Open(5);
    mill.until_done().await;
    assert!(mill.cloud.most.load(Ordering::SeqCst) <= 10, "no more at once than there is room for");
    assert_eq!(mill.stop().await, 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_is_leased_than_a_pace_allows_to_begin_soon() {
    let pace =
        Pace { writes: 100, per: Duration::from_secs(100), left: 16, closed_for: Duration::ZERO, concurrency: 100 };
    let mut slow = Slow::new(Duration::from_millis(5));
    slow.pace = Some(pace);
    let mill = Mill::start(JOB, slow);
    mill.say(&employees(0, 200));
    mill.until_done().await;
    assert!(mill.cloud.most.load(Ordering::SeqCst) <= 20, "16 that are left, and 4 of the next 4 seconds");
    assert_eq!(mill.stop().await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_goes_before_hundreds_who_wait() {
    let mill = Mill::start(JOB, Slow::new(Duration::from_millis(5)));
    mill.say(&employees(0, 1));
    mill.until_done().await;
    *mill.cloud.room.lock().unwrap() = Room::Open(20);
    mill.say(&employees(1, 800));
    mill.until("they have begun", || mill.cloud.order().len() > 50).await;
    let before = mill.cloud.order().len();
    mill.say(&[gone("0")]);
    mill.until_done().await;
    let order = mill.cloud.order();
    let at = order.iter().rposition(|anchor| anchor == "0").unwrap();
    assert!(at > 0 && at < before + 300, "the leaver was written as number {at}, and left at {before}");
    mill.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_when_stopping_is_asked_for_is_finished() {
    let mill = Mill::start(JOB, Slow::new(Duration::from_millis(30)));
    mill.say(&employees(0, 1_000));
    mill.until("it has begun", || !mill.cloud.order().is_empty()).await;
    let (app, clock, cloud) = (mill.app.store.clone(), mill.clock.clone(), mill.cloud.clone());
    let key = mill.app.jobs[0].state.targets[0].1;
    let made = mill.stop().await;
    assert_eq!(made as usize, cloud.inner.inner.accounts().len(), "every account that was made is known");
    let next = app.next_due(key).unwrap().unwrap();
    assert!(made < 1_000 && next <= clock.now(), "the rest waits, and nobody holds it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_managers_of_those_who_were_made_together_are_written_together() {
    let mill = Mill::start(JOB, Slow::new(Duration::from_millis(20)));
    let mut statements = employees(0, 1);
    statements.extend((1..20).map(|n| person(&n.to_string(), "Employee", &[("manager", "0")])));
    mill.say(&statements);
    mill.until_done().await;
    let most = mill.cloud.managers_most.load(Ordering::SeqCst);
    assert!(most >= 10, "{most} of 19 at once");
    mill.stop().await;
}

/// Fair weather is no test: answers are lost before and after, targets ask for patience.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_any_weather_everybody_has_one_account_in_the_end() {
    let mill = Mill::start(JOB, Slow::new(Duration::from_millis(1)));
    let weather = Weather { later: 8, lost_before: 8, lost_after: 8, refused: 0, taken: 0 };
    mill.cloud.inner.set_weather(weather, Dice::new(7));
    let mut statements = employees(0, 300);
    statements.extend((300..400).map(|n| person(&n.to_string(), "Employee", &[("manager", "7")])));
    mill.say(&statements);
    let began = Instant::now();
    while mill.waiting() > 0 {
        assert!(began.elapsed() < PATIENCE, "{} left", mill.waiting());
        mill.clock.pass(Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let creations = mill.cloud.inner.written().iter().filter(|wrote| wrote.kind == ChangeKind::Create).count();
    assert_eq!(creations, 400);
    assert_eq!(mill.stop().await, 400);
}

/// People of one name, at two targets that share its namespace.
fn bergs(count: usize) -> Vec<Statement> {
    let kind = |n: usize| if n.is_multiple_of(2) { "Employee" } else { "Contractor" };
    (0..count).map(|n| person(&n.to_string(), kind(n), &[("displayName", "anna.berg")])).collect()
}

fn named(expression: &str) -> String {
    let nickname = r#"{ to = "mailNickname", direct = "userName", apply = "create" },"#;
    let account_name = r#"{ to = "sAMAccountName", direct = "userName" },"#;
    let mapped = |to: &str| format!("{{ to = \"{to}\", expression = '{expression}', unique_in = \"login\" }},");
    changed(&[(nickname, &mapped("mailNickname")), (account_name, &mapped("sAMAccountName"))])
}

fn names(mill: &Mill) -> BTreeSet<String> {
    let name = |attribute: &'static str| {
        move |account: muster::writer::simulated::SimulatedAccount| {
            account.attributes.get(attribute).and_then(Value::as_text).map(str::to_owned)
        }
    };
    let cloud = mill.cloud.inner.inner.accounts().into_iter().filter_map(name("mailNickname"));
    let hq = mill.hq.inner.inner.accounts().into_iter().filter_map(name("sAMAccountName"));
    cloud.chain(hq).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_anna_bergs_get_names_of_their_own_and_nobody_waits_for_them() {
    let job = named(r#"SelectUniqueValue([displayName], Join("", [displayName], [externalId]))"#);
    let mill = Mill::start(&job, Slow::new(Duration::from_millis(2)));
    let mut statements = bergs(400);
    statements.extend((400..600).map(|n| person(&n.to_string(), "Employee", &[])));
    let began = Instant::now();
    let upload = mill.say(&statements);
    mill.until_done().await;
    assert_eq!(mill.app.store.outcomes(upload).unwrap(), [("applied", 600)]);
    let names = names(&mill);
    assert_eq!(names.len(), 600, "no two are called the same");
    assert!(names.contains("anna.berg"));
    // Were they asked every half second whether it is their turn, this would be minutes.
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());
    mill.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_may_only_have_the_same_names_are_seen_to_one_by_one_without_a_pause() {
    let numbered: Vec<_> = (1..=9).map(|n| format!(r#"Join("", [displayName], "{n}")"#)).collect();
    let job = named(&format!("SelectUniqueValue([displayName], {})", numbered.join(", ")));
    let mill = Mill::start(&job, Slow::new(Duration::from_millis(2)));
    let began = Instant::now();
    let upload = mill.say(&bergs(12));
    mill.until_done().await;
    let outcomes = mill.app.store.outcomes(upload).unwrap();
    assert_eq!(outcomes, [("applied", 10), ("failed", 2)], "there are ten names");
    assert_eq!(names(&mill).len(), 10);
    assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    mill.stop().await;
}
