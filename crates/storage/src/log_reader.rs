//! Reading the log: from memory when it is there, from disk off the async workers when not.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, ControlFlow, RangeBounds};
use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use openraft::OptionalSend;
use openraft::errors::LeaderChanged;
use openraft::storage::{LeaderBoundedStreamError, LeaderBoundedStreamResult, RaftLogReader};
use raft_types::seam::offload;
use raft_types::{Entry, LeaderId, TypeConfig, Vote};

use crate::backend::Table;
use crate::error::StoreError;
use crate::limits::READ_BYTES_MAX;
use crate::record::log_key;
use crate::recover::check_record;
use crate::view::{Slice, Window, entry_bytes};
use crate::writer::Shared;

/// A reader of one node's log; any number of them read at once.
///
/// It sees an appended entry as soon as `append` has returned. Every method is cancel safe.
#[derive(Clone)]
pub struct LogReader {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for LogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogReader")
            .field("place", &self.shared.backend.place())
            .finish()
    }
}

/// How much a read returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// All of the range.
    Whole,
    /// About [`READ_BYTES_MAX`] bytes of it, at least one entry.
    Capped,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Nothing was read; entries from this index on are wanted.
    Start(u64),
    /// The entry with this index is next.
    Within(u64),
}

impl Position {
    fn index(self) -> u64 {
        match self {
            Position::Start(index) | Position::Within(index) => index,
        }
    }
}

/// Some entries of a stream, and where it continues.
type Part = (Vec<Entry>, Position);

impl LogReader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        LogReader { shared }
    }

    /// The entries of `from..to` that exist, as of one moment.
    async fn read(&self, from: u64, to: u64, extent: Extent) -> Result<Vec<Entry>, StoreError> {
        loop {
            let window = self.shared.view.read().window(from, to);
            if let Some(entries) = self.read_window(window, extent).await? {
                return Ok(entries);
            }
            // A truncation or purge came in between. Both are rare, and a purge only ever moves
            // the beginning forward, so this ends.
        }
    }

    /// `None` if the log changed under the read.
    async fn read_window(
        &self,
        window: Window,
        extent: Extent,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        let mut at = window.from;
        while at < window.to {
            let room = match extent {
                Extent::Whole => usize::MAX,
                Extent::Capped if bytes >= READ_BYTES_MAX => break,
                Extent::Capped => READ_BYTES_MAX - bytes,
            };
            let slice = self.shared.view.read().slice(window, at, room);
            let part = match slice {
                Slice::Cached(part) => part,
                Slice::OnDisk { until } => match self.read_disk(window, at, until).await? {
                    Some(part) => part,
                    None => return Ok(None),
                },
                Slice::Purged | Slice::Truncated => return Ok(None),
            };
            bytes += part.iter().map(entry_bytes).sum::<usize>();
            at += u64::try_from(part.len()).unwrap_or(u64::MAX);
            if entries.is_empty() {
                entries = part;
            } else {
                entries.extend(part);
            }
        }
        Ok(Some(entries))
    }

    /// Up to [`READ_BYTES_MAX`] bytes of flushed entries from `at` on; at least one.
    async fn read_disk(
        &self,
        window: Window,
        at: u64,
        until: u64,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let read = if shared.backend.blocks() {
            offload(move || read_disk(&shared, at, until))
                .await
                .map_err(|_| StoreError::Closed)?
        } else {
            read_disk(&shared, at, until)
        };
        // A truncation or purge during the read makes its result, good or bad, meaningless.
        if !self.shared.view.read().still(window, at) {
            return Ok(None);
        }
        let entries = read?;
        if entries.is_empty() {
            return Err(StoreError::Hole {
                place: self.shared.backend.place(),
                expected: at,
                found: format!("up to {until}"),
            });
        }
        Ok(Some(entries))
    }

    fn vote(&self) -> Option<Vote> {
        self.shared.view.read().vote
    }

    /// The next part of a stream and where the one after it starts, or none at its end.
    async fn next_part(&self, at: Position, to: u64) -> Result<Option<Part>, StoreError> {
        let entries = self.read(at.index(), to, Extent::Capped).await?;
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(None);
        };
        // Entries missing at the beginning of a range were purged; in its middle they are a hole.
        if let Position::Within(expected) = at
            && first.log_id.index != expected
        {
            return Err(StoreError::Hole {
                place: self.shared.backend.place(),
                expected,
                found: first.log_id.index.to_string(),
            });
        }
        let next = Position::Within(last.log_id.index + 1);
        Ok(Some((entries, next)))
    }

    /// The next part of a stream that ends when `leader` is no longer the leader.
    async fn next_bounded(
        &self,
        leader: LeaderId,
        at: Position,
        to: u64,
    ) -> Result<Option<Part>, LeaderBoundedStreamError<TypeConfig>> {
        self.check_leader(leader)?;
        let part = self.next_part(at, to).await.map_err(io::Error::from)?;
        // Checked again: entries read while the leader changed may be of two histories.
        self.check_leader(leader)?;
        Ok(part)
    }

    fn check_leader(&self, leader: LeaderId) -> Result<(), LeaderBoundedStreamError<TypeConfig>> {
        match self.vote() {
            Some(vote) if vote.leader_id == leader && vote.committed => Ok(()),
            other => Err(LeaderChanged::new(leader, other).into()),
        }
    }
}

