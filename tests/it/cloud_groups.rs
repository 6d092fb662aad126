//! Groups in the cloud, with a real server and a practice tenant: people come into them and leave them, on good days and
//! on bad ones, and whoever somebody else has put there stays.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use muster::sandbox::FaultKind::{Concurrency, FailedAfter, FailedBefore, ResetAfter, Throttled};
use muster::sandbox::{Fault, Struck};
use serde_json::{Value as Json, json};

use crate::cloud_faults::Served;
use crate::kill::{Sender, Yard, sender};

/// How many people there are; the even ones are bosses at first.
const PEOPLE: usize = 30;

/// How long an upload may take: longer than all pauses of a bad day.
const SETTLE_MAX: Duration = Duration::from_secs(60);

const MEMBERSHIPS: &str = r#"
[[membership]]
when = 'title eq "Boss"'
target = "entra"
group = "Bosses"
[[membership]]
target = "entra"
expression = 'Append("All ", [title])'
create = true
[[membership]]
when = 'title eq "Ghost"'
target = "entra"
group = "Ghosts"
"#;

/// A server, its practice tenant, and who sends to it. The group `Bosses` is there.
struct Scene {
    yard: Yard,
    served: Served,
    sender: Sender,
    http: reqwest::Client,
}

impl Scene {
    async fn open() -> Self {
        let yard = Yard::new().await;
        yard.says("limits = { leave = { count = 1000, percent = 0 } }", MEMBERSHIPS);
        yard.sandbox.add_group(json!({ "displayName": "Bosses" }).as_object().unwrap()).unwrap();
        let served = Served::start(&yard);
        let sender = sender(&yard, &served.1).await;
        Self { yard, served, sender, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Says the titles of people, and waits until everything of it has ended; how each ended.
    async fn say(&self, titles: impl IntoIterator<Item = (usize, &str)>) -> Vec<Json> {
        let operations = titles.into_iter().map(|(person, title)| {
            let data = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "externalId": format!("p{person}"), "userName": format!("person{person}"), "title": title,
            });
            json!({ "method": "POST", "path": "/Users", "bulkId": person.to_string(), "data": data })
        });
        let operations: Vec<Json> = operations.collect();
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
        let url = &self.served.1;
        let request = self
            .http
            .post(format!("{url}/v1.0/servicePrincipals/x/synchronization/jobs/kill/bulkUpload"))
            .bearer_auth(&self.sender.token)
            .header("content-type", "application/scim+json")
            .body(json!({ "schemas": schemas, "Operations": operations }).to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 202);
        let upload = answer.headers()["muster-upload-id"].to_str().unwrap().to_owned();
        self.ended(&upload).await
    }

