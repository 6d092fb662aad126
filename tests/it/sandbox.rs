//! The practice tenant answers as Microsoft Graph does.

use std::time::Duration;

use muster::http_client;
use muster::sandbox::{Budget, Fault, FaultKind, Struck, Throttle};
use reqwest::Method;
use serde_json::{Value as Json, json};
use url::Url;

use crate::practice::{CLIENT, Practice, SECRET, TENANT};

/// A caller with a token of its own.
struct Caller {
    http: reqwest::Client,
    address: String,
    token: String,
}

impl Caller {
    async fn of(practice: &Practice) -> Self {
        let url = Url::parse(&practice.address).unwrap();
        let http = http_client::build(&url, Duration::from_secs(10), None).unwrap();
        let mut caller = Self { http, address: practice.address.clone(), token: String::new() };
        let (status, answer) = caller.ask_token(TENANT, &good_form()).await;
        assert_eq!(status, 200);
        caller.token = answer["access_token"].as_str().unwrap().to_owned();
        caller
    }

    async fn ask_token(&self, tenant: &str, form: &[(&str, &str)]) -> (u16, Json) {
        let request = self.http.post(format!("{}/{tenant}/oauth2/v2.0/token", self.address)).form(form);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address)).bearer_auth(&self.token)
    }

    async fn call(&self, method: &str, path: &str, body: Option<Json>) -> (u16, Json) {
        let mut request = self.request(method.parse().unwrap(), path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, if text.is_empty() { Json::Null } else { serde_json::from_str(&text).unwrap() })
    }

    async fn get(&self, path: &str) -> (u16, Json) {
        self.call("GET", path, None).await
    }

    async fn refused(&self, method: &str, path: &str, body: Json) -> String {
        let (status, answer) = self.call(method, path, Some(body)).await;
        let error = &answer["error"];
        let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
        let details = error["details"].as_array().cloned().unwrap_or_default();
        let details: Vec<String> =
            details.iter().map(|d| format!(" [{} {}]", text(&d["code"]), text(&d["target"]))).collect();
        format!("{status} {}: {}{}", text(&error["code"]), text(&error["message"]), details.concat())
    }

    async fn make(&self, name: &str) -> String {
        let (status, user) = self.call("POST", "/v1.0/users", Some(person(name))).await;
        assert_eq!(status, 201, "{user}");
        user["id"].as_str().unwrap().to_owned()
    }
}

fn good_form() -> [(&'static str, &'static str); 4] {
    let scope = "https://graph.microsoft.com/.default";
    [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", SECRET), ("scope", scope)]
}

fn person(name: &str) -> Json {
    json!({ "accountEnabled": true, "displayName": name, "mailNickname": name, "employeeId": "7",
        "userPrincipalName": format!("{name}@contoso.example"), "passwordProfile": { "password": "Practice-1" } })
}

#[tokio::test]
async fn token_requests_are_refused_as_entra_refuses_them() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    for (at, value, status, error, number) in [
        (0, "password", 400, "unsupported_grant_type", 70003),
        (1, "nobody", 400, "unauthorized_client", 700016),
        (2, "wrong", 401, "invalid_client", 7000215),
        (3, "User.Read", 400, "invalid_scope", 70011),
    ] {
        let mut form = good_form();
        form[at].1 = value;
        let (answered, body) = caller.ask_token(TENANT, &form).await;
        assert_eq!((answered, &body["error"], &body["error_codes"]), (status, &json!(error), &json!([number])));
    }
    assert_eq!(caller.ask_token("fabrikam.example", &good_form()).await.1["error_codes"], json!([90002]));
    assert_eq!(caller.ask_token("CONTOSO.example", &good_form()).await.0, 200);
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_that_holds() {
    let practice = Practice::start();
    let mut caller = Caller::of(&practice).await;
    practice.clock.pass(Duration::from_secs(3599));
    let (status, answer) = caller.get("/v1.0/users").await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("InvalidAuthenticationToken")));
    assert_eq!(answer["error"]["message"], "Lifetime validation failed, the token is expired.");
    caller.token = String::new();
    assert_eq!(caller.get("/v1.0/users").await.1["error"]["message"], "Access token is empty.");
    caller.token = "made up".to_owned();
    assert_eq!(caller.get("/v1.0/users").await.0, 401);
}

