//! Downloading snapshots: whole, in parts, and knowing that it is whole.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Answer, Ask, Client, Doors};

/// A snapshot of more than one chunk, and its content.
async fn taken(client: &Client) -> (Value, Vec<u8>) {
    for part in 0..4 {
        client
            .put(&format!("/v1/nodes/big-{part}"))
            .bytes(vec![b'a' + part; 100_000])
            .send()
            .await
            .expect(201);
    }
    let taken = client.post("/v1/snapshots").send().await.expect(201);
    let whole = whole_of(client, &taken).send().await;
    assert_eq!(whole.status, 200, "{:?}", whole.headers);
    assert!(whole.body.len() > 400_000);
    (taken, whole.body)
}

fn whole_of(client: &Client, snapshot: &Value) -> Ask {
    let id = snapshot["id"].as_str().unwrap();
    client.get(&format!("/v1/snapshots/{id}"))
}

fn digest_of(content: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(content)))
}

#[track_caller]
fn check_part(answer: &Answer, content: &[u8], (first, last): (usize, usize)) {
    assert_eq!(answer.status, 206, "{:?}", answer.headers);
    let range = format!("bytes {first}-{last}/{}", content.len());
    assert_eq!(answer.header("content-range"), range);
    let count = (last - first + 1).to_string();
    assert_eq!(answer.header("content-length"), count);
    assert!(answer.body == content[first..=last], "other bytes");
    assert_eq!(answer.header("repr-digest"), digest_of(content));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_snapshot_comes_with_the_digest_of_the_whole() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let (snapshot, content) = taken(&client).await;
    let whole = whole_of(&client, &snapshot).send().await;
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("repr-digest"), digest_of(&content));
    let etag = format!("\"{}\"", snapshot["id"].as_str().unwrap());
    assert_eq!(whole.header("etag"), etag);
    assert_eq!(snapshot["bytes"], content.len());

    let end = content.len() - 1;
    for (range, part) in [
        ("bytes=0-0".to_owned(), (0, 0)),
        ("bytes=100-299999".to_owned(), (100, 299_999)),
        ("bytes=65536-".to_owned(), (65_536, end)),
        ("bytes=-5".to_owned(), (end - 4, end)),
        (format!("bytes=5-{}", content.len() * 2), (5, end)),
    ] {
        let asked = whole_of(&client, &snapshot).header("range", &range);
        check_part(&asked.send().await, &content, part);
    }
    let (first, rest) = content.split_at(200_000);
    let range = format!("bytes={}-", first.len());
    let resumed = whole_of(&client, &snapshot)
        .header("range", &range)
        .header("if-range", &etag)
        .send()
        .await;
    assert_eq!(resumed.status, 206);
    assert_eq!(digest_of(&content), resumed.header("repr-digest"));
    assert!([first, &resumed.body].concat() == content && resumed.body == rest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_that_cannot_be_given_is_refused_or_ignored() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let (snapshot, content) = taken(&client).await;
    let ask = |range: &str| whole_of(&client, &snapshot).header("range", range);
    for range in [format!("bytes={}-", content.len()), "bytes=-0".to_owned()] {
        let refused = ask(&range).send().await;
        let len = format!("bytes */{}", content.len());
        assert_eq!(refused.header("content-range"), len);
        refused.problem(416, "bad_request");
    }
    for ignored in ["bytes=0-1,5-6", "pages=1-2", "bytes=9-1", "nonsense"] {
        let whole = ask(ignored).send().await;
        assert_eq!(whole.status, 200, "{ignored}");
        assert!(whole.body == content);
    }
    let other = ask("bytes=5-").header("if-range", "\"0-0\"").send().await;
    assert_eq!(other.status, 200);
    assert!(
        other.body == content,
        "of another snapshot there is no part"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_tells_everything_but_the_content() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let (_, content) = taken(&client).await;
    let head = client
        .ask(Method::HEAD, "/v1/snapshots/current")
        .header("range", "bytes=0-9")
        .send()
        .await;
    assert_eq!(head.status, 200, "ranges are for GET alone");
    assert_eq!(head.header("content-length"), content.len().to_string());
    assert_eq!(head.header("repr-digest"), digest_of(&content));
    assert!(head.body.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_listed_with_the_position_of_its_state() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let empty = client.get("/v1/snapshots").send().await.expect(200);
    assert_eq!(empty["snapshots"], json!([]));
    let (first, first_content) = taken(&client).await;
    let verified = client.post("/v1/snapshots/-/verify").send().await;
    assert_eq!(first["index"], verified.expect(200)["index"]);

    client.put("/v1/nodes/x").text("x").send().await.expect(201);
    let second = client.post("/v1/snapshots").send().await.expect(201);
    assert!(second["index"].as_u64() > first["index"].as_u64());
    let list = client.get("/v1/snapshots").send().await.expect(200);
    assert_eq!(list["snapshots"], json!([second, first]), "newest first");
    let older = whole_of(&client, &first).send().await;
    assert!(older.body == first_content);

    client.put("/v1/nodes/y").text("y").send().await.expect(201);
    let third = client.post("/v1/snapshots").send().await.expect(201);
    let list = client.get("/v1/snapshots").send().await.expect(200);
    assert_eq!(list["snapshots"], json!([third, second]), "two are kept");
    let gone = whole_of(&client, &first).send().await;
    gone.problem(404, "no_snapshot");
    let unknown = client.get("/v1/snapshots/99-99").send().await;
    unknown.problem(404, "no_snapshot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_replaces_everything_when_told_so_and_refuses_damage() {
    let doors = Doors::open(3).await;
    let client = doors.one();
    client
        .put("/v1/nodes/a")
        .text("old")
        .send()
        .await
        .expect(201);
    client.post("/v1/snapshots").send().await.expect(201);
    let backup = client.get("/v1/snapshots/current").send().await;
    client
        .put("/v1/nodes/a")
        .text("new")
        .send()
        .await
        .expect(200);

    let url = "/v1/cluster/-/restore";
    let restore = |url: String, body: Vec<u8>| client.post(&url).bytes(body).send();
    restore(url.to_owned(), backup.body.clone())
        .await
        .problem(409, "cluster_not_empty");
    let would = restore(format!("{url}?dry_run=1"), backup.body.clone()).await;
    assert_eq!(would.expect(200)["dry_run"], true);
    let mut damaged = backup.body.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for damaged in [damaged, b"nothing of the kind".to_vec(), Vec::new()] {
        restore(format!("{url}?replace=1"), damaged.clone())
            .await
            .problem(400, "bad_request");
        restore(format!("{url}?dry_run=1"), damaged)
            .await
            .problem(400, "bad_request");
    }
    let url = format!("{url}?replace=1");
    assert_eq!(client.get("/v1/nodes/a").send().await.body, b"new");

    let restored = restore(url, backup.body).await.expect(200);
    assert!(restored["index"].as_u64().unwrap() >= 1 << 43);
    for id in 1..=3 {
        let read = doors.at(id).get("/v1/nodes/a").send().await;
        assert_eq!(read.body, b"old");
    }
}
