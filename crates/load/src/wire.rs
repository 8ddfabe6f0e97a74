//! A socket with one buffer for each direction.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::target::Trouble;

/// A connection. What is to be sent is put into `out` and goes with the next [`flush`](Wire::flush).
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// Read and not yet used.
    pub(crate) inbox: BytesMut,
    /// To be sent.
    pub(crate) out: BytesMut,
}

impl Wire {
    pub(crate) async fn open(address: &str) -> Result<Wire, Trouble> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| Trouble::unreachable(error.kind()))?;
        stream.set_nodelay(true)?;
        Ok(Wire {
            stream,
            inbox: BytesMut::with_capacity(4096),
            out: BytesMut::with_capacity(4096),
        })
    }

    /// Sends what is in `out`.
    pub(crate) async fn flush(&mut self) -> Result<(), Trouble> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        Ok(())
    }

    /// Waits for more bytes.
    pub(crate) async fn more(&mut self) -> Result<(), Trouble> {
        if self.stream.read_buf(&mut self.inbox).await? == 0 {
            return Err(Trouble::cut("closed by the server"));
        }
        Ok(())
    }
}
