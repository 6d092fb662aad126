//! How an export ended on the server that it was sent to.

use std::time::Duration;

use muster::model::UploadId;
use muster::pipeline::send::{Followed, SendError, Sent, SentUpload, Told};

use crate::practice::Act;
use crate::send::{Scene, refused};

async fn follow(scene: &Scene, uploads: &[i64], seconds: u64) -> Result<Followed, SendError> {
    let uploads = uploads.iter().map(|id| SentUpload { id: UploadId(*id), operations: 2 }).collect();
    let sent = Sent { uploads, ..Sent::default() };
    scene.sender.follow(&sent, Duration::from_secs(seconds), &mut |_| {}).await
}

const PENDING: Act = Act::Answer(200, "", r#"{"outcomes": {"applied": 1, "pending": 1}, "nextLink": null}"#);
const ENDED: Act = Act::Answer(200, "", r#"{"outcomes": {"applied": 2}, "operations": [], "nextLink": null}"#);

#[tokio::test]
async fn uploads_are_asked_about_until_nothing_is_pending() {
    let scene = Scene::new([PENDING, PENDING, ENDED, ENDED]).await;
    let followed = follow(&scene, &[7, 8], 300).await.unwrap();
    assert_eq!(followed, Followed { outcomes: vec![("applied", 4)], told: vec![] });
    assert_eq!(scene.pauses(), [1, 1]);
    let asked = scene.server.requests();
    let asked: Vec<_> = asked.iter().map(|request| request.lines().next().unwrap()).collect();
    let [seven, eight] = [7, 8].map(|id| format!("GET /muster/v1/uploads/{id}?from=0&top=1 HTTP/1.1"));
    assert_eq!(asked, [&seven, &seven, &seven, &eight]);
}

#[tokio::test]
async fn who_has_waited_long_enough_is_told_how_it_stands() {
    let scene = Scene::new((0..4).map(|_| PENDING)).await;
    let followed = follow(&scene, &[7, 8], 2).await.unwrap();
    assert_eq!(followed.outcomes, [("applied", 2), ("pending", 2)]);
    assert_eq!(followed.pending(), 2);
    assert_eq!(scene.pauses(), [1, 1]);
}

#[tokio::test]
async fn those_held_and_failed_are_told_with_their_reasons() {
    let counts = Act::Answer(200, "", r#"{"outcomes": {"applied": 1, "held": 1, "failed": 1, "novel": 1}}"#);
    let page = Act::Answer(
        200,
        "",
        r#"{"outcomes": {}, "nextLink": "https://elsewhere.example/take-the-token", "operations": [
            {"index": 0, "bulkId": "line 2", "externalId": "1", "outcome": "applied"},
            {"index": 4, "bulkId": "line 3", "externalId": "2", "outcome": "held",
             "reason": {"code": "no_rule_spoke", "message": "no rule speaks for them"}}]}"#,
    );
    let last = Act::Answer(
        200,
        "",
        r#"{"outcomes": {}, "nextLink": null, "operations": [
            {"index": 5, "bulkId": "line 4", "externalId": null, "outcome": "failed",
             "reason": {"code": "anchor", "message": "externalId is empty"}}]}"#,
    );
    let scene = Scene::new([counts, page, last]).await;
    let followed = follow(&scene, &[7], 300).await.unwrap();
    assert_eq!(followed.outcomes, [("applied", 1), ("held", 1), ("failed", 1), ("other", 1)]);
    let told = |anchor: Option<&str>, line: &str, outcome, code: &str, message: &str| Told {
        anchor: anchor.map(str::to_owned),
        bulk_id: Some(line.to_owned()),
        outcome,
        code: code.to_owned(),
        message: message.to_owned(),
    };
    let expected = [
        told(Some("2"), "line 3", "held", "no_rule_spoke", "no rule speaks for them"),
        told(None, "line 4", "failed", "anchor", "externalId is empty"),
    ];
    assert_eq!(followed.told, expected);
    let [_, first, second] = &scene.server.requests()[..] else { panic!("three requests") };
    assert!(first.starts_with("GET /muster/v1/uploads/7?from=0&top=1000 "), "{first}");
    assert!(second.starts_with("GET /muster/v1/uploads/7?from=5&top=1000 "), "{second}");
}

#[tokio::test]
async fn following_survives_a_bad_day_and_stops_at_a_refusal() {
    let scene =
        Scene::new([Act::HangUp, Act::Answer(429, "retry-after: 5\r\n", ""), Act::Answer(401, "", ""), ENDED]).await;
    assert_eq!(follow(&scene, &[7], 300).await.unwrap().count("applied"), 2);

    let scene = Scene::new([Act::Answer(404, "", "{}")]).await;
    assert_eq!(refused(follow(&scene, &[7], 300).await.unwrap_err()).0, 404);

    let scene = Scene::new([Act::Answer(200, "", "<html>")]).await;
    let error = follow(&scene, &[7], 300).await.unwrap_err();
    assert!(matches!(error, SendError::Unreadable(_)));
}
