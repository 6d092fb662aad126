//! Failing disks, networks and agents: nothing is lost, nothing is doubled, and no secret comes out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use muster::api::Role;
use muster::app::{App, LeaseTimes};
use muster::store::{Access, Store};
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::house::{House, bulk, person};
use super::kill::{Yard, sender, settle};
use super::practice::HandClock;

/// The longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Answers to batches of new accounts that are lost on their way, at most.
const LOST: u32 = 3;
/// A lease of an agent, and the time that a write begun in it may take.
const LEASE_AND_GRACE: Duration = Duration::from_secs(121);

#[tokio::test]
async fn an_upload_is_not_accepted_onto_a_disk_that_is_gone() {
    let house = House::unlimited();
    let token = house.uploader().await;
    house.accepted(&token, bulk(&[])).await;
    let aside = house.store_file().with_extension("aside");
    fs::rename(house.store_file(), &aside).unwrap();
    let answer = house.upload(&token, bulk(&[person("1", "Employee", "")])).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "10");
    // Nor onto another store that somebody put in its place.
    fs::write(house.store_file(), "").unwrap();
    let answer = house.upload(&token, bulk(&[person("2", "Employee", "")])).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    fs::rename(aside, house.store_file()).unwrap();
    assert_eq!(house.accepted(&token, bulk(&[])).await, 2, "nothing of the refused ones is left");
}

/// Somebody in between, who lets every request pass and loses some answers.
struct Between {
    url: String,
    lost: Arc<AtomicU32>,
}

impl Between {
    async fn start(graph: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (graph, lost) = (graph.strip_prefix("http://").unwrap().to_owned(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&lost);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, graph.clone(), Arc::clone(&counted)));
            }
        });
        Self { url, lost }
    }
}

/// Alone, or in a batch.
fn makes_an_account(asked: &[u8]) -> bool {
    let in_a_batch = br#""method":"POST","url":"/users""#;
    asked.starts_with(b"POST /v1.0/users ") || asked.windows(in_a_batch.len()).any(|part| part == in_a_batch)
}

/// Passes on what is asked, and loses the answer if it is one of the first to a new account.
async fn pass(mut client: TcpStream, graph: String, lost: Arc<AtomicU32>) {
    let mut server = TcpStream::connect(graph).await.unwrap();
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut is_to_be_lost = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(count @ 1..) => {
                    is_to_be_lost |= makes_an_account(&asked[..count]);
                    server.write_all(&asked[..count]).await.unwrap();
                }
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(count @ 1..) => {
                    if is_to_be_lost && lost.fetch_add(1, Ordering::SeqCst) < LOST {
                        return;
                    }
                    is_to_be_lost = false;
                    if client.write_all(&answered[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_lost_double_nobody_and_no_secret_is_in_the_log_or_the_store() {
    let yard = Yard::new().await;
    let between = Between::start(&yard.graph).await;
    yard.by_way_of(&between.url);
    let log = yard.folder.path().join("log");
    let (mut child, url) = yard.serve_with(|command| {
        command.env("RUST_LOG", "trace").stderr(File::create(&log).unwrap());
    });
    let mut sender = sender(&yard, &url).await;
    for _ in 0..3 {
        assert!(sender.send(&url).await);
    }
    settle(&sender, &url).await;
    child.kill().unwrap();
    child.wait().unwrap();
    yard.fsck();
    let lost = between.lost.load(Ordering::SeqCst);
    // How many batches there are is chance; one is up to twenty people.
    assert!(lost >= 1, "no answer was lost");
    for (person, _) in sender.said.iter().enumerate().filter(|(_, said)| said.is_some()) {
        assert_eq!(yard.account(&format!("p{person}")).len(), 1, "person {person} has exactly one account");
    }
    let secrets = [sender.token.as_str(), &sender.secret, "passwordProfile", "client_secret=", "Bearer e", "person1"];
    assert_eq!(found_in(&log, &secrets), Vec::<&str>::new());
    for file in fs::read_dir(yard.data()).unwrap() {
        assert_eq!(found_in(&file.unwrap().path(), &secrets[..3]), Vec::<&str>::new());
    }
}

fn found_in<'a>(file: &Path, secrets: &[&'a str]) -> Vec<&'a str> {
    let bytes = fs::read(file).unwrap();
    let is_in = |secret: &&&str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    secrets.iter().filter(is_in).copied().collect()
}

/// An agent in a process of its own, for a house.
struct AgentProcess<'a> {
    house: &'a House,
    id: String,
    secret: String,
    folder: tempfile::TempDir,
}

