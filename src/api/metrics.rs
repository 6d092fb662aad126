//! What Prometheus reads: how things stand, and what has happened in this process. Names are never changed, only added.

use actix_web::{HttpRequest, HttpResponse, web};

use super::auth::caller;
use super::error::ApiError;
use super::role::Role;
use super::status::{StatusWire, TargetWire, of_app};
use super::{Api, blocking};
use crate::meter::{self, Family};

/// The text format that is answered.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`: for whoever may read the logs. Prometheus gets its token itself (`oauth2` in a scrape configuration).
/// There are names of jobs and targets in it and no people, but also how much is going on, which is nobody else's concern.
pub(super) async fn get(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    caller(&api, &request, &[Role::ReadLogs]).await?;
    let status = blocking(&api, |api| of_app(&api.app)).await?.map_err(|error| ApiError::store(&error))?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text(&status)))
}

/// A gauge of every target.
type Gauge = (&'static str, &'static str, fn(&TargetWire) -> Option<f64>);

/// What stands at each target.
const GAUGES: [Gauge; 11] = [
    ("muster_accounts_linked", "Accounts that are linked.", |at| Some(at.linked as f64)),
    ("muster_work_due", "Pieces of work that may be taken up at once.", |at| Some(at.due as f64)),
    ("muster_work_under_way", "Pieces of work that somebody carries.", |at| Some(at.under_way as f64)),
    ("muster_work_leavers", "Pieces of work that are not done and about people who leave.", |at| {
        Some(at.leavers as f64)
    }),
    ("muster_work_put_off", "Pieces of work that were put off.", |at| {
        Some(at.put_off.iter().map(|put_off| put_off.count).sum::<u64>() as f64)
    }),
    ("muster_work_held", "Pieces of work that are held until somebody has looked.", |at| {
        Some(at.held.iter().map(|held| held.count).sum::<u64>() as f64)
    }),
    ("muster_work_failed", "Pieces of work that have failed.", |at| {
        Some(at.failed.iter().map(|failed| failed.count).sum::<u64>() as f64)
    }),
    ("muster_written_per_second", "Changes written in a second, over the last minute.", |at| {
        Some(at.written_per_second)
    }),
    ("muster_queue_empty_in_seconds", "In how many seconds the queue will be empty; absent where unknown.", |at| {
        at.empty_in_seconds.map(|seconds| seconds as f64)
    }),
    ("muster_budget_left", "Writes that are left of the target's budget.", |at| {
        at.pace.as_ref().map(|pace| f64::from(pace.left))
    }),
    ("muster_gate_closed_seconds", "Seconds for which the target still asks for patience.", |at| {
        at.pace.as_ref().map(|pace| pace.closed_for_seconds)
    }),
];

fn text(status: &StatusWire) -> String {
    let mut text = meter::shown();
    let to_decide = vec![(Vec::new(), status.to_decide as f64)];
    gauge("muster_operations_to_decide", "Accepted operations that are not decided yet.", to_decide).write(&mut text);
    let targets = || status.jobs.iter().flat_map(|job| job.targets.iter().map(move |target| (&job.job, target)));
    let labels = |job: &String, target: &TargetWire| vec![("job", job.clone()), ("target", target.target.clone())];
    for (name, help, of) in GAUGES {
        let series = targets().filter_map(|(job, target)| Some((labels(job, target), of(target)?)));
        gauge(name, help, series.collect()).write(&mut text);
    }
    let agents = targets().flat_map(|(job, target)| {
        target.agents.iter().map(move |agent| {
            let mut labels = labels(job, target);
            labels.push(("agent", agent.name.clone()));
            (labels, agent.last_seen_seconds as f64)
        })
    });
    let help = "Seconds since an agent last asked for work.";
    gauge("muster_agent_last_seen_seconds", help, agents.collect()).write(&mut text);
    text
}

fn gauge(name: &'static str, help: &'static str, series: Vec<(Vec<(&'static str, String)>, f64)>) -> Family {
    Family { name, help, kind: "gauge", series }
}
