//! `holdfast txn`.

use std::io::Read;
use std::path::Path;

use holdfast_client::http_types::v1::txn::{Branch, TxnAnswer, TxnRequest, TxnResult};
use serde::de::DeserializeOwned;

use super::{App, dry_run};
use crate::args::TxnArgs;
use crate::exit::{Context as _, Exit, Failure};
use crate::output::Shown;

/// Largest description of a transaction that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

pub(super) async fn run(app: &App, args: TxnArgs) -> Result<(), Failure> {
    let request = match &args.file {
        Some(file) => parse(&read(file)?, "the transaction")?,
        None => TxnRequest {
            guards: parse_all(&args.guards, "--if")?,
            then: parse_all(&args.then, "--then")?,
            otherwise: (!args.otherwise.is_empty())
                .then(|| parse_all(&args.otherwise, "--else"))
                .transpose()?,
        },
    };
    let mut txn = app.client.txn_from(request);
    if let Some(session) = args.session {
        txn = txn.session_id(session);
    }
    let cannot = || "carry out the transaction".to_owned();
    if args.dry_run {
        let run = txn.dry_run().await.cannot(cannot)?;
        let said = format!("would do {}:\n{}", branch(&run.would), steps(&run.would));
        let said = said.trim_end().trim_end_matches(':');
        return dry_run::show(app, &run, said);
    }
    let answer = txn.commit().await.cannot(cannot)?;
    let text = format!(
        "{} at {}\n{}",
        branch(&answer),
        answer.index,
        steps(&answer)
    );
    app.out.show(&Shown::text(&answer, branch(&answer), text)?)
}

fn branch(answer: &TxnAnswer) -> &'static str {
    match answer.branch {
        Branch::Then => "then",
        Branch::Else => "else",
    }
}

/// A line for each step.
fn steps(answer: &TxnAnswer) -> String {
    let lines = answer.results.iter().map(line);
    lines.map(|line| format!("  {line}\n")).collect()
}

fn line(result: &TxnResult) -> String {
    match result {
        TxnResult::Create { path, version, .. } => format!("created {path} version {version}"),
        TxnResult::Set { version, .. } => format!("set version {version}"),
        TxnResult::Delete => "deleted".to_owned(),
        TxnResult::Get { node: None } => "got nothing".to_owned(),
        TxnResult::Get { node: Some(node) } => {
            let value = node.value.as_deref().unwrap_or_default();
            format!("got {} version {}: {value}", node.path, node.version)
        }
        TxnResult::Release(ended) => format!("released {} claim {}", ended.lock, ended.claim),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(file)
            .and_then(|open| open.take(FILE_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::new(Exit::BadInput, format!("read {}", file.display()), error))?;
    Ok(text)
}

fn parse_all<T: DeserializeOwned>(texts: &[String], what: &str) -> Result<Vec<T>, Failure> {
    texts.iter().map(|text| parse(text, what)).collect()
}

fn parse<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::new(Exit::BadInput, format!("read {what}"), error))
}