impl<'a> AgentProcess<'a> {
    fn of(house: &'a House) -> Self {
        let (id, secret) = house.client("agent", &[Role::Agent], &["hq"]);
        Self { house, id, secret, folder: tempfile::tempdir().unwrap() }
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(["agent", "--server", &self.house.url, "--client-id", &self.id, "--target", "hq", "--ldif"]);
        command.arg(self.folder.path()).env("MUSTER_CLIENT_SECRET", &self.secret);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The files that are there, by their names.
    fn files(&self) -> BTreeMap<String, String> {
        let entries = fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
        let whole = named.filter(|(name, _)| name.ends_with(".ldif"));
        whole.map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
    }

    async fn until_there_are(&self, count: usize) {
        until("files", || self.files().len() >= count).await;
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} do not come");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn waiting(house: &House) -> u64 {
    let state = &house.app.jobs[0].state;
    state.targets.iter().map(|(id, key)| house.app.store.target_state(id, *key).unwrap().waiting).sum()
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_killed_again_and_again_leaves_one_file_for_each_piece_of_work() {
    let house = House::unlimited();
    let token = house.uploader().await;
    let people: Vec<_> = (0..120).map(|at| person(&format!("c{at}"), "Contractor", "")).collect();
    house.accepted(&token, bulk(&people)).await;
    house.work().await;
    let agent = AgentProcess::of(&house);
    let mut seen = BTreeMap::new();
    for kill in 1..=4 {
        let child = agent.start();
        agent.until_there_are((seen.len() + 3).max(kill * 10)).await;
        end(child);
        for (name, content) in agent.files() {
            assert_eq!(*seen.entry(name).or_insert_with(|| content.clone()), content);
        }
        house.clock.pass(LEASE_AND_GRACE);
    }
    let child = agent.start();
    until("settlements", || waiting(&house) == 0).await;
    end(child);
    let files = agent.files();
    assert_eq!(files.len(), 120);
    assert!(seen.iter().all(|(name, content)| files.get(name) == Some(content)), "a file has changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_token_the_server_does_not_know_any_more_works_on() {
    let house = House::unlimited();
    let agent = AgentProcess::of(&house);
    let child = agent.start();
    for (round, anchor) in ["c1", "c2"].iter().enumerate() {
        let token = house.token(&format!("payroll{round}"), &[Role::Upload], &[]).await;
        house.accepted(&token, bulk(&[person(anchor, "Contractor", "")])).await;
        house.work().await;
        until("settlements", || waiting(&house) == 0).await;
        // By the server's clock its hour is over; by the agent's own it has just begun.
        house.clock.pass(Duration::from_secs(3_601));
    }
    end(child);
    assert_eq!(agent.files().len(), 2);
}

#[test]
fn an_agent_gets_a_lease_in_which_it_can_write_however_short_the_servers_own_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path(), Access::Alone).unwrap());
    let app = App::new(store, HandClock::new(), LeaseTimes::for_timeout(Duration::from_secs(1)));
    let (own, agents) = (app.lease_settings(1), app.lease_settings_of_agents(1, None));
    assert_eq!((own.lasts, own.grace), (Duration::from_secs(3), Duration::from_secs(1)));
    assert_eq!((agents.lasts, agents.grace), (Duration::from_secs(90), Duration::from_secs(30)));
    // One that says how long its writes take gets leases that fit them, within reason.
    for (told, lasts) in [(2, 6), (60, 180), (0, 3), (86_400, 360)] {
        let agents = app.lease_settings_of_agents(1, Some(Duration::from_secs(told)));
        assert_eq!((agents.lasts, agents.grace), (Duration::from_secs(lasts), Duration::from_secs(lasts / 3)));
    }
}

#[tokio::test]
async fn a_client_that_is_disabled_while_it_works_reports_nothing_more() {
    let house = House::unlimited();
    let token = house.uploader().await;
    house.accepted(&token, bulk(&[person("c1", "Contractor", "")])).await;
    house.work().await;
    let (one, other) = (house.agent("one").await, house.agent("other").await);
    let item = house.lease(&one, 1).await.remove(0);
    house.app.store.disable_client("one", house.now()).unwrap();
    assert_eq!(house.settle(&one, &item).await.0, StatusCode::UNAUTHORIZED);
    let question = json!({ "version": 1, "targets": vec!["hq"; 10_000], "max": 1, "waitSeconds": 0 });
    assert_eq!(house.agent_post(&other, "lease", &question).await.1["items"], json!([]));
    house.clock.pass(LEASE_AND_GRACE);
    let item = house.lease(&other, 1).await.remove(0);
    assert_eq!(house.settle(&other, &item).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_clock_that_jumps_back_neither_loses_nor_doubles() {
    let house = House::unlimited();
    let token = house.uploader().await;
    house.accepted(&token, bulk(&[person("1", "Employee", "Cook"), person("c1", "Contractor", "")])).await;
    house.work().await;
    let agent = house.agent("agent").await;
    let item = house.lease(&agent, 1).await.remove(0);
    house.clock.jump_back(Duration::from_secs(7_200));
    assert_eq!(house.lease(&agent, 1).await, Vec::<serde_json::Value>::new(), "the lease still holds");
    let later = house.accepted(&token, bulk(&[person("1", "Employee", "Chef")])).await;
    house.work().await;
    let upload = house.get(&token, &format!("/muster/v1/uploads/{later}")).await;
    assert_eq!(upload["outcomes"], json!({ "applied": 1 }));
    assert_eq!(house.settle(&agent, &item).await.0, StatusCode::OK);
    let accounts = house.cloud.accounts();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].attributes.get("jobTitle").unwrap().as_text(), Some("Chef"));
}
