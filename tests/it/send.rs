//! An export on its way to a server: in parts, at a pace, through bad days.

use std::future::ready;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster::clock::Clock as _;
use muster::model::{Anchor, Attributes, Name, Path, Record, Statement, UploadId, Value};
use muster::pipeline::send::{
    Destination, PACE_DEFAULT, Pace, Said, SendError, SendLimits, SendProgress, Sender, Sent, SentUpload, said_by,
};
use muster::source::{Column, ColumnTarget, CsvSettings, Rows, SourceError, scan};
use serde_json::{Value as Json, json};
use url::Url;

use crate::practice::{Act, CLIENT, HandClock, SECRET, Scripted, TENANT, install_tls};

const ACCEPTED: Act = Act::Answer(202, "", "");
const FIRST: Act = Act::Answer(202, "muster-upload-id: 7\r\n", "");

/// A sender, the pauses it makes, and the server it speaks to. No time passes: pauses move the clock.
pub(crate) struct Scene {
    pub(crate) server: Scripted,
    clock: Arc<HandClock>,
    pauses: Arc<Mutex<Vec<Duration>>>,
    pub(crate) sender: Sender,
}

impl Scene {
    pub(crate) async fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self::with(acts, limits(1_000)).await
    }

    async fn with(acts: impl IntoIterator<Item = Act>, limits: SendLimits) -> Self {
        install_tls();
        let server = Scripted::start(acts).await;
        let clock = HandClock::new();
        let pauses = Arc::new(Mutex::new(Vec::new()));
        let (moved, noted) = (clock.clone(), pauses.clone());
        let wait = move |pause| {
            moved.pass(pause);
            noted.lock().unwrap().push(pause);
            Box::pin(ready(())) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>
        };
        let destination = Destination {
            server: Url::parse(&server.address).unwrap(),
            service_principal: "muster".to_owned(),
            job: "hr / contoso".to_owned(),
            token_url: Url::parse(&format!("{}/{TENANT}/oauth2/v2.0/token", server.address)).unwrap(),
            scope: "https://graph.microsoft.com/.default".to_owned(),
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.into(),
            extra_ca: None,
        };
        let sender = Sender::new(&destination, limits, clock.clone(), Arc::new(wait)).unwrap();
        Self { server, clock, pauses, sender }
    }

    /// Sends, and tells what was accepted, whatever came after.
    async fn send(&self, said: Vec<Said>) -> (Sent, Result<(), SendError>) {
        let mut sent = Sent::default();
        let done = self.sender.send(said.into_iter().map(Ok), &mut sent, &mut |_| {}).await;
        (sent, done)
    }

    /// Pauses of a second or more, in seconds.
    pub(crate) fn pauses(&self) -> Vec<u64> {
        self.pauses.lock().unwrap().iter().map(Duration::as_secs).collect()
    }

    /// The people in each upload that reached the server.
    fn uploaded(&self) -> Vec<Vec<String>> {
        let anchors = |body: &Json| {
            let operations = body["Operations"].as_array().unwrap();
            operations.iter().map(|one| one["data"]["externalId"].as_str().unwrap().to_owned()).collect()
        };
        self.server.requests().iter().map(|request| anchors(&body(request))).collect()
    }
}

fn limits(operations_max: u32) -> SendLimits {
    let pace = Pace { requests: NonZeroU32::MIN, per: Duration::ZERO };
    SendLimits { operations_max: NonZeroU32::new(operations_max).unwrap(), pace, ..SendLimits::default() }
}

/// A statement that the person is called so.
fn named(anchor: &str, name: &str) -> Said {
    let attributes: Attributes = [(Name::new("displayName"), Value::text(name))].into_iter().collect();
    let record = Record { anchor: Anchor::parse(anchor).unwrap(), attributes };
    Said { statement: Statement::Upsert(record), bulk_id: format!("line {anchor}") }
}

fn people(anchors: std::ops::RangeInclusive<u32>) -> Vec<Said> {
    anchors.map(|anchor| named(&anchor.to_string(), "Anna")).collect()
}

fn body(request: &str) -> Json {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let lines = request.split("\r\n\r\n").next().unwrap().lines();
    let mut values = lines.filter_map(|line| line.split_once(": ").filter(|(key, _)| *key == name));
    values.next().unwrap_or_else(|| panic!("no {name}")).1
}

pub(crate) fn refused(error: SendError) -> (u16, String) {
    let SendError::Refused(refusal) = &error else { panic!("{error}") };
    (refusal.status, error.to_string())
}

#[tokio::test]
async fn a_request_is_what_microsofts_service_takes() {
    let scene = Scene::new([ACCEPTED]).await;
    scene.send(vec![named("701984", "Anna Müller")]).await.1.unwrap();
    let [request] = &scene.server.requests()[..] else { panic!("one request") };
    let line = request.lines().next().unwrap();
    assert_eq!(line, "POST /v1.0/servicePrincipals/muster/synchronization/jobs/hr%20%2F%20contoso/bulkUpload HTTP/1.1");
    assert_eq!(header(request, "content-type"), "application/scim+json");
    assert_eq!(header(request, "authorization"), "Bearer the-bearer-token");
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{
            "method": "POST",
            "bulkId": "line 701984",
            "path": "/Users",
            "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "externalId": "701984",
                "displayName": "Anna Müller",
            },
        }],
        "failOnErrors": null,
    });
    assert_eq!(body(request), expected);
}

