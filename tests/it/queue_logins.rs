//! NATS that lets nobody in whom it does not know: every login muster has, right and wrong; with TLS, without, and with
//! certificates on both sides.

use std::path::{Path, PathBuf};

use muster::model::TargetId;
use muster::queue::nats::{NatsLogin, NatsSettings};
use muster::queue::{OfferSettings, Transport};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use secrecy::SecretString;
use tempfile::TempDir;

use super::graph::Log;
use super::house::person;
use super::nats::Nats;
use super::nkeys::{self, Nkey, Of};
use super::practice::install_tls;
use super::queue_conformance::{Post, settings, until};

const SECRET: &str = "s3cret-Horse-7";
const WRONG: &str = "wr0ng-Horse-8";

fn as_who(nats: &Nats, login: NatsLogin) -> NatsSettings {
    NatsSettings { login, ..settings(nats) }
}

fn user(password: &str) -> NatsLogin {
    NatsLogin::User("muster".to_owned(), SecretString::from(password))
}

/// What is offered comes to an agent through these servers and is carried.
async fn work_arrives(nats: Nats, settings: NatsSettings) {
    let post = Post::through(nats, settings, |_| {}).await;
    post.say(&[person("c0", "Contractor", "")]).await;
    // What is offered is nobody's but NATS's: the server itself would not give it.
    until("offers", || post.offered() == 1).await;
    let queue = post.agent("agent").await;
    post.work(&*queue, 1).await;
}

/// Nobody is let in so, and what is said has these words, and none of these.
async fn is_refused(settings: &NatsSettings, words: &[&str], secrets: &[&str]) {
    install_tls();
    let log = Log::default();
    let to = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    let subscriber = subscriber.with_writer(move || to.clone());
    // See `graph`: with a single subscriber, only the thread that comes by a line first is asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let offers = OfferSettings { targets: vec![TargetId::new("hq")], ..OfferSettings::default() };
    let transport = Transport::connect(settings, offers).await.unwrap();
    until("words", || words.iter().all(|word| log.text().contains(word))).await;
    assert!(!transport.is_connected());
    let said = log.text();
    assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    assert!(secrets.iter().all(|secret| !format!("{settings:?}").contains(secret)));
}

/// The words of settings that cannot mend themselves.
async fn is_no_setting(settings: &NatsSettings) -> String {
    install_tls();
    let error = Transport::connect(settings, OfferSettings::default()).await.err().expect("it cannot be connected to");
    let error = anyhow::Error::from(error);
    format!("{error:#}")
}

#[tokio::test]
#[ignore = "needs nats-server; tests/all.sh runs it"]
async fn a_user_is_let_in_by_their_password_and_nobody_else_is() {
    let demands = format!("authorization {{ user: muster, password: \"{SECRET}\" }}\n");
    let nats = Nats::demanding("127.0.6.31", &demands);
    let words = ["server=\"127.0.6.31:4222\"", "authorization violation", "`user` and `password`"];
    is_refused(&as_who(&nats, user(WRONG)), &words, &[WRONG]).await;
    is_refused(&as_who(&nats, NatsLogin::Nobody), &words, &[]).await;
    is_refused(&as_who(&nats, NatsLogin::Token(SecretString::from(WRONG))), &words, &[WRONG]).await;
    let right = as_who(&nats, user(SECRET));
    work_arrives(nats, right).await;
}

#[tokio::test]
#[ignore = "needs nats-server; tests/all.sh runs it"]
async fn a_token_lets_in_and_another_does_not() {
    let nats = Nats::demanding("127.0.6.32", &format!("authorization {{ token: \"{SECRET}\" }}\n"));
    let token = |text: &str| NatsLogin::Token(SecretString::from(text));
    is_refused(&as_who(&nats, token(WRONG)), &["authorization violation", "`token`"], &[WRONG]).await;
    let right = as_who(&nats, token(SECRET));
    work_arrives(nats, right).await;
}

#[tokio::test]
#[ignore = "needs nats-server; tests/all.sh runs it"]
async fn an_nkey_lets_in_and_another_does_not() {
    let (key, other) = (Nkey::new(Of::User, 7), Nkey::new(Of::User, 8));
    let nats = Nats::demanding("127.0.6.33", &format!("authorization {{ users: [{{ nkey: {} }}] }}\n", key.public()));
    let nkey = |seed: &str| NatsLogin::Nkey(SecretString::from(seed));
    let seed = other.seed();
    is_refused(&as_who(&nats, nkey(&seed)), &["authorization violation", "`nkey`"], &[&seed]).await;
    // The seed of an account, a public key, and a typing error.
    for wrong in [Nkey::new(Of::Account, 7).seed(), key.public(), seed.replace('U', "u")] {
        let said = is_no_setting(&as_who(&nats, nkey(&wrong))).await;
        assert!(said.contains("`nkey` in the queue's settings is not the seed of a user") && !said.contains(&wrong));
    }
    let right = as_who(&nats, nkey(&format!("{}\n", key.seed())));
    work_arrives(nats, right).await;
}

