//! Snapshots that come in pieces, from nodes that break off, and go there as files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_client::{Error, ErrorCode};
use http_types::v1::snapshots::SnapshotVerified;
use sha2::{Digest as _, Sha256};

use crate::fake::{Fake, Reaction, Request, json, problem};
use crate::{client, nobody};

const PATH: &str = "/v1/snapshots/1-5";

fn content() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// A node's answer about `content`, of which only so many bytes are sent before it breaks off.
struct Sent<'a> {
    content: &'a [u8],
    etag: &'a str,
    /// Digest of what the node says it has.
    digest_of: &'a [u8],
    until: usize,
}

impl Sent<'_> {
    /// All of it, or what a `Range` asks for.
    fn answer(&self, request: &Request) -> Reaction {
        let len = self.content.len();
        let is_same = request
            .header("if-range")
            .is_none_or(|tag| tag == self.etag);
        let range = request.header("range").filter(|_| is_same);
        let first = range.map(|range| {
            let first = range.strip_prefix("bytes=").unwrap();
            first.strip_suffix('-').unwrap().parse::<usize>().unwrap()
        });
        let status = match first {
            Some(first) => format!(
                "206 Partial Content\r\ncontent-range: bytes {first}-{}/{len}",
                len - 1
            ),
            None => "200 OK".to_owned(),
        };
        let first = first.unwrap_or(0);
        let digest = STANDARD.encode(Sha256::digest(self.digest_of));
        let head = format!(
            "HTTP/1.1 {status}\r\netag: {}\r\nrepr-digest: sha-256=:{digest}:\r\ncontent-length: {}\r\n\r\n",
            self.etag,
            len - first
        );
        let rest = &self.content[first..self.until.clamp(first, len)];
        Reaction::Bytes([head.as_bytes(), rest].concat())
    }
}

async fn receive(urls: &[&str]) -> Result<Vec<u8>, Error> {
    let mut stream = client(urls).fetch_snapshot("1-5").await?;
    let mut received = Vec::new();
    while let Some(piece) = stream.next().await? {
        received.extend_from_slice(&piece);
    }
    assert_eq!(stream.size(), Some(received.len() as u64));
    Ok(received)
}

#[tokio::test]
async fn a_broken_transfer_goes_on_where_it_broke() {
    let fake = Fake::start(|request, number| {
        Sent {
            content: &content(),
            etag: "\"1-5\"",
            digest_of: &content(),
            until: (number + 1) * 300_000,
        }
        .answer(request)
    })
    .await;
    assert!(receive(&[&fake.url]).await.unwrap() == content());
    let requests = fake.requests();
    assert_eq!(requests[0].line(), format!("GET {PATH}"));
    assert_eq!(requests[0].header("range"), None);
    assert!(requests.len() > 1);
    for resumed in &requests[1..] {
        assert_eq!(resumed.header("if-range"), Some("\"1-5\""));
        let range = resumed.header("range").unwrap();
        assert!(
            range.starts_with("bytes=") && range.ends_with('-'),
            "{range}"
        );
    }
}

#[tokio::test]
async fn another_node_with_the_same_snapshot_goes_on() {
    let dying = Fake::start(|request, number| {
        let half = Sent {
            content: &content(),
            etag: "\"1-5\"",
            digest_of: &content(),
            until: 300_000,
        };
        match number {
            0 => half.answer(request),
            _ => problem(ErrorCode::NoSnapshot),
        }
    })
    .await;
    let other = Fake::start(|request, _| {
        Sent {
            content: &content(),
            etag: "\"1-5\"",
            digest_of: &content(),
            until: usize::MAX,
        }
        .answer(request)
    })
    .await;
    let nobody = nobody().await;
    let received = receive(&[&dying.url, &nobody, &other.url]).await;
    assert!(received.unwrap() == content());
    assert!(other.requests()[0].header("range").is_some());
}

#[tokio::test]
async fn the_rest_of_another_snapshot_is_not_taken() {
    let fake = Fake::start(|request, number| {
        let (etag, until) = match number {
            0 => ("\"1-5\"", 300_000),
            _ => ("\"1-6\"", usize::MAX),
        };
        Sent {
            content: &content(),
            etag,
            digest_of: &content(),
            until,
        }
        .answer(request)
    })
    .await;
    let error = receive(&[&fake.url]).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("has another snapshot (200 OK)"), "{text}");
}

#[tokio::test]
async fn a_part_that_begins_elsewhere_is_not_taken() {
    let fake = Fake::start(|request, number| {
        let mut request = request.clone();
        if number > 0 {
            let elsewhere = "bytes=1-".to_owned();
            request.headers.insert("range".to_owned(), elsewhere);
        }
        Sent {
            content: &content(),
            etag: "\"1-5\"",
            digest_of: &content(),
            until: 300_000,
        }
        .answer(&request)
    })
    .await;
    let error = receive(&[&fake.url]).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("206 Partial Content"), "{text}");
}

#[tokio::test]
async fn bytes_that_are_not_the_nodes_are_no_snapshot() {
    let fake = Fake::start(|request, _| {
        Sent {
            content: &content(),
            etag: "\"1-5\"",
            digest_of: b"something else",
            until: usize::MAX,
        }
        .answer(request)
    })
    .await;
    let error = receive(&[&fake.url]).await.unwrap_err();
    assert!(error.to_string().contains("arrived damaged"), "{error}");
}

#[tokio::test]
async fn a_node_that_never_sends_a_byte_more_is_given_up() {
    let fake = Fake::start(|request, _| {
        Sent {
            content: &content(),
            etag: "\"1-5\"",
            digest_of: &content(),
            until: 0,
        }
        .answer(request)
    })
    .await;
    let error = receive(&[&fake.url]).await.unwrap_err();
    assert!(error.to_string().contains("cannot be taken up"), "{error}");
}

#[tokio::test]
async fn a_file_is_sent_whole_and_from_its_start_to_each_node() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("whole.snapshot");
    std::fs::write(&file, content()).unwrap();
    let busy = Fake::start(|_, _| problem(ErrorCode::Overloaded)).await;
    let free = Fake::start(|_, _| {
        json(
            200,
            &SnapshotVerified {
                valid: true,
                index: 7,
                ..SnapshotVerified::default()
            },
        )
    })
    .await;
    let client = client(&[&busy.url, &free.url]);
    let verified = client.verify_snapshot_file(&file).await.unwrap();
    assert_eq!(verified.index, 7);
    for fake in [&busy, &free] {
        let request = &fake.requests()[0];
        assert_eq!(request.line(), "POST /v1/snapshots/-/verify");
        assert_eq!(
            request.header("content-type"),
            Some("application/octet-stream")
        );
        assert!(request.body == content());
    }
    let missing = client
        .verify_snapshot_file(&directory.path().join("missing"))
        .await;
    assert!(matches!(missing, Err(Error::Invalid(_))), "{missing:?}");
}
