//! A bit flips in the log or a snapshot of a node that is down.
//!
//! Never the last good copy: all flips of a run hit the same minority. What a node should do is to
//! refuse the file and say so, at its start or whenever it reads there; an operator then gives it
//! its data back, and so does this: at once when it refuses to start, else before it is started
//! again by anybody.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::lot::Lot;
use super::{Begun, Seen, Stage, process};
use crate::world::World;
use crate::world::files::{copy_directory, empty_directory, files};

/// What was flipped, so that it can be flipped back.
#[derive(Debug, Serialize, Deserialize)]
struct Flip {
    path: PathBuf,
    at: u64,
    bit: u64,
    /// The byte as it is since.
    byte: u8,
}

/// Kill, flip, start; whether the node refused it is found at the end. The amount `snapshot` has
/// the newest snapshot hit, if there is one.
pub(super) fn bit_flip(stage: &Stage) -> Result<Begun> {
    let world = &stage.world;
    let mut founders = super::targets::voters(world);
    founders.sort_unstable();
    let few = founders.len().saturating_sub(1) / 2;
    // The same ones each time, whatever else the seed decides.
    Lot::new(stage.seed, "victims of bit flips").shuffle(&mut founders);
    founders.truncate(few.max(1));
    let mut lot = stage.lot.clone();
    let id = *lot.pick(&founders).context("no node")?;
    // A node that refuses a damaged file is right, now or whenever it meets the damage.
    world.allow_end(id, true)?;
    world.kill(id)?;
    repair(world, id)?;
    let data = data_of(world, id)?;
    let copy = data.with_extension("before-flip");
    copy_directory(&data, &copy)?;
    let flip = flip(&data, stage.amount("snapshot", 0) > 0, &mut lot)?;
    let words = format!("node {id}: bit {} of byte {}", flip.bit, flip.at);
    let name = flip.path.strip_prefix(&data).unwrap_or(&flip.path);
    let seen = Seen::yes(format!("{words} of {} flipped", name.display()));
    let record = serde_json::to_vec(&flip).context("note the flip")?;
    fs::write(record_of(&data), record).context("note the flip")?;
    Ok(Begun::new(&[id], seen, move |stage| {
        restart(stage, id, &data, &copy)
    }))
}

fn data_of(world: &World, id: u64) -> Result<PathBuf> {
    let mut directories = world.data_dirs();
    directories.remove(&id).context("the data directory")
}

fn record_of(data: &Path) -> PathBuf {
    data.with_extension("flipped")
}

/// Whether a node has damage that it may not have met.
pub(super) fn is_damaged(world: &World, id: u64) -> bool {
    data_of(world, id).is_ok_and(|data| record_of(&data).is_file())
}

/// Flips back what was flipped on a node that is down, where the damage still is.
pub(super) fn repair(world: &World, id: u64) -> Result<()> {
    let record = record_of(&data_of(world, id)?);
    let Ok(noted) = fs::read(&record) else {
        return Ok(());
    };
    let flip: Flip = serde_json::from_slice(&noted).context("read what was flipped")?;
    let mut bytes = fs::read(&flip.path).unwrap_or_default();
    let byte = usize::try_from(flip.at)
        .ok()
        .and_then(|at| bytes.get_mut(at));
    if let Some(byte) = byte.filter(|byte| **byte == flip.byte) {
        *byte ^= 1 << flip.bit;
        write_synced(&flip.path, &bytes)?;
    }
    fs::remove_file(&record).context("forget the flip")
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).context("write the file")?;
    let file = fs::File::open(path).and_then(|file| file.sync_all());
    file.context("sync the file")
}

fn restart(stage: &Stage, id: u64, data: &Path, copy: &Path) -> Result<Seen> {
    let world = &stage.world;
    world.start_node(id)?;
    let evidence = match world.wait_ready(id) {
        Ok(()) => {
            "the node started with the flipped bit; digests tell whether it mattered".to_owned()
        }
        Err(refusal) => {
            world.kill(id)?;
            empty_directory(data)?;
            copy_directory(copy, data)?;
            fs::remove_file(record_of(data)).context("forget the flip")?;
            process::bring_up(world, &[id])?;
            world.allow_end(id, false)?;
            format!("the node refused the file, its data was restored: {refusal}")
        }
    };
    fs::remove_dir_all(copy).context("remove the copy")?;
    Ok(Seen::yes(evidence))
}

/// Flips one bit of one file of the log or the snapshots.
fn flip(data: &Path, of_snapshot: bool, lot: &mut Lot) -> Result<Flip> {
    let mut found = Vec::new();
    files(data, &mut found)?;
    found.sort();
    let is_a = |path: &Path, kinds: &[&str]| {
        let kind = path.extension().and_then(|kind| kind.to_str());
        let full = fs::metadata(path).is_ok_and(|meta| meta.len() > 0);
        full && kind.is_some_and(|kind| kinds.contains(&kind))
    };
    found.retain(|path| is_a(path, &["log", "sst", "snap"]));
    // Their names begin with their positions.
    let newest = found.iter().rev().find(|path| is_a(path, &["snap"]));
    let path = match newest.filter(|_| of_snapshot) {
        Some(newest) => newest,
        None => lot.pick(&found).with_context(|| {
            let data = data.display();
            format!("there is no file of a log or a snapshot in {data}")
        })?,
    };
    let mut bytes = fs::read(path).context("read the file")?;
    let (at, bit) = (lot.below(bytes.len() as u64), lot.below(8));
    let Some(byte) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at)) else {
        bail!("{} is empty", path.display());
    };
    *byte ^= 1 << bit;
    let byte = *byte;
    write_synced(path, &bytes)?;
    let path = path.clone();
    Ok(Flip {
        path,
        at,
        bit,
        byte,
    })
}
