//! Work items as they travel.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::{
    Attributes, Change, ChangeKind, Desired, Dn, Known, Manager, MatchKeys, Name, ObjectId, Reason, Situation,
    UniqueName, Value,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        "\\PC{0,12}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Many),
            proptest::collection::vec(("[a-zA-Z]{1,8}", inner), 0..4).prop_map(|pairs| Value::Complex(
                pairs.into_iter().map(|(name, value)| (Name::new(&name), value)).collect()
            )),
        ]
    })
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    proptest::collection::vec(("[a-zA-Z]{1,8}", any_value()), 0..5)
        .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (Name::new(&name), value)).collect())
}

fn known(attributes: Attributes) -> Known {
    Known {
        object: ObjectId::new("CN=Anna,OU=Staff"),
        attributes,
        container: Some(Dn::parse("OU=Staff").unwrap()),
        synced: true,
    }
}

fn item(task: Task, attributes: Attributes) -> WorkItem {
    WorkItem {
        job: JobId::new("hr"),
        anchor: Anchor::parse("701984").unwrap(),
        target: TargetId::new("hq"),
        generation: Generation(4),
        sequence: 123,
        lease: LeaseId::new("lease-1"),
        ends: NOW.plus(Duration::from_secs(60)),
        attempt: 2,
        task,
        known: Some(known(attributes)),
        look: true,
    }
}

fn desired(attributes: Attributes) -> Desired {
    Desired {
        on_create: attributes.clone(),
        attributes,
        container: Some(Dn::parse("OU=Staff,DC=example,DC=test").unwrap()),
        manager: Some(Manager::Is(Anchor::parse("1").unwrap())),
        keys: MatchKeys(vec![(Name::new("employeeID"), "701984".into()), (Name::new("mail"), "a@b".into())]),
        unique: Vec::new(),
    }
}

fn tasks(attributes: &Attributes) -> Vec<Task> {
    vec![
        Task::Account(Wanted::Present(desired(attributes.clone()))),
        Task::Account(Wanted::Present(Desired { manager: Some(Manager::Nobody), ..Desired::default() })),
        Task::Account(Wanted::Present(Desired::default())),
        Task::Account(Wanted::Present(Desired {
            unique: vec![UniqueName {
                attribute: Name::new("sAMAccountName"),
                namespace: None,
                candidates: vec!["j.smith".into(), "jo.smith".into()],
            }],
            ..desired(attributes.clone())
        })),
        Task::Account(Wanted::Disabled),
        Task::Account(Wanted::Deleted),
        Task::Look { keys: desired(attributes.clone()).keys, attributes: vec![Name::new("mail")] },
        Task::Manager { manager: Some(ObjectId::new("CN=Boss")) },
        Task::Manager { manager: None },
        Task::SeekManager {
            manager: Anchor::parse("900").unwrap(),
            keys: MatchKeys(vec![(Name::new("employeeID"), "900".to_owned())]),
        },
    ]
}

fn settlements(attributes: &Attributes) -> Vec<Settlement> {
    let why = || Reason::new("code", "a sentence");
    vec![
        Settlement::Applied { known: Some(known(attributes.clone())) },
        Settlement::Applied { known: None },
        Settlement::Unchanged,
        Settlement::Linked { known: known(attributes.clone()) },
        Settlement::Again { due: NOW.plus(Duration::from_secs(5)), look: true, why: why() },
        Settlement::Held(why()),
        Settlement::Skipped(why()),
        Settlement::Failed(why()),
    ]
}

fn change(kind: ChangeKind, attributes: Attributes) -> Change {
    Change {
        kind,
        object: Some(ObjectId::new("o")),
        before: attributes.clone(),
        set: attributes,
        clear: vec![Name::new("title")],
        container: Some(Dn::parse("OU=A").unwrap()),
        container_before: Some(Dn::parse("OU=B").unwrap()),
    }
}

proptest! {
    #[test]
    fn work_survives_the_wire(attributes in any_attributes()) {
        for task in tasks(&attributes) {
            let items = vec![item(task, attributes.clone())];
            let answer = LeaseAnswerWire::new(&items, Duration::ZERO, NOW);
            let text = serde_json::to_string(&answer).unwrap();
            let read: LeaseAnswerWire = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.read(NOW).unwrap(), items);
        }
    }

    #[test]
    fn what_was_carried_survives_the_wire(attributes in any_attributes()) {
        for settlement in settlements(&attributes) {
            let change = Some(change(ChangeKind::Disable, attributes.clone()));
            let carried = Carried { situation: Situation::FoundAlreadyLinked, change, settlement };
            let lease = LeaseId::new("lease-1");
            let text = serde_json::to_string(&SettleRequestWire::new(&lease, &carried, NOW)).unwrap();
            let read: SettleRequestWire = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.read(NOW).unwrap(), Reported::One(lease.clone(), Box::new(carried.clone())));
            let several = [(&lease, &carried), (&lease, &carried)];
            let text = serde_json::to_string(&SettleRequestWire::of(several, NOW)).unwrap();
            let read: SettleRequestWire = serde_json::from_str(&text).unwrap();
            let both = vec![(lease.clone(), Ok(carried.clone())), (lease, Ok(carried))];
            prop_assert_eq!(read.read(NOW).unwrap(), Reported::Several(both));
        }
    }
}

