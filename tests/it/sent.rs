//! An export sent to a whole service: what the sender asks and what the doors answer are the same.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use muster::api::Role;
use muster::model::{Anchor, Attributes, Name, Record, Statement, UploadId, Value};
use muster::pipeline::send::{Destination, Pace, Said, SendLimits, Sender, Sent, SentUpload, Wait};
use url::Url;

use crate::house::House;

/// A sender to the house. While it waits, the house works.
fn sender(house: &House) -> Sender {
    let (client_id, secret) = house.client("payroll", &[Role::UploadOwnedBy], &[]);
    let url = |path: &str| Url::parse(&format!("{}{path}", house.url)).unwrap();
    let destination = Destination {
        server: url(""),
        service_principal: "muster".to_owned(),
        job: "hr".to_owned(),
        token_url: url("/muster/oauth2/v2.0/token"),
        scope: "https://graph.microsoft.com/.default".to_owned(),
        client_id,
        client_secret: secret.into(),
        extra_ca: None,
    };
    let (app, clock) = (house.app.clone(), house.clock.clone());
    let wait: Wait = Arc::new(move |pause| {
        let (app, clock) = (app.clone(), clock.clone());
        Box::pin(async move {
            clock.pass(pause);
            for job in &app.jobs {
                app.decider(job).decide_waiting(&|| false).unwrap();
                for deliverer in app.deliverers(job) {
                    deliverer.deliver_once().await.unwrap();
                }
            }
        })
    });
    let pace = Pace { requests: NonZeroU32::MIN, per: Duration::ZERO };
    let limits = SendLimits { operations_max: NonZeroU32::new(2).unwrap(), pace, ..SendLimits::default() };
    Sender::new(&destination, limits, house.clock.clone(), wait).unwrap()
}

fn person(anchor: &str, user_type: &str) -> Said {
    let name = format!("{anchor}@contoso.example");
    let texts = [("userType", user_type), ("userName", &name), ("displayName", anchor)];
    let texts = texts.map(|(name, text)| (Name::new(name), Value::text(text)));
    let attributes: Attributes = texts.into_iter().chain([(Name::new("active"), Value::Boolean(true))]).collect();
    let record = Record { anchor: Anchor::parse(anchor).unwrap(), attributes };
    Said { statement: Statement::Upsert(record), bulk_id: format!("line {anchor}") }
}

#[tokio::test]
async fn an_export_is_sent_and_followed_to_its_end() {
    let house = House::unlimited();
    let sender = sender(&house);
    let said = [("1", "Employee"), ("2", "Employee"), ("3", "Robot"), ("4", "Employee"), ("5", "Robot")];
    let said = said.map(|(anchor, user_type)| Ok(person(anchor, user_type)));
    let mut sent = Sent::default();
    sender.send(said.into_iter(), &mut sent, &mut |_| {}).await.unwrap();
    let uploads = [(1, 2), (2, 2), (3, 1)].map(|(id, operations)| SentUpload { id: UploadId(id), operations });
    assert_eq!((sent.operations, &sent.uploads[..]), (5, &uploads[..]));
    let followed = sender.follow(&sent, Duration::from_secs(300), &mut |_| {}).await.unwrap();
    assert_eq!(followed.outcomes, [("applied", 3), ("held", 2)]);
    let told: Vec<_> = followed.told.iter().map(|told| (told.anchor.as_deref(), told.bulk_id.as_deref())).collect();
    assert_eq!(told, [(Some("3"), Some("line 3")), (Some("5"), Some("line 5"))]);
    assert_eq!((followed.told[0].outcome, followed.told[0].code.as_str()), ("held", "no_rule_spoke"));
}