#[tokio::test]
async fn a_new_user_is_echoed_with_its_eleven_default_properties() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let request = caller.request(Method::POST, "/v1.0/users").header("client-request-id", "mine");
    let answer = request.json(&person("anna")).send().await.unwrap();
    let headers = answer.headers().clone();
    assert_eq!(headers["client-request-id"], "mine");
    assert!(headers.contains_key("request-id") && headers.contains_key("date") && headers.contains_key("location"));
    let user: Json = answer.json().await.unwrap();
    let names: Vec<&String> = user.as_object().unwrap().keys().filter(|name| !name.starts_with('@')).collect();
    assert_eq!(names.len(), 11);
    assert!(user.get("employeeId").is_none());

    let path = "/v1.0/users/anna@contoso.example?$select=employeeId,department,accountEnabled";
    let (_, user) = caller.get(path).await;
    assert_eq!(
        (&user["employeeId"], &user["department"], &user["accountEnabled"]),
        (&json!("7"), &json!(null), &json!(true))
    );
    assert!(user.get("id").is_none());
}

#[tokio::test]
async fn what_is_refused_is_refused_in_graphs_words() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let anna = caller.make("anna").await;
    let with = |name: &str, value: Json| {
        let mut body = person("eve");
        body[name] = value;
        body
    };
    for (body, expected) in [
        (with("userPrincipalName", json!("ANNA@contoso.example")), "400 Request_BadRequest: Another object with the same value for property userPrincipalName already exists. [ObjectConflict userPrincipalName]".to_owned()),
        (with("userPrincipalName", json!("eve@fabrikam.example")), "400 Request_BadRequest: The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization. [InvalidValue userPrincipalName]".to_owned()),
        (with("employeeId", json!("12345678901234567")), "400 Request_BadRequest: Invalid value specified for property 'employeeId' of resource 'User'. [InvalidLength employeeId]".to_owned()),
        (with("mailNickname", json!(null)), "400 Request_BadRequest: Property mailNickname value is required but is empty or missing. [MissingValue mailNickname]".to_owned()),
        (with("passwordProfile", json!({ "password": "weak" })), "400 Request_BadRequest: The specified password does not comply with password complexity requirements. Please provide a different password. [InvalidValue password]".to_owned()),
        (with("extension_1_x", json!("y")), "400 Request_BadRequest: The following extension properties are not available: extension_1_x.".to_owned()),
        (with("shoeSize", json!(42)), "400 Request_BadRequest: Property 'shoeSize' does not exist on resource 'User'.".to_owned()),
    ] {
        assert_eq!(caller.refused("POST", "/v1.0/users", body).await, expected);
    }
    let path = format!("/v1.0/users/{anna}");
    assert_eq!(
        caller.refused("PATCH", &path, json!({ "givenName": "" })).await,
        "400 Request_BadRequest: Invalid value specified for property 'givenName' of resource 'User'. [InvalidValue givenName]"
    );
    assert_eq!(
        caller.refused("PATCH", "/v1.0/users/nonsense", json!({})).await,
        "400 Request_BadRequest: Invalid object identifier 'nonsense'."
    );
    assert_eq!(
        caller.refused("PUT", &path, json!({})).await,
        "405 Request_BadRequest: Specified HTTP method is not allowed for the request target."
    );
    assert_eq!(caller.get("/v1.0/$batch").await.0, 405);
    assert_eq!(caller.get("/v1.0/users/nobody@contoso.example").await.0, 404);
    let plain = caller.request(Method::PATCH, &path).body("{}").send().await.unwrap();
    assert_eq!(plain.status(), 400);
    let huge = caller.request(Method::PATCH, &path).json(&"x".repeat(2 * 1024 * 1024)).send().await.unwrap();
    assert_eq!(huge.status(), 413);
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    for name in ["anna", "ben", "cem", "dora", "eve"] {
        caller.make(name).await;
    }
    let mut path = "/beta/users?$top=2&$select=displayName&$filter=employeeId%20eq%20'7'".to_owned();
    let mut pages = Vec::new();
    loop {
        let (status, page) = caller.get(&path).await;
        assert_eq!(status, 200, "{page}");
        pages
            .push(page["value"].as_array().unwrap().iter().map(|user| user["displayName"].clone()).collect::<Vec<_>>());
        match page["@odata.nextLink"].as_str() {
            Some(next) => path = next.strip_prefix(&practice.address).unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(json!(pages), json!([["anna", "ben"], ["cem", "dora"], ["eve"]]));
    assert_eq!(
        caller.get("/v1.0/users?$top=1000").await.1["error"]["message"],
        "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive."
    );
    assert_eq!(caller.get("/v1.0/users?$skip=1").await.0, 400);
    assert_eq!(caller.get("/v1.0/users?$select=shoeSize").await.0, 400);
}

#[tokio::test]
async fn a_deleted_user_can_be_had_back_for_thirty_days() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let anna = caller.make("anna").await;
    assert_eq!(caller.call("DELETE", &format!("/v1.0/users/{anna}"), None).await.0, 204);
    let (_, bin) = caller.get("/v1.0/directory/deletedItems/microsoft.graph.user").await;
    let binned = format!("{}anna@contoso.example", anna.replace('-', ""));
    assert_eq!(bin["value"][0]["userPrincipalName"], binned);
    let item = format!("/v1.0/directory/deletedItems/{anna}");
    assert_eq!(caller.call("DELETE", &item, None).await.0, 403);

    // The name is free again, and then it is not.
    let second = caller.make("anna").await;
    let restore = format!("{item}/restore");
    assert!(caller.refused("POST", &restore, json!({})).await.contains("[ObjectConflict userPrincipalName]"));
    let other_name = json!({ "newUserPrincipalName": "anna2@contoso.example" });
    assert_eq!(caller.call("POST", &restore, Some(other_name)).await.0, 200);
    assert_eq!(practice.sandbox.user("anna2@contoso.example").unwrap().id, anna);

    caller.call("DELETE", &format!("/v1.0/users/{second}"), None).await;
    practice.clock.pass(Duration::from_secs(31 * 24 * 3600));
    let caller = Caller::of(&practice).await;
    assert_eq!(caller.get(&format!("/v1.0/directory/deletedItems/{second}")).await.0, 404);
    assert!(practice.sandbox.deleted_users().is_empty());
}

