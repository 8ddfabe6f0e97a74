//! `holdfast snapshot …`.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use holdfast_client::SnapshotStream;
use indicatif::{ProgressBar, ProgressStyle};

use super::App;
use crate::args::SnapshotCommand;
use crate::exit::{Context as _, Exit, Failure};
use crate::output::Shown;

pub(super) async fn run(app: &App, command: SnapshotCommand) -> Result<(), Failure> {
    match command {
        SnapshotCommand::Save { file } => save(app, &file).await,
        SnapshotCommand::Ls => {
            let snapshots = app
                .client
                .snapshots()
                .await
                .cannot(|| "list the snapshots".to_owned())?;
            let columns = ["ID", "NODE", "INDEX", "BYTES", "TAKEN"];
            app.out.show(&Shown::list(&snapshots, &columns, |snapshot| {
                vec![
                    snapshot.id.clone(),
                    snapshot.node.clone(),
                    or_dash(snapshot.index),
                    snapshot.bytes.to_string(),
                    snapshot
                        .created_at
                        .clone()
                        .unwrap_or_else(|| "-".to_owned()),
                ]
            })?)
        }
        SnapshotCommand::Verify { file } => {
            let what = || format!("verify {}", file.display());
            // It is read while it is sent; whether it can be read at all is known before.
            File::open(&file).map_err(|error| Failure::new(Exit::BadInput, what(), error))?;
            let told = app.client.verify_snapshot_file(&file).await.cannot(what)?;
            let fields = vec![
                ("file", file.display().to_string()),
                ("index", told.index.to_string()),
                ("digest", told.digest.clone()),
                ("bytes", told.bytes.to_string()),
            ];
            app.out
                .show(&Shown::one(&told, told.digest.clone(), fields)?)
        }
        SnapshotCommand::Restore {
            file,
            replace,
            dry_run,
        } => restore(app, &file, replace, dry_run).await,
    }
}

async fn restore(app: &App, file: &Path, replace: bool, dry_run: bool) -> Result<(), Failure> {
    let what = || format!("restore {}", file.display());
    File::open(file).map_err(|error| Failure::new(Exit::BadInput, what(), error))?;
    let told = app
        .client
        .restore_snapshot(file, replace, dry_run)
        .await
        .cannot(what)?;
    let fields = vec![
        ("file", file.display().to_string()),
        ("dry run", told.dry_run.to_string()),
        ("taken at", told.taken_at.to_string()),
        ("index", or_dash(told.index)),
        ("znodes", told.znodes.to_string()),
        ("sessions ended", told.sessions_ended.to_string()),
    ];
    app.out
        .show(&Shown::one(&told, or_dash(told.index), fields)?)
}

/// Written beside the file and renamed when complete and synced: a file of that name is never half
/// a snapshot.
async fn save(app: &App, file: &Path) -> Result<(), Failure> {
    let what = || format!("save a snapshot to {}", file.display());
    let snapshot = app.client.take_snapshot().await.cannot(what)?;
    let mut stream = app.client.fetch_snapshot(&snapshot.id).await.cannot(what)?;
    let part = part_of(file);
    let written = match receive(app, &mut stream, &part).await {
        Ok(written) => written,
        Err(failure) => {
            let _ = std::fs::remove_file(&part);
            return Err(failure);
        }
    };
    put_in_place(&part, file).map_err(|error| Failure::new(Exit::BadInput, what(), error))?;
    let fields = vec![
        ("file", file.display().to_string()),
        ("index", or_dash(snapshot.index)),
        ("bytes", written.to_string()),
        ("node", snapshot.node.clone()),
    ];
    app.out
        .show(&Shown::one(&snapshot, file.display().to_string(), fields)?)
}

fn or_dash(index: Option<u64>) -> String {
    index.map_or_else(|| "-".to_owned(), |index| index.to_string())
}

fn part_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    file.with_file_name(name)
}

async fn receive(app: &App, stream: &mut SnapshotStream, part: &Path) -> Result<u64, Failure> {
    let what = || format!("write {}", part.display());
    let failed = |error| Failure::new(Exit::BadInput, what(), error);
    let mut out = File::create(part).map_err(failed)?;
    let bar = bar(app, stream.size());
    let mut written = 0;
    while let Some(piece) = stream
        .next()
        .await
        .cannot(|| "receive the snapshot".to_owned())?
    {
        out.write_all(&piece).map_err(failed)?;
        written += piece.len() as u64;
        bar.set_position(written);
    }
    bar.finish_and_clear();
    if stream.size().is_some_and(|size| size != written) {
        let why = format!("{written} bytes came instead of {:?}", stream.size());
        return Err(Failure::new(Exit::Internal, "receive the snapshot", why));
    }
    out.sync_all().map_err(failed)?;
    Ok(written)
}

fn bar(app: &App, size: Option<u64>) -> ProgressBar {
    if app.out.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(size.unwrap_or(0));
    let style = "{bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  eta {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

fn put_in_place(part: &Path, file: &Path) -> std::io::Result<()> {
    std::fs::rename(part, file)?;
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    File::open(directory)?.sync_all()
}
