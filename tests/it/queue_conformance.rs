//! What every queue owes: one suite, run on the embedded queue and on NATS; and what NATS must not be able to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{Consumer, pull};
use futures_util::StreamExt as _;
use muster::api::Role;
use muster::clock::SystemClock;
use muster::model::{Carried, Settlement, Situation, TargetId, Task, Wanted, WorkItem};
use muster::pipeline::carry::carry;
use muster::pipeline::dispatch::LOST_MAX;
use muster::queue::envelope::{ENVELOPE_BYTES_MAX, PinnedKeys, Signer};
use muster::queue::nats::work::NatsQueue;
use muster::queue::nats::{Class, NatsLogin, NatsSettings, consumer, subject};
use muster::queue::remote::{BearerSource, RemoteQueue};
use muster::queue::wire::{SettledWire, WorkItemWire};
use muster::queue::{OfferSettings, Queue};
use muster::writer::simulated::SimulatedWriter;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::house::{House, bulk, person};
use super::nats::Nats;

/// The longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a question for work is kept open.
const WAIT: Duration = Duration::from_secs(10);
/// How long it is kept open where nothing must come.
const SHORT: Duration = Duration::from_millis(700);
/// A lease of an agent, and the time that a write begun in it may take.
const LEASE_AND_GRACE: Duration = Duration::from_secs(121);
const NEEDS_NATS: &str = "subjects below begin with the stream's name";

/// A house with a queue of one kind, and the directory behind `hq`.
pub(crate) struct Post {
    house: House,
    nats: Option<(Nats, NatsSettings)>,
    hq: SimulatedWriter,
    token: String,
}

impl Post {
    async fn embedded() -> Self {
        Self::of(House::unlimited(), None).await
    }

    async fn nats(address: &str) -> Self {
        Self::nats_with(address, |_| {}).await
    }

    async fn nats_with(address: &str, change: impl FnOnce(&mut OfferSettings)) -> Self {
        let nats = Nats::single(address);
        let settings = settings(&nats);
        Self::through(nats, settings, change).await
    }

    /// Through these servers, connected to so.
    pub(crate) async fn through(nats: Nats, settings: NatsSettings, change: impl FnOnce(&mut OfferSettings)) -> Self {
        let mut offers = OfferSettings { targets: vec![TargetId::new("hq")], ..OfferSettings::default() };
        change(&mut offers);
        let house = House::offering(&settings, offers).await;
        Self::of(house, Some((nats, settings))).await
    }

    async fn of(house: House, nats: Option<(Nats, NatsSettings)>) -> Self {
        let token = house.uploader().await;
        Self { house, nats, hq: SimulatedWriter::new(), token }
    }

    /// An agent's queue, of this kind.
    pub(crate) async fn agent(&self, name: &str) -> Arc<dyn Queue> {
        let remote = self.remote(name, "hq").await;
        match &self.nats {
            None => Arc::new(remote),
            Some(_) => Arc::new(self.nats_queue(remote)),
        }
    }

    fn nats_queue(&self, remote: RemoteQueue) -> NatsQueue {
        let (_, settings) = self.nats.as_ref().expect(NEEDS_NATS);
        let keys = PinnedKeys::parse([self.signer().public_key().as_str()]).unwrap();
        NatsQueue::new(remote, settings.clone(), keys, Arc::new(SystemClock))
    }

