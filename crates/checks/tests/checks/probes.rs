//! What one probe makes of servers of all kinds.

use std::time::Duration;

use checks::limits::{ANSWER_BYTES_MAX, TEXT_BYTES_MAX};
use checks::{Kind, Outcome, Prober};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::server::{answering, closed_port, give, read_request, serve, wait_for_close};
use crate::{get, target};

/// What a target shows that is expected not to answer.
const SHORT: Duration = Duration::from_millis(50);

/// The outcome of GET `/livez` at a server that gives this answer, without the part that names the port.
async fn outcome_of(answer: &'static str) -> Outcome {
    let server = answering(answer).await;
    let outcome = probe_http(server.port).await;
    // It has seen the connection closed.
    server.done.await.unwrap();
    outcome
}

async fn probe_http(port: u16) -> Outcome {
    let outcome = Prober::default()
        .probe(&target("127.0.0.1", port, get("/livez")))
        .await;
    let subject = format!("GET http://127.0.0.1:{port}/livez: ");
    let rest = |text: String| text.strip_prefix(&subject).unwrap_or(&text).to_owned();
    match outcome {
        Outcome::Passed(text) => Outcome::Passed(rest(text)),
        Outcome::Failed(text) => Outcome::Failed(rest(text)),
        Outcome::NotProbed(text) => Outcome::NotProbed(rest(text)),
    }
}

fn passed(text: &str) -> Outcome {
    Outcome::Passed(text.to_owned())
}

fn failed(text: &str) -> Outcome {
    Outcome::Failed(text.to_owned())
}