#[tokio::test]
async fn an_export_goes_in_parts_each_under_its_own_name() {
    let acts =
        [FIRST, Act::Answer(202, "muster-upload-id: 8\r\n", ""), Act::Answer(202, "muster-upload-id: 9\r\n", "")];
    let scene = Scene::with(acts, limits(2)).await;
    let mut sent = Sent::default();
    let mut heard = Vec::new();
    let said = people(1..=5).into_iter().map(Ok);
    scene.sender.send(said, &mut sent, &mut |at| heard.push(at)).await.unwrap();
    assert_eq!(scene.uploaded(), [vec!["1", "2"], vec!["3", "4"], vec!["5"]]);
    let accepted = [2, 4, 5].map(SendProgress::Accepted);
    assert_eq!(heard, accepted);
    let uploads = [(7, 2), (8, 2), (9, 1)].map(|(id, operations)| SentUpload { id: UploadId(id), operations });
    assert_eq!(sent, Sent { operations: 5, requests: 3, uploads: uploads.into(), location: None });
    let requests = scene.server.requests();
    let mut ids: Vec<_> = requests.iter().map(|request| header(request, "client-request-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_part_is_no_longer_than_its_limit_unless_one_person_is() {
    let long = "x".repeat(2_000);
    let said = vec![named("1", "Anna"), named("2", "Berta"), named("3", &long), named("4", "Dora"), named("5", "Eva")];
    let limits = SendLimits { bytes_max: 700, ..limits(1_000) };
    let scene = Scene::with((0..9).map(|_| ACCEPTED), limits).await;
    scene.send(said).await.1.unwrap();
    assert_eq!(scene.uploaded(), [vec!["1", "2"], vec!["3"], vec!["4", "5"]]);
    let lengths = scene.server.requests();
    let lengths = lengths.iter().map(|request| header(request, "content-length").parse::<usize>().unwrap());
    assert_eq!(lengths.map(|length| length <= 700).collect::<Vec<_>>(), [true, false, true]);
}

#[tokio::test]
async fn requests_keep_microsofts_pace() {
    let limits = SendLimits { pace: PACE_DEFAULT, ..limits(1) };
    let scene = Scene::with((0..41).map(|_| ACCEPTED), limits).await;
    let began = scene.clock.now();
    scene.send(people(1..=41)).await.1.unwrap();
    assert_eq!(scene.clock.now().since(began), Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let later = Act::Answer(503, "retry-after: 2.128\r\n", "");
    let at_once = Act::Answer(429, "retry-after: 0\r\n", "");
    let scene = Scene::new([Act::Answer(429, "retry-after: 30\r\n", ""), later, at_once, FIRST]).await;
    let mut heard = Vec::new();
    let mut sent = Sent::default();
    scene.sender.send(people(1..=1).into_iter().map(Ok), &mut sent, &mut |at| heard.push(at)).await.unwrap();
    assert_eq!(scene.pauses(), [30, 3, 1]);
    let pauses = [30, 3, 1].map(|seconds| SendProgress::Pausing(Duration::from_secs(seconds)));
    assert_eq!(heard, [&pauses[..], &[SendProgress::Accepted(1)]].concat());
    assert_eq!(sent.operations, 1);
}

#[tokio::test]
async fn a_server_that_asks_for_more_than_an_hour_is_left() {
    let scene = Scene::new((0..9).map(|_| Act::Answer(429, "retry-after: 1500\r\n", ""))).await;
    let (sent, done) = scene.send(people(1..=1)).await;
    assert_eq!(scene.pauses(), [1500, 1500]);
    assert_eq!(done.unwrap_err().to_string(), "the server gives no answer: HTTP 429");
    assert_eq!(sent, Sent::default());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_name() {
    let scene = Scene::with([Act::HangUp, FIRST, ACCEPTED], limits(2)).await;
    let (sent, done) = scene.send(people(1..=3)).await;
    done.unwrap();
    assert_eq!((sent.operations, sent.uploads.len()), (3, 1));
    let [first, again, next] = &scene.server.requests()[..] else { panic!("three requests") };
    assert_eq!(header(first, "client-request-id"), header(again, "client-request-id"));
    assert_eq!(body(first), body(again));
    assert_ne!(header(again, "client-request-id"), header(next, "client-request-id"));
    assert_eq!(scene.pauses.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_broken_is_left_after_some_minutes() {
    let scene = Scene::new([]).await;
    let (_, done) = scene.send(people(1..=1)).await;
    assert_eq!(done.unwrap_err().to_string(), "the server gives no answer: HTTP 500");
    assert_eq!(scene.server.requests().len(), 9);
    let waited: u64 = scene.pauses().iter().sum();
    assert!((180..=255).contains(&waited), "{waited} s");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let scene = Scene::new([Act::Answer(401, "", ""), FIRST]).await;
    scene.send(people(1..=1)).await.1.unwrap();
    assert_eq!(scene.server.tokens.load(Ordering::SeqCst), 2);
    let [first, second] = &scene.server.requests()[..] else { panic!("two requests") };
    assert_eq!(header(first, "client-request-id"), header(second, "client-request-id"));

    let scene = Scene::new([Act::Answer(401, "", ""), Act::Answer(401, "", ""), FIRST]).await;
    let error = scene.send(people(1..=1)).await.1.unwrap_err();
    assert_eq!(refused(error).0, 401);
    assert_eq!(scene.server.requests().len(), 2);
}

#[tokio::test]
async fn a_refusal_stops_the_rest_and_says_what_was_accepted() {
    let words = r#"{"error": {"code": "BadRequest", "message": "Invalid Data Format"}}"#;
    let scene = Scene::with([FIRST, Act::Answer(400, "request-id: r-1\r\n", words), FIRST], limits(2)).await;
    let (sent, done) = scene.send(people(1..=6)).await;
    let expected = "the server refuses: HTTP 400 BadRequest: Invalid Data Format (request r-1)";
    assert_eq!(refused(done.unwrap_err()), (400, expected.to_owned()));
    assert_eq!((sent.operations, sent.requests), (2, 1));
    assert_eq!(scene.server.requests().len(), 2);
}

#[tokio::test]
async fn a_page_that_is_no_answer_is_not_taken_for_one() {
    for status in [200, 201, 302] {
        let scene = Scene::new([Act::Answer(status, "location: /login\r\n", "<html>Sign in</html>")]).await;
        let (sent, done) = scene.send(people(1..=1)).await;
        assert_eq!(refused(done.unwrap_err()), (status, format!("the server refuses: HTTP {status}")));
        assert_eq!(sent, Sent::default());
    }
}

#[tokio::test]
async fn a_token_is_not_sent_in_the_clear() {
    install_tls();
    let url = |text| Url::parse(text).unwrap();
    let destination = Destination {
        server: url("http://muster.example"),
        service_principal: "muster".to_owned(),
        job: "hr".to_owned(),
        token_url: url("https://muster.example/token"),
        scope: String::new(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.into(),
        extra_ca: None,
    };
    let wait = Arc::new(|_| Box::pin(ready(())) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>);
    let made = Sender::new(&destination, SendLimits::default(), HandClock::new(), wait);
    assert!(matches!(made, Err(SendError::Address(_))));
}

#[tokio::test]
async fn microsofts_service_says_where_to_look() {
    let graph = "location: https://graph.microsoft.com/v1.0/auditLogs/provisioning/?$filter=jobid%20eq%20'hr'\r\n";
    let scene = Scene::new([Act::Answer(202, graph, "")]).await;
    let (sent, done) = scene.send(people(1..=1)).await;
    done.unwrap();
    assert_eq!(sent.uploads, []);
    let location = "https://graph.microsoft.com/v1.0/auditLogs/provisioning/?$filter=jobid%20eq%20'hr'";
    assert_eq!(sent.location.as_deref(), Some(location));
}

#[tokio::test]
async fn rows_that_are_not_taken_are_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    std::fs::write(&path, "Id,Name\n1,Anna\n2,Berta\n2,Beate\n3,Cora,x\n4,Dora\n4,Dora\n").unwrap();
    let name = Column::new("Name", ColumnTarget::Attribute(Path::simple("displayName")));
    let columns = vec![Column::new("Id", ColumnTarget::Anchor), name];
    let settings = CsvSettings { columns, ..CsvSettings::default() };
    let scan = scan(&path, &settings, &mut |_| {}).unwrap();
    let mut rows = Rows::open(&path, &scan).unwrap();
    let scene = Scene::new([FIRST]).await;
    let mut sent = Sent::default();
    scene.sender.send(said_by(&mut rows, &scan), &mut sent, &mut |_| {}).await.unwrap();
    assert_eq!(scene.uploaded(), [["1", "4"]]);
    assert_eq!(body(&scene.server.requests()[0])["Operations"][1]["bulkId"], "line 6");
    assert_eq!((scan.faults.len(), scan.duplicates.len(), scan.repeats), (1, 1, 1));
}

#[tokio::test]
async fn an_export_that_changes_meanwhile_stops_before_its_part_is_sent() {
    let scene = Scene::with([FIRST], limits(2)).await;
    let changed = Err(SourceError::Changed { path: "people.csv".into() });
    let said = people(1..=3).into_iter().map(Ok).chain([changed]);
    let mut sent = Sent::default();
    let error = scene.sender.send(said, &mut sent, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, SendError::Source(SourceError::Changed { .. })));
    assert_eq!(scene.uploaded(), [["1", "2"]]);
    assert_eq!(sent.operations, 2);
}
