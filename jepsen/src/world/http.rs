//! One HTTP request on one connection, from an address of our choice, within a time.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 8 << 20;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Header lines as they came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }
}

/// Who is asked, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Http {
    /// Where the node is.
    pub to: SocketAddr,
    /// Own address; none: whatever the system takes.
    pub from: Option<SocketAddr>,
    /// For all of it.
    pub timeout: Duration,
}

impl Http {
    /// `GET`.
    ///
    /// # Errors
    /// No answer in time, or none that is HTTP.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, "")
    }

    /// Any request.
    ///
    /// # Errors
    /// No answer in time, or none that is HTTP: whether it took effect is then unknown.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let until = Instant::now() + self.timeout;
        let mut stream = self.connect()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: \
             application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.to,
            body.len()
        );
        stream
            .write_all(request.as_bytes())
            .context("send the request")?;
        let mut bytes = Vec::new();
        let mut part = [0; 8192];
        while (bytes.len() as u64) < ANSWER_BYTES_MAX {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no whole answer of {} within {:?}", self.to, self.timeout);
            }
            stream
                .set_read_timeout(Some(left))
                .context("set a time limit")?;
            let read = stream.read(&mut part).context("read the answer")?;
            bytes.extend_from_slice(part.get(..read).unwrap_or_default());
            if read == 0 {
                break;
            }
        }
        parse(&String::from_utf8_lossy(&bytes))
    }

    /// A connection.
    ///
    /// # Errors
    /// Refused, or not made in time.
    pub fn connect(&self) -> Result<TcpStream> {
        let stream = match self.from {
            None => TcpStream::connect_timeout(&self.to, self.timeout).context("connect")?,
            Some(from) => connect_from(from, self.to, self.timeout)?,
        };
        stream
            .set_write_timeout(Some(self.timeout))
            .context("set a time limit")?;
        Ok(stream)
    }
}

fn connect_from(from: SocketAddr, to: SocketAddr, limit: Duration) -> Result<TcpStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)
        .context("make a socket")?;
    rustix::net::bind(&socket, &from).with_context(|| format!("speak from {from}"))?;
    match rustix::net::connect(&socket, &to) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
        Err(error) => return Err(error).with_context(|| format!("connect to {to}")),
    }
    let limit = Timespec::try_from(limit).context("a time limit")?;
    let mut waiting = [PollFd::new(&socket, PollFlags::OUT)];
    if poll(&mut waiting, Some(&limit)).context("wait for a connection")? == 0 {
        bail!("connect to {to}: no answer in time");
    }
    rustix::net::sockopt::socket_error(&socket)
        .context("ask for the state of a connection")?
        .with_context(|| format!("connect to {to}"))?;
    rustix::io::ioctl_fionbio(&socket, false).context("wait on a socket")?;
    Ok(TcpStream::from(socket))
}

fn parse(text: &str) -> Result<Answer> {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        bail!("the connection ended before a whole answer");
    };
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse().ok());
    let mut answer = Answer {
        status: status.context("the answer is not HTTP")?,
        head: head.to_owned(),
        body: body.to_owned(),
    };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = unchunk(body);
    }
    Ok(answer)
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        match after.get(..size) {
            Some(part) if size > 0 => body.push_str(part),
            _ => break,
        }
        rest = after
            .get(size..)
            .unwrap_or_default()
            .trim_start_matches("\r\n");
    }
    body
}
