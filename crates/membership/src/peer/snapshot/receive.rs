//! The receiver's end: socket to file, verified before it counts.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use openraft::Raft;
use openraft::storage::RaftStateMachine;
use raft_types::seam::offload;
use raft_types::snapshot::{Snapshot, SnapshotMeta, SnapshotSink, SnapshotStore};
use raft_types::{LogId, NodeId, TypeConfig, Vote};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::peer::gone::ConnectionEnd;
use crate::peer::limits::SNAPSHOT_CHUNKS_QUEUED_MAX;
use crate::peer::wire::codec;
use crate::peer::wire::frame::{Frame, FrameKind, FrameReader};
use crate::peer::wire::message::{SnapshotBegin, SnapshotEnd};
use crate::timing::Timing;

/// The receiving end.
pub(crate) struct Receiver<'a, SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    pub(crate) raft: &'a Raft<TypeConfig, SM>,
    pub(crate) store: &'a Arc<dyn SnapshotStore>,
    pub(crate) from: NodeId,
}

/// What to tell the sender.
pub(crate) enum Verdict {
    /// Installed, or not needed, or outvoted: the receiver's vote says which.
    Vote(Vote),
    /// Could not be taken.
    Failure(String),
}

enum Step {
    Chunk(Bytes),
    Finish,
}

impl<SM> Receiver<'_, SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    /// Takes one transfer whose first frame is `begin`; `next` yields the frames after it.
    pub(crate) async fn receive<R: AsyncRead + Unpin>(
        &self,
        begin: Bytes,
        reader: &mut FrameReader<R>,
        timing: Timing,
    ) -> Result<Verdict, ConnectionEnd> {
        let violation = |error: codec::DecodeError| ConnectionEnd::Violation(error.to_string());
        let begin = SnapshotBegin::decode(begin).map_err(violation)?;
        if let Some(verdict) = self.unneeded(&begin).await {
            return Ok(verdict);
        }
        tracing::info!(
            peer = self.from,
            bytes = begin.content_len,
            last_log_id = ?begin.meta.last_log_id,
            "receiving a snapshot"
        );
        let (steps, queue) = mpsc::channel(SNAPSHOT_CHUNKS_QUEUED_MAX);
        let (store, meta) = (self.store.clone(), begin.meta.clone());
        let writing = tokio::spawn(write_chunks(store, meta, queue));
        let expected = begin.content_len;
        let end = read_content(reader, &steps, timing, expected).await?;
        if let Some(reason) = end {
            return Ok(Verdict::Failure(reason));
        }
        // The world may have moved on during the transfer; a snapshot older than what is applied
        // must not become the current one.
        if let Some(verdict) = self.unneeded(&begin).await {
            return Ok(verdict);
        }
        let _ = steps.send(Step::Finish).await;
        drop(steps);
        let snapshot = match writing.await {
            Ok(Ok(Some(snapshot))) => snapshot,
            Ok(Ok(None)) => return Ok(Verdict::Failure("snapshot was abandoned".to_owned())),
            Ok(Err(error)) => return Ok(self.disk_failure(&error)),
            Err(error) => return Ok(self.disk_failure(&io::Error::other(error))),
        };
        Ok(self.install(begin, snapshot).await)
    }

    fn disk_failure(&self, error: &io::Error) -> Verdict {
        tracing::error!(peer = self.from, %error, "received snapshot cannot be stored");
        Verdict::Failure(format!("the receiver cannot store it: {error}"))
    }

    async fn install(&self, begin: SnapshotBegin, snapshot: Snapshot) -> Verdict {
        let meta = openraft::SnapshotMeta {
            last_log_id: begin.meta.last_log_id,
            last_membership: begin.meta.last_membership,
        };
        let snapshot = openraft::Snapshot { meta, snapshot };
        match self.raft.install_full_snapshot(begin.vote, snapshot).await {
            Ok(response) => Verdict::Vote(response.vote),
            Err(error) => Verdict::Failure(error.to_string()),
        }
    }

    /// Decides without the content. openraft would panic on a snapshot that contradicts the vote or
    /// the commit index, so that is found out here.
    async fn unneeded(&self, begin: &SnapshotBegin) -> Option<Verdict> {
        let state = |state: &openraft::RaftState<TypeConfig>| {
            (*state.vote_ref(), state.local_committed().copied())
        };
        let (vote, committed) = match self.raft.with_raft_state(state).await {
            Ok(state) => state,
            Err(error) => return Some(Verdict::Failure(error.to_string())),
        };
        judge(begin.vote, begin.meta.last_log_id, vote, committed)
    }
}

