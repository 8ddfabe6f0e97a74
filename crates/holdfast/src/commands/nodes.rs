//! `holdfast get`, `put`, `create`, `rm`, `ls`, `tree`, `stat`.

use std::io::{IsTerminal, Read};

use holdfast_client::http_types::v1::nodes::{NodeMode, Stat, Written};
use holdfast_client::{ErrorCode, NodeData, Problem};
use serde_json::json;

use super::App;
use crate::args::globals::Format;
use crate::args::{CreateArgs, GetArgs, LsArgs, PutArgs, RmArgs, TreeArgs, WriteArgs};
use crate::exit::{Context as _, Exit, Failure};
use crate::output::{self, Shown};

/// Largest value read from a file or standard input. The cluster takes less; reading more would
/// only delay saying so.
const VALUE_BYTES_MAX: u64 = 64 << 20;

pub(super) async fn get(app: &App, args: GetArgs) -> Result<(), Failure> {
    let node = read(app, &args.path).await?;
    let data = node.data.clone().unwrap_or_default();
    if app.out.format == Format::Table {
        output::write(&data)?;
        // A prompt right after the value would be taken for a part of it.
        if app.out.terminal && !data.is_empty() && !data.ends_with(b"\n") {
            output::write(b"\n")?;
        }
        return Ok(());
    }
    let env = vec![
        ("HOLDFAST_PATH", node.path.clone()),
        (
            "HOLDFAST_VALUE",
            String::from_utf8_lossy(&data).into_owned(),
        ),
        ("HOLDFAST_VERSION", node.stat.version.to_string()),
    ];
    app.out
        .show(&Shown::text(&as_json(&node), node.path.clone(), "")?.env(env))
}

pub(super) async fn stat(app: &App, args: GetArgs) -> Result<(), Failure> {
    let node = read(app, &args.path).await?;
    let Stat {
        czxid,
        mzxid,
        pzxid,
        ctime,
        mtime,
        version,
        cversion,
        aversion,
        ..
    } = &node.stat;
    let fields = vec![
        ("path", node.path.clone()),
        ("mode", mode_name(node.mode).to_owned()),
        ("version", version.to_string()),
        ("czxid", czxid.to_string()),
        ("ctime", ctime.clone()),
        ("mzxid", mzxid.to_string()),
        ("mtime", mtime.clone()),
        ("pzxid", pzxid.to_string()),
        ("cversion", cversion.to_string()),
        ("aversion", aversion.to_string()),
        ("ephemeralOwner", node.stat.ephemeral_owner.to_string()),
        ("dataLength", node.stat.data_length.to_string()),
        ("numChildren", node.stat.num_children.to_string()),
    ];
    app.out
        .show(&Shown::one(&node.stat, node.path.clone(), fields)?)
}

async fn read(app: &App, path: &str) -> Result<NodeData, Failure> {
    let node = app
        .client
        .get(path)
        .await
        .cannot(|| format!("read {path}"))?;
    node.ok_or_else(|| {
        let problem = Problem::new(ErrorCode::NoNode, format!("node {path} not found"));
        let error = holdfast_client::Error::Refused(Box::new(problem));
        Failure::from_client(format!("read {path}"), &error)
    })
}

fn as_json(node: &NodeData) -> serde_json::Value {
    let text = node
        .data
        .as_ref()
        .map(|data| std::str::from_utf8(data).map_err(|_| data));
    let (value, encoding) = match text {
        None => (None, "utf-8"),
        Some(Ok(text)) => (Some(text.to_owned()), "utf-8"),
        Some(Err(data)) => {
            use base64::Engine as _;
            (
                Some(base64::engine::general_purpose::STANDARD.encode(data)),
                "base64",
            )
        }
    };
    json!({
        "path": node.path, "value": value, "encoding": encoding,
        "content_type": node.content_type, "mode": mode_name(node.mode),
        "version": node.stat.version, "stat": node.stat,
    })
}

pub(super) async fn put(app: &App, args: PutArgs) -> Result<(), Failure> {
    let value = value(args.value.as_deref().unwrap_or("-"))?;
    let mut put = app.client.put(&args.path, value);
    if let Some(version) = args.if_version {
        put = put.if_version(version);
    }
    if args.create_only {
        put = put.create_only();
    }
    let WriteArgs {
        parents,
        ttl,
        session,
        content_type,
        fence,
        ..
    } = &args.write;
    if let Some(mode) = mode(&args.write) {
        put = put.mode(mode);
    }
    if *parents {
        put = put.parents();
    }
    if let Some(ttl) = ttl {
        put = put.ttl(*ttl);
    }
    if let Some(session) = session {
        put = put.session(session);
    }
    if let Some(content_type) = content_type {
        put = put.content_type(content_type);
    }
    for (lock, fence) in fence {
        put = put.fence(lock, *fence);
    }
    show_written(
        app,
        &put.send().await.cannot(|| format!("write {}", args.path))?,
    )
}

