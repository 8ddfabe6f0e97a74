//! What one client watches, and what each watch was told: from arming to firing or to the end of
//! the connection, each such piece of history becomes a [`Record`].

use std::collections::BTreeSet;

use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::request::{AddWatchRequest, ReadRequest, Request, SetWatches, SetWatches2};
use zookeeper::proto::response::{Reply, Response};
use zookeeper::proto::watch::AddWatchMode;

use super::judge::Record;
use super::ledger::{Event, Shown};
use super::tree::Spot;
use super::want::{Place, Want};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// To be asked for; the znode was found missing.
    Idle { missing: bool },
    /// Asked for and not answered.
    Asked { exists: bool },
    /// The server has it since it showed this position.
    Armed { from: i64, waits: bool },
    /// It was armed when the connection ended.
    Kept { waits: bool },
    /// Registered again and not answered.
    Again {
        waits: bool,
        fired: Option<EventType>,
    },
}

#[derive(Clone, Debug)]
struct Watch {
    want: Want,
    standing: Standing,
    /// What one that stays was told since its last record.
    told: Vec<Event>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Watching {
    watches: Vec<Watch>,
    /// Last position shown when a registration was sent.
    registering: Option<i64>,
    records: Vec<Record>,
}

impl Watching {
    /// A client that wants these, and has none yet.
    #[must_use]
    pub fn new(wants: &[Want]) -> Watching {
        let idle = |want: &Want| Watch {
            want: *want,
            standing: Standing::Idle { missing: false },
            told: Vec::new(),
        };
        Watching {
            watches: wants.iter().map(idle).collect(),
            registering: None,
            records: Vec::new(),
        }
    }

    /// Records that are complete.
    pub fn records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// Whether everything wanted is armed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let armed = |watch: &Watch| matches!(watch.standing, Standing::Armed { .. });
        self.watches.iter().all(armed)
    }

    /// What the server must be keeping for this client, once it is complete.
    #[must_use]
    pub fn places(&self) -> BTreeSet<Place> {
        let places = self.watches.iter().flat_map(|watch| watch.want.places());
        places.collect()
    }

