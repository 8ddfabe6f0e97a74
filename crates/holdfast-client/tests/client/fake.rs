//! A small HTTP server that answers as a test wants, or does not: it can cut the connection after
//! reading a request, which is how an answer gets lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_types::problem::{ErrorCode, Problem};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What to do with a request.
pub(crate) enum Reaction {
    /// Answer it.
    Answer { status: u16, body: String },
    /// Send exactly these bytes, then cut the connection.
    Bytes(Vec<u8>),
    /// Cut the connection.
    Cut,
    /// Never answer.
    Hang,
    /// Send this as an event stream, then cut the connection, or leave it open.
    Events { text: String, leave_open: bool },
}

pub(crate) fn json(status: u16, body: &impl Serialize) -> Reaction {
    Reaction::Answer {
        status,
        body: serde_json::to_string(body).unwrap(),
    }
}

pub(crate) fn problem(code: ErrorCode) -> Reaction {
    json(
        code.status(),
        &Problem::new(code, format!("test says {}", code.as_str())),
    )
}

type Script = Arc<dyn Fn(&Request, usize) -> Reaction + Send + Sync>;

/// A server; it stops when dropped.
pub(crate) struct Fake {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    count: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

impl Fake {
    /// Starts one; `script` sees each request with its number, from 0.
    pub(crate) async fn start(
        script: impl Fn(&Request, usize) -> Reaction + Send + Sync + 'static,
    ) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (sender, count) = watch::channel(0);
        let script: Script = Arc::new(script);
        let log = Arc::clone(&requests);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, log, sender) = (Arc::clone(&script), Arc::clone(&log), sender.clone());
                connections.spawn(async move {
                    serve(stream, &script, &log, &sender).await;
                });
            }
        });
        Fake {
            url,
            requests,
            count,
            _tasks: tasks,
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().clone()
    }

    /// `METHOD /path` of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Request::line).collect()
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn arrived(&mut self, wanted: usize) {
        tokio::time::timeout(
            Duration::from_secs(20),
            self.count.wait_for(|n| *n >= wanted),
        )
        .await
        .expect("requests did not arrive")
        .unwrap();
    }
}

async fn serve(
    stream: TcpStream,
    script: &Script,
    log: &Mutex<Vec<Request>>,
    count: &watch::Sender<usize>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut log = log.lock();
            log.push(request.clone());
            log.len() - 1
        };
        count.send_replace(number + 1);
        let text = match script(&request, number) {
            Reaction::Cut => return,
            Reaction::Bytes(bytes) => {
                // Cutting is what follows in any case.
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reaction::Hang => std::future::pending().await,
            Reaction::Answer { status, body } => format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
            Reaction::Events { text, leave_open } => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                let chunk = format!("{head}{:x}\r\n{text}\r\n", text.len());
                if stream.write_all(chunk.as_bytes()).await.is_err() || !leave_open {
                    return;
                }
                std::future::pending().await
            }
        };
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut request = Request::default();
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    request.method = words.next()?.to_owned();
    request.path = words.next()?.to_owned();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request
        .header("content-length")
        .map_or(0, |n| n.parse().unwrap());
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    if request.header("transfer-encoding") == Some("chunked") {
        request.body = read_chunks(stream).await?;
    }
    Some(request)
}

async fn read_chunks(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk).await.ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(&chunk[..length]);
    }
}
