//! The practice tenant answers as Microsoft Graph does.

use std::time::Duration;

use muster::http_client;
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
        (with("userPrincipalName", json!("ANNA@contoso.example")), format!("400 Request_BadRequest: Another object with the same value for property userPrincipalName already exists. [ObjectConflict userPrincipalName] [ConflictingObjects User_{anna}]")),
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
    assert_eq!(
        caller.refused("POST", "/v1.0/$batch", json!({})).await,
        "400 BadRequest: Resource not found for the segment '$batch'."
    );
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
