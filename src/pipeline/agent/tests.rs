//! The agent's loop against a scripted server.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use async_trait::async_trait;
use secrecy::SecretString;

use super::*;
use crate::clock::SystemClock;
use crate::model::{Anchor, Attributes, Change, Found, Generation, JobId, Known, LeaseId, ObjectId, Task, Wanted};
use crate::queue::remote::RemoteQueue;
use crate::queue::wire::{
    LeaseAnswerWire, LeaseRequestWire, Reported, SettleAnswerWire, SettleRequestWire, SettledWire,
};
use crate::writer::{Errand, Group, Membership, Search, WriteError};

/// A server with so much work, which it leases and forgets.
#[derive(Default)]
struct Server {
    due: Mutex<Vec<WorkItem>>,
    settled: Mutex<Vec<String>>,
    /// How many settlements each report had.
    reports: Mutex<Vec<usize>>,
    /// The lease that was lost meanwhile.
    lost: Mutex<Option<String>>,
    asked: AtomicUsize,
    /// How many settlements are turned away first.
    busy: AtomicUsize,
}

fn item(number: usize, target: &str) -> WorkItem {
    WorkItem {
        job: JobId::new("hr"),
        anchor: Anchor::parse(&number.to_string()).unwrap(),
        target: TargetId::new(target),
        generation: Generation(1),
        sequence: 1,
        lease: LeaseId::new(&format!("lease-{number}")),
        ends: SystemClock.now().plus(Duration::from_secs(60)),
        attempt: 0,
        task: Task::Account(Wanted::Deleted),
        known: Some(Known {
            object: ObjectId::new(&number.to_string()),
            attributes: Attributes::new(),
            container: None,
            synced: false,
        }),
        look: false,
    }
}

async fn lease(request: web::Json<LeaseRequestWire>, server: web::Data<Server>) -> HttpResponse {
    server.asked.fetch_add(1, Ordering::SeqCst);
    if request.targets == ["refused"] {
        return HttpResponse::Forbidden().finish();
    }
    let mut due = server.due.lock().unwrap();
    let is_asked_for =
        |item: &WorkItem| request.targets.iter().any(|target| item.target.as_str() == target || target == "hq");
    let (asked_for, others): (Vec<_>, Vec<_>) = due.drain(..).partition(is_asked_for);
    *due = others;
    let mut items = asked_for;
    due.extend(items.split_off(items.len().min(request.max as usize)));
    HttpResponse::Ok().json(LeaseAnswerWire::new(&items, Duration::ZERO, SystemClock.now()))
}

async fn settle(request: web::Json<SettleRequestWire>, server: web::Data<Server>) -> HttpResponse {
    if server.busy.load(Ordering::SeqCst) > 0 {
        server.busy.fetch_sub(1, Ordering::SeqCst);
        return HttpResponse::ServiceUnavailable().finish();
    }
    let Reported::Several(several) = request.into_inner().read(SystemClock.now()).unwrap() else { panic!("one alone") };
    server.reports.lock().unwrap().push(several.len());
    let answers = several.into_iter().map(|(lease, carried)| {
        let word = match carried.unwrap().settlement {
            Settlement::Applied { .. } => "applied".to_owned(),
            Settlement::Failed(why) | Settlement::Again { why, .. } => why.code.into_owned(),
            other => panic!("{other:?}"),
        };
        server.settled.lock().unwrap().push(format!("{lease} {word}"));
        let is_lost = server.lost.lock().unwrap().as_deref() == Some(lease.as_str());
        if is_lost { SettledWire::LeaseLost } else { SettledWire::Taken }
    });
    HttpResponse::Ok().json(SettleAnswerWire { version: 1, answers: answers.collect() })
}

/// Takes a moment for each write, and remembers how many there were at once.
#[derive(Default)]
struct Slow {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Writer for Slow {
    async fn find(&self, _search: &Search) -> Result<Found, WriteError> {
        Ok(Found::CannotLook)
    }

    async fn write(&self, _errand: &Errand<'_>, _change: &Change) -> Result<Option<Known>, WriteError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(None)
    }

    async fn set_manager(
        &self,
        _errand: &Errand<'_>,
        _object: &ObjectId,
        _manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        Ok(())
    }

