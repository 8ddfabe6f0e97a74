//! One reading as one JSON object, for scripts.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::board::{Board, Kept};

/// Everything that is known. Where `errors` names a part, it was not answered this time: the part is the last
/// answer, as old as `ages_ms` says, or null if there was none. `at` is `now` as a clock shows it.
pub(super) fn object(board: &Board, now: Duration, at: Timestamp) -> Value {
    let mut said = Said::default();
    let cluster = said.part("cluster", &board.cluster, now, json);
    let rates = said.part("rates", &board.rates, now, |rates| {
        json!({
            "writes_per_s": rates.writes,
            "reads_per_s": rates.reads,
            "commit_p99_ms": rates.p99.map(millis),
            "nodes": rates.nodes,
        })
    });
    let hot = said.part("hot", &board.hot, now, json);
    let sessions = said.part("sessions", &board.sessions, now, |read| {
        let sessions = read.sessions.iter().map(|read| {
            json!({
                "session": json(&read.session), "left_ms": read.left_ms(), "owns": json(&read.owns),
            })
        });
        sessions.collect()
    });
    let elections = said.part("elections", &board.elections, now, |list| {
        json(&list.elections)
    });
    let deadlocks = said.part("deadlocks", &board.deadlocks, now, json);
    let mut nodes = Map::new();
    for (id, node) in &board.nodes {
        let part = format!("nodes.{id}");
        nodes.insert(id.clone(), said.part(&part, &node.health, now, json));
    }
    json!({
        "at": at.to_string(), "cluster": cluster, "rates": rates, "nodes": nodes, "hot": hot, "sessions": sessions,
        "elections": elections, "deadlocks": deadlocks, "errors": said.errors, "ages_ms": said.ages,
    })
}

/// What is wrong with the parts, and how old they are.
#[derive(Default)]
struct Said {
    errors: Map<String, Value>,
    ages: Map<String, Value>,
}

impl Said {
    fn part<T>(
        &mut self,
        name: &str,
        kept: &Kept<T>,
        now: Duration,
        show: impl FnOnce(&T) -> Value,
    ) -> Value {
        if let Some((error, age)) = kept.trouble(now) {
            self.errors.insert(name.to_owned(), json!(error));
            if let Some(age) = age {
                self.ages.insert(name.to_owned(), json!(millis(age)));
            }
        }
        kept.value().map_or(Value::Null, show)
    }
}

/// What the API says is JSON.
fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Whole ones; what is beyond all numbers is left out.
fn millis(time: Duration) -> Option<u64> {
    u64::try_from(time.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_part_that_was_not_answered_is_old_and_named() {
        let at = Timestamp::UNIX_EPOCH;
        let mut board = Board::default();
        let mut silent = sample::reading();
        silent.elections = Err("no leader".to_owned());
        board.take(Duration::from_secs(1), silent.clone());
        let first = object(&board, Duration::from_secs(1), at);
        assert_eq!(first["at"], "1970-01-01T00:00:00Z");
        assert_eq!(first["elections"], Value::Null);
        assert_eq!(first["errors"]["elections"], "no leader");
        assert_eq!(first["ages_ms"], json!({}));
        assert_eq!(first["hot"][0]["lock"], "deploy/prod");

        board.take(Duration::from_secs(2), sample::reading_with_writes(150));
        silent.hot = Err("no answer".to_owned());
        board.take(Duration::from_secs(4), silent);
        let later = object(&board, Duration::from_secs(5), at);
        assert_eq!(later["hot"][0]["lock"], "deploy/prod");
        assert_eq!(later["ages_ms"]["hot"], 3000);
        assert_eq!(
            later["rates"]["writes_per_s"], 50.0,
            "of the last two that grew"
        );
        assert_eq!(later["sessions"][0]["left_ms"], 2000);
        assert_eq!(later["nodes"]["n1"]["status"], "ok");
    }
}
