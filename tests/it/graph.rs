//! The Graph writer against a practice tenant over HTTP, and against answers that only a bad day gives.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use muster::model::{ChangeKind, Dn, Found, ObjectId, Value};
use muster::sandbox::{Sandbox, SandboxError, Throttle};
use muster::writer::graph::{GraphWriter, WriteBudget};
use muster::writer::{Room, WriteError, Writer};
use serde_json::{Map, Value as Json, json};

use crate::practice::{
    Act, HandClock, Practice, SECRET, Scripted, by_keys, by_object, change, errand, names, nobody, settings, writer,
};

const ANNA: [(&str, &str); 3] =
    [("displayName", "Anna"), ("userPrincipalName", "anna@contoso.example"), ("employeeId", "7")];

fn object(json: Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

async fn make_anna(writer: &GraphWriter) -> ObjectId {
    writer.write(&errand(), &change(ChangeKind::Create, None, &ANNA, &[])).await.unwrap().unwrap().object
}

/// What an error tells its caller to do.
pub(crate) fn said(error: &WriteError) -> String {
    match error {
        WriteError::Later { after, .. } => format!("later {after:?}"),
        WriteError::Unknown { .. } => "unknown".to_owned(),
        WriteError::Withheld { code, .. } => format!("withheld {code}"),
        WriteError::Refused { code, .. } => format!("refused {code}"),
        WriteError::Taken { attribute, .. } => format!("taken {attribute}"),
        WriteError::Gone { .. } => "gone".to_owned(),
    }
}

#[tokio::test]
async fn a_new_account_has_all_that_entra_requires() {
    let practice = Practice::start();
    let made =
        practice.writer().write(&errand(), &change(ChangeKind::Create, None, &ANNA, &[])).await.unwrap().unwrap();
    let user = practice.sandbox.user(made.object.as_str()).unwrap();
    assert_eq!(user.properties["mailNickname"], "anna");
    assert_eq!(user.properties["accountEnabled"], true);
    // Graph does not echo the employee id; the receipt has it all the same.
    assert_eq!(made.attributes.get("employeeId"), Some(&Value::text("7")));
    assert_eq!(made.attributes.get("accountEnabled"), Some(&Value::Boolean(true)));
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_sent() {
    let practice = Practice::start();
    let error =
        practice.writer().write(&errand(), &change(ChangeKind::Create, None, &ANNA[1..], &[])).await.unwrap_err();
    assert_eq!(said(&error), "refused required_missing");
    assert!(practice.sandbox.requests().by_method.is_empty());
}

#[tokio::test]
async fn members_are_written_one_by_one_even_where_entra_replaces_them_together() {
    let practice = Practice::start();
    let writer = practice.writer();
    let anna = make_anna(&writer).await;
    let read = [
        "employeeOrgData.division",
        "EmployeeOrgData.costCenter",
        "businessPhones",
        "onPremisesExtensionAttributes.extensionAttribute1",
        "onPremisesExtensionAttributes.extensionAttribute2",
    ];
    for set in [
        [("employeeOrgData.division", "Sales"), ("onPremisesExtensionAttributes.extensionAttribute1", "one")],
        [("employeeOrgData.costCenter", "4711"), ("onPremisesExtensionAttributes.extensionAttribute2", "two")],
        [("businessPhones", "+49 1"), ("city", "Ulm")],
    ] {
        writer.write(&errand(), &change(ChangeKind::Update, Some(&anna), &set, &[])).await.unwrap();
    }
    let Found::One(known) = writer.find(&by_object(&anna, &read)).await.unwrap() else { panic!("nobody") };
    let held: Vec<Value> = read.iter().map(|name| known.attributes.get(name).unwrap().clone()).collect();
    assert_eq!(held, ["Sales", "4711", "+49 1", "one", "two"].map(Value::text));

    let clear = change(ChangeKind::Update, Some(&anna), &[], &["employeeOrgData.division", "businessPhones"]);
    writer.write(&errand(), &clear).await.unwrap();
    let user = practice.sandbox.user(anna.as_str()).unwrap();
    assert_eq!(user.properties["employeeOrgData"], json!({ "division": null, "costCenter": "4711" }));
    assert_eq!(user.properties["businessPhones"], json!([]));
}

#[tokio::test]
async fn keys_that_need_an_advanced_query_find_as_well() {
    let practice = Practice::start();
    let writer = practice.writer();
    let anna = make_anna(&writer).await;
    let set = [("onPremisesExtensionAttributes.extensionAttribute1", "o'neil"), ("employeeOrgData.division", "R&D #1")];
    writer.write(&errand(), &change(ChangeKind::Update, Some(&anna), &set, &[])).await.unwrap();
    for key in set {
        let Found::One(found) = writer.find(&by_keys(&[key], &[])).await.unwrap() else { panic!("{key:?}") };
        assert_eq!(found.object, anna);
    }
}

#[tokio::test]
async fn a_synchronised_account_is_recognised_and_refuses() {
    let practice = Practice::with(|settings| {
        settings.users.push(object(json!({ "userPrincipalName": "anna@contoso.example", "displayName": "Anna",
            "employeeId": "7", "onPremisesSyncEnabled": true })));
    });
    let writer = practice.writer();
    let Found::One(known) = writer.find(&by_keys(&[("employeeId", "7")], &[])).await.unwrap() else { panic!("nobody") };
    assert!(known.synced);
    let update = change(ChangeKind::Update, Some(&known.object), &[("jobTitle", "x")], &[]);
    assert_eq!(said(&writer.write(&errand(), &update).await.unwrap_err()), "refused Request_BadRequest");
}

#[tokio::test]
async fn the_cloud_has_no_containers() {
    let practice = Practice::start();
    let mut to = change(ChangeKind::Move, Some(&ObjectId::new("x")), &[], &[]);
    to.container = Some(Dn::parse("OU=Staff").unwrap());
    assert_eq!(said(&practice.writer().write(&errand(), &to).await.unwrap_err()), "refused no_containers");
}

#[tokio::test]
async fn who_holds_a_value_is_told_by_its_attribute() {
    let practice = Practice::start();
    let writer = practice.writer();
    let anna = make_anna(&writer).await;
    let mail = change(ChangeKind::Update, Some(&anna), &[("mail", "a@contoso.example")], &[]);
    writer.write(&errand(), &mail).await.unwrap();
    assert_eq!(
        said(&writer.write(&errand(), &change(ChangeKind::Create, None, &ANNA, &[])).await.unwrap_err()),
        "taken userPrincipalName"
    );
    let eve = [("displayName", "Eve"), ("userPrincipalName", "eve@contoso.example"), ("mail", "A@contoso.example")];
    assert_eq!(
        said(&writer.write(&errand(), &change(ChangeKind::Create, None, &eve, &[])).await.unwrap_err()),
        "taken mail"
    );
}

#[tokio::test]
async fn managers_are_pointed_at_and_a_missing_one_is_not_taken_for_a_missing_report() {
    let practice = Practice::start();
    let writer = practice.writer();
    let anna = make_anna(&writer).await;
    let boss = [("displayName", "Boss"), ("userPrincipalName", "boss@contoso.example")];
    let boss = writer.write(&errand(), &change(ChangeKind::Create, None, &boss, &[])).await.unwrap().unwrap().object;
    writer.set_manager(&errand(), &anna, Some(&boss)).await.unwrap();
    assert_eq!(practice.sandbox.user(anna.as_str()).unwrap().manager.as_deref(), Some(boss.as_str()));

    let nobody = ObjectId::new("00000000-0000-0000-0000-000000000000");
    assert_eq!(said(&writer.set_manager(&errand(), &anna, Some(&nobody)).await.unwrap_err()), "refused manager_gone");
    assert_eq!(said(&writer.set_manager(&errand(), &nobody, Some(&boss)).await.unwrap_err()), "gone");
    writer.set_manager(&errand(), &anna, None).await.unwrap();
    assert_eq!(practice.sandbox.user(anna.as_str()).unwrap().manager, None);
}

#[tokio::test]
async fn a_token_is_fetched_once_for_all_and_renewed_before_it_ends() {
    let practice = Practice::with(|settings| settings.latency = Some(Duration::from_millis(20)));
    let writer = practice.writer();
    let search = by_keys(&[("employeeId", "7")], &[]);
    let all = tokio::join!(writer.find(&search), writer.find(&search), writer.find(&search));
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
    assert_eq!(practice.sandbox.requests().tokens, 1);

    practice.clock.pass(Duration::from_secs(3599 - 301));
    writer.find(&search).await.unwrap();
    assert_eq!(practice.sandbox.requests().tokens, 1);
    practice.clock.pass(Duration::from_secs(2));
    writer.find(&search).await.unwrap();
    assert_eq!(practice.sandbox.requests().tokens, 2);
}

#[tokio::test]
async fn a_refused_token_is_fetched_once_more() {
    let practice = Practice::start();
    let writer = practice.writer();
    make_anna(&writer).await;
    practice.sandbox.revoke_tokens();
    assert!(matches!(writer.find(&by_keys(&[("employeeId", "7")], &[])).await, Ok(Found::One(_))));
    assert_eq!(practice.sandbox.requests().tokens, 2);

    let scripted = Scripted::start([Act::Answer(401, "", "{}"), Act::Answer(401, "", "{}")]).await;
    let writer = self::writer(&scripted.address, &HandClock::new(), Duration::from_secs(10));
    let error = writer.find(&by_keys(&[("employeeId", "7")], &[])).await.unwrap_err();
    assert_eq!((said(&error), scripted.requests().len()), ("later None".to_owned(), 2));
}

#[tokio::test]
async fn a_wrong_secret_leaves_the_change_to_be_made_later() {
    let practice = Practice::start();
    let mut settings = settings(&practice.address, Duration::from_secs(10));
    settings.client_secret = "something else".into();
    let writer = GraphWriter::new(&settings, practice.clock.clone()).unwrap();
    let WriteError::Later { cause, .. } =
        writer.write(&errand(), &change(ChangeKind::Create, None, &ANNA, &[])).await.unwrap_err()
    else {
        panic!("not later")
    };
    assert!(cause.0.contains("the token service refuses (invalid_client): AADSTS7000215"), "{cause}");
    assert!(!cause.0.contains("something else"));
}

#[tokio::test]
async fn a_throttled_tenant_is_left_alone_as_long_as_it_says() {
    let per = Duration::from_secs(1);
    let practice = Practice::with(|settings| settings.throttle = Some(Throttle { writes: 1, per }));
    let writer = practice.writer();
    let anna = make_anna(&writer).await;
    let update = change(ChangeKind::Update, Some(&anna), &[("jobTitle", "x")], &[]);
    assert_eq!(said(&writer.write(&errand(), &update).await.unwrap_err()), "later Some(1s)");
    assert!(matches!(writer.room(), Room::ClosedFor(left) if left <= per));
    let begun = Instant::now();
    practice.clock.pass(per);
    // Not even a question is begun before; what waits in here goes on when it has passed.
    assert!(matches!(writer.find(&by_object(&anna, &[])).await, Ok(Found::One(_))));
    assert!(begun.elapsed() >= per - Duration::from_millis(50), "{:?}", begun.elapsed());
    writer.write(&errand(), &update).await.unwrap();
    assert_eq!(practice.sandbox.requests().throttled, 1);
}

#[tokio::test]
async fn what_would_wait_too_long_is_told_when_to_come_back_and_is_not_sent() {
    let practice = Practice::with(|settings| {
        settings.throttle = Some(Throttle { writes: 1, per: Duration::from_secs(150) });
    });
    let writer = practice.writer();
    let anna = make_anna(&writer).await;
    let update = change(ChangeKind::Update, Some(&anna), &[("jobTitle", "x")], &[]);
    assert_eq!(said(&writer.write(&errand(), &update).await.unwrap_err()), "later Some(150s)");
    let asked = practice.sandbox.requests();
    for error in [
        writer.write(&errand(), &update).await.unwrap_err(),
        writer.find(&by_object(&anna, &[])).await.unwrap_err(),
        writer.find(&by_keys(&[("employeeId", "7")], &[])).await.unwrap_err(),
    ] {
        let WriteError::Later { after: Some(after), .. } = error else { panic!("{error:?}") };
        assert!(after > Duration::from_secs(140) && after <= Duration::from_secs(150), "{after:?}");
    }
    assert_eq!(practice.sandbox.requests(), asked);

    // The same where our own budget is used up, and the tenant has not said anything.
    let practice = Practice::start();
    let mut settings = settings(&practice.address, Duration::from_secs(10));
    settings.budget = WriteBudget { writes: 1, per: Duration::from_secs(100) };
    let writer = GraphWriter::new(&settings, practice.clock.clone()).unwrap();
    let anna = make_anna(&writer).await;
    assert_eq!(writer.room(), Room::Open(0));
    let pace = writer.pace().unwrap();
    assert_eq!((pace.writes, pace.left, pace.closed_for), (1, 0, Duration::ZERO));
    let update = change(ChangeKind::Update, Some(&anna), &[("jobTitle", "x")], &[]);
    let WriteError::Later { after: Some(after), .. } = writer.write(&errand(), &update).await.unwrap_err() else {
        panic!("not later")
    };
    assert!(after > Duration::from_secs(90) && after <= Duration::from_secs(101), "{after:?}");
    // Questions cost nothing of it.
    assert!(matches!(writer.find(&by_object(&anna, &[])).await, Ok(Found::One(_))));
}

#[tokio::test]
async fn what_a_lost_answer_means_depends_on_what_was_asked() {
    let clock = HandClock::new();
    let create = change(ChangeKind::Create, None, &ANNA, &[]);
    for (act, expected) in [
        (Act::HangUp, "unknown"),
        (Act::Silence, "unknown"),
        (Act::Answer(500, "", ""), "unknown"),
        (Act::Answer(504, "", "<html>"), "unknown"),
        (Act::Answer(201, "", "{}"), "unknown"),
        (Act::Answer(503, "retry-after: 2.128\r\n", "{}"), "unknown"),
        (Act::Answer(429, "retry-after: 2.128\r\n", "{}"), "later Some(3s)"),
        (Act::Answer(409, "", "{}"), "later None"),
        // Not followed: a token must not go where an answer sends it.
        (Act::Answer(302, "location: /elsewhere\r\n", ""), "later None"),
        (Act::Answer(403, "", r#"{"error": {"code": "Directory_QuotaExceeded"}}"#), "refused Directory_QuotaExceeded"),
    ] {
        let scripted = Scripted::start([act]).await;
        let writer = writer(&scripted.address, &clock, Duration::from_millis(500));
        assert_eq!(said(&writer.write(&errand(), &create).await.unwrap_err()), expected);
        assert_eq!(scripted.requests().len(), 1);
    }
    for act in [Act::HangUp, Act::Silence, Act::Answer(500, "", "")] {
        let scripted = Scripted::start([act]).await;
        let writer = writer(&scripted.address, &clock, Duration::from_millis(500));
        assert_eq!(said(&writer.find(&by_keys(&[("employeeId", "7")], &[])).await.unwrap_err()), "later None");
    }
    let nobody_listens = writer("http://127.0.0.1:1", &clock, Duration::from_millis(500));
    assert_eq!(said(&nobody_listens.write(&errand(), &create).await.unwrap_err()), "later None");
}

#[tokio::test]
async fn an_account_made_a_moment_ago_is_not_gone_because_a_replica_lags() {
    let clock = HandClock::new();
    let acts = [(201, r#"{"id": "a"}"#), (404, "{}"), (404, "{}"), (404, "{}"), (404, "{}"), (404, "{}")];
    let scripted = Scripted::start(acts.map(|(status, body)| Act::Answer(status, "", body))).await;
    let writer = writer(&scripted.address, &clock, Duration::from_secs(10));
    let anna = make_anna(&writer).await;
    let update = change(ChangeKind::Update, Some(&anna), &[("jobTitle", "x")], &[]);
    let delete = change(ChangeKind::Delete, Some(&anna), &[], &[]);
    assert_eq!(said(&writer.write(&errand(), &update).await.unwrap_err()), "later None");
    assert_eq!(said(&writer.find(&by_object(&anna, &[])).await.unwrap_err()), "later None");
    assert_eq!(said(&writer.write(&errand(), &delete).await.unwrap_err()), "later None");
    clock.pass(Duration::from_secs(301));
    assert_eq!(said(&writer.write(&errand(), &update).await.unwrap_err()), "gone");
    assert_eq!(writer.find(&by_object(&anna, &[])).await.unwrap(), Found::Nobody);
}

/// Keeps what is logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What was logged.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_log_nor_debug_shows_a_secret_a_password_or_a_persons_data() {
    let log = Log::default();
    let to = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    let subscriber = subscriber.with_writer(move || to.clone());
    // With a single subscriber, `tracing` asks only the thread that comes by a line first whether it is wanted, and
    // that may be another test's. With two it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber.finish());

    let acts = [(201, r#"{"id": "the-object"}"#), (400, "{}")];
    let acts = acts.map(|(status, body)| Act::Answer(status, "request-id: r-1\r\n", body));
    let scripted = Scripted::start(std::iter::once(nobody()).chain(acts)).await;
    let settings = settings(&scripted.address, Duration::from_secs(10));
    let writer = GraphWriter::new(&settings, HandClock::new()).unwrap();
    writer.find(&by_keys(&[("employeeId", "person-7")], &[])).await.unwrap();
    let anna = make_anna(&writer).await;
    let update = change(ChangeKind::Update, Some(&anna), &[("jobTitle", "Buyer")], &[]);
    let error = writer.write(&errand(), &update).await.unwrap_err();

    let post = scripted.requests().swap_remove(1);
    let body: Json = serde_json::from_str(post.split_once("\r\n\r\n").unwrap().1).unwrap();
    let password = body["passwordProfile"]["password"].as_str().unwrap();
    let shown = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(shown.contains("path=\"/v1.0/users/the-object\" status=400 request_id=\"r-1\""), "{shown}");
    let shown = format!("{shown}{settings:?}{writer:?}{error:?}{}", scripted.requests().len());
    for secret in [password, SECRET, "a%2Bsecret", "the-bearer-token", "person-7", "Anna", "Buyer"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[tokio::test]
async fn a_password_given_by_a_mapping_is_in_no_receipt() {
    let practice = Practice::start();
    let set = [ANNA[0], ANNA[1], ("passwordProfile.password", "Given-by-Mapping-1")];
    let made = practice.writer().write(&errand(), &change(ChangeKind::Create, None, &set, &[])).await.unwrap().unwrap();
    assert!(!format!("{made:?}").contains("Given"));
    assert!(!format!("{:?}", practice.sandbox.users()).contains("Given"));
    let search = by_object(&made.object, &["passwordProfile.password", "displayName"]);
    let Found::One(known) = practice.writer().find(&search).await.unwrap() else { panic!("nobody") };
    assert_eq!(known.attributes.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names(&["displayName"]));
    assert_eq!(known.attributes.get("displayName"), Some(&Value::text("Anna")));
}

#[tokio::test]
async fn a_practice_tenant_is_for_this_machine_only() {
    let practice = Practice::start();
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let refused: Result<_, SandboxError> = Sandbox::serve(&practice.sandbox, listener);
    assert!(matches!(refused, Err(SandboxError::NotLoopback(_))));
}
