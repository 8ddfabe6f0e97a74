//! `holdfast bench`: a cluster under load, as its clients see it.

mod pick;

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use load::{ErrorCount, Http, Pace, Plan, Report, Running, Workload, ZooKeeper};

use crate::args::globals::Globals;
use crate::args::{BenchArgs, Door, Trial};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Shown};

/// Port of the ZooKeeper door unless named.
const ZOOKEEPER_PORT: u16 = 2181;
/// Between two looks at how far the run is.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the load and prints what it found.
///
/// # Errors
/// Nobody answers, or what the workload needs cannot be made.
pub(super) fn run(out: Output, globals: &Globals, args: &BenchArgs) -> Result<u8, Failure> {
    if let Some(Trial::Pick(args)) = &args.trial {
        return pick::run(out, args);
    }
    let Some(workload) = args.workload else {
        return Err(Failure::new(Exit::Usage, "begin", "no workload is named"));
    };
    let plan = plan(args, workload);
    let servers = servers(globals, args)?;
    let running = match args.door {
        Door::Http => load::run(Http::new(servers), plan.clone()),
        Door::Zookeeper => load::run(ZooKeeper::new(servers), plan.clone()),
    };
    follow(out, &plan, &running);
    let report = running.wait().map_err(|trouble| {
        Failure::new(
            Exit::Unavailable,
            format!("put {workload} under load"),
            trouble,
        )
        .remedy("is a cluster running there, and does it serve this door?")
    })?;
    out.show(&shown(&report)?).map(|()| 0)
}

fn plan(args: &BenchArgs, workload: Workload) -> Plan {
    Plan {
        workload,
        clients: args.clients.max(1),
        time: args.seconds,
        warm_up: args.warm_up,
        value_bytes: args.value_bytes,
        keys: args.keys.max(1),
        pace: args.rate.map_or(Pace::Closed, |rate| Pace::Open { rate }),
        reading: args.reading,
        answer_within: args.answer_within,
        threads: args.threads.max(1),
        root: args.root.trim_matches('/').to_owned(),
        run: Plan::fresh_run(),
    }
}

/// `host:port` of each server of the door.
fn servers(globals: &Globals, args: &BenchArgs) -> Result<Vec<String>, Failure> {
    if args.door == Door::Zookeeper && !args.zookeeper.is_empty() {
        return Ok(args.zookeeper.clone());
    }
    let address = |endpoint: &String| {
        let url = reqwest::Url::parse(endpoint).ok()?;
        let host = url.host_str()?;
        let port = match args.door {
            Door::Http => url.port_or_known_default()?,
            Door::Zookeeper => ZOOKEEPER_PORT,
        };
        (url.scheme() == "http").then(|| format!("{host}:{port}"))
    };
    let found: Option<Vec<String>> = globals.endpoints.iter().map(address).collect();
    found.ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "use these endpoints",
            format_args!("{:?} are not all http://HOST:PORT", globals.endpoints),
        )
    })
}

/// Shows how far the run is, until it ends.
fn follow(out: Output, plan: &Plan, running: &Running) {
    let bar = ProgressBar::new(u64::try_from(plan.time.as_millis()).unwrap_or(u64::MAX));
    if out.quiet {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
        bar.set_style(style);
    }
    let mut begun = None;
    let (mut last, mut last_done) = (Instant::now(), 0);
    while !running.is_finished() {
        std::thread::sleep(LOOK);
        let count = running.count();
        let now = Instant::now();
        if count.done + count.failed > 0 {
            let begun = *begun.get_or_insert(now);
            let millis = now.duration_since(begun).as_millis();
            bar.set_position(u64::try_from(millis).unwrap_or(u64::MAX));
        }
        let millis = u64::try_from(now.duration_since(last).as_millis()).unwrap_or(1);
        let rate = (count.done - last_done) * 1000 / millis.max(1);
        bar.set_message(format!(
            "{} done, {} failed, {rate}/s",
            count.done, count.failed
        ));
        (last, last_done) = (now, count.done);
    }
    bar.finish_and_clear();
}

fn shown(report: &Report) -> Result<Shown, Failure> {
    let latency = report.latency_us;
    let ms = |us: u64| format!("{}.{:03}", us / 1000, us % 1000);
    let mut fields = vec![
        ("clients", report.clients.to_string()),
        ("operations", report.operations.to_string()),
        ("a second", format!("{:.1}", report.per_second)),
        ("ms p50", ms(latency.p50)),
        ("ms p90", ms(latency.p90)),
        ("ms p99", ms(latency.p99)),
        ("ms p99.9", ms(latency.p999)),
        ("ms max", ms(latency.max)),
    ];
    if let Some(gaps) = &report.gaps {
        fields.push(("ms without", format!("{:.1}", gaps.longest_ms)));
    }
    let error = |error: &ErrorCount| format!("{} {} ({})", error.count, error.kind, error.outcome);
    let errors: Vec<String> = report.errors.iter().map(error).collect();
    fields.push((
        "errors",
        if errors.is_empty() {
            "none".to_owned()
        } else {
            errors.join(", ")
        },
    ));
    Shown::one(report, report.workload.clone(), fields)
}
