//! The whole loop: a server that goes away and comes back.

use std::time::Duration;

use checks::{Verdict, run};
use futures::StreamExt as _;
use futures::stream;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::server::read_request;
use crate::{get, target};

/// Answers everybody until it is aborted, which closes the port.
async fn serve_all(port: u16) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        }
    });
    (port, serving)
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_is_told_each_time() {
    let (port, serving) = serve_all(0).await;
    let mut target = target("127.0.0.1", port, get("/livez"));
    target.spec.interval = Duration::from_millis(100);
    target.spec.fail_after = 2;
    let (list, shown) = watch::channel(vec![target]);
    let (tell, mut told) = mpsc::channel::<Verdict<()>>(8);
    let lists = stream::unfold((shown, true), |(mut shown, is_first)| async move {
        if !is_first {
            shown.changed().await.ok()?;
        }
        let now = shown.borrow_and_update().clone();
        Some((now, (shown, false)))
    });
    let report = move |verdict: Verdict<()>| {
        list.send_modify(|list| list[0].known = Some(verdict.passing));
        let tell = tell.clone();
        async move { tell.send(verdict).await.unwrap() }
    };
    let checking = tokio::spawn(run(lists.boxed(), report));
    let subject = format!("GET http://127.0.0.1:{port}/livez");
    let mut expect = async |passing, finding| {
        let verdict = told.recv().await.unwrap();
        assert_eq!(verdict.passing, passing);
        assert_eq!(verdict.text, format!("{subject}: {finding}"));
    };
    expect(true, "200 OK").await;
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    expect(false, "connection refused").await;
    let (_, serving) = serve_all(port).await;
    expect(true, "200 OK").await;
    checking.abort();
    assert!(checking.await.unwrap_err().is_cancelled());
    serving.abort();
}
