//! What it costs to turn requests into the bytes of a log entry, and back: the first at the node a
//! request enters by and at the leader, the second at every node.

#![expect(
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use raft_core::acl::AclEntry;
use raft_core::codec::{Batch, BatchBuilder, decode_request, encode_request};
use raft_core::command::{
    Command, Create, CreateKind, Expect, Request, RequestId, SetData, Stamp, ZnodeOp,
};
use raft_core::ids::ZnodePath;
use raft_core::state::State;

/// Data of a znode.
const VALUE: Bytes = Bytes::from_static(&[b'v'; 100]);
/// Requests in one log entry.
const BATCHED: u64 = 64;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    requests(&mut criterion);
    batches(&mut criterion);
    digests(&mut criterion);
    criterion.final_summary();
}

fn request(sequence: u64, op: ZnodeOp) -> Request {
    Request {
        id: RequestId {
            origin: 1,
            incarnation: 0x0123_4567_89ab_cdef,
            sequence,
        },
        identities: Vec::new(),
        session: None,
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command: Command::Znode(op),
    }
}

fn set_data(sequence: u64) -> Request {
    let set = SetData {
        path: format!("/app/config/znode-{sequence}"),
        data: Some(VALUE),
        content_type: None,
        expect: Expect::Any,
    };
    request(sequence, ZnodeOp::SetData(set))
}

fn encoded(request: &Request) -> Bytes {
    encode_request(request).expect("within the limit")
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec, a request to set 100 bytes of data");
    let request = set_data(1);
    group.bench_function("encode it", |bench| {
        bench.iter(|| encode_request(black_box(&request)));
    });
    let bytes = encoded(&request);
    group.bench_function("decode it", |bench| {
        bench.iter(|| decode_request(black_box(&bytes)));
    });
    group.finish();
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("codec, a batch of {BATCHED} requests"));
    group.throughput(Throughput::Elements(BATCHED));
    let requests: Vec<Bytes> = (0..BATCHED).map(|n| encoded(&set_data(n))).collect();
    group.bench_function("build it", |bench| {
        bench.iter(|| built(black_box(&requests)));
    });
    let payload = built(&requests);
    group.bench_function("parse it and decode every request", |bench| {
        bench.iter(|| {
            let batch = Batch::parse(black_box(&payload)).expect("a batch");
            for request in batch.requests() {
                black_box(decode_request(request)).expect("a request");
            }
        });
    });
    group.finish();
}

fn built(requests: &[Bytes]) -> Bytes {
    let mut builder = BatchBuilder::new(Stamp::default());
    for request in requests {
        assert!(builder.push(request), "it does not fit");
    }
    builder.finish()
}

fn digests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("digest");
    let path = ZnodePath::parse("/config").expect("a valid path");
    let create = Create {
        path: path.as_str().to_owned(),
        data: Some(VALUE),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Persistent,
        sequential: false,
        parents: false,
    };
    let mut state = State::new();
    let outcome = state.apply(Stamp::default(), &request(1, ZnodeOp::Create(create)));
    outcome.result.expect("created");
    group.bench_function("of the whole state", |bench| {
        bench.iter(|| black_box(&state).digest());
    });
    let znode = state.znode(&path).expect("it was created").clone();
    group.bench_function("of one znode", |bench| {
        bench.iter(|| black_box(&znode).fingerprint_at(black_box(&path)));
    });
    group.finish();
}
