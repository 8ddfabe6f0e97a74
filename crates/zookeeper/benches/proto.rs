//! What the bytes of ZooKeeper's protocol cost, for the request that writers send most.

#![expect(
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput};
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::frame::{self, PAYLOAD_BYTES_MAX_DEFAULT};
use zookeeper::proto::header::Xid;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::{self, Request, SetDataRequest};
use zookeeper::proto::response::{FromServer, Reply, Response};
use zookeeper::proto::stat::Stat;

/// Data of a znode.
const VALUE: Bytes = Bytes::from_static(&[b'v'; 100]);
const PATH: &str = "/app/config/znode-0042";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    requests(&mut criterion);
    replies(&mut criterion);
    events(&mut criterion);
    criterion.final_summary();
}

fn requests(criterion: &mut Criterion) {
    let request = Request::SetData(SetDataRequest {
        path: PATH.to_owned(),
        data: Some(VALUE),
        version: -1,
    });
    let encode = |out: &mut BytesMut| request.encode(Xid(7), out).expect("a short frame");
    let mut group = criterion.benchmark_group("proto, a setData request with 100 bytes");
    group.bench_function("encode it, as a client", |bench| {
        let mut out = BytesMut::new();
        bench.iter(|| {
            out.clear();
            encode(black_box(&mut out));
        });
    });
    let payload = payload_of(encode);
    group.bench_function("decode it, as the server", |bench| {
        bench.iter(|| request::decode(black_box(payload.clone())));
    });
    group.finish();
}

fn replies(criterion: &mut Criterion) {
    let reply = Reply {
        xid: Xid(7),
        zxid: 0x1234_5678,
        result: Ok(Response::Stat(Stat {
            czxid: 0x11,
            mzxid: 0x1234_5678,
            ctime: 1_700_000_000_000,
            mtime: 1_700_000_000_500,
            version: 5,
            cversion: 6,
            aversion: 7,
            ephemeral_owner: 0,
            data_length: 100,
            num_children: 0,
            pzxid: 0x11,
        })),
    };
    let encode = |out: &mut BytesMut| reply.encode(out).expect("a short frame");
    let mut group = criterion.benchmark_group("proto, the reply to a setData request");
    group.bench_function("encode it, as the server", |bench| {
        let mut out = BytesMut::new();
        bench.iter(|| {
            out.clear();
            encode(black_box(&mut out));
        });
    });
    let payload = payload_of(encode);
    group.bench_function("decode it, as a client", |bench| {
        bench.iter(|| reply_in(black_box(payload.clone())));
    });
    group.finish();
}

fn reply_in(payload: Bytes) -> Reply {
    match FromServer::decode(payload).expect("a frame of a server") {
        FromServer::Reply(frame) => frame.read(OpCode::SetData).expect("a reply"),
        FromServer::Event(event) => unreachable!("{event:?}"),
    }
}

fn events(criterion: &mut Criterion) {
    const WATCHERS: u64 = 10_000;
    let mut group = criterion.benchmark_group("proto, a watch event");
    group.throughput(Throughput::Elements(WATCHERS));
    let name = format!("make and encode it for each of {WATCHERS} connections");
    group.bench_function(name, |bench| {
        let mut out = BytesMut::new();
        bench.iter(|| {
            for _ in 0..WATCHERS {
                out.clear();
                let event = WatcherEvent {
                    zxid: 0x1234_5678,
                    kind: EventType::NodeDataChanged,
                    path: black_box(PATH).to_owned(),
                };
                event.encode(black_box(&mut out)).expect("a short frame");
            }
        });
    });
    group.finish();
}

/// The payload of the one frame that is encoded.
fn payload_of(encode: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    encode(&mut out);
    let payload = frame::next_frame(&mut out, PAYLOAD_BYTES_MAX_DEFAULT);
    payload.expect("a good length").expect("a whole frame")
}
