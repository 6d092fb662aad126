//! From an import to accounts at an app that speaks SCIM, beside the home: the product as its own processes, a
//! practice tenant, and a real SCIM service.

use std::process::{Command, Output};
use std::time::Duration;

use muster::http_client;
use serde_json::Value as Json;
use tempfile::TempDir;
use url::Url;

use crate::practice::{Practice, SECRET, install_tls};
use crate::scim2::{Scim2, TOKEN};

const JOB: &str = r#"
name = "hr"

[source]
kind = "csv"

[source.columns]
id = "externalId"
login = "userName"
name = "displayName"
kind = "userType"
active = { to = "active", values = { yes = true, no = false } }
mail = 'emails[type eq "work"].value'
dept = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
boss = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"

[policy]
nowhere = "disable"

[[rule]]
id = "guests"
when = 'userType eq "Guest"'
place = "cloud"
target = "entra"

[[rule]]
id = "staff"
place = "cloud"
target = "entra"
also = ["chat"]

[target.entra]
kind = "graph"
base_url = "SANDBOX/v1.0"
authority = "SANDBOX"
tenant = "TENANT"
client_id = "practice-app"
client_secret = { file = "secret" }
map = [
  { to = "employeeId", direct = "externalId", match = 1 },
  { to = "userPrincipalName", expression = 'Append([userName], "@contoso.example")' },
  { to = "displayName", direct = "displayName" },
  { to = "accountEnabled", direct = "active" },
]

[target.chat]
kind = "scim"
base_url = "CHAT"
token = { file = "token" }
map = [
  { to = "externalId", direct = "externalId", match = 1 },
  { to = "userName", direct = "userName", match = 2 },
  { to = "displayName", direct = "displayName" },
  { to = "active", direct = "active" },
  { to = 'emails[type eq "work"].value', direct = 'emails[type eq "work"].value' },
  { to = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", direct = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" },
  { to = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", direct = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value" },
]

[[test]]
name = "staff are at the chat"
person = { externalId = "1", userName = "ada", displayName = "Ada", userType = "Staff" }
target = "entra"
also = ["chat"]
"#;

const HEADER: &str = "id,login,name,kind,active,mail,dept,boss\n";

/// A folder with a job, beside the services it writes to.
struct Site {
    folder: TempDir,
    chat: Scim2,
    _tenant: Practice,
}

impl Site {
    fn start() -> Self {
        install_tls();
        let (chat, tenant) = (Scim2::start("127.0.3.4", None), Practice::start());
        let folder = tempfile::tempdir().unwrap();
        let job = JOB
            .replace("SANDBOX", &tenant.address)
            .replace("TENANT", crate::practice::TENANT)
            .replace("CHAT", &chat.url);
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("job.toml", &job);
        write("secret", SECRET);
        write("token", TOKEN);
        Self { folder, chat, _tenant: tenant }
    }

    async fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.arg("--data").arg(self.folder.path().join("data")).args(words).current_dir(self.folder.path());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// What a command says, which must end well.
    async fn say(&self, words: &[&str]) -> String {
        let output = self.run(words).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{words:?}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    async fn import(&self, rows: &[&str]) -> String {
        std::fs::write(self.folder.path().join("people.csv"), format!("{HEADER}{}\n", rows.join("\n"))).unwrap();
        self.say(&["import", "people.csv", "--job", "job.toml"]).await
    }

    /// Everybody at the chat, by name.
    async fn users(&self) -> std::collections::BTreeMap<String, Json> {
        let url = format!("{}/Users", self.chat.url);
        let client = http_client::build(&Url::parse(&url).unwrap(), Duration::from_secs(10), None).unwrap();
        let request = client.get(url).bearer_auth(TOKEN);
        let list: Json = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        let users = list["Resources"].as_array().cloned().unwrap_or_default();
        users.into_iter().map(|user| (user["userName"].as_str().unwrap().to_owned(), user)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs scim2-server; tests/all.sh runs it"]
async fn who_is_hired_has_an_account_at_the_app_and_who_leaves_is_locked_out_there() {
    let site = Site::start();
    let ada = "1,ada,Ada,Staff,yes,ada@mail.example,Research,2";
    let boss = "2,grace,Grace,Staff,yes,grace@mail.example,Research,";
    let guest = "3,alan,Alan,Guest,yes,alan@mail.example,,2";
    site.say(&["check", "job.toml"]).await;
    site.say(&["test", "job.toml"]).await;
    site.import(&[ada, boss, guest]).await;

    let users = site.users().await;
    assert_eq!(users.keys().collect::<Vec<_>>(), ["ada", "grace"], "guests have none");
    let enterprise = &users["ada"]["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    assert_eq!(users["ada"]["emails"][0]["value"], "ada@mail.example");
    assert_eq!(enterprise["department"], "Research");
    assert_eq!(enterprise["manager"]["value"], users["grace"]["id"]);
    assert_eq!(users["ada"]["active"], true);

    let told = site.say(&["explain", "1", "--job", "hr"]).await;
    assert!(told.contains("chat") && told.contains("entra"), "{told}");

    // Another address, and out of the company.
    let moved = "1,ada,Ada King,Staff,yes,king@mail.example,Research,2";
    let leaves = "2,grace,Grace,Staff,no,grace@mail.example,Research,";
    site.import(&[moved, leaves, guest]).await;
    let users = site.users().await;
    assert_eq!(users["ada"]["displayName"], "Ada King");
    assert_eq!(users["ada"]["emails"].as_array().unwrap().len(), 1);
    assert_eq!(users["ada"]["emails"][0]["value"], "king@mail.example");
    assert_eq!(users["grace"]["active"], false);

    // The rule does not ask for the account any more: it is disabled, by `policy.nowhere`.
    let guest_now = "1,ada,Ada King,Guest,yes,king@mail.example,Research,2";
    site.import(&[guest_now, leaves, guest]).await;
    assert_eq!(site.users().await["ada"]["active"], false);
    let told = site.say(&["explain", "1", "--job", "hr"]).await;
    assert!(told.contains("disable"), "{told}");

    // And it is asked for again.
    site.import(&[moved, leaves, guest]).await;
    assert_eq!(site.users().await["ada"]["active"], true);
    site.say(&["fsck"]).await;
}
