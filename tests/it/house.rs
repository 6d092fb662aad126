//! A whole service in memory: its doors on a free port, a store in a folder of its own, directories that are
//! simulated, a clock moved by hand. When it is dropped, nothing may be wrong in its store, and no work left.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use muster::api::{self, ApiSettings, Role};
use muster::app::{ActiveTarget, App, Hands, LeaseTimes};
use muster::config;
use muster::model::{TargetId, Timestamp};
use muster::pipeline::dispatch::hear_dead_letters;
use muster::pipeline::schedule::Shutdown;
use muster::queue::nats::NatsSettings;
use muster::queue::{OfferSettings, Transport};
use muster::store::{Access, Client, NewClient, Store};
use muster::writer::simulated::SimulatedWriter;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::practice::{HandClock, install_tls};
use muster::clock::Clock as _;

/// Employees to the cloud, contractors to the premises; nobody else is spoken for.
const JOB: &str = r#"
name = "hr"
source.kind = "api"

[policy]
placement_change = "migrate"

[[rule]]
id = "contractors"
when = 'userType eq "Contractor"'
place = "on-premises"

[[rule]]
id = "employees"
when = 'userType eq "Employee"'
place = "cloud"

[target.cloud]
kind = "graph"
tenant = "contoso.example"
client_id = "c"
client_secret = { env = "NO_SUCH_SECRET" }
map = [
  { to = "employeeId", direct = "externalId", match = 1 },
  { to = "userPrincipalName", direct = "userName" },
  { to = "mailNickname", direct = "externalId", apply = "create" },
  { to = "displayName", direct = "displayName" },
  { to = "jobTitle", direct = "title" },
  { to = "accountEnabled", direct = "active" },
]

[target.hq]
kind = "ldif"
folder = "ldif"
container = "OU=Guests,DC=contoso"
map = [
  { to = "employeeID", direct = "externalId", match = 1 },
  { to = "cn", expression = 'Join(" ", [displayName], [externalId])' },
  { to = "sAMAccountName", direct = "externalId" },
  { to = "displayName", direct = "displayName" },
]
"#;

/// A house that is open.
pub(crate) struct House {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) cloud: SimulatedWriter,
    pub(crate) url: String,
    http: reqwest::Client,
    switch: watch::Sender<bool>,
    shutdown: Shutdown,
    may_be_unsettled: AtomicBool,
    folder: TempDir,
}

impl House {
    pub(crate) fn open() -> Self {
        Self::with(|_| {})
    }

    /// One without limits on how often anybody calls: many requests of one client are the test.
    pub(crate) fn unlimited() -> Self {
        Self::with(|settings| settings.rate = None)
    }

    pub(crate) fn with(change: impl FnOnce(&mut ApiSettings)) -> Self {
        Self::joined(change, None)
    }

    /// One that offers the work of `hq` through NATS, and calls are not limited.
    pub(crate) async fn offering(nats: &NatsSettings, offers: OfferSettings) -> Self {
        install_tls();
        let transport = Arc::new(Transport::connect(nats, offers).await.unwrap());
        let house = Self::joined(|settings| settings.rate = None, Some(Arc::clone(&transport)));
        let shutdown = house.shutdown.clone();
        for job in &house.app.jobs {
            for dispatcher in house.app.dispatchers(job) {
                tokio::spawn(dispatcher.run(house.app.work.clone(), shutdown.clone()));
            }
        }
        let jobs = house.app.jobs.iter().map(|job| Arc::clone(&job.state)).collect();
        let store = Arc::clone(&house.app.store);
        tokio::spawn(hear_dead_letters(store, jobs, transport, shutdown));
        house
    }