#[tokio::test]
async fn a_manager_is_a_reference_and_none_is_not_found() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let (anna, boss) = (caller.make("anna").await, caller.make("boss").await);
    let path = format!("/v1.0/users/{anna}/manager");
    let reference = format!("{path}/$ref");
    let (status, answer) = caller.get(&path).await;
    assert_eq!(status, 404);
    assert_eq!(
        answer["error"]["message"],
        "Resource 'manager' does not exist or one of its queried reference-property objects are not present."
    );
    assert!(caller.refused("PUT", &reference, json!({ "id": boss })).await.starts_with("400"));
    let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{boss}") });
    assert_eq!(caller.call("PUT", &reference, Some(body)).await.0, 204);
    assert_eq!(caller.get(&path).await.1["id"], boss);
    caller.call("DELETE", &format!("/v1.0/users/{boss}"), None).await;
    assert_eq!(caller.get(&path).await.0, 404);
}

/// A request of a batch.
fn part(id: &str, method: &str, url: &str, body: Option<Json>) -> Json {
    match body {
        Some(body) => json!({ "id": id, "method": method, "url": url, "body": body,
            "headers": { "Content-Type": "application/json" } }),
        None => json!({ "id": id, "method": method, "url": url }),
    }
}

impl Caller {
    /// What a batch answers, in the order in which it answers.
    async fn batch(&self, parts: Vec<Json>) -> Vec<Json> {
        let (status, answer) = self.call("POST", "/v1.0/$batch", Some(json!({ "requests": parts }))).await;
        assert_eq!(status, 200, "{answer}");
        answer["responses"].as_array().unwrap().clone()
    }

