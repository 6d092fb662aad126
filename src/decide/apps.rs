//! What becomes of a person's accounts at apps, beside their home.

use super::{Ask, AtTarget, Case, Leaver, TargetKind, is_locked};
use crate::model::{Dn, Known, Reason, Situation, TargetId, Verdict, Wanted};

impl Case<'_> {
    /// What is asked of the home, and of the apps. Where it is not settled where the person lives, or what the account
    /// there holds, the apps are left alone: whatever is mended will be mended for them, too.
    pub(super) fn at_home_and_apps(
        &self,
        home: &TargetId,
        container: Option<&Dn>,
        verdict: &Verdict,
        rule: &str,
    ) -> Vec<AtTarget> {
        let mut targets = self.at_home(home, container);
        if targets.iter().all(|at| matches!(at.ask, Ask::Bring(_))) {
            targets.extend(self.asked_apps(home, verdict));
            targets.extend(self.left_apps(home, verdict, rule));
        }
        targets
    }

    fn asked_apps(&self, home: &TargetId, verdict: &Verdict) -> impl Iterator<Item = AtTarget> {
        let asked = verdict.also.iter().filter(move |app| *app != home);
        asked.map(|app| {
            let is_linked = self.links.iter().any(|(id, _)| id == app);
            self.present(app, None, if is_linked { Situation::Confirmed } else { Situation::Absent })
        })
    }

    /// Accounts at apps for which the rule does not ask: there, the person is placed nowhere.
    fn left_apps(&self, home: &TargetId, verdict: &Verdict, rule: &str) -> Vec<AtTarget> {
        let is_left = |id: &TargetId| id != home && !verdict.also.contains(id);
        let linked = self.links.iter().filter(|(id, _)| is_left(id));
        linked.filter_map(|(id, known)| self.left_app(id, known, rule)).collect()
    }

    fn left_app(&self, id: &TargetId, known: &Known, rule: &str) -> Option<AtTarget> {
        let target = self.job.target(id).filter(|target| target.kind == TargetKind::App)?;
        let ask = match self.job.policy.nowhere {
            Leaver::Disable => Ask::Bring(Wanted::Disabled),
            Leaver::Delete => Ask::Bring(Wanted::Deleted),
            // Somebody has looked: nobody gets in any more.
            Leaver::Hold if is_locked(known) => return None,
            Leaver::Hold => {
                let why = format!(
                    "the rule `{rule}` gives {} no account at {id}, but {} there is theirs; disable or delete it by \
                     hand, add `also = [\"{id}\"]` to the rule, or set `policy.nowhere`",
                    self.person.anchor, known.object
                );
                Ask::Hold(Reason::new("unqualified", why))
            }
        };
        Some(AtTarget { target: target.id.clone(), situation: Situation::Unqualified, ask })
    }
}
