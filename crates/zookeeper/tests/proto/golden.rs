//! Bytes written down from the description of the protocol, field by field, not by this crate. They
//! are what clients of the last fifteen years send and expect: no change to a file is right
//! unless the file was wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::Bytes;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::header::Xid;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::{self, Decoded};
use zookeeper::proto::response::{FromServer, Reply};

use crate::samples::{self, ZXID, frame_of, payload};

/// The frames of a golden file by the name of their section.
pub(crate) fn golden(name: &str) -> BTreeMap<String, Bytes> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.hex"))).unwrap();
    let mut sections: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines() {
        let (hex, _comment) = line.split_once('#').unwrap_or((line, ""));
        if let Some(name) = hex.strip_prefix("== ") {
            section = name.trim().to_owned();
            continue;
        }
        let bytes = hex.split_whitespace();
        let bytes = bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap());
        sections.entry(section.clone()).or_default().extend(bytes);
    }
    let frames = sections.into_iter().filter(|(name, _)| !name.is_empty());
    frames
        .map(|(name, bytes)| (name, Bytes::from(bytes)))
        .collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

pub(crate) fn reply_in(frame: &Bytes, op: OpCode) -> Reply {
    match FromServer::decode(payload(frame)).unwrap() {
        FromServer::Reply(reply) => reply.read(op).unwrap(),
        FromServer::Event(event) => panic!("an event: {event:?}"),
    }
}

#[test]
fn every_request_has_the_bytes_of_its_file() {
    for sample in samples::all() {
        let frame = frame_of(|out| sample.request.encode(sample.xid, out));
        assert_eq!(golden(sample.name)["request"], frame, "{}", sample.name);
    }
}

#[test]
fn every_request_is_read_from_the_bytes_of_its_file() {
    for sample in samples::all() {
        let frame = &golden(sample.name)["request"];
        let expected = Decoded::Request {
            xid: sample.xid,
            request: sample.request,
        };
        let decoded = request::decode(payload(frame)).unwrap();
        assert_eq!(decoded, expected, "{}", sample.name);
    }
}

#[test]
fn every_reply_has_the_bytes_of_its_file() {
    for sample in samples::all() {
        let frame = frame_of(|out| sample.reply.encode(out));
        assert_eq!(golden(sample.name)["reply"], frame, "{}", sample.name);
    }
}

#[test]
fn every_reply_is_read_from_the_bytes_of_its_file() {
    for sample in samples::all() {
        let frame = &golden(sample.name)["reply"];
        let reply = reply_in(frame, sample.request.op());
        assert_eq!(reply, sample.reply, "{}", sample.name);
    }
}

#[test]
fn a_watch_event_has_the_bytes_of_its_file() {
    let event = WatcherEvent {
        zxid: ZXID,
        kind: EventType::NodeChildrenChanged,
        path: "/a/b".to_owned(),
    };
    let frame = &golden("event")["event"];
    assert_eq!(frame, &frame_of(|out| event.encode(out)));
    let read = FromServer::decode(payload(frame)).unwrap();
    assert_eq!(read, FromServer::Event(event));
}

#[test]
fn a_failed_sasl_step_carries_a_null_token() {
    let (xid, err) = (Xid(27), ErrorCode::AuthFailed);
    let frame = &golden("sasl_failed")["reply"];
    let encoded = frame_of(|out| Reply::encode_sasl_failure(xid, err, out));
    assert_eq!(frame, &encoded);
    let reply = reply_in(frame, OpCode::Sasl);
    assert_eq!(reply.result, Err(err));
    // The header alone is as good.
    let header = frame_of(|out| reply.encode(out));
    assert_eq!(reply_in(&header, OpCode::Sasl), reply);
}

#[test]
fn every_golden_file_is_used_and_every_client_operation_has_one() {
    let mut names: BTreeSet<String> = samples::all().iter().map(|s| s.name.to_owned()).collect();
    names.extend(["event", "sasl_failed"].map(String::from));
    names.extend(crate::handshake::FILES.map(String::from));
    let files = std::fs::read_dir(folder()).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|file| file.strip_suffix(".hex").unwrap().to_owned())
        .collect();
    assert_eq!(files, names);

    let sampled: Vec<OpCode> = samples::all().iter().map(|s| s.request.op()).collect();
    for op in OpCode::ALL {
        let header = [7_i32.to_be_bytes(), op.code().to_be_bytes()].concat();
        let decoded = request::decode(Bytes::from(header)).unwrap();
        let for_clients = !matches!(decoded, Decoded::Unimplemented { .. });
        assert_eq!(sampled.contains(op), for_clients, "{}", op.name());
    }
}