    /// The status of each part, by its id.
    async fn statuses(&self, parts: Vec<Json>) -> Vec<(String, u64)> {
        let answers = self.batch(parts).await;
        let mut statuses: Vec<(String, u64)> = answers
            .iter()
            .map(|answer| (answer["id"].as_str().unwrap().to_owned(), answer["status"].as_u64().unwrap()))
            .collect();
        statuses.sort();
        statuses
    }

    /// Whether a request had no answer.
    async fn is_cut_off(&self, method: Method, path: &str, body: &Json) -> bool {
        self.request(method, path).json(body).send().await.is_err()
    }
}

fn is(id: &str, status: u64) -> (String, u64) {
    (id.to_owned(), status)
}

#[tokio::test]
async fn a_batch_answers_each_of_its_requests_and_in_any_order() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let parts: Vec<Json> =
        (0..20).map(|n| part(&n.to_string(), "POST", "/users", Some(person(&format!("p{n}"))))).collect();
    let answers = caller.batch(parts).await;
    let ids: Vec<u32> = answers.iter().map(|answer| answer["id"].as_str().unwrap().parse().unwrap()).collect();
    assert!(!ids.is_sorted(), "{ids:?}");
    for answer in &answers {
        assert_eq!(answer["status"], 201);
        let name = format!("p{}", answer["id"].as_str().unwrap());
        assert_eq!(answer["body"]["displayName"], name);
        assert!(answer["headers"]["Location"].as_str().unwrap().ends_with(answer["body"]["id"].as_str().unwrap()));
        assert!(answer["headers"]["Content-Type"].as_str().unwrap().starts_with("application/json"));
    }
    let statuses = caller
        .statuses(vec![
            part(
                "found",
                "GET",
                "/users?$filter=userPrincipalName in ('p1@contoso.example','P2@contoso.example')",
                None,
            ),
            part("none", "GET", "users/p1@contoso.example/manager", None),
            part("gone", "DELETE", "/users/p3@contoso.example", None),
            part("bad", "PATCH", "/users/p1@contoso.example", Some(json!({ "givenName": "" }))),
            part("nested", "POST", "/$batch", Some(json!({ "requests": [] }))),
        ])
        .await;
    assert_eq!(statuses, [is("bad", 400), is("found", 200), is("gone", 204), is("nested", 400), is("none", 404)]);
    let requests = practice.sandbox.requests();
    assert_eq!((requests.http, requests.batches, requests.in_batches), (2, 2, 25));
    assert_eq!(requests.by_method["POST"], 20);
}

#[tokio::test]
async fn a_request_waits_for_those_it_depends_on_and_falls_with_them() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let mut after = part("after", "PATCH", "/users/anna@contoso.example", Some(json!({ "jobTitle": "Clerk" })));
    after["dependsOn"] = json!(["MAKE"]);
    let made = part("make", "POST", "/users", Some(person("anna")));
    assert_eq!(caller.statuses(vec![after.clone(), made.clone()]).await, [is("after", 204), is("make", 201)]);
    after["body"]["jobTitle"] = json!("Chief");
    assert_eq!(caller.statuses(vec![after, made]).await, [is("after", 424), is("make", 400)]);
    assert_eq!(practice.sandbox.user("anna@contoso.example").unwrap().properties["jobTitle"], "Clerk");
}

#[tokio::test]
async fn a_malformed_batch_is_refused_whole() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let many: Vec<Json> = (0..21).map(|n| part(&n.to_string(), "GET", "/users", None)).collect();
    for (parts, words) in [
        (json!([]), "Invalid batch payload format."),
        (json!(many), "Number of requests inside batch exceeds the limit."),
        (
            json!([part("a", "GET", "/users", None), part("A", "GET", "/users", None)]),
            "Request Id A has to be unique in a batch.",
        ),
        (
            json!([{ "id": "1", "method": "POST", "url": "/users", "body": person("anna") }]),
            "Write request id : 1 does not contain Content-Type header or body.",
        ),
    ] {
        let refused = caller.refused("POST", "/v1.0/$batch", json!({ "requests": parts })).await;
        assert_eq!(refused, format!("400 BadRequest: {words}"));
    }
    assert_eq!(practice.sandbox.user_count(), 0);
}

