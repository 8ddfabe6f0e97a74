//! HTTP/1.1 on a socket: enough to say exactly what goes over the wire, and to hear exactly what
//! comes back.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// For a connection, and for one read of an answer, unless the test says otherwise.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest line of a head accepted.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Where to send requests, and what to send with each.
#[derive(Clone, Debug)]
pub struct Http {
    address: SocketAddr,
    headers: Vec<(String, String)>,
    timeout: Duration,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// This answer, if its status is `status`.
    ///
    /// # Panics
    /// Otherwise, with the body.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// `(code, outcome)` of a problem document.
    ///
    /// # Panics
    /// When it is not one.
    #[must_use]
    #[track_caller]
    pub fn problem(&self) -> (String, String) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        let part = |name: &str| {
            body[name]
                .as_str()
                .unwrap_or_else(|| panic!("{name}: {body}"))
        };
        (part("code").to_owned(), part("outcome").to_owned())
    }
}

impl Http {
    /// Requests to this address.
    #[must_use]
    pub fn to(address: SocketAddr) -> Http {
        Http {
            address,
            headers: Vec::new(),
            timeout: TIMEOUT,
        }
    }

    /// With one more header.
    #[must_use]
    pub fn header(&self, name: &str, value: &str) -> Http {
        let mut with = self.clone();
        with.headers.push((name.to_owned(), value.to_owned()));
        with
    }

    /// Acting for a session.
    #[must_use]
    pub fn session(&self, name: &str) -> Http {
        self.header("Holdfast-Session", name)
    }

    /// With another time for connecting and for each read.
    #[must_use]
    pub fn timeout(&self, timeout: Duration) -> Http {
        Http {
            timeout,
            ..self.clone()
        }
    }

    /// GET.
    ///
    /// # Errors
    /// What the socket says.
    pub fn get(&self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, b"")
    }

    /// DELETE.
    ///
    /// # Errors
    /// What the socket says.
    pub fn delete(&self, path: &str) -> io::Result<Answer> {
        self.send("DELETE", path, b"")
    }

    /// PUT with a body.
    ///
    /// # Errors
    /// What the socket says.
    pub fn put(&self, path: &str, body: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.send("PUT", path, body.as_ref())
    }

    /// POST with a body.
    ///
    /// # Errors
    /// What the socket says.
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.send("POST", path, body.as_ref())
    }

    /// PATCH with a body.
    ///
    /// # Errors
    /// What the socket says.
    pub fn patch(&self, path: &str, body: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.send("PATCH", path, body.as_ref())
    }

    /// Any method; one connection per request.
    ///
    /// # Errors
    /// What the socket says, and `InvalidData` for what is not HTTP.
    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        let mut reader = self.open(method, path, body)?;
        let (status, headers) = read_head(&mut reader)?;
        let body = read_body(&mut reader, status, &headers)?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// Sends a request and leaves the answer to the caller.
    pub(crate) fn open(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> io::Result<BufReader<TcpStream>> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        let with_body = !body.is_empty() || matches!(method, "PUT" | "POST" | "PATCH");
        if with_body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("connection: close\r\n\r\n");
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// Sends any bytes.
    ///
    /// # Errors
    /// What the socket says.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect_timeout(&self.address, self.timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        match stream.write_all(bytes) {
            // A server may answer and close before it has read everything (413).
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            written => written?,
        }
        Ok(BufReader::new(stream))
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    let read = reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Reads status and headers.
///
/// # Errors
/// What the socket says, and `InvalidData` for what is not HTTP.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<(u16, Vec<(String, String)>)> {
    loop {
        let status = read_line(reader)?;
        let code = status
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3));
        let code: u16 = code
            .and_then(|c| c.parse().ok())
            .ok_or_else(|| invalid(&status))?;
        let mut headers = Vec::new();
        loop {
            let line = read_line(reader)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        // 100 Continue announces the answer proper.
        if code >= 200 {
            return Ok((code, headers));
        }
    }
}

fn read_body(
    reader: &mut impl BufRead,
    status: u16,
    headers: &[(String, String)],
) -> io::Result<Vec<u8>> {
    let header = |name: &str| {
        headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let mut body = Vec::new();
    if status == 204 || status == 304 {
        return Ok(body);
    }
    if header("transfer-encoding") == Some("chunked") {
        while let Some(chunk) = read_chunk(reader)? {
            body.extend_from_slice(&chunk);
        }
    } else if let Some(length) = header("content-length") {
        let length: u64 = length.parse().map_err(|_| invalid(length))?;
        reader.take(length).read_to_end(&mut body)?;
        if u64::try_from(body.len()).ok() != Some(length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    } else {
        reader.read_to_end(&mut body)?;
    }
    Ok(body)
}

/// One chunk of a chunked body; `None` at its end.
///
/// # Errors
/// What the socket says, and `InvalidData` for what is not a chunk.
pub fn read_chunk(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let line = read_line(reader)?;
    let size = usize::from_str_radix(line.trim(), 16).map_err(|_| invalid(&line))?;
    let mut chunk = vec![0; size];
    reader.read_exact(&mut chunk)?;
    read_line(reader)?;
    Ok((size > 0).then_some(chunk))
}
