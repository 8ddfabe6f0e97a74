//! One GET over HTTP/1.1. Of the answer only the status is read; the connection is closed behind it, whatever may follow.

use std::ops::RangeInclusive;

use httparse::Status;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Trouble;
use crate::limits::{ANSWER_BYTES_MAX, INTERIM_FIELDS_MAX};

/// What passes.
const PASSES: RangeInclusive<u16> = 200..=299;
/// What is followed by another answer, but for 101, which is the last one in HTTP.
const INTERIM: RangeInclusive<u16> = 100..=199;
const SWITCHING_PROTOCOLS: u16 = 101;
/// Bytes read at a time: a status and its header fields usually fit.
const PIECE: usize = 1024;

/// The bytes of the request. `path` and `host` come from whoever registered the instance: neither may end its line.
pub(super) fn request(path: &str, host: &str) -> Result<String, Trouble> {
    let is_sendable = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if !path.starts_with('/') || !is_sendable(path) {
        return Err(Trouble::target(format!(
            "{path:?} is not a path that can be sent"
        )));
    }
    if !is_sendable(host) {
        return Err(Trouble::target(format!(
            "{host:?} is not a host that can be sent"
        )));
    }
    Ok(format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: holdfast-health-check\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    ))
}

/// Sends the request and reads until the status is there. What was found, when it passes.
pub(super) async fn exchange(mut stream: TcpStream, request: &str) -> Result<String, Trouble> {
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| Trouble::of(&error))?;
    let mut answer = Vec::with_capacity(PIECE);
    loop {
        match read_status(&answer)? {
            Reading::Final(status, reason) => {
                let finding = format!("{status} {reason}").trim_end().to_owned();
                return if PASSES.contains(&status) {
                    Ok(finding)
                } else {
                    Err(Trouble::Target(finding))
                };
            }
            Reading::Interim(length) => {
                answer.drain(..length);
            }
            Reading::Incomplete if answer.len() >= ANSWER_BYTES_MAX => {
                return Err(Trouble::target("an answer without a status"));
            }
            Reading::Incomplete => {
                let read = stream.read_buf(&mut answer).await;
                if read.map_err(|error| Trouble::of(&error))? == 0 {
                    return Err(Trouble::target("closed without an answer"));
                }
            }
        }
    }
}

enum Reading<'a> {
    /// The status and its reason.
    Final(u16, &'a str),
    /// An answer before the answer, of so many bytes.
    Interim(usize),
    /// More is needed.
    Incomplete,
}

fn read_status(bytes: &[u8]) -> Result<Reading<'_>, Trouble> {
    let mut fields = [httparse::EMPTY_HEADER; INTERIM_FIELDS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(bytes);
    // The reason ends the line: with it the status is whole, whatever the header fields are like.
    match (response.code, response.reason, parsed) {
        (Some(status), Some(reason), _)
            if !INTERIM.contains(&status) || status == SWITCHING_PROTOCOLS =>
        {
            Ok(Reading::Final(status, reason))
        }
        (_, _, Ok(Status::Complete(length))) => Ok(Reading::Interim(length)),
        (_, _, Ok(Status::Partial)) => Ok(Reading::Incomplete),
        (_, _, Err(error)) => Err(Trouble::Target(format!("not an answer of HTTP/1: {error}"))),
    }
}