#[tokio::test]
async fn each_request_of_a_batch_is_throttled_on_its_own() {
    let practice = Practice::start();
    let writes = Some(Throttle { writes: 3, per: Duration::from_secs(10) });
    practice.sandbox.set_budget(Budget { writes, fraction: true, ..Budget::default() });
    let caller = Caller::of(&practice).await;
    let parts = (0..5).map(|n| part(&n.to_string(), "POST", "/users", Some(person(&format!("p{n}"))))).collect();
    let answers = caller.batch(parts).await;
    let refused: Vec<&Json> = answers.iter().filter(|answer| answer["status"] == 429).collect();
    assert_eq!((refused.len(), practice.sandbox.user_count()), (2, 3));
    let head = &refused[0]["headers"];
    assert_eq!(head["Retry-After"], "3.334");
    assert_eq!(head["x-ms-throttle-scope"], format!("Tenant_Application/ReadWrite/{CLIENT}/{TENANT}"));
    assert_eq!(head["x-ms-throttle-information"], "WriteLimitExceeded");
    assert_eq!(refused[0]["body"]["error"]["code"], "TooManyRequests");

    // It is known who does not wait, and who does.
    practice.clock.pass(Duration::from_secs(1));
    caller.get("/v1.0/users").await;
    assert_eq!(practice.sandbox.requests().inside_retry_after, 1);
    practice.clock.pass(Duration::from_millis(2_334));
    caller.make("late").await;
    let requests = practice.sandbox.requests();
    assert_eq!((requests.inside_retry_after, requests.writes, requests.throttled), (1, 4, 2));
}

#[tokio::test]
async fn what_was_ordered_to_go_wrong_goes_wrong() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let order = |kind| practice.sandbox.order(Fault::new(kind).of(Struck::Creates).next(1)).unwrap();
    for (kind, status, is_made) in [
        (FaultKind::Throttled, 429, false),
        (FaultKind::FailedBefore, 500, false),
        (FaultKind::Unauthorized, 401, false),
        (FaultKind::Concurrency, 409, false),
        (FaultKind::FailedAfter, 500, true),
        (FaultKind::Slow, 201, true),
    ] {
        order(kind);
        let name = format!("{kind:?}").to_lowercase();
        let (answered, _) = caller.call("POST", "/v1.0/users", Some(person(&name))).await;
        let made = practice.sandbox.user(&format!("{name}@contoso.example")).is_some();
        assert_eq!((answered, made), (status, is_made), "{kind:?}");
    }
    order(FaultKind::ResetAfter);
    assert!(caller.is_cut_off(Method::POST, "/v1.0/users", &person("reset")).await);
    assert!(practice.sandbox.user("reset@contoso.example").is_some());
    caller.make("fine").await;
    assert_eq!(practice.sandbox.requests().faults, 7);
}

#[tokio::test]
async fn a_batch_can_be_cut_off_whole_or_in_the_middle() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let batch = |first: u32| {
        let people =
            (first..first + 10).map(|n| part(&n.to_string(), "POST", "/users", Some(person(&format!("p{n}")))));
        json!({ "requests": people.collect::<Vec<_>>() })
    };
    practice.sandbox.order(Fault::new(FaultKind::ResetAfter).of(Struck::Batches).next(1)).unwrap();
    assert!(caller.is_cut_off(Method::POST, "/v1.0/$batch", &batch(0)).await);
    assert_eq!(practice.sandbox.user_count(), 10, "all of it was done");
    practice.sandbox.order(Fault::new(FaultKind::ResetAfter).of(Struck::Creates).share(0.3, 5).next(1)).unwrap();
    assert!(caller.is_cut_off(Method::POST, "/v1.0/$batch", &batch(10)).await);
    let made = practice.sandbox.user_count() - 10;
    assert!((1..10).contains(&made), "a part of it was done: {made}");
}

