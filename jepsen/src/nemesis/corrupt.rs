//! A bit flips in the log or a snapshot of a node that is down.
//!
//! Never the last good copy: all flips of a run hit the same minority. What a node should do is to
//! refuse the file and say so; an operator then gives it its data back, and so does this.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::lot::Lot;
use super::{Begun, Seen, Stage, process};
use crate::world::files::{copy_directory, empty_directory, files};

/// Kill, flip, start; whether the node refused it is found at the end.
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
    world.kill(id)?;
    let data = world
        .data_dirs()
        .remove(&id)
        .context("the data directory")?;
    let copy = data.with_extension("before-flip");
    copy_directory(&data, &copy)?;
    let flip = flip(&data, &mut lot)?;
    let seen = Seen::yes(format!("node {id}: {flip}"));
    Ok(Begun::new(&[id], seen, move |stage| {
        restart(stage, id, &data, &copy)
    }))
}

fn restart(stage: &Stage, id: u64, data: &Path, copy: &Path) -> Result<Seen> {
    let world = &stage.world;
    // A node that refuses a damaged file is right.
    world.allow_end(id, true)?;
    world.start_node(id)?;
    let evidence = match world.wait_ready(id) {
        Ok(()) => {
            world.allow_end(id, false)?;
            "the node started with the flipped bit; digests tell whether it mattered"
        }
        Err(refusal) => {
            world.kill(id)?;
            world.allow_end(id, false)?;
            empty_directory(data)?;
            copy_directory(copy, data)?;
            process::bring_up(world, &[id])?;
            fs::remove_dir_all(copy).context("remove the copy")?;
            return Ok(Seen::yes(format!(
                "the node refused the file, its data was restored: {refusal}"
            )));
        }
    };
    fs::remove_dir_all(copy).context("remove the copy")?;
    Ok(Seen::yes(evidence))
}

/// Flips one bit of one file of the log or the snapshots.
fn flip(data: &Path, lot: &mut Lot) -> Result<String> {
    let mut found = Vec::new();
    files(data, &mut found)?;
    found.sort();
    found.retain(|path| {
        let kind = path.extension().and_then(|kind| kind.to_str());
        let full = fs::metadata(path).is_ok_and(|meta| meta.len() > 0);
        matches!(kind, Some("log" | "sst" | "snap")) && full
    });
    let Some(path) = lot.pick(&found) else {
        bail!(
            "there is no file of a log or a snapshot in {}",
            data.display()
        );
    };
    let mut bytes = fs::read(path).context("read the file")?;
    let at = lot.below(bytes.len() as u64);
    let bit = lot.below(8);
    if let Some(byte) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at)) {
        *byte ^= 1 << bit;
    }
    fs::write(path, &bytes).context("write the file")?;
    fs::File::open(path)
        .and_then(|file| file.sync_all())
        .context("sync the file")?;
    let name = path.strip_prefix(data).unwrap_or(path).display();
    Ok(format!(
        "bit {bit} of byte {at} of {} of {name} flipped",
        bytes.len()
    ))
}
