//! What the demo shows, act by act, and what must come of each.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value as Json;

use super::domain::{BASE, Domain};
use super::export::{ADMINISTRATES, Export, LEAVERS, LEAVES, MOVES, RENAMED, RETURNS};
use super::eyes::{Account, Administrator};
use super::stage::{DISABLE_MAX, Sending, Stage};
use super::tables::{self, Accounts, Held};
use crate::cli::demo::person::explain;
use crate::cli::explain::Detail;
use crate::cli::screen::{counted, say};
use crate::plain::plain;

/// Of whom the first table tells: the head of all, a head, one of theirs, and one who has left already.
const SHOWN: [&str; 4] = ["1001", "1005", MOVES, RETURNS];
/// People of the sample; all but one of them are led by somebody.
const PEOPLE: u64 = 124;

/// Tells what happens, unless only JSON is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller {
    pub(super) quiet: bool,
}

impl Teller {
    pub(super) fn say(self, line: impl AsRef<str>) {
        if !self.quiet {
            say(line);
        }
    }
}

/// The demo, as far as it has come.
pub(super) struct Acts {
    folder: PathBuf,
    tell: Teller,
    pub(super) domain: Domain,
    stage: Stage,
    administrator: Administrator,
    export: Export,
    /// What the directory held after the last act.
    seen: Accounts,
    /// One of the hundred whose leave waits.
    waiting: Option<String>,
    /// Whose account can be looked at afterwards.
    pub(super) somebody: String,
    pub(super) told: Vec<Json>,
    /// What is not as it must be.
    pub(super) faults: Vec<String>,
}

