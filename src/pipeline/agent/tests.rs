//! The agent's loop against a scripted server.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use async_trait::async_trait;
use secrecy::SecretString;

use super::*;
use crate::clock::SystemClock;
use crate::model::{Anchor, Attributes, Change, Found, Generation, JobId, Known, LeaseId, ObjectId, Task, Wanted};
use crate::queue::wire::{LeaseAnswerWire, LeaseRequestWire, SettleRequestWire};
use crate::writer::{Errand, Group, Membership, Search, WriteError};

/// A server with so much work, which it leases and forgets.
#[derive(Default)]
struct Server {
    due: Mutex<Vec<WorkItem>>,
    settled: Mutex<Vec<String>>,
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
    let mut due = server.due.lock().unwrap();
    let count = due.len().min(request.max as usize);
    let items: Vec<_> = due.drain(..count).collect();
    HttpResponse::Ok().json(LeaseAnswerWire::new(&items, Duration::ZERO, SystemClock.now()))
}

async fn settle(request: web::Json<SettleRequestWire>, server: web::Data<Server>) -> HttpResponse {
    if server.busy.load(Ordering::SeqCst) > 0 {
        server.busy.fetch_sub(1, Ordering::SeqCst);
        return HttpResponse::ServiceUnavailable().finish();
    }
    let (lease, carried) = request.into_inner().read(SystemClock.now()).unwrap();
    let word = match carried.settlement {
        Settlement::Applied { .. } => "applied".to_owned(),
        Settlement::Failed(why) => why.code.into_owned(),
        other => panic!("{other:?}"),
    };
    server.settled.lock().unwrap().push(format!("{lease} {word}"));
    HttpResponse::NoContent().finish()
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
    let writer: Arc<dyn Writer> = writer;
    Arc::new(Agent {
        queue,
        writers: BTreeMap::from([(TargetId::new("hq"), writer)]),
        clock: Arc::new(SystemClock),
        settings: AgentSettings { concurrency_max: 3, wait: Duration::from_secs(1), once },
    })
}

#[tokio::test]
async fn an_agent_that_runs_once_carries_what_is_due_a_few_at_a_time_and_leaves() {
    let server = web::Data::new(Server::default());
    *server.due.lock().unwrap() = (0..10).map(|number| item(number, "hq")).collect();
    let writer = Arc::new(Slow::default());
    let tally = agent(&serve(&server), writer.clone(), true).run(std::future::pending()).await.unwrap();
    assert_eq!(tally, Tally { settled: 10, unreported: 0 });
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
    assert_eq!(tally, Tally { settled: 1, unreported: 0 });
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
    assert_eq!(tally.settled, 3);
}

#[tokio::test]
async fn an_agent_that_is_refused_says_so() {
    let server = web::Data::new(Server::default());
    let elsewhere = serve(&server).join("/elsewhere/").unwrap();
    let ended = agent(&elsewhere, Arc::default(), false).run(std::future::pending()).await;
    assert!(matches!(ended, Err(QueueError::Refused { status: Some(404), .. })), "{ended:?}");
}
