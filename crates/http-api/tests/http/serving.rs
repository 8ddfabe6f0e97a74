use std::time::Duration;

use http_api::ApiSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::{Answer, Client, Doors, PATIENCE};

async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(text).unwrap()
}

/// Reads until `end` has come.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains(end) {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await;
        let read = read
            .unwrap_or_else(|_| panic!("no {end:?} in {text:?}"))
            .unwrap();
        assert!(read > 0, "closed before {end:?}: {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_is_served_and_shutdown_ends_streams_and_connections() {
    let doors = Doors::open(1).await;
    let node = doors.cluster.node(1).clone();
    let settings = ApiSettings::default();
    let router = http_api::router(node.clone(), settings.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let serving =
        tokio::spawn(async move { http_api::serve(listener, router, &settings, stop).await });

    let mut once = TcpStream::connect(address).await.unwrap();
    let request =
        "PUT /v1/nodes/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\nconnection: close\r\n\r\n1";
    once.write_all(request.as_bytes()).await.unwrap();
    let answer = read_all(&mut once).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");

    let mut garbage = TcpStream::connect(address).await.unwrap();
    garbage
        .write_all(&[0x16, 3, 1, 0, 0xff, 0, 13, 10, 13, 10])
        .await
        .unwrap();
    let answer = read_all(&mut garbage).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let head = read_until(&mut stream, "event: bookmark").await;
    assert!(
        head.contains("text/event-stream") && head.contains("retry: 1000"),
        "{head}"
    );
    let idle = TcpStream::connect(address).await.unwrap();
    node.drain();
    shutdown.cancel();
    let rest = read_all(&mut stream).await;
    assert!(rest.contains("event: reconnect"), "{rest}");
    tokio::time::timeout(PATIENCE, serving)
        .await
        .unwrap()
        .unwrap();
    drop(idle);
    assert!(
        TcpStream::connect(address).await.is_err(),
        "the port is free"
    );
}

fn claim(id: &str) -> String {
    format!("/v1/locks/l/-/claims/{id}")
}

/// One claim holds a lock, and the request of a second waits for it.
async fn second_in_the_queue(doors: &Doors, client: &Client) -> JoinHandle<Answer> {
    client.session("s1").await;
    client.session("s2").await;
    let first = client.put(&claim("c1")).session("s1").text("{}");
    first.send().await.expect(201);
    let second = client.put(&claim("c2")).session("s2");
    let second = second
        .header("prefer", "wait=60")
        .text(r#"{"ack_within":"10s"}"#);
    let waiting = tokio::spawn(second.send());
    let node = doors.cluster.node(1);
    let queued = || node.peek(|state| state.counts().claims == 2).then_some(());
    doors
        .cluster
        .until("the second claim in the queue", queued)
        .await;
    waiting
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_while_it_waits_picks_up_no_grant() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let waiting = second_in_the_queue(&doors, &client).await;
    let node = doors.cluster.node(1);
    waiting.abort();
    assert!(waiting.await.is_err());
    client
        .delete(&claim("c1"))
        .session("s1")
        .send()
        .await
        .expect(200);
    let c2 = client.get(&claim("c2")).send().await.expect(200);
    assert_eq!(c2["state"], "held");
    assert!(
        c2["ack_remaining_ms"].as_u64().is_some(),
        "nobody has picked it up: {c2}"
    );
    let gone = || {
        doors.cluster.advance(Duration::from_secs(1));
        node.peek(|state| state.counts().claims == 0).then_some(())
    };
    doors.cluster.until("the grant to be abandoned", gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_waits_is_sent_elsewhere_when_its_node_stops() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let waiting = second_in_the_queue(&doors, &client).await;
    let node = doors.cluster.node(1);
    node.drain();
    let problem = waiting.await.unwrap().problem(504, "outcome_unknown");
    assert_eq!(problem["check"], claim("c2"));
    assert_eq!(problem["retryable"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_of_a_snapshot_has_a_length_and_no_content_on_the_wire() {
    let doors = Doors::open(1).await;
    let taken = doors.one().post("/v1/snapshots").send().await.expect(201);
    let node = doors.cluster.node(1).clone();
    let settings = ApiSettings::default();
    let router = http_api::router(node, settings.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let serving =
        tokio::spawn(async move { http_api::serve(listener, router, &settings, stop).await });
    let ask = async |method: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "{method} /v1/snapshots/current HTTP/1.1\r\nhost: x\r\nrange: bytes=0-7\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    };
    let head = ask("HEAD").await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let length = format!("content-length: {}\r\n", taken["bytes"]);
    assert!(
        head.contains(&length) && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let part = ask("GET").await;
    assert!(part.starts_with("HTTP/1.1 206 Partial Content"), "{part}");
    assert!(part.ends_with("\r\n\r\nholdfast"), "{part}");
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, serving)
        .await
        .unwrap()
        .unwrap();
}