impl Acts {
    pub(super) fn new(
        folder: &Path,
        tell: Teller,
        domain: Domain,
        stage: Stage,
        administrator: Administrator,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            tell,
            domain,
            stage,
            administrator,
            export: Export::first()?,
            seen: Accounts::new(),
            waiting: None,
            somebody: String::new(),
            told: Vec::new(),
            faults: Vec::new(),
        })
    }

    pub(super) async fn first_export(&mut self) -> anyhow::Result<()> {
        self.tell.say("\n2. The export, as SCIM bulk uploads over HTTP, with a token");
        let sending = self.send("people.csv").await?;
        self.must("the first export", &sending, &[("applied", PEOPLE)]);
        let held = Held::of(&self.seen);
        let must = Held { accounts: PEOPLE, enabled: PEOPLE - 1, with_password: PEOPLE, with_manager: PEOPLE - 1 };
        self.expect(held == must, format!("the directory must hold {must:?}, and holds {held:?}"));
        self.tell.say(tables::count(&self.seen));
        self.tell.say(tables::some(&self.seen, &SHOWN));
        self.somebody = self.account(RENAMED).map(|account| plain(&account.login).into_owned()).unwrap_or_default();
        Ok(())
    }

    pub(super) async fn second_week(&mut self) -> anyhow::Result<()> {
        self.tell.say("\n3. The export of the week after: a move, another name, a leaver, one who comes back");
        self.export.second_week()?;
        let before = self.seen.clone();
        let sending = self.send("people-week-2.csv").await?;
        self.must("the second week", &sending, &[("applied", 4), ("unchanged", PEOPLE - 4)]);
        let told = [("moves", MOVES), ("renamed", RENAMED), ("leaves", LEAVES), ("comes back", RETURNS)];
        self.tell.say(tables::became(&told, &before, &self.seen));
        let stands = |anchor: &str, at: &str| self.account(anchor).is_some_and(|account| account.dn.contains(at));
        let is_enabled = |anchor: &str| self.account(anchor).is_some_and(|account| account.is_enabled);
        let is_right = stands(MOVES, ",OU=Corporate,")
            && stands(RENAMED, "CN=Ewa Nowak,")
            && !is_enabled(LEAVES)
            && is_enabled(RETURNS);
        self.expect(is_right, "the directory does not hold what HR said in the second week".to_owned());
        Ok(())
    }

    pub(super) async fn one_who_is_protected(&mut self) -> anyhow::Result<()> {
        self.tell
            .say("\n4. Whom the agent protects: somebody is made a Domain Admin by hand, then HR changes her title");
        let member = self.account(ADMINISTRATES).map(|account| account.dn.clone());
        let member = member.context("who shall administrate has no account")?;
        let joined = self.administrator.join(&member, &format!("CN=Domain Admins,CN=Users,{BASE}")).await;
        joined.context("nobody could be made a Domain Admin")?;
        self.export.third_week()?;
        let before = self.account(ADMINISTRATES).cloned();
        let sending = self.send("people-week-3.csv").await?;
        self.must("the third week", &sending, &[("failed", 1), ("unchanged", PEOPLE - 1)]);
        let after = self.account(ADMINISTRATES).cloned();
        let title = after.as_ref().map(|account| plain(&account.title).into_owned()).unwrap_or_default();
        self.tell.say(format!("   Her account in the directory is as it was; its title is still \"{title}\"."));
        let is_refused = sending.reasons.iter().any(|why| why.code == "protected");
        self.expect(is_refused && before == after, "a Domain Admin's account was written".to_owned());
        Ok(())
    }

    pub(super) async fn a_hundred_leavers(&mut self) -> anyhow::Result<()> {
        self.tell.say(format!("\n5. {LEAVERS} leavers at once: the agent's own limit is {DISABLE_MAX} an hour"));
        let leavers = self.export.fourth_week()?;
        let sending = self.send("people-week-4.csv").await?;
        self.tell.say("   The Domain Admin's title is tried again with every upload, and refused again.");
        let (gone, waiting): (Vec<_>, Vec<_>) = leavers.iter().partition(|anchor| self.is_disabled(anchor));
        let (gone, waits) = (gone.len() as u64, waiting.len() as u64);
        self.waiting = waiting.first().map(|anchor| (*anchor).clone());
        self.tell.say(format!(
            "   In the directory, {gone} of them are disabled (with the leaver of the second week, {DISABLE_MAX} within \
             the hour); {waits} wait:",
        ));
        for wait in &sending.waits {
            self.tell.say(format!("   {} because of {}, until {}", wait.count, plain(&wait.why), wait.first));
        }
        let told: u64 = sending.waits.iter().map(|wait| wait.count).sum();
        let is_right = gone == DISABLE_MAX - 1 && waits == told && gone + waits == LEAVERS as u64;
        self.expect(is_right, format!("{gone} of {LEAVERS} leavers are disabled, {waits} are not, {told} wait"));
        Ok(())
    }

    pub(super) async fn why(&mut self) -> anyhow::Result<()> {
        self.tell.say("\n6. Who is where, and why: muster explain, in short and once in full");
        let waiting = self.waiting.clone().unwrap_or_default();
        let people = [
            (ADMINISTRATES, "a Domain Admin, left alone", Detail::Short),
            (waiting.as_str(), "one of the hundred, who waits", Detail::Short),
            (MOVES, "who moved", Detail::Full),
        ];
        for (anchor, who, detail) in people.into_iter().filter(|_| !self.tell.quiet) {
            explain(&self.stage.app, &self.stage.active, anchor, who, detail)?;
        }
        let found = self.stage.app.store.fsck()?;
        let faults: Vec<String> =
            found.into_iter().map(|fault| format!("{}: {}", fault.rule, fault.examples.join(", "))).collect();
        let linked = self.stage.linked()?;
        self.tell.say(format!(
            "\n   muster fsck: {}; {} linked, and {} in the directory",
            if faults.is_empty() { "everything is as it must be" } else { "not everything is as it must be" },
            counted(linked, "account", "accounts"),
            self.seen.len(),
        ));
        self.faults.extend(faults);
        self.expect(linked == self.seen.len() as u64, "not every account of the directory is linked".to_owned());
        Ok(())
    }

    /// Sends the export as it is now, and looks into the directory.
    async fn send(&mut self, file: &str) -> anyhow::Result<Sending> {
        self.export.write(&self.folder.join(file))?;
        let sending = self.stage.send(file, &mut self.domain).await?;
        self.tell.say(tables::sending(&sending));
        self.seen = self.administrator.accounts().await?;
        self.told.push(tables::json(&sending, Held::of(&self.seen)));
        Ok(sending)
    }

    fn account(&self, anchor: &str) -> Option<&Account> {
        self.seen.get(anchor)
    }

    fn is_disabled(&self, anchor: &str) -> bool {
        self.account(anchor).is_some_and(|account| !account.is_enabled)
    }

    fn must(&mut self, what: &str, sending: &Sending, outcomes: &[(&str, u64)]) {
        let is_right = sending.outcomes.iter().map(|(word, count)| (*word, *count)).eq(outcomes.iter().copied());
        self.expect(is_right, format!("{what} must come to {outcomes:?}, and came to {:?}", sending.outcomes));
    }

    fn expect(&mut self, is_right: bool, fault: String) {
        if !is_right {
            self.faults.push(fault);
        }
    }

    /// Takes down the agent and the server, then the domain controller.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        drop(self.administrator);
        let closed = self.stage.close().await;
        drop(self.domain);
        closed
    }
}