    /// Everything wanted.
    pub fn wants(&self) -> impl ExactSizeIterator<Item = Want> + '_ {
        self.watches.iter().map(|watch| watch.want)
    }

    /// Requests for everything that is neither armed nor asked for.
    pub fn requests(&mut self) -> Vec<(usize, Request)> {
        let mut requests = Vec::new();
        for (index, watch) in self.watches.iter_mut().enumerate() {
            let Standing::Idle { missing } = watch.standing else {
                continue;
            };
            let read = ReadRequest {
                path: watch.want.spot().to_string(),
                watch: true,
            };
            let exists = missing || matches!(watch.want, Want::Existence(_));
            let add = |mode: AddWatchMode| {
                Request::AddWatch(AddWatchRequest {
                    path: watch.want.spot().to_string(),
                    mode: mode.code(),
                })
            };
            let request = match watch.want {
                Want::Data(_) | Want::Existence(_) if exists => Request::Exists(read),
                Want::Data(_) | Want::Existence(_) => Request::GetData(read),
                Want::Children(_) => Request::GetChildren2(read),
                Want::Persistent(_) => add(AddWatchMode::Persistent),
                Want::Recursive(_) => add(AddWatchMode::PersistentRecursive),
            };
            watch.standing = Standing::Asked { exists };
            requests.push((index, request));
        }
        requests
    }

    /// The answer to one of [`requests`](Self::requests).
    ///
    /// # Errors
    /// It is no answer to it.
    pub fn answered(&mut self, index: usize, reply: &Reply) -> Result<(), String> {
        let watch = &mut self.watches[index];
        let Standing::Asked { exists } = watch.standing else {
            return Err(format!("{watch:?} was answered"));
        };
        let at = reply.zxid;
        let armed = |waits| Standing::Armed { from: at, waits };
        if let (Some(_), Ok(Response::AddWatch)) = (watch.want.stream(), &reply.result) {
            watch.standing = armed(false);
            return Ok(());
        }
        let shown = shown(reply)?;
        watch.standing = match shown {
            Shown::Missing if exists => armed(true),
            Shown::Missing => Standing::Idle { missing: true },
            Shown::Data { .. } | Shown::There { .. } | Shown::List { .. } => armed(false),
        };
        let spot = watch.want.spot();
        self.records.push(Record::Read { spot, at, shown });
        Ok(())
    }

    /// The request that registers what the last connection had, if it had anything; without
    /// `newer`, with the older of the two requests, which knows no watches that stay.
    pub fn register(&mut self, seen: i64, newer: bool) -> Option<Request> {
        let mut lists = SetWatches2 {
            relative_zxid: seen,
            data_watches: Vec::new(),
            exist_watches: Vec::new(),
            child_watches: Vec::new(),
            persistent_watches: Vec::new(),
            persistent_recursive_watches: Vec::new(),
        };
        let mut any = false;
        for watch in &mut self.watches {
            let Standing::Kept { waits } = watch.standing else {
                continue;
            };
            let stays = watch.want.stream().is_some();
            if stays && !newer {
                watch.standing = Standing::Idle { missing: false };
                continue;
            }
            let list = match watch.want {
                Want::Data(_) | Want::Existence(_) if waits => &mut lists.exist_watches,
                Want::Data(_) | Want::Existence(_) => &mut lists.data_watches,
                Want::Children(_) => &mut lists.child_watches,
                Want::Persistent(_) => &mut lists.persistent_watches,
                Want::Recursive(_) => &mut lists.persistent_recursive_watches,
            };
            list.push(watch.want.spot().to_string());
            watch.standing = Standing::Again { waits, fired: None };
            any = true;
        }
        if !any {
            return None;
        }
        self.registering = Some(seen);
        Some(if newer {
            Request::SetWatches2(lists)
        } else {
            Request::SetWatches(SetWatches {
                relative_zxid: seen,
                data_watches: lists.data_watches,
                exist_watches: lists.exist_watches,
                child_watches: lists.child_watches,
            })
        })
    }

    /// The answer to [`register`](Self::register).
    ///
    /// # Errors
    /// It is a refusal.
    pub fn registered(&mut self, reply: &Reply) -> Result<(), String> {
        let seen = self.registering.take().ok_or("nothing was registered")?;
        if reply.result != Ok(Response::Empty) {
            return Err(format!("setWatches: {:?}", reply.result));
        }
        let at = reply.zxid;
        for watch in &mut self.watches {
            let Standing::Again { waits, fired } = watch.standing else {
                continue;
            };
            watch.standing = match fired {
                Some(_) => Standing::Idle { missing: false },
                None => Standing::Armed { from: at, waits },
            };
            if watch.want.stream().is_none() {
                self.records.push(Record::Again {
                    spot: watch.want.spot(),
                    waits,
                    seen,
                    at,
                    fired,
                });
            }
        }
        Ok(())
    }

    /// A watch event came.
    ///
    /// # Errors
    /// Nothing is armed that it could be for.
    pub fn event(&mut self, event: &WatcherEvent) -> Result<(), String> {
        let spot = Spot::of(&event.path).ok_or_else(|| format!("{event:?}: a foreign path"))?;
        if event.zxid < 0 {
            return self.missed(event.kind, spot);
        }
        let event = Event {
            zxid: event.zxid,
            kind: event.kind,
            spot,
        };
        let mut is_met = false;
        for watch in &mut self.watches {
            let Standing::Armed { from, .. } = watch.standing else {
                continue;
            };
            if !watch.want.is_met_by(event.kind, spot) {
                continue;
            }
            is_met = true;
            if watch.want.stream().is_some() {
                watch.told.push(event);
                continue;
            }
            watch.standing = Standing::Idle { missing: false };
            self.records.push(Record::Once {
                spot,
                from,
                fired: Some(event),
                until: event.zxid,
            });
        }
        if is_met {
            Ok(())
        } else {
            Err(format!("{event:?}, and no watch is armed for it"))
        }
    }

    /// An event of a registration: what happened while there was no connection.
    fn missed(&mut self, kind: EventType, spot: Spot) -> Result<(), String> {
        for watch in &mut self.watches {
            let Standing::Again { waits, fired: None } = watch.standing else {
                continue;
            };
            let is_for_it = watch.want.stream().is_none()
                && match kind {
                    EventType::NodeCreated => waits,
                    EventType::NodeDeleted
                    | EventType::NodeDataChanged
                    | EventType::NodeChildrenChanged => !waits,
                };
            if is_for_it && watch.want.is_met_by(kind, spot) {
                let fired = Some(kind);
                watch.standing = Standing::Again { waits, fired };
                return Ok(());
            }
        }
        Err(format!(
            "{kind:?} of {spot} without a zxid, and nothing is being registered for it"
        ))
    }

    /// The connection ended; `until` was the last position it showed.
    pub fn disconnected(&mut self, until: i64) {
        self.record_streams(until, i64::MAX);
        self.registering = None;
        for watch in &mut self.watches {
            watch.standing = match watch.standing {
                Standing::Idle { .. } | Standing::Asked { .. } => Standing::Idle { missing: false },
                Standing::Again { fired: Some(_), .. } => Standing::Idle { missing: false },
                Standing::Again { waits, fired: None } | Standing::Kept { waits } => {
                    Standing::Kept { waits }
                }
                Standing::Armed { from, waits } => {
                    if watch.want.stream().is_none() {
                        self.records.push(Record::Once {
                            spot: watch.want.spot(),
                            from,
                            fired: None,
                            until,
                        });
                    }
                    Standing::Kept { waits }
                }
            };
        }
    }

    /// The session ended, and everything with it.
    pub fn session_ended(&mut self) {
        for watch in &mut self.watches {
            watch.standing = Standing::Idle { missing: false };
        }
    }

    /// Up to here watches that stay were told everything: makes records of it.
    pub fn settle_streams(&mut self, until: i64) {
        self.record_streams(until, until);
    }

    fn record_streams(&mut self, until: i64, with: i64) {
        for watch in &mut self.watches {
            let (Some(stream), Standing::Armed { from, waits }) =
                (watch.want.stream(), watch.standing)
            else {
                continue;
            };
            let end = watch.told.partition_point(|event| event.zxid <= with);
            let events = watch.told.drain(..end).collect();
            watch.standing = Standing::Armed { from: until, waits };
            self.records.push(Record::Stream {
                watch: stream,
                from,
                until,
                events,
            });
        }
    }
}

/// What a reply to a read shows.
///
/// # Errors
/// It is not one to a read.
pub fn shown(reply: &Reply) -> Result<Shown, String> {
    match &reply.result {
        Err(ErrorCode::NoNode) => Ok(Shown::Missing),
        Ok(Response::Stat(stat)) => Ok(Shown::There { mzxid: stat.mzxid }),
        Ok(Response::Data(data)) => {
            let text = data.data.as_deref().unwrap_or_default();
            let number = String::from_utf8_lossy(text).parse();
            Ok(Shown::Data {
                mzxid: data.stat.mzxid,
                number: number.map_err(|_| format!("data that nobody wrote: {text:?}"))?,
            })
        }
        Ok(Response::Children2(list)) => Ok(Shown::List {
            children: list.children.len(),
            pzxid: list.stat.pzxid,
        }),
        other => Err(format!("a read was answered by {other:?}")),
    }
}
