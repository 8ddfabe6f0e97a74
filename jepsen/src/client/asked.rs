//! Answers, judged by the table in [`outcome`] and with their facts for the history.

use checker::Outcome;
use serde_json::Value;

use super::http::{Answer, Reply};
use super::journal::Facts;
use super::outcome::{Nature, Said, Seen};
use super::{clock, outcome, zookeeper};

/// What became of a request, judged.
#[derive(Clone, Debug)]
pub struct Asked {
    /// By the table in [`outcome`].
    pub outcome: Outcome,
    /// When it was known.
    pub time: u64,
    /// Code of the problem document, or the reason of the socket.
    pub code: Option<String>,
    /// The answer, where there was one.
    pub answer: Option<Answer>,
    /// Facts for the history: `node`, `zxid`, `error`, `sent`, `attempts`.
    pub facts: Facts,
}

impl Asked {
    /// Whether this is the code of its problem.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Takes a refusal for an answer: "there is none" answers a read.
    #[must_use]
    pub fn accept(mut self, code: &str) -> Asked {
        if self.has_code(code) {
            self.outcome = Outcome::Ok;
            self.facts.remove("error");
        }
        self
    }

    /// With a fact.
    #[must_use]
    pub fn with(mut self, fact: &str, value: impl Into<Value>) -> Asked {
        self.facts.insert(fact.to_owned(), value.into());
        self
    }

    /// Whether it happened.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// The body of the answer as JSON; null when there is none.
    #[must_use]
    pub fn json(&self) -> Value {
        self.answer.as_ref().map_or(Value::Null, Answer::json)
    }

    /// The status of the answer; 0 when there is none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.as_ref().map_or(0, |answer| answer.status)
    }
}

/// Judges what came of a request to node `node`.
pub(super) fn judge(nature: Nature, reply: Reply, node: u64) -> Asked {
    let time = clock::now();
    let mut facts = Facts::from([
        ("door".to_owned(), "http".into()),
        ("node".to_owned(), node.into()),
    ]);
    let (seen, code, answer) = match reply {
        Reply::NotSent(why) => (Seen::NotSent, Some(why.as_str().to_owned()), None),
        Reply::NoAnswer(why) => (Seen::NoAnswer, Some(why.as_str().to_owned()), None),
        Reply::Answer(answer) => {
            let problem = answer.is_problem().then(|| answer.json());
            let said = problem.as_ref().map(said);
            let code = problem.map_or_else(
                || (answer.status >= 300).then(|| format!("status_{}", answer.status)),
                |problem| Some(problem.get("code")?.as_str()?.to_owned()),
            );
            let status = answer.status;
            (Seen::Http { status, said }, code, Some(answer))
        }
    };
    facts.insert("sent".to_owned(), (seen != Seen::NotSent).into());
    if let Some(code) = &code {
        facts.insert("error".to_owned(), code.clone().into());
    }
    if let Some(answer) = &answer {
        let name = answer.header("holdfast-node").unwrap_or_default();
        if let Ok(number) = name.trim_start_matches('n').parse::<u64>() {
            facts.insert("node".to_owned(), number.into());
        }
        if let Some(zxid) = answer.number("holdfast-index") {
            facts.insert("zxid".to_owned(), zxid.into());
        }
    }
    Asked {
        outcome: outcome::of(nature, seen),
        time,
        code,
        answer,
        facts,
    }
}

fn said(problem: &Value) -> Said {
    match problem.get("outcome").and_then(Value::as_str) {
        Some("applied") => Said::Applied,
        Some("not-applied") => Said::NotApplied,
        _ => Said::Unknown,
    }
}

/// Judges what came of a request through the ZooKeeper door.
pub(super) fn judge_zookeeper(
    nature: Nature,
    reply: zookeeper::Reply,
    node: u64,
) -> (Asked, zookeeper::Answer) {
    let time = clock::now();
    let mut facts = Facts::from([
        ("door".to_owned(), "zookeeper".into()),
        ("node".to_owned(), node.into()),
    ]);
    let (seen, code, answer) = match reply {
        zookeeper::Reply::NotSent(why) => (Seen::NotSent, Some(why.as_str().to_owned()), None),
        zookeeper::Reply::NoAnswer(why) => (Seen::NoAnswer, Some(why.as_str().to_owned()), None),
        zookeeper::Reply::Answer(answer) => (
            Seen::ZooKeeper(answer.code),
            code_name(answer.code),
            Some(answer),
        ),
    };
    facts.insert("sent".to_owned(), (seen != Seen::NotSent).into());
    if let Some(code) = &code {
        facts.insert("error".to_owned(), code.clone().into());
    }
    let answer = answer.unwrap_or_default();
    if let Ok(zxid) = u64::try_from(answer.zxid)
        && zxid > 0
    {
        facts.insert("zxid".to_owned(), zxid.into());
    }
    let asked = Asked {
        outcome: outcome::of(nature, seen),
        time,
        code,
        answer: None,
        facts,
    };
    (asked, answer)
}

/// The name of an error code, the same as through the other door where both have it.
fn code_name(code: i32) -> Option<String> {
    let name = match code {
        0 => return None,
        -4 => "connection_loss",
        -7 => "operation_timeout",
        -101 => "no_node",
        -103 => "version_mismatch",
        -108 => "no_children_for_ephemerals",
        -110 => "node_exists",
        -111 => "node_not_empty",
        -112 => "session_expired",
        -118 => "session_moved",
        -125 => "quota_exceeded",
        _ => return Some(format!("zookeeper_{code}")),
    };
    Some(name.to_owned())
}
