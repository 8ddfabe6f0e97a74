//! Random operations on services, by sessions, owners of TTL instances, callers and the node that checks,
//! applied to the state machine and to a list that is searched from end to end: after each the two agree on
//! who is registered, in which state, with how many reservations. Whatever a pick gives is somebody of whom
//! the list knows nothing that speaks against it; it refuses only when there is nobody.

mod naive;

use proptest::prelude::*;
use raft_core::command::{Command, OpenSession, Owner, SessionRef};
use raft_core::ids::{ReservationId, SessionId};
use raft_core::outcome::{Outcome, Reply, ServiceReply};

use self::naive::{Naive, Who};
use crate::harness::{Harness, restored, variant};
use crate::service_commands::{self, service};
use crate::words::Words;

const SERVICES: [&str; 2] = ["api", "b/c"];
const IDS: [&str; 4] = ["w", "x", "y", "z"];
const STRATEGIES: [&str; 7] = [
    "random",
    "round_robin",
    "least_load",
    "p2c",
    "hash key=k",
    "hash key=k bounded=125",
    "sticky previous=x key=k",
];

/// One command of a run. Sessions are named by their place among the live ones, reservations by theirs
/// among the open ones.
#[derive(Clone, Debug)]
enum Step {
    Open,
    Close(usize),
    Register(Option<usize>, Who, Registered),
    Deregister(Option<usize>, Who),
    Renew(Who),
    State(Who, bool),
    Load(Who, u32),
    Call(Who, bool),
    Check(Who, bool, bool),
    Pick(&'static str, Picking),
    Release(usize),
    Time(u64),
    Snapshot,
}

#[derive(Clone, Copy, Debug)]
struct Registered {
    weight: u32,
    tagged: bool,
    checked: bool,
}

#[derive(Clone, Copy, Debug)]
struct Picking {
    strategy: &'static str,
    tagged: bool,
    exclude: Option<&'static str>,
    count: usize,
    reserve: Option<u64>,
    draw: u64,
}

fn who() -> impl Strategy<Value = Who> {
    (
        prop::sample::select(SERVICES.to_vec()),
        prop::sample::select(IDS.to_vec()),
    )
}

fn registered() -> impl Strategy<Value = Registered> {
    (0..4_u32, any::<bool>(), any::<bool>()).prop_map(|(weight, tagged, checked)| Registered {
        weight,
        tagged,
        checked,
    })
}

fn picking() -> impl Strategy<Value = Picking> {
    let exclude = prop::option::of(prop::sample::select(IDS.to_vec()));
    let reserve = prop::option::of(prop::sample::select(vec![100, 5_000]));
    let strategy = prop::sample::select(STRATEGIES.to_vec());
    let rest = (
        prop::bool::weighted(0.2),
        exclude,
        1..4_usize,
        reserve,
        any::<u64>(),
    );
    (strategy, rest).prop_map(
        |(strategy, (tagged, exclude, count, reserve, draw))| Picking {
            strategy,
            tagged,
            exclude,
            count,
            reserve,
            draw,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let by = || prop::option::of(0..3_usize);
    prop_oneof![
        3 => Just(Step::Open),
        2 => (0..3_usize).prop_map(Step::Close),
        12 => (by(), who(), registered()).prop_map(|(by, who, how)| Step::Register(by, who, how)),
        2 => (by(), who()).prop_map(|(by, who)| Step::Deregister(by, who)),
        2 => who().prop_map(Step::Renew),
        3 => (who(), any::<bool>()).prop_map(|(who, up)| Step::State(who, up)),
        3 => (who(), 0..9_u32).prop_map(|(who, load)| Step::Load(who, load)),
        9 => (who(), prop::bool::weighted(0.1)).prop_map(|(who, ok)| Step::Call(who, ok)),
        4 => (who(), any::<bool>(), any::<bool>())
            .prop_map(|(who, passing, late)| Step::Check(who, passing, late)),
        16 => (prop::sample::select(SERVICES.to_vec()), picking())
            .prop_map(|(service, picking)| Step::Pick(service, picking)),
        3 => (0..20_usize).prop_map(Step::Release),
        4 => prop::sample::select(vec![1, 400, 3_000, 31_000]).prop_map(Step::Time),
        1 => Just(Step::Snapshot),
    ]
}

struct Pair {
    harness: Harness,
    zxid: u64,
    sessions: Vec<u64>,
    naive: Naive,
}

impl Pair {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Open => {
                assert!(self.send(None, open()).result.is_ok());
                self.sessions.push(self.zxid);
            }
            Step::Close(place) => {
                let Some(session) = self.sessions.get(*place).copied() else {
                    return;
                };
                self.send(
                    None,
                    Command::CloseSession(SessionRef::Id(SessionId(session))),
                );
                self.sessions.retain(|other| *other != session);
                self.naive.session_ends(session);
            }
            Step::Pick(service, picking) => self.pick(service, *picking),
            Step::Release(place) => {
                let Some((service, id)) = self.naive.reservation_at(*place) else {
                    return;
                };
                let told = self.say(None, &format!("done {service} {id}"));
                assert_eq!(told, Ok("released true".to_owned()), "{step:?}");
                self.naive.release(id);
                let again = self.say(None, &format!("done {service} {id}"));
                assert_eq!(again, Ok("released false".to_owned()), "{step:?}");
            }
            Step::Time(ms) => {
                self.harness.stamp.log_time.0 += ms;
                self.send(None, Command::ExpireDue);
                self.naive.time(*ms);
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
            other => self.told(other),
        }
        self.compare();
    }

    /// A step that is answered with a word.
    fn told(&mut self, step: &Step) {
        let by = |by: &Option<usize>| by.and_then(|by| self.sessions.get(by).copied());
        match step {
            Step::Register(place, who, how) => {
                let session = by(place);
                let ttl = if session.is_none() { " ttl=3000" } else { "" };
                let tags = if how.tagged { " tags=t" } else { "" };
                let check = if how.checked { " check=tcp" } else { "" };
                let weight = how.weight;
                let line = format!(
                    "serve {} {} h:1 weight={weight}{tags}{check}{ttl}",
                    who.0, who.1
                );
                let told = self.say(session, &line);
                assert_eq!(
                    told,
                    self.naive.register(session, *who, *how, self.zxid),
                    "{step:?}"
                );
            }
            Step::Deregister(place, who) => {
                let session = by(place);
                let told = self.say(session, &format!("deregister {} {}", who.0, who.1));
                assert_eq!(told, self.naive.deregister(session, *who), "{step:?}");
            }
            Step::Renew(who) => {
                let told = self.say(None, &format!("renew {} {}", who.0, who.1));
                assert_eq!(told, self.naive.renew(*who), "{step:?}");
            }
            Step::State(who, up) => {
                let state = if *up { "up" } else { "draining" };
                let told = self.say(None, &format!("state {} {} {state}", who.0, who.1));
                assert_eq!(
                    told,
                    self.naive.change(*who, |it| it.draining = !up),
                    "{step:?}"
                );
            }
            Step::Load(who, load) => {
                let told = self.say(None, &format!("load {} {} {load} 2", who.0, who.1));
                assert_eq!(
                    told,
                    self.naive.change(*who, |it| it.load = Some(*load)),
                    "{step:?}"
                );
            }
            Step::Call(who, ok) => {
                let word = if *ok { "ok" } else { "failed" };
                let told = self.say(None, &format!("called {} {} {word}", who.0, who.1));
                assert_eq!(told, self.naive.called(*who, *ok), "{step:?}");
            }
            Step::Check(who, passing, late) => {
                let word = if *passing { "passing" } else { "failing" };
                let incarnation = self.naive.incarnation(*who) - u64::from(*late);
                let told = self.say(
                    None,
                    &format!("checked {} {} {incarnation} {word}", who.0, who.1),
                );
                assert_eq!(told, self.naive.checked(*who, *passing, *late), "{step:?}");
            }
            other => panic!("not of this kind: {other:?}"),
        }
    }

    fn pick(&mut self, service: &'static str, picking: Picking) {
        let option = |name: &str, value: Option<String>| {
            value.map_or(String::new(), |value| format!(" {name}={value}"))
        };
        let line = format!(
            "pick {service} {} n={} draw={}{}{}{} explain",
            picking.strategy,
            picking.count,
            picking.draw,
            option("tags", picking.tagged.then(|| "t".to_owned())),
            option("exclude", picking.exclude.map(str::to_owned)),
            option("reserve", picking.reserve.map(|ms| ms.to_string())),
        );
        let command = service_commands::command(&mut Words::parse(&line)).unwrap();
        let outcome = self.send(None, command);
        let eligible = self
            .naive
            .eligible(service, picking.tagged, picking.exclude);
        let picked = match outcome.result {
            Ok(Reply::Service(ServiceReply::Picked(picked))) => picked,
            Err(refusal) => {
                assert_eq!(variant(&refusal), "NoInstanceAvailable");
                assert_eq!(eligible, Vec::<&str>::new(), "{line}");
                return;
            }
            Ok(other) => panic!("{line}: {other:?}"),
        };
        let ids: Vec<&str> = picked
            .chosen
            .iter()
            .map(|one| one.instance.as_str())
            .collect();
        assert_eq!(
            ids.len(),
            picking.count.min(eligible.len()),
            "{line}: {ids:?}"
        );
        for (place, id) in ids.iter().enumerate() {
            assert!(eligible.contains(id), "{line} gave {id}, of {eligible:?}");
            assert!(!ids[..place].contains(id), "{line} gave {id} twice");
        }
        if picking.strategy.starts_with("sticky") && eligible.contains(&"x") {
            assert_eq!(ids[0], "x", "{line}");
        }
        if picking.strategy == "least_load" {
            self.naive.check_least(service, &eligible, ids[0]);
        }
        for considered in &picked.considered {
            let id = considered.instance.as_str();
            assert_eq!(
                considered.excluded.is_none(),
                eligible.contains(&id),
                "{line}: {id}"
            );
            assert_eq!(considered.chosen, ids.contains(&id), "{line}: {id}");
        }
        for one in &picked.chosen {
            let expected = picking.reserve.is_some();
            assert_eq!(one.reservation.is_some(), expected, "{line}");
            if let (Some(id), Some(ms)) = (one.reservation, picking.reserve) {
                self.naive.reserve(service, one.instance.as_str(), (id, ms));
            }
        }
    }

    /// Sends a line of a script; what it was told.
    fn say(&mut self, by: Option<u64>, line: &str) -> Result<String, String> {
        let command = service_commands::command(&mut Words::parse(line)).unwrap();
        match self.send(by, command).result {
            Ok(Reply::Service(reply)) => Ok(match reply {
                ServiceReply::Instance { created, .. } => format!("instance {created}"),
                ServiceReply::Deregistered { left } => format!("left {left}"),
                ServiceReply::Released { released } => format!("released {released}"),
                ServiceReply::Picked(_) => panic!("not asked for"),
            }),
            Ok(other) => panic!("not asked for: {other:?}"),
            Err(refusal) => Err(variant(&refusal)),
        }
    }

    fn send(&mut self, by: Option<u64>, command: Command) -> Outcome {
        self.zxid += 1;
        let settings = by.map(|session| format!("session=#{session}"));
        let settings = Words::parse(&settings.unwrap_or_default());
        let request = self.harness.request(settings, command);
        self.harness.apply(&request)
    }

    fn compare(&self) {
        let state = &self.harness.state;
        for name in SERVICES {
            let service = service(name);
            let found: Vec<_> = state
                .instances(&service)
                .map(|view| {
                    let instance = view.instance;
                    let session = instance.session().map(|session| session.0);
                    let aside = instance.failures.set_aside_until.is_some();
                    let passing = instance.verdict.as_ref().map(|verdict| verdict.passing);
                    (view.id.to_string(), session, aside, passing, view.reserved)
                })
                .collect();
            assert_eq!(found, self.naive.listed(name), "instances of {name}");
        }
    }
}

fn open() -> Command {
    Command::OpenSession(OpenSession {
        name: None,
        timeout_ms: 10_000,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    })
}

/// An open reservation of the model.
type Reserved = (ReservationId, u64);

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn services_do_what_the_model_does(steps in prop::collection::vec(step(), 1..100)) {
        let mut pair = Pair {
            harness: Harness::new(),
            zxid: 0,
            sessions: Vec::new(),
            naive: Naive::default(),
        };
        for step in &steps {
            pair.step(step);
        }
    }
}
