//! Goes through both trees at once, parents before children, some hundred znodes at a time.
//!
//! Nothing is remembered between two runs: what is to be done follows from what is on both sides. So
//! a run that was cut off is simply run again, and a request whose outcome is unknown is followed by
//! a new look.

use std::collections::HashSet;

use zookeeper::proto::error::ErrorCode;

use super::Import;
use super::ensemble::WriteError;
use super::plan::{Planner, Purpose, Todo, Work};
use super::report::{Counts, Kind};
use super::roots::parent;
use super::write::{self, Change, Refused};
use super::znode::{self, Found, child};
use crate::exit::{Exit, Failure};

/// Znodes looked at in one go.
const CHUNK: usize = 512;
/// How often a write whose outcome is unknown is followed by a new look.
const ATTEMPTS: usize = 10;

/// Whether a walk came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Reached,
    /// Something is in the way; what was copied before stays.
    InTheWay,
}

impl Import {
    /// Walks.
    ///
    /// # Errors
    /// One side does not answer any more.
    pub(super) async fn walk(&mut self, purpose: Purpose) -> Result<End, Failure> {
        let path = self.settings.roots.from.clone();
        let mut left = vec![Todo { path, here: true }];
        while !left.is_empty() {
            let mut chunk = left.split_off(left.len().saturating_sub(CHUNK));
            let paths: Vec<String> = chunk.iter().map(|todo| todo.path.clone()).collect();
            let source = znode::read(&mut self.source, &paths).await?;
            self.target.keep_alive().await?;
            left.extend(chunk.drain(source.len().min(chunk.len())..));
            left.extend(self.chunk(&chunk, &source, purpose).await?);
            self.progress.step(chunk.len(), left.len());
        }
        Ok(if self.is_stopped {
            End::InTheWay
        } else {
            End::Reached
        })
    }

    /// Does what is to be done about some znodes, and returns their children. From the first one that
    /// is in the way on nothing is written; the rest is looked at to tell of all of them.
    async fn chunk(
        &mut self,
        chunk: &[Todo],
        source: &[Found],
        purpose: Purpose,
    ) -> Result<Vec<Todo>, Failure> {
        let mut is_unsure = false;
        for _ in 0..ATTEMPTS {
            let here = self.read_here(chunk, is_unsure).await?;
            let mut planner = Planner {
                settings: &self.settings,
                purpose,
                work: Work::default(),
            };
            for ((todo, source), here) in chunk.iter().zip(source).zip(&here) {
                planner.look_at(&todo.path, source, here);
            }
            let mut work = planner.work;
            self.is_stopped |= work.is_in_the_way && purpose == Purpose::Copy;
            if self.is_stopped {
                work.findings
                    .retain(|finding| finding.kind == Kind::InTheWay);
                work.counts = Counts::default();
                let children = std::mem::take(&mut work.children);
                self.note(work);
                return Ok(children);
            }
            match self.carry_out(work, purpose).await {
                Ok(children) => return Ok(children),
                Err(WriteError::Failed(failure)) => return Err(failure),
                Err(WriteError::Unknown) => is_unsure = true,
            }
        }
        Err(gave_up(
            chunk.first().map_or("/", |todo| todo.path.as_str()),
        ))
    }

    /// What stands here in the places of some znodes.
    async fn read_here(&mut self, chunk: &[Todo], all: bool) -> Result<Vec<Found>, Failure> {
        let asked = chunk
            .iter()
            .enumerate()
            .filter(|(_, todo)| all || todo.here);
        let (at, paths): (Vec<usize>, Vec<String>) = asked
            .map(|(at, todo)| (at, self.settings.roots.here(&todo.path)))
            .unzip();
        let mut here = vec![Found::Missing; chunk.len()];
        for (at, found) in at.into_iter().zip(self.read_target(&paths).await?) {
            if let Some(place) = here.get_mut(at) {
                *place = found;
            }
        }
        Ok(here)
    }

    async fn read_target(&mut self, paths: &[String]) -> Result<Vec<Found>, Failure> {
        let mut found = Vec::with_capacity(paths.len());
        while let Some(rest) = paths.get(found.len()..)
            && !rest.is_empty()
        {
            found.extend(znode::read(&mut self.target, rest).await?);
        }
        Ok(found)
    }

