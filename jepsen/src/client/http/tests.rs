//! Against a listener that does to a client whatever can be done to one.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use super::*;

const SOON: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(150);

fn request_of(peer: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut byte = [0; 1];
    while !text.ends_with("\r\n\r\n") && peer.read(&mut byte).unwrap() == 1 {
        text.push(char::from(byte[0]));
    }
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    peer.read_exact(&mut body).unwrap();
    text + &String::from_utf8(body).unwrap()
}

/// A server of one connection.
fn serve(with: impl FnOnce(TcpStream) + Send + 'static) -> (Http, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || with(listener.accept().unwrap().0));
    (Http::new(&address), server)
}

fn get() -> Request {
    Request::new("GET", "/v1/nodes/a")
}

fn ask(http: &mut Http) -> Reply {
    http.ask(&get(), Instant::now() + SOON)
}

#[test]
fn a_refused_connection_is_told_from_everything_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut http = Http::new(&listener.local_addr().unwrap().to_string());
    drop(listener);
    assert_eq!(ask(&mut http), Reply::NotSent(Why::Refused));
    let mut nowhere = Http::new("not an address");
    assert_eq!(ask(&mut nowhere), Reply::NotSent(Why::Unreachable));
}

#[test]
fn a_connection_is_used_again_and_answers_come_in_any_pieces() {
    let (mut http, server) = serve(|mut peer| {
        assert!(request_of(&mut peer).starts_with("GET /v1/nodes/a HTTP/1.1\r\nhost: 127."));
        for piece in [
            "HTTP/1.1 2",
            "00 OK\r\nETag: \"v7\"\r\ncontent-le",
            "ngth: 5\r\n\r\nhe",
            "llo",
        ] {
            peer.write_all(piece.as_bytes()).unwrap();
            peer.flush().unwrap();
        }
        let put = request_of(&mut peer);
        assert!(put.ends_with("content-length: 2\r\n\r\n41"), "{put}");
        let chunked = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\
                       content-type: application/problem+json\r\n\r\n3;x=1\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        peer.write_all(chunked.as_bytes()).unwrap();
    });
    let Reply::Answer(answer) = ask(&mut http) else {
        panic!("no answer");
    };
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.header("etag"), Some("\"v7\""));
    let put = Request::new("PUT", "/v1/nodes/a").body("41");
    let Reply::Answer(answer) = http.ask(&put, Instant::now() + SOON) else {
        panic!("no answer");
    };
    assert!(answer.is_problem());
    assert_eq!(answer.json(), serde_json::json!({"a": 1}));
    server.join().unwrap();
}