pub(super) async fn create(app: &App, args: CreateArgs) -> Result<(), Failure> {
    let value = match args.value.as_deref() {
        Some(text) => value(text)?,
        None => Vec::new(),
    };
    let mut create = app.client.create(&args.path, value);
    if args.sequential {
        create = create.sequential();
    }
    let WriteArgs {
        parents,
        ttl,
        session,
        content_type,
        fence,
        ..
    } = &args.write;
    if let Some(mode) = mode(&args.write) {
        create = create.mode(mode);
    }
    if *parents {
        create = create.parents();
    }
    if let Some(ttl) = ttl {
        create = create.ttl(*ttl);
    }
    if let Some(session) = session {
        create = create.session(session);
    }
    if let Some(content_type) = content_type {
        create = create.content_type(content_type);
    }
    for (lock, fence) in fence {
        create = create.fence(lock, *fence);
    }
    show_written(
        app,
        &create
            .send()
            .await
            .cannot(|| format!("make {}", args.path))?,
    )
}

fn mode(write: &WriteArgs) -> Option<NodeMode> {
    if write.ephemeral {
        Some(NodeMode::Ephemeral)
    } else if write.container {
        Some(NodeMode::Container)
    } else {
        None
    }
}

fn show_written(app: &App, written: &Written) -> Result<(), Failure> {
    let fields = vec![
        ("path", written.path.clone()),
        ("version", written.version.to_string()),
    ];
    let env = vec![
        ("HOLDFAST_PATH", written.path.clone()),
        ("HOLDFAST_VERSION", written.version.to_string()),
    ];
    app.out
        .show(&Shown::one(written, written.path.clone(), fields)?.env(env))
}

/// A value as named on the command line: itself, `@file`, or `-` for standard input.
pub(super) fn value(text: &str) -> Result<Vec<u8>, Failure> {
    let too_long = |what: &str| {
        Failure::new(
            Exit::BadInput,
            "read the value",
            format!("{what} is over {VALUE_BYTES_MAX} bytes"),
        )
    };
    let mut bytes = Vec::new();
    let (what, read) = if text == "-" {
        if std::io::stdin().is_terminal() {
            let why = "no value is given and standard input is a terminal";
            return Err(Failure::new(Exit::Usage, "read the value", why)
                .remedy("give the value, @FILE, or pipe it in"));
        }
        let read = std::io::stdin()
            .lock()
            .take(VALUE_BYTES_MAX + 1)
            .read_to_end(&mut bytes);
        ("standard input", read)
    } else if let Some(file) = text.strip_prefix('@') {
        let read = std::fs::File::open(file)
            .and_then(|open| open.take(VALUE_BYTES_MAX + 1).read_to_end(&mut bytes));
        (file, read)
    } else {
        return Ok(text.as_bytes().to_vec());
    };
    match read {
        Ok(length) if length as u64 > VALUE_BYTES_MAX => Err(too_long(what)),
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::new(Exit::BadInput, format!("read {what}"), error)),
    }
}

pub(super) async fn rm(app: &App, args: RmArgs) -> Result<(), Failure> {
    let RmArgs {
        path,
        recursive,
        max,
        dry_run,
        if_version,
    } = args;
    let cannot = || format!("remove {path}");
    if dry_run {
        let run = if recursive {
            app.client.delete_tree_dry_run(&path, max).await
        } else {
            app.client.delete_dry_run(&path, if_version).await
        };
        let run = run.cannot(cannot)?;
        let said = format!("would remove {} nodes at {path}", run.would.count);
        return super::dry_run::show(app, &run, said);
    }
    let deleted = if recursive {
        app.client.delete_tree(&path, max).await
    } else {
        app.client.delete(&path, if_version).await
    };
    let deleted = deleted.cannot(cannot)?;
    let text = format!("removed {} nodes at {}\n", deleted.count, deleted.path);
    app.out
        .show(&Shown::text(&deleted, deleted.path.clone(), text)?)
}

pub(super) async fn ls(app: &App, args: LsArgs) -> Result<(), Failure> {
    let children = app
        .client
        .children(&args.path, args.long)
        .await
        .cannot(|| format!("list {}", args.path))?;
    let columns: &[&str] = if args.long {
        &["NAME", "VERSION", "BYTES", "CHILDREN", "CHANGED"]
    } else {
        &["NAME"]
    };
    let shown = Shown::list(&children, columns, |child| {
        let mut row = vec![child.name.clone()];
        row.extend(child.stat.as_ref().map(stat_cells).into_iter().flatten());
        row
    })?;
    app.out.show(&shown)
}

pub(super) async fn tree(app: &App, args: TreeArgs) -> Result<(), Failure> {
    let tree = app
        .client
        .tree(&args.path, args.depth, args.limit)
        .await
        .cannot(|| format!("read the tree at {}", args.path))?;
    let shown = Shown::list(
        &tree.nodes,
        &["PATH", "VERSION", "BYTES", "CHILDREN", "CHANGED"],
        |node| {
            let mut row = vec![node.path.clone()];
            row.extend(stat_cells(&node.stat));
            row
        },
    )?;
    if tree.truncated {
        app.out
            .warn("there is more: name a larger --limit, or a smaller --depth");
    }
    app.out.show(&shown)
}

fn stat_cells(stat: &Stat) -> [String; 4] {
    [
        stat.version.to_string(),
        stat.data_length.to_string(),
        stat.num_children.to_string(),
        stat.mtime.clone(),
    ]
}

fn mode_name(mode: NodeMode) -> &'static str {
    match mode {
        NodeMode::Persistent => "persistent",
        NodeMode::Ephemeral => "ephemeral",
        NodeMode::Container => "container",
        NodeMode::Ttl => "ttl",
    }
}