#[tokio::test]
async fn a_user_who_is_late_is_nowhere_and_yet_has_the_name() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let boss = caller.make("boss").await;
    practice.sandbox.order(Fault::new(FaultKind::Late).seconds(5.0).next(1)).unwrap();
    let anna = caller.make("anna").await;
    let path = format!("/v1.0/users/{anna}");
    let reference = |id: &str| json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{id}") });
    assert_eq!(caller.get(&path).await.0, 404);
    assert_eq!(caller.call("PATCH", &path, Some(json!({ "jobTitle": "Clerk" }))).await.0, 404);
    assert_eq!(caller.call("PUT", &format!("{path}/manager/$ref"), Some(reference(&boss))).await.0, 404);
    let report = format!("/v1.0/users/{boss}/manager/$ref");
    assert_eq!(caller.call("PUT", &report, Some(reference(&anna))).await.0, 404);
    let filter = "/v1.0/users?$filter=userPrincipalName eq 'anna@contoso.example'";
    assert_eq!(caller.get(filter).await.1["value"], json!([]));
    assert!(caller.refused("POST", "/v1.0/users", person("anna")).await.contains("[ObjectConflict userPrincipalName]"));
    practice.clock.pass(Duration::from_secs(5));
    assert_eq!(caller.get(filter).await.1["value"][0]["id"], anna);
    assert_eq!(caller.call("PUT", &report, Some(reference(&anna))).await.0, 204);
}

#[tokio::test]
async fn the_bin_is_searched_as_the_users_are() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    for (name, number) in [("anna", "1"), ("ben", "2"), ("cem", "3")] {
        let mut person = person(name);
        person["employeeId"] = json!(number);
        let (_, user) = caller.call("POST", "/v1.0/users", Some(person)).await;
        caller.call("DELETE", &format!("/v1.0/users/{}", user["id"].as_str().unwrap()), None).await;
    }
    let path = "/v1.0/directory/deletedItems/microsoft.graph.user?$select=id,displayName&$top=1\
                &$filter=employeeId in ('3','2') or employeeId eq '9'";
    let (status, page) = caller.get(path).await;
    assert_eq!((status, &page["value"][0]["displayName"]), (200, &json!("ben")), "{page}");
    let next = page["@odata.nextLink"].as_str().unwrap().strip_prefix(&practice.address).unwrap();
    let (_, page) = caller.get(next).await;
    assert_eq!((&page["value"][0]["displayName"], page.get("@odata.nextLink")), (&json!("cem"), None));
}

#[tokio::test]
async fn a_group_has_members_until_they_are_deleted_and_again_when_they_are_restored() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let (anna, ben) = (caller.make("anna").await, caller.make("ben").await);
    let group = json!({ "displayName": "Sales", "mailNickname": "sales", "mailEnabled": false });
    assert_eq!(
        caller.refused("POST", "/v1.0/groups", group.clone()).await,
        "400 Request_BadRequest: Property securityEnabled value is required but is empty or missing. [MissingValue securityEnabled]"
    );
    let mut group = group;
    group["securityEnabled"] = json!(true);
    let (status, group) = caller.call("POST", "/v1.0/groups", Some(group)).await;
    assert_eq!(status, 201);
    let id = group["id"].as_str().unwrap();
    let (_, found) = caller.get("/v1.0/groups?$filter=displayName eq 'sales'&$select=id").await;
    assert_eq!(found["value"], json!([{ "id": id }]));

    let object = |id: &str| format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}");
    let members = format!("/v1.0/groups/{id}/members");
    let (add, group) = (format!("{members}/$ref"), format!("/v1.0/groups/{id}"));
    assert_eq!(caller.call("POST", &add, Some(json!({ "@odata.id": object(&anna) }))).await.0, 204);
    let twice = "400 Request_BadRequest: One or more added object references already exist for the following modified properties: 'members'.";
    assert_eq!(caller.refused("POST", &add, json!({ "@odata.id": object(&anna) })).await, twice);
    let both = json!({ "members@odata.bind": [object(&ben), object(&anna)] });
    assert_eq!(caller.refused("PATCH", &group, both).await, twice);
    assert_eq!(practice.sandbox.members(id), std::slice::from_ref(&anna), "all or none");
    let stranger = "00000000-0000-0000-0000-000000000000";
    let unknown = json!({ "members@odata.bind": [object(&ben), object(stranger)] });
    assert!(caller.refused("PATCH", &group, unknown).await.starts_with("404"));
    let many = json!({ "members@odata.bind": vec![object(&ben); 21] });
    assert!(caller.refused("PATCH", &group, many).await.starts_with("400"));
    assert_eq!(caller.call("PATCH", &group, Some(json!({ "members@odata.bind": [object(&ben)] }))).await.0, 204);

    let (_, page) = caller.get(&format!("{members}?$top=1&$select=id")).await;
    assert_eq!(page["value"], json!([{ "@odata.type": "#microsoft.graph.user", "id": anna }]));
    let next = page["@odata.nextLink"].as_str().unwrap().strip_prefix(&practice.address).unwrap();
    assert_eq!(caller.get(next).await.1["value"][0]["id"], ben);

    caller.call("DELETE", &format!("/v1.0/users/{anna}"), None).await;
    assert_eq!(practice.sandbox.members(id), std::slice::from_ref(&ben));
    caller.call("POST", &format!("/v1.0/directory/deletedItems/{anna}/restore"), Some(json!({}))).await;
    assert_eq!(practice.sandbox.members(id), [anna.clone(), ben.clone()]);
    let (_, groups) = caller.get(&format!("/v1.0/users/{anna}/memberOf")).await;
    assert_eq!(groups["value"][0]["id"], id);

    let remove = format!("{members}/{ben}/$ref");
    assert_eq!(caller.call("DELETE", &remove, None).await.0, 204);
    assert_eq!(caller.call("DELETE", &remove, None).await.0, 404);
    assert_eq!(caller.get(&format!("/v1.0/groups/{stranger}/members")).await.0, 404);
}