    async fn remote(&self, name: &str, target: &str) -> RemoteQueue {
        let token = self.house.token(name, &[Role::Agent], &[target]).await;
        let bearer: BearerSource = Arc::new(move |_| {
            let token = SecretString::from(token.clone());
            Box::pin(async move { Ok(token) })
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        RemoteQueue::new(http, &self.house.url.parse().unwrap(), bearer, Arc::new(SystemClock)).unwrap()
    }

    fn signer(&self) -> Signer {
        Signer::of_seed(&self.house.app.store.signing_seeds().unwrap().current).unwrap()
    }

    /// Uploads and decides; where there is NATS, all of it is offered then.
    pub(crate) async fn say(&self, operations: &[Json]) {
        self.house.accepted(&self.token, bulk(operations)).await;
        self.house.work().await;
    }

    async fn contractors(&self, count: usize) {
        let people: Vec<_> = (0..count).map(|at| person(&format!("c{at}"), "Contractor", "")).collect();
        self.say(&people).await;
        self.until_offered(count).await;
    }

    /// Waits until so much lies in the queue; where there is NATS.
    async fn until_offered(&self, count: usize) {
        if self.nats.is_none() {
            return;
        }
        until("offers", || self.offered() == count).await;
        let context = async_nats::jetstream::new(self.stranger().await);
        let began = Instant::now();
        while context.get_stream("muster").await.unwrap().cached_info().state.messages != count as u64 {
            assert!(began.elapsed() < PATIENCE, "the stream does not hold {count}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn offered(&self) -> usize {
        let key = self.house.app.jobs[0].state.target(&TargetId::new("hq")).unwrap();
        self.house.app.store.offered(key).unwrap()
    }

    /// Of how many dead letters the server has heard.
    fn dead_letters(&self) -> u64 {
        self.house.app.transport.as_ref().expect(NEEDS_NATS).dead_letters()
    }

    async fn carry(&self, item: &WorkItem) -> Carried {
        carry(&self.hq, item, &SystemClock).await
    }

    /// Carries and settles; all of it must be taken.
    async fn finish(&self, queue: &dyn Queue, items: &[WorkItem]) {
        for item in items {
            let carried = vec![(item.lease.clone(), self.carry(item).await)];
            assert_eq!(queue.settle(&carried).await.unwrap(), [SettledWire::Taken], "{item:?}");
        }
    }

    /// Leases, carries and settles until so much is done.
    pub(crate) async fn work(&self, queue: &dyn Queue, count: usize) -> Vec<WorkItem> {
        let mut done = Vec::new();
        let began = Instant::now();
        while done.len() < count {
            assert!(began.elapsed() < PATIENCE, "{} of {count} have come", done.len());
            let items = some(queue, 100).await;
            self.finish(queue, &items).await;
            done.extend(items);
        }
        done
    }

    /// Carries and settles what comes of what was done, until nothing does.
    async fn drain(&self, queue: &dyn Queue) {
        loop {
            let items = queue.lease(&hq(), 100, SHORT).await.unwrap();
            let is_done = items.is_empty() && self.offered() == 0;
            self.finish(queue, &items).await;
            if is_done {
                return;
            }
        }
    }

    async fn account(&self, anchor: &str) -> Json {
        self.house.get(&self.token, &format!("/muster/v1/jobs/hr/people/{anchor}")).await["accounts"][0].clone()
    }

    /// Somebody who may publish to NATS.
    async fn stranger(&self) -> async_nats::Client {
        let (nats, _) = self.nats.as_ref().expect(NEEDS_NATS);
        async_nats::connect(nats.urls().remove(0)).await.unwrap()
    }

    async fn publish(&self, stranger: &async_nats::Client, payload: Vec<u8>) {
        let (_, settings) = self.nats.as_ref().expect(NEEDS_NATS);
        let subject = subject(&settings.stream, &TargetId::new("hq"), Class::Others);
        let context = async_nats::jetstream::new(stranger.clone());
        context.publish(subject, payload.into()).await.unwrap().await.unwrap();
    }

    /// The consumer that the agents of `hq` use.
    async fn raw(&self, stranger: &async_nats::Client) -> Consumer<pull::Config> {
        let (_, settings) = self.nats.as_ref().expect(NEEDS_NATS);
        let context = async_nats::jetstream::new(stranger.clone());
        let name = consumer(&TargetId::new("hq"), Class::Others);
        context.get_consumer_from_stream(name, &settings.stream).await.unwrap()
    }
}

fn hq() -> [TargetId; 1] {
    [TargetId::new("hq")]
}

pub(crate) fn settings(nats: &Nats) -> NatsSettings {
    NatsSettings {
        servers: nats.urls().iter().map(|url| url.parse().unwrap()).collect(),
        ca: None,
        client_certificate: None,
        login: NatsLogin::Nobody,
        stream: "muster".to_owned(),
    }
}

/// Asks until there is something.
async fn some(queue: &dyn Queue, max: u32) -> Vec<WorkItem> {
    let began = Instant::now();
    loop {
        let items = queue.lease(&hq(), max, WAIT).await.unwrap();
        if !items.is_empty() {
            return items;
        }
        assert!(began.elapsed() < PATIENCE, "no work comes");
    }
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} do not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn work_arrives_is_carried_once_and_settles(post: Post) {
    post.contractors(30).await;
    let queue = post.agent("agent").await;
    let done = post.work(&*queue, 30).await;
    let mut anchors: Vec<_> = done.iter().map(|item| item.anchor.as_str()).collect();
    anchors.sort_unstable();
    anchors.dedup();
    assert_eq!((anchors.len(), post.hq.accounts().len()), (30, 30));
    assert!(done.iter().all(|item| !item.look && item.attempt == 0));
    let again = vec![(done[0].lease.clone(), post.carry(&done[0]).await)];
    assert_eq!(queue.settle(&again).await.unwrap(), [SettledWire::LeaseLost]);
    assert!(queue.lease(&hq(), 10, SHORT).await.unwrap().is_empty());
}

async fn a_lost_agents_work_comes_back_and_is_looked_at_first(post: Post) {
    post.contractors(1).await;
    let (lost, other) = (post.agent("lost").await, post.agent("other").await);
    let held = some(&*lost, 1).await.remove(0);
    // It wrote, and was not heard of again.
    let late = post.carry(&held).await;
    assert!(other.lease(&hq(), 1, SHORT).await.unwrap().is_empty(), "one agent at a time has it");
    post.house.clock.pass(LEASE_AND_GRACE);
    let items = some(&*other, 1).await;
    assert_eq!((items[0].look, items[0].attempt), (true, 1));
    assert_eq!(lost.settle(&[(held.lease, late)]).await.unwrap(), [SettledWire::LeaseLost]);
    post.finish(&*other, &items).await;
    post.drain(&*other).await;
    assert_eq!(post.hq.accounts().len(), 1);
}

async fn two_agents_share(post: Post) {
    post.contractors(20).await;
    let (one, two) = (post.agent("one").await, post.agent("two").await);
    let (mine, theirs) = tokio::join!(some(&*one, 12), some(&*two, 12));
    assert!(!mine.is_empty() && !theirs.is_empty());
    assert!(mine.iter().all(|item| theirs.iter().all(|other| other.anchor != item.anchor)));
    let nothing = Carried { situation: Situation::Absent, change: None, settlement: Settlement::Unchanged };
    let foreign = vec![(theirs[0].lease.clone(), nothing)];
    assert_eq!(one.settle(&foreign).await.unwrap(), [SettledWire::LeaseLost], "a stranger's lease is not settled");
    post.finish(&*one, &mine).await;
    post.finish(&*two, &theirs).await;
    post.work(&*one, 20 - mine.len() - theirs.len()).await;
}

async fn a_strange_agent_gets_nothing_of_others(post: Post) {
    post.contractors(3).await;
    let remote = post.remote("elsewhere", "paris").await;
    let strange: Arc<dyn Queue> = match &post.nats {
        None => Arc::new(remote),
        Some(_) => Arc::new(post.nats_queue(remote)),
    };
    // It has the same key and may pull from NATS; the server gives it nothing.
    assert!(strange.lease(&hq(), 10, SHORT).await.is_err());
    post.house.clock.pass(Duration::from_secs(301));
    let queue = post.agent("agent").await;
    assert!(post.work(&*queue, 3).await.iter().all(|item| !item.look));
}

async fn leavers_go_first(post: Post) {
    post.contractors(3).await;
    let queue = post.agent("agent").await;
    post.work(&*queue, 3).await;
    let mut people: Vec<_> = (3..40).map(|at| person(&format!("c{at}"), "Contractor", "")).collect();
    post.say(&people).await;
    post.until_offered(37).await;
    people.truncate(0);
    let leaves = |at| json!({ "method": "DELETE", "bulkId": format!("d{at}"), "path": format!("/Users/c{at}") });
    post.say(&[leaves(0), leaves(1), leaves(2)]).await;
    post.until_offered(40).await;
    let items = some(&*queue, 5).await;
    let leave = |item: &WorkItem| matches!(item.task, Task::Account(Wanted::Disabled | Wanted::Deleted));
    assert!(items[..3].iter().all(leave) && !items[3..].iter().any(leave), "{items:#?}");
    post.finish(&*queue, &items).await;
    post.work(&*queue, 35).await;
}

async fn who_is_told_to_stop_takes_nothing_with_them(post: Post) {
    let (leaving, other) = (post.agent("leaving").await, post.agent("other").await);
    let began = Instant::now();
    let open = tokio::spawn({
        let leaving = Arc::clone(&leaving);
        async move { leaving.lease(&hq(), 1, WAIT).await }
    });
    // Work that was there when it asked is either all left, or comes with the answer.
    post.contractors(1).await;
    leaving.stop();
    let mut held = open.await.unwrap().unwrap();
    held.extend(leaving.lease(&hq(), 1, WAIT).await.unwrap());
    assert!(began.elapsed() < WAIT, "an open question ends");
    // Nothing that comes later goes to one who has left.
    let later: Vec<_> = (1..4).map(|at| person(&format!("c{at}"), "Contractor", "")).collect();
    post.say(&later).await;
    assert_eq!(leaving.lease(&hq(), 10, WAIT).await.unwrap(), []);
    post.finish(&*leaving, &held).await;
    assert!(post.work(&*other, 4 - held.len()).await.iter().all(|item| item.attempt == 0));
}

/// The same on both queues.
macro_rules! suite {
    ($($sentence:ident on $address:literal;)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                super::$sentence(super::Post::embedded().await).await;
            })*
        }
        mod nats {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs nats-server"]
            async fn $sentence() {
                super::$sentence(super::Post::nats($address).await).await;
            })*
        }
    };
}