    async fn set_member(
        &self,
        _errand: &Errand<'_>,
        _group: &Group,
        _object: &ObjectId,
        _is_member: bool,
    ) -> Result<Membership, WriteError> {
        Ok(Membership::Changed)
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(1)
    }
}

fn serve(server: &web::Data<Server>) -> reqwest::Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = reqwest::Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let data = server.clone();
    let app = move || {
        App::new()
            .app_data(data.clone())
            .route("/muster/v1/agent/lease", web::post().to(lease))
            .route("/muster/v1/agent/settle", web::post().to(settle))
    };
    tokio::spawn(HttpServer::new(app).workers(1).listen(listener).unwrap().disable_signals().run());
    url
}

fn agent(url: &reqwest::Url, writer: Arc<Slow>, once: bool) -> Arc<Agent> {
    let bearer: crate::queue::remote::BearerSource = Arc::new(|_| Box::pin(async { Ok(SecretString::from("T")) }));
    let client = reqwest::Client::builder().build().unwrap();
    let queue = RemoteQueue::new(client, url, bearer, Arc::new(SystemClock)).unwrap();
    let carrier = Carrier { writer, concurrency_max: 3 };
    Arc::new(Agent {
        queue: Arc::new(queue),
        carriers: BTreeMap::from([(TargetId::new("hq"), carrier)]),
        clock: Arc::new(SystemClock),
        settings: AgentSettings { wait: Duration::from_secs(1), once },
    })
}

fn applied(count: u64, unreported: u64) -> Tally {
    Tally { settled: BTreeMap::from([("applied", count)]), unreported }
}

#[tokio::test]
async fn an_agent_that_runs_once_carries_what_is_due_a_few_at_a_time_and_leaves() {
    let server = web::Data::new(Server::default());
    *server.due.lock().unwrap() = (0..10).map(|number| item(number, "hq")).collect();
    let writer = Arc::new(Slow::default());
    let tally = agent(&serve(&server), writer.clone(), true).run(std::future::pending()).await.unwrap();
    assert_eq!(tally, applied(10, 0));
    assert_eq!(writer.most.load(Ordering::SeqCst), 3);
    let mut settled = server.settled.lock().unwrap().clone();
    settled.sort();
    let expected: Vec<_> = (0..10).map(|number| format!("lease-{number} applied")).collect();
    assert_eq!(settled, expected);
}

#[tokio::test]
async fn a_settlement_is_reported_until_the_server_takes_it() {
    let server = web::Data::new(Server::default());
    server.due.lock().unwrap().push(item(1, "hq"));
    server.busy.store(1, Ordering::SeqCst);
    let tally = agent(&serve(&server), Arc::default(), true).run(std::future::pending()).await.unwrap();
    assert_eq!(tally, applied(1, 0));
}

#[tokio::test]
async fn what_was_carried_meanwhile_is_reported_together() {
    let server = web::Data::new(Server::default());
    *server.due.lock().unwrap() = (0..24).map(|number| item(number, "hq")).collect();
    *server.lost.lock().unwrap() = Some("lease-7".to_owned());
    // While the first report is turned away and waits a second, the others gather.
    server.busy.store(1, Ordering::SeqCst);
    let tally = agent(&serve(&server), Arc::default(), true).run(std::future::pending()).await.unwrap();
    assert_eq!(tally, applied(23, 1));
    let reports = server.reports.lock().unwrap().clone();
    assert!(reports.len() <= 4 && reports.iter().sum::<usize>() == 24, "{reports:?}");
}