#[tokio::test]
#[ignore = "needs nats-server; tests/all.sh runs it"]
async fn credentials_of_an_operators_user_let_in_and_those_of_a_stranger_do_not() {
    let folder = TempDir::new().unwrap();
    let (demands, credentials) = nkeys::operated();
    let nats = Nats::demanding("127.0.6.34", &demands);
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        NatsLogin::Credentials(file)
    };
    // The user's own key, for whom an account vouches that the operator does not know.
    let (stranger, user) = (Nkey::new(Of::Account, 9), Nkey::new(Of::User, 4));
    let forged = nkeys::credentials(&stranger.vouch(&user, "user", serde_json::json!({ "subs": -1 })), &user);
    let seed = user.seed();
    let words = ["authorization violation", "`credentials`"];
    is_refused(&as_who(&nats, file("forged.creds", &forged)), &words, &[&seed]).await;
    let said = is_no_setting(&as_who(&nats, file("broken.creds", &seed))).await;
    assert!(said.contains("broken.creds cannot be used") && !said.contains(&seed), "{said}");
    let said = is_no_setting(&as_who(&nats, NatsLogin::Credentials(folder.path().join("none.creds")))).await;
    assert!(said.contains("none.creds cannot be used"), "{said}");
    let right = as_who(&nats, file("right.creds", &credentials));
    work_arrives(nats, right).await;
}

/// An authority, and what it has signed.
struct Certified {
    folder: TempDir,
}

impl Certified {
    fn new(address: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", &authority.pem());
        for (name, purpose) in
            [("server", ExtendedKeyUsagePurpose::ServerAuth), ("client", ExtendedKeyUsagePurpose::ClientAuth)]
        {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new([address.to_owned()]).unwrap();
            params.extended_key_usages = vec![purpose];
            write(&format!("{name}.pem"), &params.signed_by(&key, &authority).unwrap().pem());
            write(&format!("{name}-key.pem"), &key.serialize_pem());
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn client(&self) -> Option<(PathBuf, PathBuf)> {
        Some((self.path("client.pem"), self.path("client-key.pem")))
    }

    /// The settings of a server that has such a certificate, and demands one where `verify` says so.
    fn demands(&self, verify: bool) -> String {
        let file = |name: &str| self.path(name).display().to_string();
        let (certificate, key, ca) = (file("server.pem"), file("server-key.pem"), file("ca.pem"));
        format!(
            "tls {{ cert_file: \"{certificate}\", key_file: \"{key}\", ca_file: \"{ca}\", verify: {verify} }}\n\
             authorization {{ user: muster, password: \"{SECRET}\" }}\n"
        )
    }
}

fn encrypted(address: &str, ca: &Path) -> NatsSettings {
    NatsSettings {
        servers: vec![format!("tls://{address}:4222").parse().unwrap()],
        ca: Some(ca.to_owned()),
        client_certificate: None,
        login: user(SECRET),
        stream: "muster".to_owned(),
    }
}

#[tokio::test]
#[ignore = "needs nats-server; tests/all.sh runs it"]
async fn servers_are_trusted_by_an_authority_of_ones_own_and_no_password_is_sent_to_others() {
    let address = "127.0.6.35";
    let (own, other) = (Certified::new(address), Certified::new(address));
    let nats = Nats::demanding(address, &own.demands(false));
    let right = encrypted(address, &own.path("ca.pem"));
    let words = ["its certificate is not trusted", "`ca`"];
    is_refused(&encrypted(address, &other.path("ca.pem")), &words, &[SECRET]).await;
    is_refused(&NatsSettings { ca: None, ..right.clone() }, &words, &[SECRET]).await;
    for (ca, why) in [("none.pem", "No such file"), ("server-key.pem", "no items found")] {
        let said = is_no_setting(&encrypted(address, &own.path(ca))).await;
        assert!(said.contains("`ca` in the queue's settings") && said.contains(ca) && said.contains(why), "{said}");
    }
    work_arrives(nats, right).await;
}

#[tokio::test]
#[ignore = "needs nats-server; tests/all.sh runs it"]
async fn a_server_that_demands_a_certificate_gets_one_and_says_so_where_it_does_not() {
    let address = "127.0.6.36";
    let (own, other) = (Certified::new(address), Certified::new(address));
    let nats = Nats::demanding(address, &own.demands(true));
    let without = encrypted(address, &own.path("ca.pem"));
    let words = ["it asks for a certificate", "`client_certificate`"];
    is_refused(&without, &words, &[SECRET]).await;
    is_refused(&NatsSettings { client_certificate: other.client(), ..without.clone() }, &words, &[SECRET]).await;
    let (certificate, key) = own.client().unwrap();
    let turned = NatsSettings { client_certificate: Some((key.clone(), certificate.clone())), ..without.clone() };
    let said = is_no_setting(&turned).await;
    assert!(said.contains("`client_certificate` in the queue's settings") && said.contains("certificates"), "{said}");
    let same = NatsSettings { client_certificate: Some((certificate.clone(), certificate)), ..without.clone() };
    assert!(is_no_setting(&same).await.contains("`client_key` in the queue's settings"));
    work_arrives(nats, NatsSettings { client_certificate: own.client(), ..without }).await;
}

#[tokio::test]
#[ignore = "needs nats-server; tests/all.sh runs it"]
async fn where_tls_is_asked_for_nothing_is_said_without_it() {
    let address = "127.0.6.37";
    let own = Certified::new(address);
    let nats = Nats::demanding(address, &format!("authorization {{ user: muster, password: \"{SECRET}\" }}\n"));
    let asked = encrypted(address, &own.path("ca.pem"));
    is_refused(&asked, &["it does not speak TLS", "set up TLS at NATS"], &[SECRET]).await;
    drop(nats);
}
