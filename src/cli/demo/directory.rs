//! `muster demo --active-directory`: the whole way into a domain that is made for it, and taken down in the end.
//!
//! Samba as Active Directory, a server and an agent by its own file; what is shown of accounts is read from the
//! directory, and not from what muster remembers.

mod acts;
mod domain;
mod export;
mod eyes;
mod needs;
mod process;
mod stage;
mod tables;

use std::path::Path;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::json;

use self::acts::{Acts, Teller};
use self::domain::{ADMINISTRATOR, Domain, Made, PEOPLE};
use self::eyes::Administrator;
use self::needs::Programs;
use self::stage::Stage;
use super::Args;
use super::props::empty;
use crate::cli::Globals;
use crate::cli::screen::{note, say_json};
use crate::cli::stop::StopSignals;

/// Told to stop before the end, as shells have it for SIGINT.
const INTERRUPTED: u8 = 130;

/// Shows everything, unless something is missing here; whatever happens, the domain controller ends with it.
pub(super) async fn play(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let Some(programs) = needs::look() else { return Ok(ExitCode::FAILURE) };
    let signals = StopSignals::listen().context("signals cannot be heard")?;
    let mut asked = pin!(signals.asked());
    let tell = Teller { quiet: globals.json };
    let shown = tokio::select! {
        shown = show(&args.folder, &programs, tell) => Some(shown?),
        () = asked.as_mut() => None,
    };
    // Whoever is interrupted has let go of the domain controller by now, and with that it has ended.
    let Some(acts) = shown else {
        note("stopped before the end; the domain controller is taken down");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let is_well = acts.faults.is_empty();
    if globals.json {
        say_json(&json!({ "sendings": acts.told, "faults": acts.faults, "folder": args.folder.display().to_string() }));
    }
    end(acts, args, tell, asked).await?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn show(folder: &Path, programs: &Programs, tell: Teller) -> anyhow::Result<Acts> {
    domain::place(folder)?;
    empty(folder)?;
    tell.say("1. A domain of its own: Samba as Active Directory, on this machine only");
    tell.say("   the domain contoso.example is being made; it takes some ten seconds …");
    let began = Instant::now();
    let made = Made::new(folder, programs).await?;
    tell.say(format!("   made in {} s; its domain controller is being started …", began.elapsed().as_secs()));
    let domain = made.serve(programs).await?;
    let stage = Stage::open(folder, &domain).context("the demo could not be set up")?;
    tell.say(places(folder, &domain, &stage));
    let administrator = Administrator::connect(&domain).await.context("the domain cannot be asked")?;
    let mut acts = Acts::new(folder, tell, domain, stage, administrator)?;
    acts.first_export().await?;
    acts.second_week().await?;
    acts.one_who_is_protected().await?;
    acts.a_hundred_leavers().await?;
    acts.why().await?;
    Ok(acts)
}

fn places(folder: &Path, domain: &Domain, stage: &Stage) -> String {
    let folder = folder.display();
    format!(
        "   domain controller  {}, process {}
   muster             {}
   agent              by {folder}/agent.toml; it may write below {PEOPLE} only,
                      and disable {} accounts within an hour (`muster agent --begin-log` is done)",
        domain.url(),
        domain.process(),
        stage.server_url,
        stage::DISABLE_MAX,
    )
}

/// Tells where things are; takes everything down, at once or when told to.
async fn end(acts: Acts, args: &Args, tell: Teller, asked: Pin<&mut impl Future<Output = ()>>) -> anyhow::Result<()> {
    tell.say(format!("\n7. Where things are\n{}", files(&args.folder, &acts.somebody)));
    if acts.faults.is_empty() {
        tell.say("\nEverything ended as it must, and the store is as it must be.");
    } else {
        tell.say("\nNot as it must be:");
        acts.faults.iter().for_each(|fault| tell.say(format!("  {fault}")));
    }
    if args.keep {
        let folder = args.folder.display();
        tell.say(format!(
            "\nEverything stays up until Ctrl-C. To look into the domain:\n  LDAPTLS_CACERT={} ldapsearch -H {} -x \
             -D {ADMINISTRATOR} -y {folder}/domain/administrator-password -b {PEOPLE}",
            acts.domain.authority().display(),
            acts.domain.url(),
        ));
        asked.await;
    }
    let process = acts.domain.process();
    acts.close().await?;
    tell.say(format!("The domain controller (process {process}) is taken down."));
    Ok(())
}

/// What lies in the folder, and how to look further.
fn files(folder: &Path, somebody: &str) -> String {
    let shown = folder.display();
    let kept = [
        ("job.toml", "the job".to_owned()),
        ("agent.toml", "what the agent may do".to_owned()),
        ("hq.log", "what the agent has counted of its hour".to_owned()),
        ("data", format!("what muster knows: muster explain ANCHOR --data {shown}/data")),
        ("", format!("and whether it is sound: muster fsck --data {shown}/data")),
        ("domain", "the domain; it can be read without its controller:".to_owned()),
        ("", format!("samba-tool user show {somebody} -H {shown}/domain/private/sam.ldb")),
    ];
    let lines = kept.map(|(name, what)| {
        let path = if name.is_empty() { String::new() } else { folder.join(name).display().to_string() };
        let width = shown.to_string().len() + "/agent.toml".len();
        format!("   {path:width$}  {what}")
    });
    lines.join("\n")
}
