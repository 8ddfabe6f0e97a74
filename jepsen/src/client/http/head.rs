//! Heads and bodies of answers.

use std::time::Instant;

use super::{Answer, BODY_BYTES_MAX, HEADERS_MAX, LINE_BYTES_MAX, Why, Wire};

/// Reads a whole answer, and whether the connection may be used again.
///
/// # Errors
/// Why there is none.
pub(super) fn answer(
    wire: &mut Wire,
    method: &str,
    deadline: Instant,
) -> Result<(Answer, bool), Why> {
    let mut answer = head(wire, deadline)?;
    let closes = answer.header("connection") == Some("close");
    let mut stays_open = !closes;
    if method == "HEAD" || matches!(answer.status, 204 | 304) {
        return Ok((answer, stays_open));
    }
    answer.body = if is_chunked(&answer) {
        chunks(wire, deadline)?
    } else if let Some(length) = answer.header("content-length") {
        let length: usize = length.parse().map_err(|_| Why::Malformed)?;
        if length > BODY_BYTES_MAX {
            return Err(Why::Malformed);
        }
        wire.exact(length, deadline)?
    } else {
        stays_open = false;
        wire.rest(deadline, BODY_BYTES_MAX)?
    };
    Ok((answer, stays_open))
}

/// Reads status and headers, passing over interim answers.
///
/// # Errors
/// Why not.
pub(super) fn head(wire: &mut Wire, deadline: Instant) -> Result<Answer, Why> {
    loop {
        let status = status(&wire.line(deadline, LINE_BYTES_MAX)?).ok_or(Why::Malformed)?;
        let mut headers = Vec::new();
        loop {
            let line = wire.line(deadline, LINE_BYTES_MAX)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or(Why::Malformed)?;
            if headers.len() == HEADERS_MAX {
                return Err(Why::Malformed);
            }
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if status >= 200 {
            return Ok(Answer {
                status,
                headers,
                body: Vec::new(),
            });
        }
    }
}

fn status(line: &str) -> Option<u16> {
    let rest = line
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    rest.get(..3)?.parse().ok().filter(|code| *code >= 100)
}

/// Whether the body comes in chunks.
pub(super) fn is_chunked(answer: &Answer) -> bool {
    let encoding = answer.header("transfer-encoding").unwrap_or_default();
    encoding.eq_ignore_ascii_case("chunked")
}

/// Reads the size of the next chunk.
///
/// # Errors
/// Why not.
pub(super) fn chunk_size(wire: &mut Wire, deadline: Instant) -> Result<usize, Why> {
    let line = wire.line(deadline, LINE_BYTES_MAX)?;
    let digits = line.split(';').next().unwrap_or_default().trim();
    let size = usize::from_str_radix(digits, 16).map_err(|_| Why::Malformed)?;
    if size > BODY_BYTES_MAX {
        return Err(Why::Malformed);
    }
    Ok(size)
}

fn chunks(wire: &mut Wire, deadline: Instant) -> Result<Vec<u8>, Why> {
    let mut body = Vec::new();
    loop {
        let size = chunk_size(wire, deadline)?;
        if size == 0 {
            // Trailers, and the empty line behind them.
            while !wire.line(deadline, LINE_BYTES_MAX)?.is_empty() {}
            return Ok(body);
        }
        if body.len().saturating_add(size) > BODY_BYTES_MAX {
            return Err(Why::Malformed);
        }
        body.extend_from_slice(&wire.exact(size, deadline)?);
        if !wire.line(deadline, LINE_BYTES_MAX)?.is_empty() {
            return Err(Why::Malformed);
        }
    }
}
