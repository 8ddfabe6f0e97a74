//! Lengths of payloads, without the four bytes before them. Some clients read fixed blocks.

use bytes::Bytes;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::header::Xid;
use zookeeper::proto::multi::MultiFailure;
use zookeeper::proto::response::{Create2Response, GetDataResponse, Reply, Response};
use zookeeper::proto::stat::Stat;

use crate::samples::{frame_of, payload};

const PATH: &str = "/eight/8";

fn size(result: Result<Response, ErrorCode>) -> usize {
    let (xid, zxid) = (Xid(1), 2);
    payload(&frame_of(|out| Reply { xid, zxid, result }.encode(out))).len()
}

fn data(data: Option<Bytes>) -> Result<Response, ErrorCode> {
    let stat = Stat::default();
    Ok(Response::Data(GetDataResponse { data, stat }))
}

#[test]
fn replies_without_a_body_and_all_errors_are_16_bytes() {
    assert_eq!(size(Ok(Response::Empty)), 16);
    for err in ErrorCode::ALL.iter().filter(|err| **err != ErrorCode::Ok) {
        assert_eq!(size(Err(*err)), 16, "{}", err.name());
    }
}

#[test]
fn replies_with_a_stat_are_84_bytes() {
    assert_eq!(size(Ok(Response::Stat(Stat::default()))), 84);
}

#[test]
fn add_watch_and_get_all_children_number_are_20_bytes() {
    assert_eq!(size(Ok(Response::AddWatch)), 20);
    assert_eq!(size(Ok(Response::TotalNumber(7))), 20);
}

#[test]
fn creates_are_20_or_88_bytes_and_the_path() {
    let path = PATH.to_owned();
    assert_eq!(size(Ok(Response::Path(path.clone()))), 20 + 8);
    let stat = Stat::default();
    let created = Response::Create2(Create2Response { path, stat });
    assert_eq!(size(Ok(created)), 88 + 8);
}

#[test]
fn get_data_is_88_bytes_and_the_data() {
    assert_eq!(size(data(Some(Bytes::from_static(b"12345")))), 88 + 5);
    assert_eq!(size(data(Some(Bytes::new()))), 88);
    assert_eq!(size(data(None)), 88);
}

#[test]
fn an_event_is_28_bytes_and_the_path() {
    let event = WatcherEvent {
        zxid: 1,
        kind: EventType::NodeCreated,
        path: PATH.to_owned(),
    };
    assert_eq!(payload(&frame_of(|out| event.encode(out))).len(), 28 + 8);
}

#[test]
fn a_failed_multi_is_13_bytes_an_operation_between_16_and_9() {
    for ops in 1..10 {
        let failure = MultiFailure {
            ops,
            failed_at: ops / 2,
            err: ErrorCode::BadVersion,
        };
        let multi = Response::Multi(failure.results());
        assert_eq!(size(Ok(multi)), 16 + 13 * ops + 9);
    }
}