/// `None`: go on. Pure.
fn judge(
    sender_vote: Vote,
    last: Option<LogId>,
    vote: Vote,
    committed: Option<LogId>,
) -> Option<Verdict> {
    let sender_leads = sender_vote
        .partial_cmp(&vote)
        .is_some_and(std::cmp::Ordering::is_ge);
    if !sender_leads || last <= committed {
        return Some(Verdict::Vote(vote));
    }
    let contradiction = |what: &str| Some(Verdict::Failure(format!("snapshot contradicts {what}")));
    let Some(last) = last else {
        return contradiction("itself: it holds nothing");
    };
    if last.leader_id.term > sender_vote.leader_id.term {
        return contradiction("the vote it is sent under");
    }
    if committed.is_some_and(|committed| last.index <= committed.index) {
        return contradiction("what is committed here");
    }
    None
}

/// Reads content into the queue and checks it against its end frame; `Some` is a failure to report.
async fn read_content<R: AsyncRead + Unpin>(
    reader: &mut FrameReader<R>,
    steps: &mpsc::Sender<Step>,
    timing: Timing,
    expected: u64,
) -> Result<Option<String>, ConnectionEnd> {
    let mut checksum = crc32fast::Hasher::new();
    let mut received = 0_u64;
    loop {
        let frame = next_frame(reader, timing).await?;
        match frame.kind {
            FrameKind::KeepAlive => {}
            FrameKind::SnapshotChunk => {
                let len = u64::try_from(frame.payload.len()).unwrap_or(u64::MAX);
                received = received.saturating_add(len);
                if received > expected {
                    return Ok(Some(format!("more than the announced {expected} bytes")));
                }
                checksum.update(&frame.payload);
                if steps.send(Step::Chunk(frame.payload)).await.is_err() {
                    return Ok(Some("the receiver cannot store it".to_owned()));
                }
            }
            FrameKind::SnapshotEnd => {
                let end = SnapshotEnd::decode(frame.payload)
                    .map_err(|error| ConnectionEnd::Violation(error.to_string()))?;
                let actual = SnapshotEnd {
                    content_len: received,
                    checksum: checksum.finalize(),
                };
                let whole = end == actual && received == expected;
                return Ok((!whole).then(|| "length or checksum differ".to_owned()));
            }
            other @ (FrameKind::Hello
            | FrameKind::Welcome
            | FrameKind::Refused
            | FrameKind::Failure
            | FrameKind::Append
            | FrameKind::AppendReply
            | FrameKind::Vote
            | FrameKind::PreVote
            | FrameKind::VoteReply
            | FrameKind::Transfer
            | FrameKind::TransferReply
            | FrameKind::SnapshotBegin
            | FrameKind::SnapshotReply
            | FrameKind::Call
            | FrameKind::CallReply) => {
                return Err(ConnectionEnd::Violation(format!(
                    "{other:?} within a snapshot"
                )));
            }
        }
    }
}

pub(crate) async fn next_frame<R: AsyncRead + Unpin>(
    reader: &mut FrameReader<R>,
    timing: Timing,
) -> Result<Frame, ConnectionEnd> {
    match timeout(timing.peer_idle_timeout, reader.next()).await {
        Err(_) => Err(ConnectionEnd::Idle),
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(None)) => Err(ConnectionEnd::Closed),
        Ok(Ok(Some(frame))) => Ok(frame),
    }
}

/// After the answer: the sender closes once it has read it. Until then it may go on sending what is
/// not needed, and to close with that unread would take the answer away from it (TCP resets such a
/// connection): it would begin the same transfer for ever, and a follower that had all of a snapshot
/// already would never be sent anything else.
pub(crate) async fn until_closed<R: AsyncRead + Unpin>(
    reader: &mut FrameReader<R>,
    timing: Timing,
) -> ConnectionEnd {
    let rest = async {
        loop {
            if let Err(end) = next_frame(reader, timing).await {
                return end;
            }
        }
    };
    let rest = timeout(timing.install_snapshot_timeout, rest);
    rest.await.unwrap_or(ConnectionEnd::Stopped)
}

