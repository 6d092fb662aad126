//! How things stand, in numbers and in time: for people, for machines, for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use muster::api::{By, JobWire, Role, StatusWire, TargetWire, Written, status};
use muster::model::{Statement, TargetId};
use muster::writer::Pace;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::hearth::{Hearth, changed, employee, gone, later, person, refused};
use super::house::{House, bulk};

/// How the `cloud` stands.
fn cloud(house: &Hearth, pace: Option<Pace>) -> TargetWire {
    let state = &house.job().state;
    let hands = |_: &_, _: &TargetId| Written { by: By::Server, pace, kind: None };
    let told = status(house.store(), &[state], house.now(), &hands).unwrap();
    told.jobs.into_iter().flat_map(|job| job.targets).find(|target| target.target == "cloud").unwrap()
}

fn employees(count: usize) -> Vec<Statement> {
    (1..=count).map(|n| employee(&n.to_string())).collect()
}

#[tokio::test]
async fn what_is_due_under_way_put_off_held_and_failed_is_counted_apart() {
    let house = Hearth::open();
    house.say(&[employee("91")]).await;
    house.directory("cloud").fail_next_write(refused());
    house.say(&[employee("92")]).await;
    house.directory("cloud").fail_next_write(later(300));
    house.say(&[employee("93")]).await;
    house.say(&[person("94", "Employee", &[("manager", "nobody")])]).await;
    house.upload(&employees(5));
    house.decide();
    let leased = house.lease_some("cloud", 2);
    let at = cloud(&house, None);
    assert_eq!((at.linked, at.due, at.under_way, at.leavers), (2, 3, 2, 0));
    let put_off: Vec<_> = at.put_off.iter().map(|put_off| (put_off.why.as_str(), put_off.count)).collect();
    assert_eq!(put_off, [("target_busy", 1)]);
    let words = |counts: &[muster::api::CountWire]| {
        counts.iter().map(|count| format!("{} {}", count.count, count.why)).collect::<Vec<_>>()
    };
    assert_eq!(words(&at.held), ["1 manager_pending"]);
    assert_eq!(words(&at.failed), ["1 refused"]);
    for item in &leased {
        let carried = house.carry(item).await;
        assert!(house.report(&item.lease, carried).is_taken());
    }
    house.settle().await;
    assert_eq!(cloud(&house, None).empty_in_seconds, Some(0));
}

#[tokio::test]
async fn people_who_leave_are_counted_by_themselves() {
    let house = Hearth::open();
    house.say(&employees(3)).await;
    house.upload(&[gone("1"), gone("2")]);
    house.decide();
    assert_eq!(cloud(&house, None).leavers, 2);
    house.settle().await;
}

#[tokio::test]
async fn when_the_queue_will_be_empty_is_said_where_it_can_be() {
    let house = Hearth::open();
    house.upload(&employees(200));
    house.decide();
    assert_eq!(cloud(&house, None).empty_in_seconds, None, "nothing was written yet, and there is no pace");
    let per = Duration::from_secs(10);
    let pace = Pace { writes: 100, per, left: 50, closed_for: Duration::from_secs(7), concurrency: 4 };
    assert_eq!(cloud(&house, Some(pace)).empty_in_seconds, Some(22), "7 until it opens, 15 for the 150 beyond");
    house.deliver_once().await;
    let told = cloud(&house, None);
    let left = told.due;
    assert!(left > 0 && told.written_per_second > 0.0);
    let expected = (left as f64 * 60.0 / (200 - left) as f64).ceil() as u64;
    assert_eq!(told.empty_in_seconds, Some(expected), "at the rate of the last minute");
    house.work().await;
}

fn target<'a>(told: &'a StatusWire, name: &str) -> &'a TargetWire {
    let [JobWire { targets, .. }] = told.jobs.as_slice() else { panic!("one job") };
    targets.iter().find(|target| target.target == name).unwrap()
}

#[tokio::test]
async fn a_server_says_how_it_stands_and_whom_its_work_waits_for() {
    let house = House::open();
    let (uploader, agent) = (house.uploader().await, house.agent("hq-agent").await);
    house
        .accepted(
            &uploader,
            bulk(&[super::house::person("1", "Employee", "x"), super::house::person("2", "Contractor", "x")]),
        )
        .await;
    house.work().await;
    let told: StatusWire = serde_json::from_value(house.get(&uploader, "/muster/v1/status").await).unwrap();
    assert_eq!((target(&told, "cloud").linked, target(&told, "cloud").by), (1, By::Server));
    let hq = target(&told, "hq");
    assert_eq!((hq.by, hq.due, hq.agents.len(), hq.empty_in_seconds), (By::Agent, 1, 0, None), "nobody is there");
    let items = house.lease(&agent, 10).await;
    let told: StatusWire = serde_json::from_value(house.get(&uploader, "/muster/v1/status").await).unwrap();
    let hq = target(&told, "hq");
    assert_eq!((hq.due, hq.under_way, hq.agents.len(), hq.agents[0].is_here), (0, 1, 1, true));
    house.settle(&agent, &items[0]).await;
}

