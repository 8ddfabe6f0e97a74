//! Many znodes in few requests: everybody's own way to make them together.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, bail};
use bytes::{BufMut as _, Bytes};
use load::Target as _;

use crate::contender::Contender;
use crate::etcd::Etcd;

/// Bytes of a value.
const VALUE_BYTES: usize = 100;
/// Znodes in one transaction of Holdfast or ZooKeeper, and below one parent.
const PER_BATCH: u64 = 1_000;
/// Keys in one transaction of etcd: what it allows by default.
const PER_BATCH_ETCD: u64 = 128;
/// Code of ZooKeeper's `multi`, and of a `create` in it.
const MULTI: i32 = 14;
const CREATE: i32 = 1;
/// All that may be done to a znode, by anyone.
const PERMS_ALL: i32 = 31;
/// The longest answer that is believed.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Makes so many, at one server.
pub(crate) fn load_all(contender: Contender, server: &str, znodes: u64) -> Result<()> {
    match contender {
        Contender::HoldfastHttp => holdfast(server, znodes),
        Contender::HoldfastZookeeper | Contender::Zookeeper => zookeeper(server, znodes),
        Contender::Etcd => etcd(server, znodes),
        Contender::Redis => bail!("{contender} is not loaded"),
    }
    .with_context(|| format!("load {znodes} into {contender}"))
}

/// The parents, and then their children, a parent's in one batch.
fn batches(znodes: u64) -> impl Iterator<Item = Vec<String>> {
    let parents = znodes.div_ceil(PER_BATCH);
    let of_parents = (0..parents.div_ceil(PER_BATCH)).map(move |batch| {
        let first = batch * PER_BATCH;
        let last = parents.min(first + PER_BATCH);
        (first..last).map(|parent| format!("/p{parent}")).collect()
    });
    let children = move |parent: u64| {
        let count = PER_BATCH.min(znodes - parent * PER_BATCH);
        (0..count)
            .map(|child| format!("/p{parent}/node-{child:04}"))
            .collect()
    };
    of_parents.chain((0..parents).map(children))
}

fn holdfast(server: &str, znodes: u64) -> Result<()> {
    let mut http = Http::open(server)?;
    let value = "x".repeat(VALUE_BYTES);
    for paths in batches(znodes) {
        let mut body = String::from("{\"if\":[],\"then\":[");
        for (index, path) in paths.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(
                body,
                "{comma}{{\"create\":\"{path}\",\"value\":\"{value}\"}}"
            )?;
        }
        body.push_str("]}");
        http.post("/v1/txn", &body)?;
    }
    Ok(())
}

/// A connection for few and large requests.
pub(crate) struct Http(BufReader<TcpStream>);

impl Http {
    pub(crate) fn open(server: &str) -> Result<Http> {
        let stream = TcpStream::connect(server).with_context(|| format!("connect to {server}"))?;
        stream.set_nodelay(true)?;
        Ok(Http(BufReader::new(stream)))
    }

    /// Fails unless the answer is a success.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Result<()> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n\
             prefer: return=minimal\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.trim_end().to_owned();
        let mut bytes = 0;
        while line != "\r\n" {
            line.clear();
            if self.0.read_line(&mut line)? == 0 {
                bail!("POST {path}: the connection was closed");
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                bytes = value.trim().parse().context("content-length")?;
            }
        }
        let mut answer = vec![0; bytes];
        self.0.read_exact(&mut answer)?;
        if !status.starts_with("HTTP/1.1 2") {
            bail!(
                "POST {path}: {status}: {}",
                String::from_utf8_lossy(&answer)
            );
        }
        Ok(())
    }
}

fn etcd(server: &str, znodes: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut client = Etcd::new(vec![server.to_owned()]).connect(0).await?;
        let value = Bytes::from(vec![b'x'; VALUE_BYTES]);
        let mut next = 0;
        while next < znodes {
            let end = znodes.min(next + PER_BATCH_ETCD);
            // The same names as everybody's.
            let name = |n: u64| format!("/p{}/node-{:04}", n / PER_BATCH, n % PER_BATCH);
            let pairs = (next..end).map(|n| (Bytes::from(name(n)), value.clone()));
            client.put_all(pairs.collect()).await?;
            next = end;
        }
        Ok(())
    })
}

fn zookeeper(server: &str, znodes: u64) -> Result<()> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    exchange(&mut stream, &connect_request())?;
    for (xid, paths) in (1..).zip(batches(znodes)) {
        let answer = exchange(&mut stream, &multi(xid, &paths))?;
        // The header of a reply: the request's number, the position in the log, the error.
        let error = answer.get(12..16).and_then(|bytes| bytes.try_into().ok());
        let error = i32::from_be_bytes(error.context("a reply that is cut off")?);
        if error != 0 {
            bail!("multi: error {error}");
        }
    }
    Ok(())
}

/// Sends a frame and reads one.
fn exchange(stream: &mut TcpStream, payload: &[u8]) -> Result<Vec<u8>> {
    let mut frame = Vec::with_capacity(payload.len() + 4);
    frame.put_u32(u32::try_from(payload.len())?);
    frame.put_slice(payload);
    stream.write_all(&frame)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).context("read a reply")?;
    let bytes = usize::try_from(u32::from_be_bytes(length))?;
    if bytes > ANSWER_BYTES_MAX {
        bail!("a reply of {bytes} bytes");
    }
    let mut answer = vec![0; bytes];
    stream.read_exact(&mut answer).context("read a reply")?;
    Ok(answer)
}

fn connect_request() -> Vec<u8> {
    let mut out = Vec::new();
    out.put_i32(0);
    out.put_i64(0);
    out.put_i32(40_000);
    out.put_i64(0);
    put_bytes(&mut out, &[0; 16]);
    out.put_u8(0);
    out
}

/// A `multi` of creates.
fn multi(xid: i32, paths: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_i32(xid);
    out.put_i32(MULTI);
    for path in paths {
        put_multi_header(&mut out, CREATE, false);
        put_bytes(&mut out, path.as_bytes());
        put_bytes(&mut out, &[b'x'; VALUE_BYTES]);
        out.put_i32(1);
        out.put_i32(PERMS_ALL);
        put_bytes(&mut out, b"world");
        put_bytes(&mut out, b"anyone");
        out.put_i32(0);
    }
    put_multi_header(&mut out, -1, true);
    out
}

fn put_multi_header(out: &mut Vec<u8>, op: i32, done: bool) {
    out.put_i32(op);
    out.put_u8(u8::from(done));
    out.put_i32(-1);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.put_i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_znode_has_a_parent_that_was_made_before() {
        let all: Vec<Vec<String>> = batches(2_500).collect();
        assert_eq!(all[0], ["/p0", "/p1", "/p2"]);
        assert_eq!(
            all[1..].iter().map(Vec::len).collect::<Vec<_>>(),
            [1000, 1000, 500]
        );
        assert_eq!(all[3][499], "/p2/node-0499");
    }

    #[test]
    fn a_multi_ends_with_its_last_header() {
        let bytes = multi(7, &["/a".to_owned()]);
        assert_eq!(bytes[..8], [0, 0, 0, 7, 0, 0, 0, 14]);
        assert_eq!(bytes[8..17], [0, 0, 0, 1, 0, 255, 255, 255, 255]);
        assert_eq!(
            bytes[bytes.len() - 9..],
            [255, 255, 255, 255, 1, 255, 255, 255, 255]
        );
    }
}
