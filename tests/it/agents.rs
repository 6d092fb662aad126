//! Agents: work is leased to one of them at a time, and comes back when it is not settled.

use std::time::{Duration, Instant};

use muster::api::Role;
use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use super::house::{House, bulk, person};

/// A house in which so many contractors are to be made at `hq`, and a token for uploads.
async fn with_work(count: usize) -> (House, String) {
    let house = House::unlimited();
    let token = house.uploader().await;
    let people: Vec<_> = (0..count).map(|at| person(&format!("c{at}"), "Contractor", "")).collect();
    house.accepted(&token, bulk(&people)).await;
    house.work().await;
    (house, token)
}

#[tokio::test]
async fn an_agent_leases_work_carries_it_and_says_so() {
    let (house, token) = with_work(2).await;
    let agent = house.agent("agent").await;
    let items = house.lease(&agent, 10).await;
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["target"], "hq");
    assert!(items[0]["endsInMilliseconds"].as_u64().unwrap() > 0);
    for item in &items {
        let (status, answer) = house.settle(&agent, item).await;
        assert_eq!((status, &answer["settled"]), (StatusCode::OK, &json!("taken")));
    }
    let upload = house.get(&token, "/muster/v1/uploads/1").await;
    assert_eq!(upload["outcomes"], json!({ "applied": 2 }));
    let (status, answer) = house.settle(&agent, &items[0]).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::CONFLICT, &json!("leaseLost")));
}

