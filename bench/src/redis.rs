//! One Redis server, with the lock recipe of its documentation: `SET key id NX PX`, and a script that deletes the
//! key if it still holds the id.
//!
//! It is here for one figure: what a lock costs that a single disk keeps and nobody replicates.

mod resp;

use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use load::{Client, Grant, Reading, Target, Trouble};
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use self::resp::{Value, encode, parse};

/// How long a lock lives that nobody releases, in milliseconds.
const LOCK_MS: &[u8] = b"600000";
/// Deletes a key that holds a value.
const RELEASE: &str =
    "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end";

/// A server that speaks Redis's protocol.
#[derive(Clone, Debug)]
pub struct Redis {
    servers: Arc<[String]>,
    /// The release script's name: its SHA-1 in hexadecimal.
    script: Bytes,
}

impl Redis {
    /// At these addresses, `host:port`; there is one.
    #[must_use]
    pub fn new(servers: Vec<String>) -> Redis {
        let digest = Sha1::digest(RELEASE.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Redis {
            servers: servers.into(),
            script: Bytes::from(hex),
        }
    }
}

impl Target for Redis {
    type Client = RedisClient;

    fn name(&self) -> &'static str {
        "resp"
    }

    async fn connect(&self, number: usize) -> Result<RedisClient, Trouble> {
        let index = number.checked_rem(self.servers.len()).unwrap_or_default();
        let Some(address) = self.servers.get(index) else {
            return Err(Trouble::unreachable("no address"));
        };
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| Trouble::unreachable(error.kind()))?;
        stream.set_nodelay(true)?;
        Ok(RedisClient {
            stream,
            inbox: BytesMut::with_capacity(1024),
            script: self.script.clone(),
            number,
            locks: 0,
        })
    }
}

/// A connection.
#[derive(Debug)]
pub struct RedisClient {
    stream: TcpStream,
    inbox: BytesMut,
    script: Bytes,
    number: usize,
    locks: u64,
}

impl RedisClient {
    async fn ask(&mut self, words: &[&[u8]]) -> Result<Value, Trouble> {
        self.stream.write_all(&encode(words)).await?;
        loop {
            let answer = parse(&self.inbox)
                .map_err(|what| Trouble::cut(format_args!("not Redis's protocol: {what}")))?;
            if let Some((value, bytes)) = answer {
                self.inbox.advance(bytes);
                return if let Value::Error(kind) = value {
                    Err(Trouble::refused(kind))
                } else {
                    Ok(value)
                };
            }
            if self.stream.read_buf(&mut self.inbox).await? == 0 {
                return Err(Trouble::cut("closed by the server"));
            }
        }
    }
}

impl Client for RedisClient {
    async fn ensure(&mut self, path: &str) -> Result<(), Trouble> {
        let words: [&[u8]; 4] = [b"SET", path.as_bytes(), b"", b"NX"];
        self.ask(&words).await.map(drop)
    }

    async fn create(&mut self, _path: &str, _value: &Bytes) -> Result<(), Trouble> {
        not_in_redis()
    }

    async fn write(&mut self, path: &str, value: &Bytes) -> Result<(), Trouble> {
        self.ask(&[b"SET", path.as_bytes(), value]).await.map(drop)
    }

    async fn read(&mut self, path: &str, _reading: Reading) -> Result<(), Trouble> {
        self.ask(&[b"GET", path.as_bytes()]).await.map(drop)
    }

    async fn open_session(&mut self) -> Result<(), Trouble> {
        self.ask(&[b"SCRIPT", b"LOAD", RELEASE.as_bytes()])
            .await
            .map(drop)
    }

    async fn keep_alive(&mut self) -> Result<(), Trouble> {
        not_in_redis()
    }

    async fn acquire(&mut self, name: &str) -> Result<Grant, Trouble> {
        self.locks += 1;
        let key = Bytes::from(format!("{}-{}", self.number, self.locks));
        let name = format!("held:{name}");
        let words: [&[u8]; 6] = [b"SET", name.as_bytes(), &key, b"NX", b"PX", LOCK_MS];
        if self.ask(&words).await? == Value::Null {
            return Err(Trouble::refused("held by another"));
        }
        // Redis has no fences: this number grows with every lock of one client, which is enough here.
        Ok(Grant {
            fence: self.locks,
            key,
        })
    }

    async fn release(&mut self, name: &str, grant: Grant) -> Result<(), Trouble> {
        let name = format!("held:{name}");
        let script = self.script.clone();
        let words: [&[u8]; 5] = [b"EVALSHA", &script, b"1", name.as_bytes(), &grant.key];
        if self.ask(&words).await? == Value::Integer(1) {
            Ok(())
        } else {
            Err(Trouble::refused("no longer held"))
        }
    }

    async fn watch(&mut self, _path: &str) -> Result<(), Trouble> {
        not_in_redis()
    }

    async fn changed(&mut self, _path: &str) -> Result<u64, Trouble> {
        not_in_redis()
    }
}

fn not_in_redis<T>() -> Result<T, Trouble> {
    Err(Trouble::refused("not in redis"))
}
