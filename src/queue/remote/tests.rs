//! The agent's side of the queue, against a scripted server.

use std::net::TcpListener;
use std::sync::Mutex;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use super::*;
use crate::clock::SystemClock;
use crate::model::{Settlement, Situation};

/// Answers every request alike, and remembers what was sent.
#[derive(Default)]
struct Answers {
    status: u16,
    retry_after: Option<&'static str>,
    body: String,
    /// Whoever comes with this is not known.
    unknown: Option<String>,
    sent: Mutex<Vec<String>>,
}

async fn answer(request: HttpRequest, body: String, answers: web::Data<Answers>) -> HttpResponse {
    let bearer = request.headers().get("authorization").unwrap().to_str().unwrap();
    answers.sent.lock().unwrap().push(format!("{} {bearer} {body}", request.path()));
    if answers.unknown == Some(bearer.to_owned()) {
        return HttpResponse::Unauthorized().finish();
    }
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(answers.status).unwrap());
    if let Some(after) = answers.retry_after {
        response.insert_header(("Retry-After", after));
    }
    response.body(answers.body.clone())
}

async fn queue(answers: Answers) -> (RemoteQueue, web::Data<Answers>) {
    let answers = web::Data::new(answers);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Url::parse(&format!("http://{}/base/", listener.local_addr().unwrap())).unwrap();
    let data = answers.clone();
    let payload = web::PayloadConfig::new(2 * SETTLE_BYTES_MAX);
    let app = move || App::new().app_data(data.clone()).app_data(payload.clone()).default_service(web::to(answer));
    tokio::spawn(HttpServer::new(app).workers(1).listen(listener).unwrap().disable_signals().run());
    (
        RemoteQueue::new(reqwest::Client::builder().build().unwrap(), &server, bearer(), Arc::new(SystemClock))
            .unwrap(),
        answers,
    )
}

/// The token is T, and once it was refused, U.
fn bearer() -> BearerSource {
    Arc::new(|refused| Box::pin(async move { Ok(SecretString::from(if refused.is_some() { "U" } else { "T" })) }))
}

async fn lease(queue: &RemoteQueue) -> Result<Vec<WorkItem>, QueueError> {
    queue.lease(&[TargetId::new("hq")], 1000, Duration::from_secs(500)).await
}

#[tokio::test]
async fn work_is_asked_for_with_a_token_and_within_limits() {
    let body = include_str!("../../../tests/cases/queue/lease-answer-1.json").to_owned();
    let (queue, answers) = queue(Answers { status: 200, body, ..Answers::default() }).await;
    let before = SystemClock.now();
    let items = lease(&queue).await.unwrap();
    assert_eq!(items[0].anchor.as_str(), "701984");
    assert!(items[0].ends >= before.plus(Duration::from_secs(60)));
    assert!(items[0].ends <= SystemClock.now().plus(Duration::from_secs(60)));
    let sent = r#"/base/muster/v1/agent/lease Bearer T {"version":1,"targets":["hq"],"max":100,"waitSeconds":50}"#;
    assert_eq!(*answers.sent.lock().unwrap(), [sent]);
}