#[tokio::test]
async fn a_status_from_200_to_299_passes_and_no_other() {
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            passed("200 OK"),
        ),
        ("HTTP/1.0 204 No Content\r\n\r\n", passed("204 No Content")),
        ("HTTP/1.1 299\r\n\r\n", passed("299")),
        (
            "HTTP/1.1 300 Multiple Choices\r\n\r\n",
            failed("300 Multiple Choices"),
        ),
        ("HTTP/1.1 404 Not Found\r\n\r\n", failed("404 Not Found")),
        (
            "HTTP/1.1 503 Service Unavailable\r\n\r\nnot yet",
            failed("503 Service Unavailable"),
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            failed("101 Switching Protocols"),
        ),
    ];
    for (answer, expected) in cases {
        assert_eq!(outcome_of(answer).await, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn interim_answers_are_followed_by_the_one_that_counts() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let good: &'static str = format!("{interim}HTTP/1.1 200 OK\r\n\r\n").leak();
    assert_eq!(outcome_of(good).await, passed("200 OK"));
    let bad: &'static str = format!("{interim}HTTP/1.1 500 No\r\n\r\n").leak();
    assert_eq!(outcome_of(bad).await, failed("500 No"));
}

#[tokio::test]
async fn the_status_counts_as_soon_as_its_line_is_there() {
    // No end of the header fields, and none that HTTP would allow.
    let answer = "HTTP/1.1 200 OK\r\nnonsense without a colon\r\n";
    assert_eq!(outcome_of(answer).await, passed("200 OK"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = elsewhere.local_addr().unwrap();
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: http://{place}/\r\n\r\n");
    assert_eq!(outcome_of(answer.leak()).await, failed("302 Found"));
    // Whoever comes first is us: nobody was there before.
    let mine = TcpStream::connect(place).await.unwrap();
    let (_, visitor) = elsewhere.accept().await.unwrap();
    assert_eq!(visitor, mine.local_addr().unwrap());
}

#[tokio::test]
async fn what_is_not_http_fails() {
    let outcome = outcome_of("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
    assert_eq!(
        outcome,
        failed("not an answer of HTTP/1: invalid HTTP version")
    );
}

#[tokio::test]
async fn a_server_that_closes_without_an_answer_fails() {
    let server = serve("127.0.0.1", |mut stream| async move {
        read_request(&mut stream).await
    })
    .await;
    assert_eq!(
        probe_http(server.port).await,
        failed("closed without an answer")
    );
}

#[tokio::test]
async fn a_server_that_never_answers_fails_in_time() {
    let server = answering("").await;
    let mut target = target("127.0.0.1", server.port, get("/livez"));
    target.spec.timeout = SHORT;
    let Outcome::Failed(text) = Prober::default().probe(&target).await else {
        panic!("it passed")
    };
    assert!(text.ends_with("/livez: no answer within 50ms"), "{text}");
    server.done.await.unwrap();
}

#[tokio::test]
async fn a_server_where_nobody_listens_fails() {
    let port = closed_port().await;
    assert_eq!(probe_http(port).await, failed("connection refused"));
    let tcp = target("127.0.0.1", port, Kind::Tcp);
    let text = format!("TCP 127.0.0.1:{port}: connection refused");
    assert_eq!(Prober::default().probe(&tcp).await, Outcome::Failed(text));
}

/// A system drops what comes when the queue in front of a listener is full.
#[tokio::test]
async fn a_server_that_takes_no_connection_fails_in_time() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(SHORT * 4, TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
    }
    let mut target = target("127.0.0.1", address.port(), Kind::Tcp);
    target.spec.timeout = SHORT;
    let text = format!("TCP {address}: no connection within 50ms");
    assert_eq!(
        Prober::default().probe(&target).await,
        Outcome::Failed(text)
    );
}

#[tokio::test]
async fn a_body_without_an_end_is_not_read() {
    let server = serve("127.0.0.1", |mut stream| async move {
        read_request(&mut stream).await;
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        loop {
            if let Err(error) = stream.write_all(&answer).await {
                return error.kind().to_string();
            }
            answer = vec![b'x'; 1 << 16];
        }
    })
    .await;
    assert_eq!(probe_http(server.port).await, passed("200 OK"));
    server.done.await.unwrap();
}

#[tokio::test]
async fn what_comes_before_a_status_is_bounded() {
    let field = "x: ".to_owned() + &"y".repeat(ANSWER_BYTES_MAX);
    let answer: &'static str = format!("HTTP/1.1 103 Early Hints\r\n{field}").leak();
    assert_eq!(
        outcome_of(answer).await,
        failed("an answer without a status")
    );
}

#[tokio::test]
async fn the_request_is_one_get_that_says_who_asks() {
    let server = answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let kind = Kind::Http {
        path: "/health?deep=1".to_owned(),
        host: Some("shop.example".to_owned()),
    };
    let outcome = Prober::default()
        .probe(&target("127.0.0.1", server.port, kind))
        .await;
    let text = format!(
        "GET http://127.0.0.1:{}/health?deep=1 (Host: shop.example): 200 OK",
        server.port
    );
    assert_eq!(outcome, Outcome::Passed(text));
    let request = "GET /health?deep=1 HTTP/1.1\r\nHost: shop.example\r\n\
                   User-Agent: holdfast-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    assert_eq!(server.done.await.unwrap(), request);
}

#[tokio::test]
async fn a_path_or_host_that_would_end_its_line_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bad = [
        ("/a b", None),
        ("", None),
        ("livez", None),
        ("/a\r\nX: 1", None),
        ("/ä", None),
        ("/", Some("a\nb")),
        ("/", Some("")),
    ];
    for (path, host) in bad {
        let kind = Kind::Http {
            path: path.to_owned(),
            host: host.map(str::to_owned),
        };
        let target = target("127.0.0.1", address.port(), kind);
        let Outcome::Failed(text) = Prober::default().probe(&target).await else {
            panic!("{path:?} {host:?} was sent")
        };
        assert!(text.ends_with("that can be sent"), "{text}");
    }
    let mine = TcpStream::connect(address).await.unwrap();
    let (_, visitor) = listener.accept().await.unwrap();
    assert_eq!(visitor, mine.local_addr().unwrap(), "nobody came before");
}

#[tokio::test]
async fn tcp_passes_when_a_connection_is_taken_and_closes_it() {
    let server = serve("127.0.0.1", |mut stream| async move {
        wait_for_close(&mut stream).await;
        String::new()
    })
    .await;
    let outcome = Prober::default()
        .probe(&target("127.0.0.1", server.port, Kind::Tcp))
        .await;
    let text = format!("TCP 127.0.0.1:{}: connected", server.port);
    assert_eq!(outcome, Outcome::Passed(text));
    server.done.await.unwrap();
}

#[tokio::test]
async fn ipv6_is_probed_with_brackets_and_without() {
    for address in ["::1", "[::1]"] {
        let server = serve("[::1]", |stream| give(stream, "HTTP/1.1 200 OK\r\n\r\n")).await;
        let outcome = Prober::default()
            .probe(&target(address, server.port, get("/")))
            .await;
        let text = format!("GET http://[::1]:{}/: 200 OK", server.port);
        assert_eq!(outcome, Outcome::Passed(text));
        let request = server.done.await.unwrap();
        assert!(
            request.contains(&format!("Host: [::1]:{}\r\n", server.port)),
            "{request}"
        );
    }
}

/// `localhost` may be ::1 as well, where nobody listens: the next address is tried.
#[tokio::test]
async fn names_are_looked_up_and_their_addresses_tried() {
    let server = answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let outcome = Prober::default()
        .probe(&target("localhost", server.port, get("/")))
        .await;
    let text = format!("GET http://localhost:{}/: 200 OK", server.port);
    assert_eq!(outcome, Outcome::Passed(text));
    server.done.await.unwrap();
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_fails_with_a_bounded_text() {
    // Longer than names may be: no name server is asked.
    let target = target(&"n".repeat(5_000), 80, get("/"));
    let Outcome::Failed(text) = Prober::default().probe(&target).await else {
        panic!("it passed")
    };
    assert!(text.len() <= TEXT_BYTES_MAX, "{text}");
    assert!(
        text.contains("…: failed to lookup address information"),
        "{text}"
    );
}

#[tokio::test]
async fn a_probe_that_is_dropped_closes_its_connection() {
    let (arrived, arrival) = tokio::sync::oneshot::channel();
    let arrived = std::sync::Mutex::new(Some(arrived));
    let server = serve("127.0.0.1", move |mut stream| {
        let arrived = arrived.lock().unwrap().take().unwrap();
        async move {
            let request = read_request(&mut stream).await;
            arrived.send(()).unwrap();
            wait_for_close(&mut stream).await;
            request
        }
    })
    .await;
    let prober = Prober::default();
    let target = target("127.0.0.1", server.port, get("/"));
    tokio::select! {
        outcome = prober.probe(&target) => panic!("{outcome:?}"),
        arrived = arrival => arrived.unwrap(),
    }
    server.done.await.unwrap();
}