    /// Writes, and notes what came of it. Returns the children to look at.
    async fn carry_out(
        &mut self,
        mut work: Work,
        purpose: Purpose,
    ) -> Result<Vec<Todo>, WriteError> {
        let mut refused = Vec::new();
        if purpose == Purpose::Copy {
            let changes = std::mem::take(&mut work.changes);
            refused = write::make(&mut self.target, changes, self.settings.frame_bytes_max).await?;
            let lists = std::mem::take(&mut work.acls);
            refused.extend(write::set_acls(&mut self.target, lists).await?);
        }
        let extras = std::mem::take(&mut work.extras);
        if !extras.is_empty() {
            self.extras(extras, purpose).await?;
        }
        let places: HashSet<&str> = refused.iter().map(|one| one.path.as_str()).collect();
        let roots = &self.settings.roots;
        let mut children = std::mem::take(&mut work.children);
        if !places.is_empty() {
            children.retain(|todo| !places.contains(parent(&roots.here(&todo.path))));
        }
        self.counters.append(&mut work.counters);
        self.note(work);
        for refused in &refused {
            self.refused(refused);
        }
        Ok(children)
    }

    pub(super) fn refused(&mut self, refused: &Refused) {
        let remedy = if refused.code == ErrorCode::NoAuth {
            ": be somebody who may, or the super user, with --door-auth"
        } else {
            ""
        };
        let why = format!("this cluster answered {}{remedy}", refused.code.name());
        self.report.add(Kind::Refused, &refused.path, why);
    }

    fn note(&mut self, work: Work) {
        self.report.counts.add(&work.counts);
        for finding in work.findings {
            self.report.add(finding.kind, &finding.path, finding.why);
        }
    }

    /// Deals with what is only here: removes it, if that is wanted, or tells of it.
    async fn extras(&mut self, extras: Vec<String>, purpose: Purpose) -> Result<(), WriteError> {
        match purpose {
            Purpose::Copy if self.settings.delete => self.remove(extras).await,
            Purpose::DryRun if self.settings.delete => self.tell(extras, Kind::ToRemove).await,
            Purpose::Copy | Purpose::DryRun => Ok(()),
            Purpose::Verify { .. } => self.tell(extras, Kind::OnlyHere).await,
        }
    }

    async fn tell(&mut self, extras: Vec<String>, kind: Kind) -> Result<(), WriteError> {
        for (path, found) in extras.iter().zip(self.read_target(&extras).await?) {
            match found {
                // It lives and goes with a session of this cluster.
                Found::Znode(znode) if znode.is_ephemeral() => {}
                Found::Znode(_) | Found::Denied => {
                    let why =
                        "the ensemble has none; with what is below it, and --delete removes it";
                    self.report.add(kind, path, why);
                }
                Found::Missing => {}
            }
        }
        Ok(())
    }

    /// Removes trees, children first. What belongs to a live session stays, and all above it.
    async fn remove(&mut self, mut left: Vec<String>) -> Result<(), WriteError> {
        let (mut order, mut kept) = (Vec::new(), HashSet::new());
        while !left.is_empty() {
            let chunk = left.split_off(left.len().saturating_sub(CHUNK));
            for (path, found) in chunk.iter().zip(self.read_target(&chunk).await?) {
                match found {
                    Found::Missing => continue,
                    Found::Znode(znode) if !znode.is_ephemeral() => {
                        left.extend(znode.children.iter().map(|name| child(path, name)));
                    }
                    Found::Znode(_) | Found::Denied => {
                        self.report.add(
                            Kind::LiveHere,
                            path,
                            "it belongs to a session of this cluster",
                        );
                        keep(path, &mut kept);
                    }
                }
                order.push(path.clone());
            }
            self.source.keep_alive().await?;
        }
        let gone = order.iter().rev().filter(|path| !kept.contains(*path));
        let changes: Vec<Change> = gone.map(|path| Change::delete(path)).collect();
        let wanted = changes.len();
        let refused = write::make(&mut self.target, changes, self.settings.frame_bytes_max).await?;
        self.report.counts.removed += wanted.saturating_sub(refused.len()) as u64;
        for refused in refused.iter().filter(|one| one.code != ErrorCode::NoNode) {
            self.refused(refused);
        }
        Ok(())
    }
}

/// A path and all above it.
fn keep(path: &str, kept: &mut HashSet<String>) {
    let mut path = path;
    while path != "/" && kept.insert(path.to_owned()) {
        path = parent(path);
    }
}

fn gave_up(path: &str) -> Failure {
    let why = format!("the connection was lost {ATTEMPTS} times in the middle of writing");
    Failure {
        outcome: Some(holdfast_client::Effect::Unknown),
        ..Failure::new(
            Exit::Unknown,
            format!("copy {path} and what is next to it"),
            why,
        )
    }
    .remedy("run the same command again: it goes on where it was")
}