#[tokio::test]
async fn who_asks_says_who_they_are() {
    let (queue, answers) = queue(Answers { status: 204, ..Answers::default() }).await;
    let queue = queue
        .introduced(AgentWire::new("dc-agent-1", Duration::from_secs(10)).with_kinds([(&TargetId::new("hq"), "ldif")]));
    lease(&queue).await.unwrap();
    let told = format!(
        r#""agent":{{"name":"dc-agent-1","version":"{}","timeoutMilliseconds":10000,"kinds":{{"hq":"ldif"}}}}}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert!(answers.sent.lock().unwrap()[0].ends_with(&told), "{:?}", answers.sent.lock().unwrap());
}

#[tokio::test]
async fn nothing_due_is_no_work() {
    let (queue, _) = queue(Answers { status: 204, ..Answers::default() }).await;
    assert_eq!(lease(&queue).await.unwrap(), []);
}

fn unchanged(lease: &str) -> (LeaseId, Carried) {
    let carried = Carried { situation: Situation::Confirmed, change: None, settlement: Settlement::Unchanged };
    (LeaseId::new(lease), carried)
}

#[tokio::test]
async fn settlements_name_their_leases_and_each_is_answered() {
    let body = r#"{"version":1,"answers":["taken","leaseLost"]}"#.to_owned();
    let (queue, answers) = queue(Answers { status: 200, body, ..Answers::default() }).await;
    let answered = queue.settle(&[unchanged("l1"), unchanged("l2")]).await.unwrap();
    assert_eq!(answered, [SettledWire::Taken, SettledWire::LeaseLost]);
    let sent = concat!(
        r#"/base/muster/v1/agent/settle Bearer T {"version":1,"settlements":["#,
        r#"{"lease":"l1","carried":{"situation":"CONFIRMED","change":null,"settlement":"unchanged"}},"#,
        r#"{"lease":"l2","carried":{"situation":"CONFIRMED","change":null,"settlement":"unchanged"}}]}"#
    );
    assert_eq!(*answers.sent.lock().unwrap(), [sent]);
    // An answer that does not speak of each is no answer.
    let refused = queue.settle(&[unchanged("l1")]).await;
    assert!(matches!(refused, Err(QueueError::Refused { status: None, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_report_has_no_more_settlements_than_the_server_takes() {
    let body = format!(r#"{{"version":1,"answers":[{}]}}"#, ["\"taken\""; SETTLE_ITEMS_MAX].join(","));
    let (queue, _) = queue(Answers { status: 200, body, ..Answers::default() }).await;
    let many: Vec<_> = (0..SETTLE_ITEMS_MAX + 50).map(|number| unchanged(&format!("l{number}"))).collect();
    assert_eq!(queue.settle(&many).await.unwrap().len(), SETTLE_ITEMS_MAX);
    // Nor is it longer than it need be.
    let why = crate::model::Reason::new("code", "x".repeat(SETTLE_BYTES_MAX / 3));
    let long =
        |lease: &str| (LeaseId::new(lease), Carried { settlement: Settlement::Held(why.clone()), ..unchanged("").1 });
    let body = r#"{"version":1,"answers":["taken","taken"]}"#.to_owned();
    let (queue, _) = self::queue(Answers { status: 200, body, ..Answers::default() }).await;
    assert_eq!(queue.settle(&[long("1"), long("2"), long("3"), long("4")]).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    for status in [401, 408, 429, 500, 503] {
        let (queue, _) = queue(Answers { status, retry_after: Some("7"), ..Answers::default() }).await;
        match lease(&queue).await.unwrap_err() {
            QueueError::Later { after, .. } => assert_eq!(after, Some(Duration::from_secs(7))),
            refused => panic!("{status}: {refused:?}"),
        }
    }
}

#[tokio::test]
async fn a_pause_longer_than_a_server_can_mean_is_cut() {
    for (asked, waited) in [("2.5", Some(3)), ("99999999999", Some(3600)), ("soon", None)] {
        let (queue, _) = queue(Answers { status: 429, retry_after: Some(asked), ..Answers::default() }).await;
        let QueueError::Later { after, .. } = lease(&queue).await.unwrap_err() else { panic!("{asked}") };
        assert_eq!(after, waited.map(Duration::from_secs), "{asked}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_known_any_more_is_replaced_once() {
    let unknown = |token: &str| Answers { status: 204, unknown: Some(format!("Bearer {token}")), ..Answers::default() };
    let (queue, answers) = queue(unknown("T")).await;
    assert_eq!(lease(&queue).await.unwrap(), []);
    let sent = answers.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 2);
    assert!(sent[0].contains(" Bearer T ") && sent[1].contains(" Bearer U "), "{sent:?}");
}

#[tokio::test]
async fn a_server_that_knows_no_token_at_all_is_not_asked_without_end() {
    let (queue, answers) = queue(Answers { status: 401, ..Answers::default() }).await;
    assert!(matches!(lease(&queue).await, Err(QueueError::Later { .. })));
    assert_eq!(answers.sent.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_token_service_that_asks_for_patience_is_given_it() {
    let after = Some(Duration::from_secs(7));
    let patience: BearerSource =
        Arc::new(move |_| Box::pin(async move { Err(TokenError::Later { after, why: "it answers 429".to_owned() }) }));
    let (queue, answers) = queue(Answers { status: 204, ..Answers::default() }).await;
    let queue = RemoteQueue { bearer: patience, ..queue };
    assert!(matches!(lease(&queue).await, Err(QueueError::Later { after: asked, .. }) if asked == after));
    assert_eq!(answers.sent.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn an_open_question_ends_when_no_more_work_is_wanted_and_not_without_what_was_leased() {
    let body = include_str!("../../../tests/cases/queue/lease-answer-1.json").to_owned();
    let (queue, _) = queue(Answers { status: 200, body, ..Answers::default() }).await;
    let (items, ()) = tokio::join!(lease(&queue), async { queue.stop() });
    assert_eq!(items.unwrap().len(), 1, "the server had leased it");
    assert_eq!(lease(&queue).await.unwrap(), [], "it is not asked again");
    // Connections are taken, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Url::parse(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    let client = reqwest::Client::builder().build().unwrap();
    let queue = RemoteQueue::new(client, &server, bearer(), Arc::new(SystemClock)).unwrap();
    let (items, ()) = tokio::join!(lease(&queue), async { queue.stop() });
    assert_eq!(items.unwrap(), []);
}

#[tokio::test]
async fn who_is_given_no_token_is_not_let_in() {
    let refusal = || TokenError::Refused { code: "invalid_client".to_owned(), why: "no such client".to_owned() };
    let bearer: BearerSource = Arc::new(move |_| Box::pin(async move { Err(refusal()) }));
    let (queue, answers) = queue(Answers { status: 204, ..Answers::default() }).await;
    let error = lease(&RemoteQueue { bearer, ..queue }).await.unwrap_err();
    assert!(matches!(error, QueueError::NotLetIn { .. }), "{error:?}");
    let told = crate::pipeline::schedule::chain(&error);
    assert_eq!(
        told,
        "the server does not let the agent in: the token service refuses (invalid_client): no such client"
    );
    assert_eq!(answers.sent.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_refusal_is_told_with_what_the_server_said() {
    let (queue, _) = queue(Answers { status: 403, body: "no such\nagent".to_owned(), ..Answers::default() }).await;
    let error = lease(&queue).await.unwrap_err();
    assert!(matches!(error, QueueError::Refused { status: Some(403), .. }), "{error:?}");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "403 Forbidden: no such\\u{000A}agent");
    let body = r#"{"error":{"code":"otherKind","message":"of kind `ldif`"}}"#.to_owned();
    let (queue, _) = self::queue(Answers { status: 409, body, ..Answers::default() }).await;
    let error = lease(&queue).await.unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "409 Conflict: of kind `ldif`");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_refused() {
    for body in [r#"{"version":1}"#, r#"{"version":2,"waitedMilliseconds":0,"items":[]}"#, "<html>"] {
        let (queue, _) = queue(Answers { status: 200, body: body.to_owned(), ..Answers::default() }).await;
        assert!(matches!(lease(&queue).await, Err(QueueError::Refused { status: None, .. })), "{body}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Url::parse(&format!("http://{free}")).unwrap();
    let client = reqwest::Client::builder().build().unwrap();
    let queue = RemoteQueue::new(client, &server, bearer(), Arc::new(SystemClock)).unwrap();
    assert!(matches!(lease(&queue).await, Err(QueueError::Later { after: None, .. })));
}

#[test]
fn tokens_do_not_leave_the_machine_in_the_clear() {
    let check = |server: &str| {
        let client = reqwest::Client::builder().build().unwrap();
        RemoteQueue::new(client, &Url::parse(server).unwrap(), bearer(), Arc::new(SystemClock)).map(drop)
    };
    assert_eq!(check("https://muster.example.test"), Ok(()));
    assert_eq!(check("http://[::1]:8080"), Ok(()));
    assert_eq!(check("http://muster.example.test"), Err(ServerUrlError::NotEncrypted));
    assert_eq!(check("http://localhost.example.test"), Err(ServerUrlError::NotEncrypted));
    assert_eq!(check("ftp://127.0.0.1"), Err(ServerUrlError::NotEncrypted));
}