#[tokio::test]
async fn an_agent_is_not_held_up_by_the_rate_of_uploads() {
    let house = House::open();
    let token = house.uploader().await;
    let people: Vec<_> = (0..60).map(|at| person(&format!("c{at}"), "Contractor", "")).collect();
    house.accepted(&token, bulk(&people)).await;
    house.work().await;
    let agent = house.agent("agent").await;
    for item in house.lease(&agent, 100).await {
        assert_eq!(house.settle(&agent, &item).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn no_person_is_ever_with_two_agents() {
    let (house, _) = with_work(20).await;
    let (one, two) = (house.agent("one").await, house.agent("two").await);
    let (mut mine, theirs) = tokio::join!(house.lease(&one, 12), house.lease(&two, 12));
    assert_eq!(mine.len() + theirs.len(), 20);
    mine.extend(theirs);
    let mut anchors: Vec<_> = mine.iter().map(|item| item["anchor"].as_str().unwrap()).collect();
    anchors.sort_unstable();
    anchors.dedup();
    assert_eq!(anchors.len(), 20);
    house.leaves_work();
}

#[tokio::test]
async fn a_lease_that_ran_out_comes_back_and_its_holder_changes_nothing_more() {
    let (house, token) = with_work(1).await;
    let (late, other) = (house.agent("late").await, house.agent("other").await);
    let lost = house.lease(&late, 1).await.remove(0);
    assert_eq!(house.lease(&other, 1).await, Vec::<Json>::new());
    // The lease, and the time a write begun in it may take.
    house.clock.pass(Duration::from_secs(121));
    let item = house.lease(&other, 1).await.remove(0);
    assert_eq!((&item["anchor"], &item["look"], &item["attempt"]), (&lost["anchor"], &json!(true), &json!(1)));
    assert_eq!(house.settle(&late, &lost).await.0, StatusCode::CONFLICT);
    // Nor can a stranger settle what another holds.
    assert_eq!(house.settle(&late, &item).await.0, StatusCode::CONFLICT);
    assert_eq!(house.settle(&other, &item).await.0, StatusCode::OK);
    let person = house.get(&token, "/muster/v1/jobs/hr/people/c0").await;
    assert_eq!(person["accounts"][0]["outcome"], "applied");
}

#[tokio::test]
async fn an_agent_works_at_its_own_targets_only() {
    let house = House::unlimited();
    let elsewhere = house.token("elsewhere", &[Role::Agent], &["paris"]).await;
    let question = |target: &str| json!({ "version": 1, "targets": [target], "max": 1, "waitSeconds": 0 });
    let (status, answer) = house.agent_post(&elsewhere, "lease", &question("hq")).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("--target hq"));
    let (status, _) = house.agent_post(&elsewhere, "lease", &question("paris")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // The cloud is written to by the server itself.
    let cloud = house.token("cloud", &[Role::Agent], &["cloud"]).await;
    assert_eq!(house.agent_post(&cloud, "lease", &question("cloud")).await.0, StatusCode::NOT_FOUND);
    let uploader = house.uploader().await;
    assert_eq!(house.agent_post(&uploader, "lease", &question("hq")).await.0, StatusCode::FORBIDDEN);
    let agent = house.agent("agent").await;
    assert_eq!(house.upload(&agent, bulk(&[])).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    for wrong in [
        json!({ "version": 2, "targets": ["hq"], "max": 1, "waitSeconds": 0 }),
        json!({}),
        question("hq")["max"].clone(),
    ] {
        assert_eq!(house.agent_post(&agent, "lease", &wrong).await.0, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_question_is_kept_open_until_there_is_work() {
    let house = House::unlimited();
    let (token, agent) = (house.uploader().await, house.agent("agent").await);
    let question = json!({ "version": 1, "targets": ["hq"], "max": 1, "waitSeconds": 20 });
    let (answer, ()) = tokio::join!(house.agent_post(&agent, "lease", &question), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        house.accepted(&token, bulk(&[person("1", "Contractor", "")])).await;
        house.work().await;
    });
    assert!(answer.1["waitedMilliseconds"].as_u64().unwrap() >= 50, "{}", answer.1);
    house.settle(&agent, &answer.1["items"][0]).await;
}

#[tokio::test]
async fn an_agent_that_has_hung_up_is_given_no_work() {
    let house = House::unlimited();
    let (token, gone, other) = (house.uploader().await, house.agent("gone").await, house.agent("other").await);
    let reader = house.token("reader", &[Role::ReadLogs], &[]).await;
    let question = json!({ "version": 1, "targets": ["hq"], "max": 1, "waitSeconds": 30 });
    let was_heard = async { while house.get(&reader, "/muster/v1/agents").await["agents"] == json!([]) {} };
    tokio::select! {
        _ = house.agent_post(&gone, "lease", &question) => panic!("there was no work"),
        () = was_heard => {}
    }
    house.accepted(&token, bulk(&[person("1", "Contractor", "")])).await;
    house.work().await;
    // Long enough for whoever still listens to be faster.
    for _ in 0..50 {
        house.get(&reader, "/muster/v1/status").await;
    }
    let items = house.lease(&other, 1).await;
    assert_eq!(items.len(), 1, "it is with one who has hung up");
    house.settle(&other, &items[0]).await;
}

#[tokio::test]
async fn open_questions_end_when_the_doors_close() {
    let house = House::unlimited();
    let agent = house.agent("agent").await;
    let question = json!({ "version": 1, "targets": ["hq"], "max": 1, "waitSeconds": 30 });
    let asked = Instant::now();
    let ((status, answer), ()) = tokio::join!(house.agent_post(&agent, "lease", &question), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        house.close();
    });
    assert_eq!((status, &answer["items"]), (StatusCode::OK, &json!([])));
    assert!(asked.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn several_settlements_are_reported_in_one_request_and_answered_each_on_its_own() {
    let (house, token) = with_work(3).await;
    let agent = house.agent("agent").await;
    let items = house.lease(&agent, 10).await;
    assert_eq!(house.settle(&agent, &items[1]).await.0, StatusCode::OK);
    let known = |item: &Json| json!({ "object": item["anchor"], "attributes": {}, "container": null, "synced": false });
    let applied = |item: &Json| {
        let settlement = json!({ "applied": { "known": known(item) } });
        json!({ "lease": item["lease"], "carried": { "situation": "ABSENT", "change": null, "settlement": settlement } })
    };
    let mut unreadable = applied(&items[2]);
    unreadable["carried"]["settlement"]["applied"]["known"]["container"] = json!("nowhere");
    let report = json!({ "version": 1, "settlements": [applied(&items[0]), applied(&items[1]), unreadable] });
    let (status, answer) = house.agent_post(&agent, "settle", &report).await;
    assert_eq!(
        (status, &answer["answers"][0], &answer["answers"][1]),
        (StatusCode::OK, &json!("taken"), &json!("leaseLost"))
    );
    assert!(answer["answers"][2]["unreadable"].as_str().unwrap().contains("`container` cannot be read"), "{answer}");
    assert_eq!(house.settle(&agent, &items[2]).await.0, StatusCode::OK, "what could not be read ends no lease");
    let upload = house.get(&token, "/muster/v1/uploads/1").await;
    assert_eq!(upload["outcomes"]["pending"], Json::Null, "{upload}");
    let many = vec![applied(&items[0]); 101];
    let report = json!({ "version": 1, "settlements": many });
    assert_eq!(house.agent_post(&agent, "settle", &report).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_agent_whose_target_is_of_another_kind_is_given_no_work_and_both_sides_say_why() {
    let (house, _) = with_work(1).await;
    let reader = house.token("reader", &[Role::ReadLogs], &[]).await;
    let agent = house.agent("agent").await;
    let of_kind =
        |kind: &str| json!({ "name": "dc-1", "version": "1", "timeoutMilliseconds": 2000, "kinds": { "hq": kind } });
    let question = |agent: Json| json!({ "version": 1, "targets": ["hq"], "max": 1, "waitSeconds": 0, "agent": agent });
    let lease = "11111111-1111-4111-8111-111111111111";
    let claim = |agent: Json| json!({ "version": 1, "targets": ["hq"], "claims": [{ "offer": "x", "lease": lease }], "agent": agent });
    for (verb, body) in [("lease", question(of_kind("ldap"))), ("claim", claim(of_kind("ldap")))] {
        let (status, answer) = house.agent_post(&agent, verb, &body).await;
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::CONFLICT, &json!("otherKind")), "{verb}: {answer}");
        let why = "the target `hq` is of kind `ldap` in the agent's file, and of kind `ldif` in job `hr`; correct one of \
                   the two. Until then it is given no work";
        assert_eq!(answer["error"]["message"], why);
    }
    let hq = house.get(&reader, "/muster/v1/status").await["jobs"][0]["targets"][1].clone();
    assert_eq!((&hq["target"], &hq["kind"], &hq["due"]), (&json!("hq"), &json!("ldif"), &json!(1)));
    assert_eq!(hq["agents"][0]["kind"], "ldap", "{hq}");
    let account = house.get(&reader, "/muster/v1/jobs/hr/people/c0").await["accounts"][0].clone();
    assert_eq!(account["reason"]["code"], "no_agent", "who is given no work is nobody that it waits for: {account}");
    // One of the same kind is given it, and so is one of before this was told.
    let (_, answer) = house.agent_post(&agent, "lease", &question(of_kind("ldif"))).await;
    house.settle(&agent, &answer["items"][0]).await;
    let old = json!({ "name": "dc-0", "version": "0", "timeoutMilliseconds": 2000 });
    assert_eq!(house.agent_post(&agent, "lease", &question(old)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_an_agent_says_of_itself_is_bounded() {
    let (house, _) = with_work(1).await;
    let agent = house.agent("agent").await;
    let many: serde_json::Map<String, Json> = (0..10_000).map(|at| (format!("t{at}"), json!("ldif"))).collect();
    for (name, kinds) in [("x".repeat(70_000), json!({})), (String::new(), many.into())] {
        let says = json!({ "name": name, "version": "1", "timeoutMilliseconds": 2000, "kinds": kinds });
        let question = json!({ "version": 1, "targets": ["hq"], "max": 1, "waitSeconds": 0, "agent": says });
        let (status, answer) = house.agent_post(&agent, "lease", &question).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert_eq!(answer["error"]["message"], "an agent says at most 65536 bytes of itself");
    }
    let items = house.lease(&agent, 1).await;
    house.settle(&agent, &items[0]).await;
}

#[tokio::test]
async fn the_server_knows_its_agents_and_says_what_waits_for_one() {
    let (house, _) = with_work(1).await;
    let reader = house.token("reader", &[Role::ReadLogs], &[]).await;
    let waits = async || house.get(&reader, "/muster/v1/jobs/hr/people/c0").await["accounts"][0]["reason"].clone();
    assert_eq!(
        waits().await,
        json!({ "code": "no_agent", "message": "it waits for an agent of hq: none has ever asked for work" })
    );
    let agent = house.agent("agent").await;
    let question = json!({
        "version": 1, "targets": ["hq"], "max": 1, "waitSeconds": 0,
        "agent": { "name": "dc-1", "version": "9.9.9", "timeoutMilliseconds": 2000 },
    });
    let (_, answer) = house.agent_post(&agent, "lease", &question).await;
    // The lease fits the writes of this agent: three of them.
    assert_eq!(answer["items"][0]["endsInMilliseconds"], 6000, "{answer}");
    let told = house.get(&reader, "/muster/v1/agents").await["agents"][0].clone();
    for (field, value) in [
        ("name", json!("dc-1")),
        ("version", json!("9.9.9")),
        ("target", json!("hq")),
        ("clientName", json!("agent")),
        ("address", json!("127.0.0.1")),
        ("isHere", json!(true)),
        ("holds", json!(1)),
    ] {
        assert_eq!(told[field], value, "{field} of {told}");
    }
    // It dies: lease and write are over after eight seconds, and after two minutes it counts as gone.
    house.clock.pass(Duration::from_secs(9));
    assert_eq!(waits().await, Json::Null, "an agent that asked nine seconds ago is there");
    house.clock.pass(Duration::from_secs(120));
    let gone = waits().await["message"].as_str().unwrap().to_owned();
    assert!(gone.starts_with("it waits for an agent of hq: none has asked for work since 20"), "{gone}");
    assert_eq!(house.get(&reader, "/muster/v1/agents").await["agents"][0]["isHere"], false);
    let item = house.lease(&agent, 1).await.remove(0);
    assert_eq!(item["look"], true);
    house.settle(&agent, &item).await;
    let answer = house.request(reqwest::Method::GET, "/muster/v1/agents").bearer_auth(&agent).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}