#[test]
fn what_is_cut_or_stalled_after_sending_is_no_answer() {
    let answers = [
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
    ];
    for half in answers {
        let (mut http, server) = serve(move |mut peer| {
            request_of(&mut peer);
            peer.write_all(half.as_bytes()).unwrap();
            peer.shutdown(Shutdown::Both).unwrap();
        });
        assert_eq!(ask(&mut http), Reply::NoAnswer(Why::Reset), "{half}");
        server.join().unwrap();
        let (finish, wait) = sync_channel::<()>(0);
        let (mut http, server) = serve(move |mut peer| {
            request_of(&mut peer);
            peer.write_all(half.as_bytes()).unwrap();
            let _ = wait.recv();
        });
        let began = Instant::now();
        let reply = http.ask(&get(), Instant::now() + SHORT);
        assert_eq!(reply, Reply::NoAnswer(Why::Timeout), "{half}");
        assert!(began.elapsed() >= SHORT && began.elapsed() < SOON);
        drop(finish);
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_drips_cannot_stretch_the_deadline() {
    let (mut http, server) = serve(|mut peer| {
        request_of(&mut peer);
        let dripping = b"HTTP/1.1 200 OK\r\nx: ".iter().chain([b'x'; 4000].iter());
        for byte in dripping {
            if peer.write_all(&[*byte]).is_err() {
                return;
            }
            thread::park_timeout(Duration::from_millis(5));
        }
    });
    let began = Instant::now();
    let reply = http.ask(&get(), Instant::now() + SHORT);
    assert_eq!(reply, Reply::NoAnswer(Why::Timeout));
    assert!(began.elapsed() < Duration::from_secs(5));
    server.join().unwrap();
}

#[test]
fn a_connection_that_died_idle_is_noticed_before_anything_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut http = Http::new(&listener.local_addr().unwrap().to_string());
    let (closed, wait) = sync_channel::<()>(0);
    let server = thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        request_of(&mut peer);
        peer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        drop(peer);
        closed.send(()).unwrap();
        let mut peer = listener.accept().unwrap().0;
        request_of(&mut peer);
        peer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    assert!(matches!(ask(&mut http), Reply::Answer(_)));
    wait.recv().unwrap();
    assert!(matches!(ask(&mut http), Reply::Answer(_)));
    server.join().unwrap();
}

#[test]
fn nonsense_and_endless_heads_are_malformed() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nx: {}\r\n\r\n",
        "x".repeat(2 * LINE_BYTES_MAX)
    );
    let many = format!(
        "HTTP/1.1 200 OK\r\n{}\r\n",
        "x: y\r\n".repeat(HEADERS_MAX + 1)
    );
    let huge = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_owned();
    for bad in ["SSH-2.0-x\r\n\r\n".to_owned(), long, many, huge] {
        let (mut http, server) = serve(move |mut peer| {
            request_of(&mut peer);
            let _ = peer.write_all(bad.as_bytes());
            let _ = peer.read(&mut [0; 1]);
        });
        assert_eq!(ask(&mut http), Reply::NoAnswer(Why::Malformed));
        server.join().unwrap();
    }
}

#[test]
fn a_stream_is_read_across_chunks_and_time_outs() {
    let (go, wait) = sync_channel::<()>(0);
    let (http, server) = serve(move |mut peer| {
        request_of(&mut peer);
        let mut say = |text: &str| peer.write_all(text.as_bytes()).unwrap();
        say(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        );
        say("d\r\nretry: 1000\n\n\r\n3\r\n:\n\n\r\n11\r\nid: 7.0\nevent: a\n\r\n");
        wait.recv().unwrap();
        say(
            "6\r\ndata: \r\nb\r\n{\"x\":1}\n\nid\r\n9\r\n: 8.0\ndat\r\n7\r\na: 2\n\n\n\r\n0\r\n\r\n",
        );
    });
    let Opened::Stream(mut stream, _) = http.stream(&get(), Instant::now() + SOON) else {
        panic!("no stream");
    };
    assert_eq!(stream.next(Instant::now() + SHORT), Err(Why::Timeout));
    go.send(()).unwrap();
    let first = stream.next(Instant::now() + SOON).unwrap().unwrap();
    assert_eq!(first.id.as_deref(), Some("7.0"));
    assert_eq!(
        (first.event.as_str(), first.data.as_str()),
        ("a", "{\"x\":1}")
    );
    let second = stream.next(Instant::now() + SOON).unwrap().unwrap();
    assert_eq!(
        (second.id.as_deref(), second.data.as_str()),
        (Some("8.0"), "2")
    );
    assert_eq!(stream.next(Instant::now() + SOON), Ok(None));
    server.join().unwrap();
}

#[test]
fn a_stream_that_is_refused_shows_its_problem() {
    let (http, server) = serve(|mut peer| {
        request_of(&mut peer);
        let gone = "HTTP/1.1 410 Gone\r\ncontent-type: application/problem+json\r\ncontent-length: 2\r\n\r\n{}";
        peer.write_all(gone.as_bytes()).unwrap();
    });
    let opened = http.stream(&get(), Instant::now() + SOON);
    assert!(
        matches!(opened, Opened::Answer(answer) if answer.status == 410 && answer.is_problem())
    );
    server.join().unwrap();
}