fn read_disk(shared: &Shared, at: u64, until: u64) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut bytes = 0;
    let mut failure = None;
    shared.backend.scan(
        Table::Log,
        &log_key(at),
        Some(&log_key(until)),
        &mut |key, value| {
            let last = entries.last().map(|entry| entry.log_id);
            let expected = last.map_or(at, |id| id.index + 1);
            match check_record(&*shared.backend, Some(expected), last, key, value) {
                Ok(entry) => {
                    bytes += entry_bytes(&entry);
                    entries.push(entry);
                }
                Err(error) => failure = Some(error),
            }
            if failure.is_some() || bytes >= READ_BYTES_MAX {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    )?;
    failure.map_or(Ok(entries), Err)
}

/// The half-open range of indexes meant by any range of `u64`.
fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(from) => *from,
        Bound::Excluded(from) => from.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(to) => to.saturating_add(1),
        Bound::Excluded(to) => *to,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

impl RaftLogReader<TypeConfig> for LogReader {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> Result<Vec<Entry>, io::Error>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        Ok(self.read(from, to, Extent::Whole).await?)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.vote())
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry>, io::Error> {
        Ok(self.read(start, end, Extent::Capped).await?)
    }

    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = Result<Entry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        let reader = self.clone();
        Box::pin(entries(from, move |at| {
            let reader = reader.clone();
            async move { Ok(reader.next_part(at, to).await?) }
        }))
    }

    async fn leader_bounded_stream<RB>(
        &mut self,
        leader: LeaderId,
        range: RB,
    ) -> impl Stream<Item = LeaderBoundedStreamResult<TypeConfig>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        let reader = self.clone();
        Box::pin(entries(from, move |at| {
            let reader = reader.clone();
            async move { reader.next_bounded(leader, at, to).await }
        }))
    }
}

/// The entries of the parts that `next` gives, from index `from` to the end or the first error.
fn entries<E, F: Future<Output = Result<Option<Part>, E>>>(
    from: u64,
    next: impl Fn(Position) -> F,
) -> impl Stream<Item = Result<Entry, E>> {
    let begin = Some(Position::Start(from));
    flatten(stream::unfold((begin, next), |(at, next)| async move {
        match next(at?).await {
            Ok(None) => None,
            Ok(Some((entries, after))) => Some((Ok(entries), (Some(after), next))),
            Err(error) => Some((Err(error), (None, next))),
        }
    }))
}

/// A stream of entries from a stream of parts; a failed part is one error.
fn flatten<E>(
    parts: impl Stream<Item = Result<Vec<Entry>, E>>,
) -> impl Stream<Item = Result<Entry, E>> {
    parts.flat_map(|part| {
        let (entries, error) = match part {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        stream::iter(entries.into_iter().map(Ok).chain(error.map(Err)))
    })
}