#[tokio::test]
async fn who_may_not_read_the_logs_is_told_nothing() {
    let house = House::open();
    let agent = house.agent("hq-agent").await;
    let uploads = house.token("uploads", &[Role::Upload], &[]).await;
    for token in [agent, uploads] {
        for path in ["/muster/v1/status", "/metrics"] {
            let answer = house.request(Method::GET, path).bearer_auth(&token).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        }
    }
}

#[tokio::test]
async fn prometheus_reads_what_stands_and_what_has_happened() {
    let house = House::open();
    let token = house.uploader().await;
    let people = [super::house::person("1", "Employee", "x"), super::house::person("2", "Contractor", "x")];
    house.accepted(&token, bulk(&people)).await;
    house.work().await;
    let answer = house.request(Method::GET, "/metrics").bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    let value = |series: &str| {
        let line =
            text.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("{series}\n{text}"));
        line.trim().parse::<f64>().unwrap()
    };
    assert_eq!(value(r#"muster_accounts_linked{job="hr",target="cloud"}"#), 1.0);
    assert_eq!(value(r#"muster_work_due{job="hr",target="hq"}"#), 1.0);
    assert_eq!(value("muster_operations_to_decide"), 0.0);
    // Other tests count in the same process.
    assert!(value("muster_uploads_accepted_total") >= 1.0 && value("muster_operations_accepted_total") >= 2.0);
    assert!(value(r#"muster_work_settled_total{target="cloud",settlement="applied"}"#) >= 1.0);
    for line in text.lines() {
        let is_comment = line.starts_with("# HELP muster_") || line.starts_with("# TYPE muster_");
        assert!(
            is_comment || (line.starts_with("muster_") && line.rsplit(' ').next().unwrap().parse::<f64>().is_ok()),
            "{line}"
        );
    }
    assert!(!text.contains("Person 1"), "no people are in it");
    house.leaves_work();
}

#[tokio::test]
async fn the_command_asks_a_server_and_says_the_same() {
    let house = House::open();
    let (id, secret) = house.client("reader", &[Role::ReadLogs], &[]);
    let token = house.uploader().await;
    house.accepted(&token, bulk(&[super::house::person("1", "Contractor", "x")])).await;
    house.work().await;
    let house = Arc::new(house);
    let url = house.url.clone();
    let run = move |more: &'static [&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(["status", "--server", &url, "--client-id", &id]).args(more);
        command.env("MUSTER_CLIENT_SECRET", &secret);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let output = run(&[]).await.unwrap();
    let (said, noted) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{noted}");
    assert!(
        said.contains("job hr") && said.contains("hq: work waits: no agent has ever asked for it"),
        "{said}{noted}"
    );
    let output = run(&["--json", "--job", "hr"]).await.unwrap();
    let told: StatusWire = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(target(&told, "hq").due, 1);
    assert!(!run(&["--job", "other"]).await.unwrap().status.success());
    house.leaves_work();
}

#[test]
fn status_can_be_read_by_later_versions() {
    let kept = json!({
        "at": "2026-11-28T04:00:00Z", "toDecide": 0, "jobs": [{ "job": "hr", "targets": [{
            "target": "entra", "by": "server", "linked": 1, "due": 2, "underWay": 3, "leavers": 0,
            "putOff": [{ "why": "target_busy", "count": 1, "until": "2026-11-28T04:01:00Z" }],
            "held": [{ "why": "missing", "count": 1 }], "failed": [], "writtenPerSecond": 1.5,
            "pace": { "writes": 3000, "perSeconds": 150.0, "left": 7, "closedForSeconds": 0.0, "concurrency": 4 },
            "emptyInSeconds": 9, "agents": [],
        }] }],
    });
    let told: StatusWire = serde_json::from_value(kept.clone()).unwrap();
    assert_eq!(serde_json::to_value(told).unwrap(), kept);
}

#[tokio::test]
async fn a_job_that_limits_damage_says_what_it_holds() {
    let house = Hearth::with(&[&changed(&[(
        "[target.cloud]\n",
        "[target.cloud]\nlimits = { disable = { count = 1, percent = 0 } }\n",
    )])]);
    house.say(&employees(3)).await;
    house.say(&[gone("1"), gone("2"), gone("3")]).await;
    let at = cloud(&house, None);
    assert_eq!((at.held.len(), at.held[0].why.as_str(), at.held[0].count), (1, "limit_disable", 2));
}