#[tokio::test]
async fn what_was_not_begun_when_the_agent_is_stopped_is_given_back() {
    let server = web::Data::new(Server::default());
    *server.due.lock().unwrap() = (0..12).map(|number| item(number, "hq")).collect();
    let asked = server.clone();
    let shutdown = async move {
        while !asked.due.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let tally = agent(&serve(&server), Arc::default(), false).run(shutdown).await.unwrap();
    assert_eq!(tally.settled_in_all(), 12);
    assert_eq!(tally.settled.keys().collect::<Vec<_>>(), [&"again", &"applied"]);
    let settled = server.settled.lock().unwrap().clone();
    let applied = settled.iter().filter(|line| line.ends_with(" applied")).count();
    let given_back = settled.iter().filter(|line| line.ends_with(" given_back")).count();
    assert!((3..12).contains(&applied) && applied + given_back == 12, "{settled:?}");
}

/// A queue that brings work just when it hears that no more is wanted.
#[derive(Default)]
struct Late {
    asked: tokio::sync::Notify,
    stopped: tokio::sync::Notify,
    has_brought: AtomicBool,
    settled: Mutex<Vec<Settlement>>,
}

#[async_trait]
impl Queue for Late {
    async fn lease(&self, _targets: &[TargetId], _max: u32, _wait: Duration) -> Result<Vec<WorkItem>, QueueError> {
        if self.has_brought.swap(true, Ordering::SeqCst) {
            return Ok(Vec::new());
        }
        self.asked.notify_one();
        self.stopped.notified().await;
        Ok(vec![item(1, "hq")])
    }

    fn stop(&self) {
        self.stopped.notify_one();
    }

    async fn settle(&self, carried: &[(LeaseId, Carried)]) -> Result<Vec<SettledWire>, QueueError> {
        self.settled.lock().unwrap().extend(carried.iter().map(|(_, carried)| carried.settlement.clone()));
        Ok(vec![SettledWire::Taken; carried.len()])
    }
}

#[tokio::test]
async fn what_comes_when_the_agent_is_being_stopped_is_given_back_though_its_hands_are_free() {
    let queue = Arc::new(Late::default());
    let url = reqwest::Url::parse("http://127.0.0.1:9").unwrap();
    let Agent { carriers, clock, settings, .. } = Arc::into_inner(agent(&url, Arc::default(), false)).unwrap();
    let agent = Agent { queue: queue.clone(), carriers, clock, settings };
    Arc::new(agent).run(queue.asked.notified()).await.unwrap();
    let settled = queue.settled.lock().unwrap().clone();
    assert!(matches!(&settled[..], [Settlement::Again { why, .. }] if why.code == GIVEN_BACK), "{settled:?}");
}

#[tokio::test]
async fn a_target_that_is_refused_keeps_no_other_from_being_served() {
    let server = web::Data::new(Server::default());
    server.due.lock().unwrap().push(item(1, "hq"));
    let agent = agent(&serve(&server), Arc::default(), true);
    let mut both = Agent {
        queue: agent.queue.clone(),
        carriers: agent.carriers.clone(),
        clock: agent.clock.clone(),
        settings: agent.settings.clone(),
    };
    both.carriers.insert(TargetId::new("refused"), agent.carriers[&TargetId::new("hq")].clone());
    let ended = Arc::new(both).run(std::future::pending()).await;
    assert!(matches!(ended, Err(QueueError::Refused { status: Some(403), .. })), "{ended:?}");
    assert_eq!(*server.settled.lock().unwrap(), ["lease-1 applied"]);
}

#[tokio::test]
async fn work_for_a_target_the_agent_does_not_know_fails_aloud() {
    let server = web::Data::new(Server::default());
    server.due.lock().unwrap().push(item(1, "elsewhere"));
    agent(&serve(&server), Arc::default(), true).run(std::future::pending()).await.unwrap();
    assert_eq!(*server.settled.lock().unwrap(), ["lease-1 no_writer"]);
}

#[tokio::test]
async fn an_agent_told_to_stop_finishes_what_it_holds() {
    let server = web::Data::new(Server::default());
    *server.due.lock().unwrap() = (0..3).map(|number| item(number, "hq")).collect();
    let asked = server.clone();
    let shutdown = async move {
        while asked.asked.load(Ordering::SeqCst) == 0 || !asked.due.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let tally = agent(&serve(&server), Arc::default(), false).run(shutdown).await.unwrap();
    assert_eq!(tally.settled_in_all(), 3);
}

#[tokio::test]
async fn an_agent_that_is_not_let_in_asks_on_slowly_and_leaves_at_once_where_it_runs_once() {
    let refused = || QueueError::NotLetIn { cause: "invalid_client".into() };
    let url = reqwest::Url::parse("http://127.0.0.1:9").unwrap();
    let desk = |once| {
        let agent = agent(&url, Arc::default(), once);
        let target = TargetId::new("hq");
        let (carrier, (reporter, _)) = (agent.carriers[&target].clone(), Reporter::new());
        Desk { agent, target, carrier, reporter, stop: Shutdown::new().1 }
    };
    for in_vain in [0, 1, 1_000_000] {
        assert_eq!(desk(false).pause_after(refused(), in_vain).unwrap(), NOT_LET_IN_PAUSE);
    }
    assert!(matches!(desk(true).pause_after(refused(), 0), Err(QueueError::NotLetIn { .. })));
}

#[tokio::test]
async fn an_agent_that_is_refused_says_so() {
    let server = web::Data::new(Server::default());
    let elsewhere = serve(&server).join("/elsewhere/").unwrap();
    let ended = agent(&elsewhere, Arc::default(), false).run(std::future::pending()).await;
    assert!(matches!(ended, Err(QueueError::Refused { status: Some(404), .. })), "{ended:?}");
}
