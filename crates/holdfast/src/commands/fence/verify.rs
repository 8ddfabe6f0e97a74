//! `holdfast fence verify`: what a resource outside does with a token.
//!
//! The token and the key set come from others: both are bounded and nothing in them is believed before
//! the signature is.

use std::io::Read as _;
use std::time::Duration;

use fence_token::{Claims, Expected, KEY_SET_BYTES_MAX, KeySet, Subject, TOKEN_BYTES_MAX};
use raft_types::seam::{Clock as _, SystemClock};
use tokio::time::timeout;

use super::super::App;
use crate::args::VerifyArgs;
use crate::exit::{Context as _, Exit, Failure};
use crate::output::Shown;

const WHAT: &str = "accept the token";
/// For a key set to arrive from a URL.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn run(app: &App, args: VerifyArgs) -> Result<(), Failure> {
    let token = token(&args.token)?;
    let keys = key_set(app, args.jwks.as_deref()).await?;
    let keys = KeySet::parse(&keys).map_err(|error| {
        let why = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Failure::new(Exit::BadInput, "read the key set", why)
    })?;
    let expected = Expected {
        now: Duration::from_millis(SystemClock::default().wall_ms()).as_secs(),
        issuer: args.issuer.as_deref(),
    };
    let claims = keys
        .verify(&token, expected)
        .map_err(|error| Failure::new(Exit::Precondition, WHAT, error))?;
    check_subject(&args, &claims)?;
    let (of, by) = match &claims.subject {
        Subject::Claim { lock, claim, .. } => (
            ("HOLDFAST_LOCK", lock.clone()),
            ("HOLDFAST_CLAIM", claim.clone()),
        ),
        Subject::Leader {
            election,
            candidate,
        } => (
            ("HOLDFAST_ELECTION", election.clone()),
            ("HOLDFAST_CANDIDATE", candidate.clone()),
        ),
    };
    let fence = claims.fence.to_string();
    let name = of.1.clone();
    let env = vec![of, by, ("HOLDFAST_FENCE", fence.clone())];
    // The number alone, so that a script can take it as it is.
    let shown = Shown::text(&claims, name, format!("{fence}\n"))?;
    app.out.show(&shown.env(env))
}

/// Whether the token is about what the resource is protected by. Of several holders at a time the one
/// with the lower fence is not late, so a fence of a shared hold says nothing.
fn check_subject(args: &VerifyArgs, claims: &Claims) -> Result<(), Failure> {
    let refused = |why: String| Err(Failure::new(Exit::Precondition, WHAT, why));
    match (&claims.subject, &args.lock, &args.election) {
        (_, None, None) => Ok(()),
        (Subject::Claim { lock, mode, .. }, Some(wanted), None) if lock == wanted => {
            if mode == "exclusive" {
                return Ok(());
            }
            refused(format!("its claim did not hold {lock} alone ({mode})"))
        }
        (Subject::Leader { election, .. }, None, Some(wanted)) if election == wanted => Ok(()),
        (Subject::Claim { lock, .. }, _, _) => refused(format!("it is for lock {lock}")),
        (Subject::Leader { election, .. }, _, _) => {
            refused(format!("it is for election {election}"))
        }
    }
}

fn token(argument: &str) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    // One byte more than allowed says that there are too many.
    let most = TOKEN_BYTES_MAX as u64 + 1;
    let read = std::io::stdin().take(most).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Exit::BadInput, "read the token", error))?;
    Ok(text.trim_end().to_owned())
}

async fn key_set(app: &App, place: Option<&str>) -> Result<Vec<u8>, Failure> {
    const READ: &str = "read the key set";
    let Some(place) = place else {
        let set = app.client.key_set().await.cannot(|| READ.to_owned())?;
        return serde_json::to_vec(&set).map_err(|error| Failure::new(Exit::Internal, READ, error));
    };
    if place.starts_with("http://") || place.starts_with("https://") {
        let fetched = timeout(FETCH_TIMEOUT, fetch(place)).await;
        let fetched = fetched.map_err(|_| {
            let why = format!("no answer from {place} within {FETCH_TIMEOUT:?}");
            Failure::new(Exit::Timeout, READ, why)
        })?;
        return fetched.map_err(|error| Failure::new(Exit::Unavailable, READ, error));
    }
    let mut bytes = Vec::new();
    let read = std::fs::File::open(place).and_then(|file| {
        file.take(KEY_SET_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)
    });
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::new(
            Exit::NotFound,
            READ,
            format!("{place}: {error}"),
        )),
    }
}

/// The set at a URL; what is longer than any set is cut, and then is none.
async fn fetch(url: &str) -> Result<Vec<u8>, reqwest::Error> {
    let mut answer = reqwest::get(url).await?.error_for_status()?;
    let mut bytes = Vec::new();
    while bytes.len() <= KEY_SET_BYTES_MAX
        && let Some(piece) = answer.chunk().await?
    {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
