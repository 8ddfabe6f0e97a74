//! Servers of one behaviour each, on loopback.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server that takes one connection.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// What it made of its connection, once that has ended.
    pub(crate) done: JoinHandle<String>,
}

/// Serves one connection on `address` (`127.0.0.1`, `[::1]`) like this.
pub(crate) async fn serve<F>(address: &str, act: impl Fn(TcpStream) -> F + Send + 'static) -> Server
where
    F: Future<Output = String> + Send,
{
    let listener = TcpListener::bind(format!("{address}:0")).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let done = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        act(stream).await
    });
    Server { port, done }
}

/// Reads the request, gives `answer`, and waits until the other side closes; gives what it was sent.
pub(crate) async fn answering(answer: &'static str) -> Server {
    serve("127.0.0.1", move |stream| give(stream, answer)).await
}

pub(crate) async fn give(mut stream: TcpStream, answer: &str) -> String {
    let request = read_request(&mut stream).await;
    stream.write_all(answer.as_bytes()).await.unwrap();
    wait_for_close(&mut stream).await;
    request
}

pub(crate) async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let read = stream.read_buf(&mut request).await.unwrap();
        assert!(read > 0, "the request ends early: {request:?}");
    }
    String::from_utf8(request).unwrap()
}

/// Returns when the other side has closed, in order or because it left something unread.
pub(crate) async fn wait_for_close(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    if let Ok(more) = stream.read_buf(&mut rest).await {
        assert_eq!(more, 0, "one request for each connection");
    }
}

/// A port where nobody listens.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}