    fn joined(change: impl FnOnce(&mut ApiSettings), transport: Option<Arc<Transport>>) -> Self {
        install_tls();
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(folder.path(), Access::Alone).unwrap());
        let (clock, cloud) = (HandClock::new(), SimulatedWriter::new());
        let mut app = App::new(store, clock.clone(), LeaseTimes::default());
        app.transport = transport;
        let target =
            |id: &str, kind, hands| ActiveTarget { id: TargetId::new(id), directory: id.to_owned(), kind, hands };
        let targets = vec![
            target("cloud", None, Hands::Embedded(Arc::new(cloud.clone()))),
            target("hq", Some("ldif"), Hands::Agent),
        ];
        let job = config::check_text("hr.toml", JOB).unwrap_or_else(|report| panic!("{}", report.render(false))).job;
        app.join(job, b"1", targets).unwrap();
        let app = Arc::new(app);
        let mut settings = ApiSettings { token_rate: None, ..ApiSettings::default() };
        change(&mut settings);
        let (switch, shutdown) = Shutdown::new();
        let listener = api::listen("127.0.0.1:0".parse().unwrap(), &settings).unwrap();
        let serving = api::serve(listener, Arc::clone(&app), settings, shutdown.clone()).unwrap();
        let url = serving.url.clone();
        tokio::spawn(serving.run());
        let http = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
        Self { app, clock, cloud, url, http, switch, shutdown, may_be_unsettled: AtomicBool::new(false), folder }
    }

    /// Work may be left when this house is dropped: it is part of the test.
    pub(crate) fn leaves_work(&self) {
        self.may_be_unsettled.store(true, Ordering::SeqCst);
    }

    /// Asks the doors to close.
    pub(crate) fn close(&self) {
        self.switch.send_replace(true);
    }

    /// Adds a client; its id and secret.
    pub(crate) fn client(&self, name: &str, roles: &[Role], targets: &[&str]) -> (String, String) {
        let (id, secret) = (format!("id-of-{name}"), format!("secret-of-{name}"));
        let client = Client {
            id: id.clone(),
            name: name.to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
            targets: targets.iter().map(ToString::to_string).collect(),
            created_at: self.now(),
            disabled_at: None,
        };
        let secret_hash = api::sha256(secret.as_bytes());
        assert!(self.app.store.add_client(&NewClient { client, secret_hash }).unwrap());
        (id, secret)
    }

    /// The store's file.
    pub(crate) fn store_file(&self) -> PathBuf {
        self.folder.path().join("muster.db")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Adds a client and fetches it a token over HTTP.
    pub(crate) async fn token(&self, name: &str, roles: &[Role], targets: &[&str]) -> String {
        let (id, secret) = self.client(name, roles, targets);
        let answer = self.ask_token(&[("client_id", &id), ("client_secret", &secret)]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Json = answer.json().await.unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of somebody who may send uploads and read what became of them.
    pub(crate) async fn uploader(&self) -> String {
        self.token("payroll", &[Role::Upload, Role::ReadLogs], &[]).await
    }

    /// A token of an agent for `hq`.
    pub(crate) async fn agent(&self, name: &str) -> String {
        self.token(name, &[Role::Agent], &["hq"]).await
    }

    /// Asks for a token with these fields, and the right grant type and scope.
    pub(crate) async fn ask_token(&self, fields: &[(&str, &str)]) -> Response {
        let mut form = vec![("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")];
        form.extend(fields);
        self.request(Method::POST, "/contoso.example/oauth2/v2.0/token").form(&form).send().await.unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A bulk upload, yet to be sent.
    pub(crate) fn upload(&self, token: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, BULK_UPLOAD)
            .bearer_auth(token)
            .header("content-type", "application/scim+json")
            .body(body)
    }

    /// Sends a bulk upload that is accepted; its number.
    pub(crate) async fn accepted(&self, token: &str, body: impl Into<reqwest::Body>) -> i64 {
        let answer = self.upload(token, body).send().await.unwrap();
        let status = answer.status();
        let number = answer.headers().get("muster-upload-id").map(|id| id.to_str().unwrap().parse().unwrap());
        assert_eq!(status, StatusCode::ACCEPTED, "{}", answer.text().await.unwrap());
        number.unwrap()
    }

    /// Sends a bulk upload byte by byte as given, and reads all that is answered.
    pub(crate) async fn raw(&self, token: &str, header: &str, body: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {BULK_UPLOAD} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/scim+json\r\n{header}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Whoever is refused before the body was read may be hung up on after the answer.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Json {
        let answer = self.request(Method::GET, path).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// What the agents' door says.
    pub(crate) async fn agent_post(&self, token: &str, verb: &str, body: &Json) -> (StatusCode, Json) {
        let path = format!("/muster/v1/agent/{verb}");
        let answer = self.request(Method::POST, &path).bearer_auth(token).json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Leases up to `max` work items of `hq` without waiting.
    pub(crate) async fn lease(&self, token: &str, max: u32) -> Vec<Json> {
        let question = json!({ "version": 1, "targets": ["hq"], "max": max, "waitSeconds": 0 });
        let (status, answer) = self.agent_post(token, "lease", &question).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["items"].as_array().unwrap().clone()
    }

    /// Settles a work item as written: the account is there now, as it shall be.
    pub(crate) async fn settle(&self, token: &str, item: &Json) -> (StatusCode, Json) {
        let desired = &item["task"]["account"]["present"];
        let known = json!({
            "object": format!("CN={},OU=Guests,DC=contoso", item["anchor"].as_str().unwrap()),
            "attributes": desired["attributes"], "container": desired["container"], "synced": false,
        });
        let change = json!({
            "kind": "create", "object": null, "set": desired["attributes"], "clear": [],
            "container": desired["container"], "before": {}, "containerBefore": null,
        });
        let carried =
            json!({ "situation": "ABSENT", "change": change, "settlement": { "applied": { "known": known } } });
        let report = json!({ "version": 1, "lease": item["lease"], "carried": carried });
        self.agent_post(token, "settle", &report).await
    }

    /// Decides all that was accepted, and delivers all that is due to the cloud.
    pub(crate) async fn work(&self) {
        for job in &self.app.jobs {
            let decider = self.app.decider(job);
            while decider.decide_waiting(&|| false).unwrap() {}
            for deliverer in self.app.deliverers(job) {
                while deliverer.deliver_once().await.unwrap() > 0 {}
            }
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<_> = self.app.store.fsck().unwrap().iter().map(|fault| format!("{fault:?}")).collect();
        if self.may_be_unsettled.load(Ordering::SeqCst) {
            return faults;
        }
        let backlog = self.app.store.backlog().unwrap();
        if backlog.operations > 0 {
            faults.push(format!("not decided: {backlog:?}"));
        }
        for job in &self.app.jobs {
            for (id, key) in &job.state.targets {
                let waiting = self.app.store.target_state(id, *key).unwrap().waiting;
                if waiting > 0 {
                    faults.push(format!("{waiting} pieces of work left at {id}"));
                }
            }
        }
        faults
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.close();
        if !std::thread::panicking() {
            assert_eq!(self.faults(), Vec::<String>::new());
        }
    }
}

/// Where uploads for the house's job go.
pub(crate) const BULK_UPLOAD: &str =
    "/v1.0/servicePrincipals/00000000-0000-0000-0000-000000000000/synchronization/jobs/hr/bulkUpload";

/// An operation about a person.
pub(crate) fn person(anchor: &str, user_type: &str, title: &str) -> Json {
    json!({
        "method": "POST", "bulkId": format!("b-{anchor}"), "path": "/Users",
        "data": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "externalId": anchor, "userName": format!("{anchor}@contoso.example"), "displayName": format!("Person {anchor}"),
            "title": title, "userType": user_type, "active": true,
        }
    })
}

/// A bulk request of these operations.
pub(crate) fn bulk(operations: &[Json]) -> String {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations, "failOnErrors": null
    })
    .to_string()
}
