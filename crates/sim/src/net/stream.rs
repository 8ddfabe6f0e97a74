//! One end of a connection, as the product sees it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::wire::{Ends, Event};
use super::{Net, WINDOW_BYTES};

pub(super) struct SimStream {
    net: Net,
    ends: Ends,
}

impl SimStream {
    pub(super) fn new(net: Net, ends: Ends) -> SimStream {
        SimStream { net, ends }
    }
}

impl AsyncRead for SimStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.net.change(|wire| {
            let Some(pipe) = wire.pipes.get_mut(&self.ends.reads) else {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            };
            if pipe.reset {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            if pipe.ready.is_empty() {
                if pipe.ended {
                    return Poll::Ready(Ok(()));
                }
                pipe.reader = Some(context.waker().clone());
                return Poll::Pending;
            }
            let (front, _) = pipe.ready.as_slices();
            let count = front.len().min(into.remaining());
            into.put_slice(front.get(..count).unwrap_or_default());
            pipe.ready.drain(..count);
            pipe.unread = pipe.unread.saturating_sub(count);
            let writer = pipe.writer.take();
            wire.wakers.extend(writer);
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.net.change(|wire| {
            let Some(pipe) = wire.pipes.get_mut(&self.ends.writes) else {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            };
            if pipe.reset || pipe.closed {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let count = WINDOW_BYTES.saturating_sub(pipe.unread).min(bytes.len());
            if count == 0 && !bytes.is_empty() {
                pipe.writer = Some(context.waker().clone());
                return Poll::Pending;
            }
            pipe.unread += count;
            let sent = bytes.get(..count).unwrap_or_default().to_vec();
            wire.send(self.ends.writes, Event::Bytes(sent));
            Poll::Ready(Ok(count))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.net.change(|wire| wire.close(self.ends.writes));
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.net.change(|wire| {
            wire.close(self.ends.writes);
            wire.abandon(self.ends.reads);
        });
    }
}
