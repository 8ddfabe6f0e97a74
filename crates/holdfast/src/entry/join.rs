//! Being taken into an existing cluster, as a learner.

use std::time::Duration;

use http_types::problem::Problem;
use http_types::v1::cluster::{MemberRequest, Role, node_name};
use tokio::time::{Instant, sleep};

use super::{EntryError, ask};
use crate::config::Config;

/// For the cluster to take a new node in.
const JOIN_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two attempts.
const JOIN_PAUSE: Duration = Duration::from_millis(500);

/// Asks to be added, again and again while the answer is not definite.
pub(super) async fn join(config: &Config, urls: &[String]) -> Result<(), EntryError> {
    let request = MemberRequest {
        peer: config.listen.peer_advertise.clone(),
        api: config.listen.api_advertise.clone(),
        role: Role::Learner,
    };
    let path = http_types::paths::member(&node_name(config.node_id));
    let deadline = Instant::now() + JOIN_TIMEOUT;
    loop {
        for url in urls {
            match put(&format!("{url}{path}"), &request).await {
                Ok(()) => {
                    tracing::info!(
                        through = url,
                        "the cluster has taken this node in as a learner"
                    );
                    return Ok(());
                }
                Err(Put::Refused(why)) => return Err(EntryError::Refused(why)),
                Err(Put::NotNow(cause)) if Instant::now() > deadline => {
                    return Err(EntryError::NobodyThere {
                        asked: url.clone(),
                        cause,
                    });
                }
                Err(Put::NotNow(cause)) => tracing::info!(through = url, cause, "not taken in yet"),
            }
        }
        sleep(JOIN_PAUSE).await;
    }
}

/// Why a request to be taken in was not done.
enum Put {
    /// For a reason that stays.
    Refused(String),
    /// For a reason that may pass, or perhaps it was done.
    NotNow(String),
}

async fn put(url: &str, request: &MemberRequest) -> Result<(), Put> {
    let not_now = |error: anyhow::Error| Put::NotNow(format!("{error:#}"));
    let client = ask::client(JOIN_TIMEOUT).map_err(not_now)?;
    let sent = client.put(url).json(request).send().await;
    let answer = sent.map_err(|error| not_now(error.into()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = answer.text().await.unwrap_or_default();
    match serde_json::from_str::<Problem>(&text) {
        Ok(problem) if !problem.retryable && status.is_client_error() => {
            Err(Put::Refused(problem.detail))
        }
        Ok(problem) => Err(Put::NotNow(problem.detail)),
        Err(_) => Err(Put::NotNow(format!("{status} {text}"))),
    }
}