#[tokio::test]
async fn groups_that_others_keep_are_left_to_them() {
    let practice = Practice::start();
    let caller = Caller::of(&practice).await;
    let anna = caller.make("anna").await;
    for (group, words) in [
        (json!({ "displayName": "Synced", "onPremisesSyncEnabled": true }), "on-premises mastered"),
        (json!({ "displayName": "Dynamic", "groupTypes": ["DynamicMembership"] }), "dynamic membership"),
    ] {
        let id = practice.sandbox.add_group(group.as_object().unwrap()).unwrap();
        let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{anna}") });
        let refused = caller.refused("POST", &format!("/v1.0/groups/{id}/members/$ref"), body).await;
        assert!(refused.starts_with("400") && refused.contains(words), "{refused}");
        assert!(practice.sandbox.members(&id).is_empty());
    }
}

#[tokio::test]
async fn faults_are_ordered_and_facts_are_asked_over_http_by_who_has_the_secret() {
    let practice = Practice::start();
    let mut caller = Caller::of(&practice).await;
    assert_eq!(caller.get("/sandbox/facts").await.0, 401, "a token is not the secret");
    let token = std::mem::replace(&mut caller.token, SECRET.to_owned());
    let order = json!([{ "fault": "failed-before", "of": "writes", "next": 1 }, { "fault": "slow", "share": 0.0 }]);
    assert_eq!(caller.call("POST", "/sandbox/faults", Some(order)).await.0, 204);
    for bad in
        [json!({ "fault": "flood" }), json!({ "fault": "slow", "share": 2 }), json!({ "fault": "slow", "who": 1 })]
    {
        assert_eq!(caller.call("POST", "/sandbox/faults", Some(bad)).await.0, 400);
    }
    assert_eq!(caller.get("/sandbox/faults").await.1.as_array().unwrap().len(), 2);
    let secret = std::mem::replace(&mut caller.token, token);
    assert_eq!(caller.call("POST", "/v1.0/users", Some(person("anna"))).await.0, 500);
    caller.make("anna").await;
    caller.token = secret;
    let (_, facts) = caller.get("/sandbox/facts").await;
    assert_eq!((&facts["users"], &facts["requests"]["faults"]), (&json!(1), &json!(1)));
    assert_eq!(caller.call("DELETE", "/sandbox/faults", None).await.0, 204);
    assert_eq!(caller.get("/sandbox/faults").await.1, json!([]));
}