#[test]
fn a_lease_is_counted_from_when_the_question_was_asked_and_by_the_agents_clock() {
    let answer =
        LeaseAnswerWire::new(&[item(Task::Account(Wanted::Deleted), Attributes::new())], Duration::from_secs(20), NOW);
    let asked_by_a_clock_that_is_an_hour_late = NOW.minus(Duration::from_secs(3600));
    let items = answer.read(asked_by_a_clock_that_is_an_hour_late).unwrap();
    assert_eq!(items[0].ends, NOW.minus(Duration::from_secs(3600)).plus(Duration::from_secs(80)));
}

#[test]
fn words_on_the_wire_are_the_models_words() {
    for situation in [Situation::Confirmed, Situation::FoundAlreadyLinked, Situation::AllGone] {
        let wire = serde_json::to_value(SituationWire::from(situation)).unwrap();
        assert_eq!(wire, situation.word());
    }
    for kind in [ChangeKind::Create, ChangeKind::Disable] {
        assert_eq!(serde_json::to_value(ChangeKindWire::from(kind)).unwrap(), kind.word());
    }
}

#[test]
fn version_1_stays_readable() {
    let text = include_str!("../../../tests/cases/queue/lease-answer-1.json");
    let answer: LeaseAnswerWire = serde_json::from_str(text).unwrap();
    let attributes: Attributes = [
        ("accountEnabled", Value::Boolean(true)),
        ("department", Value::Null),
        ("employeeNumber", Value::Integer(7)),
        ("salary", Value::text("1.5")),
        ("phones", Value::Many(vec![Value::text("1"), Value::text("2")])),
    ]
    .into_iter()
    .map(|(name, value)| (Name::new(name), value))
    .collect();
    let expected = item(Task::Account(Wanted::Present(desired(attributes.clone()))), attributes);
    assert_eq!(answer.read(NOW).unwrap(), [expected]);

    let text = include_str!("../../../tests/cases/queue/settle-request-1.json");
    let request: SettleRequestWire = serde_json::from_str(text).unwrap();
    let why = Reason::new("no_answer", "the connection broke");
    let settlement = Settlement::Again { due: NOW.plus(Duration::from_secs(5)), look: true, why };
    let carried = Carried { situation: Situation::Absent, change: None, settlement };
    assert_eq!(request.read(NOW).unwrap(), Reported::One(LeaseId::new("lease-1"), Box::new(carried.clone())));

    let text = include_str!("../../../tests/cases/queue/settle-request-1-several.json");
    let request: SettleRequestWire = serde_json::from_str(text).unwrap();
    let unchanged = Carried { situation: Situation::Confirmed, change: None, settlement: Settlement::Unchanged };
    let several = vec![(LeaseId::new("lease-1"), Ok(carried)), (LeaseId::new("lease-2"), Ok(unchanged))];
    assert_eq!(request.read(NOW).unwrap(), Reported::Several(several));

    let text = include_str!("../../../tests/cases/queue/settle-answer-1.json");
    let answer: SettleAnswerWire = serde_json::from_str(text).unwrap();
    let unreadable = SettledWire::Unreadable("`container` cannot be read".to_owned());
    assert_eq!(answer.read(3).unwrap(), [SettledWire::Taken, SettledWire::LeaseLost, unreadable]);

    // Of before agents said who they are, of since, and of since they said of which kind their targets are.
    let agent = AgentWire {
        name: "dc-agent-1".to_owned(),
        version: "0.1.0".to_owned(),
        timeout_milliseconds: 10_000,
        kinds: BTreeMap::new(),
    };
    let hq = TargetId::new("hq");
    for (text, agent) in [
        (include_str!("../../../tests/cases/queue/lease-request-1.json"), None),
        (include_str!("../../../tests/cases/queue/lease-request-1-agent.json"), Some(agent.clone())),
        (
            include_str!("../../../tests/cases/queue/lease-request-1-kinds.json"),
            Some(agent.with_kinds([(&hq, "active-directory"), (&TargetId::new("paris"), "ldif")])),
        ),
    ] {
        let request: LeaseRequestWire = serde_json::from_str(text).unwrap();
        assert_eq!(request.targets().unwrap(), [hq.clone(), TargetId::new("paris")]);
        assert_eq!((request.max, request.wait_seconds, request.agent), (100, 30, agent));
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let unknown_field = r#"{"version":1,"targets":[],"max":1,"waitSeconds":0,"priority":1}"#;
    assert!(serde_json::from_str::<LeaseRequestWire>(unknown_field).is_err());
    let other_version = r#"{"version":2,"targets":[],"max":1,"waitSeconds":0}"#;
    let request: LeaseRequestWire = serde_json::from_str(other_version).unwrap();
    assert_eq!(request.targets(), Err(WireError::Version(2)));
    let bad_container = serde_json::from_str::<SettleRequestWire>(
        r#"{"version":1,"lease":"l","carried":{"situation":"ABSENT","change":null,"settlement":{"linked":
            {"known":{"object":"o","attributes":{},"container":"nowhere","synced":false}}}}}"#,
    );
    assert!(matches!(bad_container.unwrap().read(NOW), Err(WireError::Container { field: "container", .. })));
    let neither = serde_json::from_str::<SettleRequestWire>(r#"{"version":1,"lease":"l"}"#).unwrap();
    assert_eq!(neither.read(NOW), Err(WireError::Report));
}