suite! {
    work_arrives_is_carried_once_and_settles on "127.0.6.1";
    a_lost_agents_work_comes_back_and_is_looked_at_first on "127.0.6.2";
    two_agents_share on "127.0.6.3";
    a_strange_agent_gets_nothing_of_others on "127.0.6.4";
    leavers_go_first on "127.0.6.5";
    who_is_told_to_stop_takes_nothing_with_them on "127.0.6.30";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn whoever_may_publish_to_nats_creates_nothing() {
    let post = Post::nats("127.0.6.6").await;
    post.contractors(3).await;
    let stranger = post.stranger().await;
    let mut batch = post.raw(&stranger).await.fetch().max_messages(3).messages().await.unwrap();
    let mut seen = Vec::new();
    while let Some(message) = batch.next().await {
        let message = message.unwrap();
        seen.push(message.payload.to_vec());
        message.ack_with(async_nats::jetstream::AckKind::Nak(None)).await.unwrap();
    }
    let remote = post.remote("agent", "hq").await;
    let queue = post.nats_queue(remote);
    post.work(&queue, 3).await;

    let mut item: WorkItemWire = {
        let keys = PinnedKeys::parse([post.signer().public_key().as_str()]).unwrap();
        keys.open(&seen[0]).unwrap()
    };
    let forged = {
        item.anchor = "c99".to_owned();
        Signer::of_seed(&[9; 32]).unwrap().seal(&item).unwrap()
    };
    let elsewhere = {
        item.target = "paris".to_owned();
        post.signer().seal(&item).unwrap()
    };
    let never_offered = {
        item.target = "hq".to_owned();
        item.lease = "11111111-2222-4333-8444-555555555555".to_owned();
        post.signer().seal(&item).unwrap()
    };
    let touched =
        String::from_utf8(seen[1].clone()).unwrap().replacen("\\\"generation\\\":1", "\\\"generation\\\":7", 1);
    let garbage = vec![b'['; 10_000];
    // Replayed, doubled, forged, touched, of another target, of no offer, garbage, and nothing.
    let bad =
        [seen[0].clone(), seen[0].clone(), forged, touched.into_bytes(), elsewhere, never_offered, garbage, vec![]];
    for payload in bad {
        post.publish(&stranger, payload).await;
    }
    let oversized = vec![b' '; ENVELOPE_BYTES_MAX + 1];
    let context = async_nats::jetstream::new(stranger.clone());
    let refused = context.publish("muster.work.hq.others", oversized.into()).await;
    assert!(match refused {
        Err(_) => true,
        Ok(refused) => refused.await.is_err(),
    });
    assert!(queue.lease(&hq(), 100, Duration::from_secs(2)).await.unwrap().is_empty());
    assert_eq!(queue.distrusted(), 5);
    assert_eq!(post.hq.accounts().len(), 3);
    let left = post.raw(&stranger).await.get_info().await.unwrap();
    assert_eq!((left.num_pending, left.num_ack_pending), (0, 0), "nothing is left to be thrown away again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn an_embedded_agent_works_beside_one_of_nats() {
    let post = Post::nats_with("127.0.6.7", |offers| offers.offers_max = 10).await;
    let people: Vec<_> = (0..60).map(|at| person(&format!("c{at}"), "Contractor", "")).collect();
    post.say(&people).await;
    post.until_offered(10).await;
    let embedded = post.remote("embedded", "hq").await;
    let mine = Queue::lease(&embedded, &hq(), 20, WAIT).await.unwrap();
    assert_eq!(mine.len(), 20);
    post.finish(&embedded, &mine).await;
    let queue = post.agent("agent").await;
    assert!(post.work(&*queue, 40).await.iter().all(|item| !item.look));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn an_offer_that_nobody_claims_is_made_anew_and_nobody_need_look() {
    let post = Post::nats("127.0.6.8").await;
    post.contractors(2).await;
    // Somebody takes the messages, and forgets them: they are lost.
    let stranger = post.stranger().await;
    let mut batch = post.raw(&stranger).await.fetch().max_messages(2).messages().await.unwrap();
    while let Some(message) = batch.next().await {
        message.unwrap().double_ack().await.unwrap();
    }
    let queue = post.remote("agent", "hq").await;
    assert!(Queue::lease(&queue, &hq(), 10, Duration::ZERO).await.unwrap().is_empty());
    post.house.clock.pass(Duration::from_secs(301));
    let queue = post.nats_queue(queue);
    let done = post.work(&queue, 2).await;
    assert!(done.iter().all(|item| !item.look && item.attempt == 0), "{done:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn what_was_overtaken_while_it_lay_in_the_queue_is_not_written() {
    let post = Post::nats("127.0.6.9").await;
    post.say(&[person("c1", "Contractor", "")]).await;
    post.until_offered(1).await;
    let mut newer = person("c1", "Contractor", "");
    newer["data"]["displayName"] = json!("Newer");
    post.say(&[newer]).await;
    let queue = post.agent("agent").await;
    let items = some(&*queue, 10).await;
    assert_eq!((items.len(), items[0].generation.0), (1, 2));
    post.finish(&*queue, &items).await;
    assert_eq!(post.hq.accounts()[0].attributes.get("displayName").unwrap().as_text(), Some("Newer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn a_message_that_nobody_acknowledges_holds_nothing_and_is_offered_anew() {
    let post = Post::nats_with("127.0.6.10", |offers| {
        offers.ack_wait = Duration::from_millis(200);
        offers.deliveries_max = 2;
    })
    .await;
    post.contractors(1).await;
    let stranger = post.stranger().await;
    let poisoned = post.raw(&stranger).await;
    let began = Instant::now();
    let mut brought = 0;
    while brought < 2 {
        assert!(began.elapsed() < PATIENCE);
        let pulled = poisoned.batch().max_messages(1).expires(Duration::from_secs(2)).messages().await;
        brought += pulled.unwrap().count().await;
    }
    // A pull makes the server see that its time is over.
    let pulled = poisoned.batch().max_messages(1).expires(Duration::from_secs(1)).messages().await;
    assert_eq!(pulled.unwrap().count().await, 0);
    until("a dead letter", || post.dead_letters() == 1).await;
    assert_eq!((post.offered(), &post.account("c0").await["outcome"]), (1, &json!("pending")));
    let remote = post.remote("agent", "hq").await;
    post.house.clock.pass(Duration::from_secs(301));
    let done = post.work(&post.nats_queue(remote), 1).await;
    assert!(!done[0].look && done[0].attempt == 0, "{done:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn a_forged_word_of_a_dead_letter_holds_nothing_and_hinders_nobody() {
    let post = Post::nats("127.0.6.14").await;
    post.contractors(1).await;
    let stranger = post.stranger().await;
    let context = async_nats::jetstream::new(stranger.clone());
    let stream = || async { context.get_stream("muster").await.unwrap().cached_info().state.clone() };
    let sequence = stream().await.last_sequence;
    let subject = format!("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.muster.{}", consumer(&hq()[0], Class::Others));
    let forged = u64::from(LOST_MAX) * 2;
    for deliveries in 0..forged {
        let word = json!({ "stream": "muster", "stream_seq": sequence, "deliveries": deliveries + 1_000 });
        stranger.publish(subject.clone(), word.to_string().into()).await.unwrap();
    }
    stranger.flush().await.unwrap();
    until("forged dead letters", || post.dead_letters() == forged).await;
    assert_eq!((post.offered(), stream().await.messages), (1, 1));
    assert_eq!(post.account("c0").await["outcome"], "pending");
    let queue = post.agent("agent").await;
    post.work(&*queue, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn work_whose_agents_are_lost_again_and_again_is_held_by_the_tables_own_count() {
    let post = Post::nats("127.0.6.11").await;
    post.contractors(1).await;
    let queue = post.agent("agent").await;
    for attempt in 0..10 {
        let items = some(&*queue, 1).await;
        assert_eq!((items.len(), items[0].attempt), (1, attempt));
        post.house.clock.pass(LEASE_AND_GRACE);
    }
    assert!(queue.lease(&hq(), 1, Duration::from_secs(2)).await.unwrap().is_empty());
    let account = post.account("c0").await;
    assert_eq!(account["reason"]["code"], "dead_letter", "{account}");
    let (store, job) = (&post.house.app.store, &post.house.app.jobs[0].state);
    store.release(job, None, Some("c0"), post.house.now()).unwrap();
    post.house.app.work.ring();
    assert!(post.work(&*queue, 1).await[0].look, "one of them may have written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn without_nats_work_goes_on_and_with_it_again_it_is_offered_again() {
    let mut post = Post::nats("127.0.6.12").await;
    post.contractors(2).await;
    let queue = post.agent("agent").await;
    post.work(&*queue, 2).await;
    post.nats.as_mut().unwrap().0.kill(0);
    post.say(&[person("c2", "Contractor", "")]).await;
    post.work(&*queue, 1).await;
    post.nats.as_mut().unwrap().0.restart(0);
    post.say(&[person("c3", "Contractor", "")]).await;
    until("offers", || post.offered() == 1).await;
    post.work(&*queue, 1).await;
    assert_eq!(post.hq.accounts().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn the_servers_key_is_changed_while_agents_work() {
    let post = Post::nats("127.0.6.13").await;
    let store = &post.house.app.store;
    store.prepare_signing_key().unwrap();
    let seeds = store.signing_seeds().unwrap();
    let public = |seed: &[u8; 32]| Signer::of_seed(seed).unwrap().public_key();
    let (old, new) = (public(&seeds.current), public(&seeds.next.unwrap()));
    let both = PinnedKeys::parse([old.as_str(), new.as_str()]).unwrap();
    let (_, nats) = post.nats.as_ref().unwrap();
    let queue = NatsQueue::new(post.remote("agent", "hq").await, nats.clone(), both, Arc::new(SystemClock));
    post.contractors(1).await;
    post.work(&queue, 1).await;
    assert!(store.rotate_signing_key().unwrap() && !store.rotate_signing_key().unwrap());
    post.say(&[person("c1", "Contractor", "")]).await;
    post.until_offered(1).await;
    post.work(&queue, 1).await;
    assert_eq!(queue.distrusted(), 0);
}

#[tokio::test]
async fn only_what_is_offered_can_be_claimed() {
    let house = House::unlimited();
    let token = house.uploader().await;
    house.accepted(&token, bulk(&[person("c1", "Contractor", "")])).await;
    house.work().await;
    let (one, two) = (house.agent("one").await, house.agent("two").await);
    let held = house.lease(&one, 1).await.remove(0);
    let claim = |lease: &Json, target: &str| {
        json!({ "version": 1, "targets": [target], "claims": [
            { "offer": lease, "lease": "11111111-2222-4333-8444-555555555555" } ] })
    };
    let gone = json!({ "version": 1, "answers": ["gone"] });
    // What another agent holds, what nobody ever offered, and nothing.
    for lease in [&held["lease"], &json!("queue"), &json!("")] {
        assert_eq!(house.agent_post(&two, "claim", &claim(lease, "hq")).await, (StatusCode::OK, gone.clone()));
    }
    assert_eq!(house.agent_post(&two, "claim", &claim(&held["lease"], "paris")).await.0, StatusCode::FORBIDDEN);
    let mut wrong = claim(&held["lease"], "hq");
    wrong["claims"][0]["lease"] = held["lease"].as_str().map(|lease| lease.to_uppercase()).into();
    assert_eq!(house.agent_post(&two, "claim", &wrong).await.0, StatusCode::BAD_REQUEST);
    wrong["claims"] = json!([]);
    assert_eq!(house.agent_post(&two, "claim", &wrong).await.0, StatusCode::BAD_REQUEST);
    let uploader = house.token("up", &[Role::Upload], &[]).await;
    assert_eq!(house.agent_post(&uploader, "claim", &claim(&held["lease"], "hq")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.settle(&one, &held).await.0, StatusCode::OK);
}