    async fn ended(&self, upload: &str) -> Vec<Json> {
        let began = Instant::now();
        loop {
            let url = format!("{}/muster/v1/uploads/{upload}", self.served.1);
            let request = self.http.get(url).bearer_auth(&self.sender.token);
            let told: Json = request.send().await.unwrap().json().await.unwrap();
            let operations = told["operations"].as_array().unwrap();
            if operations.iter().all(|operation| operation["outcome"] != "pending") {
                return operations.clone();
            }
            assert!(began.elapsed() < SETTLE_MAX, "it does not end: {told}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The same, and all of it ended well.
    async fn says(&self, titles: impl IntoIterator<Item = (usize, &str)>) {
        for operation in self.say(titles).await {
            assert!(["applied", "unchanged"].iter().any(|word| operation["outcome"] == *word), "{operation}");
        }
    }

    /// The id of the one group of that name.
    fn group(&self, name: &str) -> String {
        let groups = self.yard.sandbox.groups();
        let ids: Vec<_> = groups.iter().filter(|(_, held)| held["displayName"] == name).map(|(id, _)| id).collect();
        assert_eq!(ids.len(), 1, "there is one group `{name}`: {groups:?}");
        ids[0].clone()
    }

    /// The numbers of those who are in the group.
    fn members(&self, name: &str) -> BTreeSet<usize> {
        let number = |id: &String| {
            let user = self.yard.sandbox.user(id).unwrap();
            user.properties["employeeId"].as_str().unwrap().trim_start_matches('p').parse().unwrap()
        };
        self.yard.sandbox.members(&self.group(name)).iter().map(number).collect()
    }

    /// Somebody at the tenant puts a person into a group.
    async fn add_by_hand(&self, person: usize, name: &str) {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "muster"),
            ("client_secret", "practice"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let graph = &self.yard.graph;
        let answer = self.http.post(format!("{graph}/contoso.example/oauth2/v2.0/token")).form(&form).send().await;
        let token: Json = answer.unwrap().json().await.unwrap();
        let account = &self.yard.account(&format!("p{person}"))[0]["id"];
        let reference = json!({ "@odata.id": format!("{graph}/v1.0/users/{}", account.as_str().unwrap()) });
        let url = format!("{graph}/v1.0/groups/{}/members/$ref", self.group(name));
        let request = self.http.post(url).bearer_auth(token["access_token"].as_str().unwrap());
        let request = request.header("content-type", "application/json").body(reference.to_string());
        assert_eq!(request.send().await.unwrap().status().as_u16(), 204);
    }

    fn order(&self, faults: &[Fault]) {
        faults.iter().for_each(|fault| self.yard.sandbox.order(fault.clone()).unwrap());
    }
}

fn first_title(person: usize) -> (usize, &'static str) {
    (person, if person.is_multiple_of(2) { "Boss" } else { "Clerk" })
}

fn other_title(person: usize) -> (usize, &'static str) {
    (person, first_title(person + 1).1)
}

fn numbers(which: impl Fn(usize) -> bool) -> BTreeSet<usize> {
    (0..PEOPLE).filter(|person| which(*person)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_come_into_their_groups_and_leave_them_and_whoever_others_added_stays() {
    let scene = Scene::open().await;
    let (even, odd) = (numbers(|person| person % 2 == 0), numbers(|person| person % 2 == 1));
    scene.says((0..PEOPLE).map(first_title)).await;
    assert_eq!(
        [scene.members("Bosses"), scene.members("All Boss"), scene.members("All Clerk")],
        [even.clone(), even.clone(), odd.clone()]
    );

    // 1 was put there by somebody, and becomes a boss on top.
    scene.add_by_hand(1, "Bosses").await;
    scene.says((0..PEOPLE).map(other_title)).await;
    assert_eq!(
        [scene.members("Bosses"), scene.members("All Boss"), scene.members("All Clerk")],
        [odd.clone(), odd.clone(), even.clone()]
    );
    scene.says((0..PEOPLE).map(first_title)).await;
    let with_one: BTreeSet<usize> = even.iter().copied().chain([1]).collect();
    assert_eq!([scene.members("Bosses"), scene.members("All Boss"), scene.members("All Clerk")], [with_one, even, odd]);

    // A group that is not there is named, and nobody else suffers.
    let ended = scene.say([(2, "Ghost"), (3, "Clerk"), (4, "Clerk")]).await;
    let outcomes: Vec<&str> = ended.iter().map(|operation| operation["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["failed", "unchanged", "applied"], "{ended:?}");
    assert!(ended[0].to_string().contains("`Ghosts`") && ended[0].to_string().contains("no_group"), "{}", ended[0]);
    let names: BTreeSet<String> =
        scene.yard.sandbox.groups().iter().map(|(_, held)| held["displayName"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["All Boss", "All Clerk", "All Ghost", "Bosses"]);
}

/// People come into their groups, change them and change back, while the tenant has a bad day.
async fn a_bad_day(faults: &[Fault]) {
    let scene = Scene::open().await;
    let (even, odd) = (numbers(|person| person % 2 == 0), numbers(|person| person % 2 == 1));
    scene.order(faults);
    scene.says((0..PEOPLE).map(first_title)).await;
    let of_all = || [scene.members("Bosses"), scene.members("All Boss"), scene.members("All Clerk")];
    assert_eq!(of_all(), [even.clone(), even.clone(), odd.clone()]);
    scene.says((0..PEOPLE).map(other_title)).await;
    assert_eq!(of_all(), [odd.clone(), odd, even]);
    assert_eq!((scene.yard.sandbox.user_count(), scene.yard.sandbox.groups().len()), (PEOPLE, 3));
    let asked = scene.yard.sandbox.requests();
    assert!(asked.faults >= 10, "the day was bad: {asked:?}");
    assert_eq!(asked.inside_retry_after, 0, "the tenant was left alone when it said so: {asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memberships_are_right_in_the_end_though_the_tenant_asks_for_patience() {
    let throttled = Fault::new(Throttled).of(Struck::Writes).share(0.15, 7).seconds(1.0).next(8);
    let concurrent = Fault::new(Concurrency).of(Struck::Writes).share(0.1, 3).next(8);
    a_bad_day(&[throttled, concurrent]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memberships_are_right_in_the_end_though_answers_are_lost() {
    let after = Fault::new(FailedAfter).of(Struck::Writes).share(0.3, 7).next(40);
    let before = Fault::new(FailedBefore).of(Struck::Writes).share(0.05, 5).next(5);
    let reset = Fault::new(ResetAfter).of(Struck::Writes).share(0.02, 3).next(4);
    a_bad_day(&[after, before, reset]).await;
}
