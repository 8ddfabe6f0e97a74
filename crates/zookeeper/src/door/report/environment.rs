//! `envi`: the version first, then what the system tells of itself. Nothing of Java is here.

use serde_json::json;

use super::{Rows, version};

/// `/proc` counts in kilobytes, Java shows megabytes.
const KILOBYTES_PER_MEGABYTE: u64 = 1024;

pub(crate) fn rows() -> Rows {
    let mut rows = vec![("zookeeper.version".to_owned(), json!(version()))];
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            rows.push((name.to_owned(), json!(value)));
        }
    };
    add("host.name", first_line("/proc/sys/kernel/hostname"));
    add("os.name", first_line("/proc/sys/kernel/ostype"));
    add("os.arch", Some(architecture().to_owned()));
    add("os.version", first_line("/proc/sys/kernel/osrelease"));
    let directory = std::env::current_dir().ok();
    add("user.dir", directory.map(|path| path.display().to_string()));
    // What is free and what there is on this machine; what this process uses of it.
    add(
        "os.memory.free",
        megabytes("/proc/meminfo", "MemAvailable:"),
    );
    add("os.memory.max", megabytes("/proc/meminfo", "MemTotal:"));
    add("os.memory.total", megabytes("/proc/self/status", "VmRSS:"));
    rows
}

/// As Java names it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        other => other,
    }
}

fn first_line(file: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().next().map(str::to_owned)
}

fn megabytes(file: &str, field: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(format!("{}MB", kilobytes / KILOBYTES_PER_MEGABYTE))
}
