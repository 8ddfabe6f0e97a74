//! A conversation with a real ZooKeeper, recorded once: everything it said is understood to the
//! last byte, and would be said the same way by this crate.

use bytes::{BufMut, Bytes, BytesMut};
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use zookeeper::proto::header::Xid;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::{self, Decoded};
use zookeeper::proto::response::FromServer;

use crate::samples::{frame_of, payload};

/// Who said it.
#[derive(Clone, Copy)]
enum From {
    Client,
    Server,
}

/// The frames of each connection.
fn conversations() -> Vec<Vec<(From, Bytes)>> {
    let text = include_str!("../recorded/zookeeper-3.8.0.hex");
    let (_about, connections) = text.split_once("== connection").unwrap();
    connections.split("== connection").map(frames).collect()
}

fn frames(connection: &str) -> Vec<(From, Bytes)> {
    let mut frames: Vec<(From, BytesMut)> = Vec::new();
    let lines = connection.lines().filter(|line| !line.is_empty());
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (mark, hex) = line.split_at(1);
        match mark {
            ">" => frames.push((From::Client, BytesMut::new())),
            "<" => frames.push((From::Server, BytesMut::new())),
            _ => {}
        }
        let (_, frame) = frames.last_mut().unwrap();
        for byte in hex.split_whitespace() {
            frame.put_u8(u8::from_str_radix(byte, 16).unwrap());
        }
    }
    let frames = frames.into_iter();
    frames.map(|(from, frame)| (from, frame.freeze())).collect()
}

/// One connection: which request is waiting for its reply, once the handshake is over.
#[derive(Default)]
struct Connection {
    asked: Option<ConnectRequest>,
    waiting: Option<(Xid, OpCode)>,
}

impl Connection {
    fn hear_client(&mut self, frame: &Bytes) {
        if self.asked.is_none() {
            let asked = ConnectRequest::decode(payload(frame)).unwrap();
            assert_eq!(&frame_of(|out| asked.encode(out)), frame);
            self.asked = Some(asked);
            return;
        }
        let decoded = request::decode(payload(frame)).unwrap();
        let Decoded::Request { xid, request } = decoded else {
            panic!("{decoded:?}");
        };
        assert_eq!(&frame_of(|out| request.encode(xid, out)), frame);
        self.waiting = Some((xid, request.op()));
    }

    /// Whether the frame was the reply to what was asked.
    fn hear_server(&mut self, frame: &Bytes) -> bool {
        let Some((xid, op)) = self.waiting else {
            let answer = ConnectResponse::decode(payload(frame)).unwrap();
            assert_eq!(&frame_of(|out| answer.encode(out)), frame);
            let asked = self.asked.as_ref().unwrap();
            assert_eq!(answer.read_only.is_some(), asked.read_only.is_some());
            return false;
        };
        match FromServer::decode(payload(frame)).unwrap() {
            FromServer::Event(event) => {
                assert_eq!(&frame_of(|out| event.encode(out)), frame);
                false
            }
            FromServer::Reply(reply) => {
                let reply = reply.read(op).unwrap();
                assert_eq!(reply.xid, xid);
                assert_eq!(&frame_of(|out| reply.encode(out)), frame, "{}", op.name());
                true
            }
        }
    }
}

#[test]
fn a_real_server_is_understood_and_imitated_to_the_byte() {
    let mut answered: Vec<OpCode> = Vec::new();
    for frames in conversations() {
        let mut connection = Connection::default();
        for (from, frame) in frames {
            match from {
                From::Client => connection.hear_client(&frame),
                From::Server => {
                    if connection.hear_server(&frame) {
                        answered.extend(connection.waiting.map(|(_, op)| op));
                    }
                }
            }
        }
    }
    let asked = |op: &OpCode| {
        let header = [0_i32.to_be_bytes(), op.code().to_be_bytes()].concat();
        let decoded = request::decode(Bytes::from(header)).unwrap();
        !matches!(decoded, Decoded::Unimplemented { .. })
    };
    for op in OpCode::ALL.iter().filter(|op| asked(op)) {
        assert!(answered.contains(op), "{} was not recorded", op.name());
    }
}