/// Runs beside the reading of the connection. `None` when the transfer ended before its end; the
/// sink then leaves nothing behind.
async fn write_chunks(
    store: Arc<dyn SnapshotStore>,
    meta: SnapshotMeta,
    mut steps: mpsc::Receiver<Step>,
) -> io::Result<Option<Snapshot>> {
    let mut sink = offload(move || store.create(meta)).await??;
    while let Some(step) = steps.recv().await {
        match step {
            Step::Chunk(chunk) => sink = offload(move || write_chunk(sink, &chunk)).await??,
            Step::Finish => return offload(move || sink.finish()).await?.map(Some),
        }
    }
    Ok(None)
}

fn write_chunk(mut sink: Box<dyn SnapshotSink>, chunk: &[u8]) -> io::Result<Box<dyn SnapshotSink>> {
    sink.write(chunk)?;
    Ok(sink)
}

#[cfg(test)]
mod tests {
    use bytes::BufMut as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::peer::wire::frame;
    use raft_types::LeaderId;

    fn vote(term: u64, node: u64) -> Vote {
        Vote {
            leader_id: LeaderId {
                term,
                voted_for: node,
            },
            committed: true,
        }
    }

    fn log_id(term: u64, index: u64) -> Option<LogId> {
        Some(LogId {
            leader_id: term.into(),
            index,
        })
    }

    fn text(verdict: Option<Verdict>) -> String {
        match verdict {
            None => "go on".to_owned(),
            Some(Verdict::Vote(vote)) => format!("vote {}", vote.leader_id.term),
            Some(Verdict::Failure(reason)) => reason,
        }
    }

    #[test]
    fn a_snapshot_is_judged_before_openraft_could_panic_on_it() {
        let cases = [
            (vote(3, 1), log_id(3, 10), vote(3, 1), log_id(2, 5), "go on"),
            (vote(3, 1), log_id(3, 10), vote(2, 9), None, "go on"),
            // Outvoted, or another node's vote in the same term.
            (
                vote(3, 1),
                log_id(3, 10),
                vote(4, 2),
                log_id(2, 5),
                "vote 4",
            ),
            (
                vote(3, 1),
                log_id(3, 10),
                vote(3, 2),
                log_id(2, 5),
                "vote 3",
            ),
            // Not needed.
            (
                vote(3, 1),
                log_id(3, 10),
                vote(3, 1),
                log_id(3, 10),
                "vote 3",
            ),
            (vote(3, 1), None, vote(3, 1), None, "vote 3"),
            // From another life of a cluster.
            (
                vote(3, 1),
                log_id(4, 10),
                vote(3, 1),
                None,
                "snapshot contradicts the vote it is sent under",
            ),
            (
                vote(3, 1),
                log_id(3, 5),
                vote(3, 1),
                log_id(2, 7),
                "snapshot contradicts what is committed here",
            ),
        ];
        for (sender, last, own, committed, expected) in cases {
            assert_eq!(text(judge(sender, last, own, committed)), expected);
        }
    }

    /// Found by the simulation, seed 41818: a follower that needed no snapshot was offered the same
    /// one for ever, because its answer was lost when it closed with the content unread.
    #[tokio::test]
    async fn an_answer_reaches_a_sender_that_is_still_sending() {
        const CHUNKS: usize = 64;
        let chunk =
            |kind| frame::build(kind, 0, 1 << 20, 0, |out| out.put_bytes(7, 1 << 17)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (begin, answer) = (FrameKind::SnapshotBegin, chunk(FrameKind::SnapshotReply));
        let receiving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (reader, mut writer) = stream.into_split();
            let mut reader = FrameReader::new(reader, 1 << 20);
            let first = next_frame(&mut reader, Timing::default()).await.unwrap();
            assert_eq!(first.kind, begin);
            // Not needed.
            writer.write_all(&answer).await.unwrap();
            until_closed(&mut reader, Timing::default()).await
        });
        let (reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
        writer.write_all(&chunk(begin)).await.unwrap();
        for _ in 0..CHUNKS {
            writer
                .write_all(&chunk(FrameKind::SnapshotChunk))
                .await
                .unwrap();
        }
        let mut reader = FrameReader::new(reader, 1 << 20);
        let answer = next_frame(&mut reader, Timing::default()).await.unwrap();
        assert_eq!(answer.kind, FrameKind::SnapshotReply);
        drop((reader, writer));
        assert!(matches!(receiving.await.unwrap(), ConnectionEnd::Closed));
    }
}
