//! The results for readers: `report.md`, and the plots it shows.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::contender::Contender;
use crate::goals::{Ratio, Row, rows, singles};
use crate::median::median;
use crate::plot::{self, Line, grouped};
use crate::results::{Results, Sample};
use crate::suite::CLIENTS;

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;
/// Workloads that are plotted over clients: name, title, unit.
const PLOTS: [(&str, &str, &str); 3] = [
    ("write", "Writes", "writes/s"),
    ("read", "Reads", "reads/s"),
    ("lock", "Locks nobody else wants", "cycles/s"),
];

/// Writes the report and its plots into a directory.
///
/// # Errors
/// It cannot be written.
pub fn write(results: &Results, dir: &Path) -> Result<()> {
    let keep = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    };
    let mut shown = Vec::new();
    for (workload, title, unit) in PLOTS {
        let lines = lines(results, workload);
        if !lines.is_empty() {
            let name = format!("{workload}.svg");
            keep(&name, &plot::svg(title, unit, &lines))?;
            shown.push((name, title));
        }
    }
    keep("report.md", &text(results, &shown))
}

fn lines(results: &Results, workload: &str) -> Vec<Line> {
    let line = |(colour, contender): (usize, Contender)| {
        let cell = |clients: usize| {
            let sample = results.cell(contender, workload, clients)?;
            Some((clients, sample.per_second))
        };
        Line {
            name: contender.title().to_owned(),
            colour,
            points: CLIENTS.into_iter().filter_map(cell).collect(),
        }
    };
    let lines = Contender::ALL.into_iter().enumerate().map(line);
    lines.filter(|line| !line.points.is_empty()).collect()
}

fn text(results: &Results, plots: &[(String, &str)]) -> String {
    let mut out = String::from(
        "# Holdfast and its peers, side by side\n\n\
         Written by `hf-bench` (`bench/README.md`); `latest.json` has every figure. All servers and the clients share \
         one machine: the ratios count, the absolute figures are this machine's.\n\n",
    );
    ratios(&mut out, results);
    alone(&mut out, results);
    for (name, title) in plots {
        let _ = writeln!(out, "![{title} over clients]({name})\n");
    }
    machine(&mut out, results);
    matrix(&mut out, results);
    failovers(&mut out, results);
    millions(&mut out, results);
    sessions(&mut out, results);
    elections(&mut out, results);
    growth(&mut out, results);
    settings(&mut out, results);
    out
}

fn ratios(out: &mut String, results: &Results) {
    let rows = rows(results);
    if rows.is_empty() {
        return;
    }
    out.push_str(
        "## Ratios\n\nHoldfast's figure over the peer's, by clients; ✓ and ✗ where issue 5 demands something. Of \
         CPU and latencies less is better.\n\n| | 1 | 16 | 64 | 256 | must reach | aim for |\n|---|---|---|---|---|---|---|\n",
    );
    for row in &rows {
        let cells: Vec<String> = CLIENTS.iter().map(|clients| at(row, *clients)).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            row.what,
            cells.join(" | "),
            row.must,
            row.aim
        );
    }
    if let Some(matrix) = &results.matrix {
        let _ = writeln!(
            out,
            "\nMedians of {} runs of {} s each, contenders in turn: `{}`.\n",
            matrix.repeats, matrix.seconds, matrix.command
        );
    }
}

/// The ratio with so many clients. The watchers, a thousand and one writer, stand in the last column.
fn at(row: &Row, clients: usize) -> String {
    let last = CLIENTS.last() == Some(&clients);
    let found = row
        .ratios
        .iter()
        .find(|ratio| ratio.clients == clients || (last && ratio.clients > clients));
    found.map_or_else(String::new, shown)
}

fn shown(ratio: &Ratio) -> String {
    let mark = match ratio.reached {
        Some(true) => " ✓",
        Some(false) => " ✗",
        None => "",
    };
    format!("{:.2}{mark}", ratio.ratio)
}

fn alone(out: &mut String, results: &Results) {
    let singles = singles(results);
    if singles.is_empty() {
        return;
    }
    out.push_str("| | found | must reach | aim for |\n|---|---|---|---|\n");
    for single in singles {
        let mark = if single.reached { "✓" } else { "✗" };
        let _ = writeln!(
            out,
            "| {} | {} {mark} | {} | {} |",
            single.what, single.found, single.must, single.aim
        );
    }
    out.push('\n');
}

fn machine(out: &mut String, results: &Results) {
    let (machine, costs) = (&results.machine, &results.costs);
    let _ = writeln!(
        out,
        "## The machine\n\n{}, {} cores, {} MiB of memory, {}, data on {}. {}.\n\n\
         | | p50 | p99 |\n|---|---|---|\n\
         | append 300 bytes and `fdatasync` | {:.0} µs | {:.0} µs |\n\
         | 64 bytes over loopback TCP and back | {:.0} µs | {:.0} µs |\n",
        machine.cpu,
        machine.cores,
        machine.memory_bytes / MIB,
        machine.kernel,
        machine.file_system,
        machine.at,
        costs.fsync_p50_us,
        costs.fsync_p99_us,
        costs.loopback_p50_us,
        costs.loopback_p99_us
    );
}

fn matrix(out: &mut String, results: &Results) {
    let Some(matrix) = &results.matrix else {
        return;
    };
    out.push_str(
        "## Everything\n\nCPU: seconds of all servers for 1,000 operations. Reads are linearizable through HTTP and \
         at etcd, and those of a session in ZooKeeper's protocol. In `watch` an operation is one of 1,000 watchers \
         being told, in `contend` one hand-off.\n\n\
         | workload | clients | | a second | p50 ms | p99 ms | CPU | errors |\n|---|---|---|---|---|---|---|---|\n",
    );
    let mut cells: Vec<_> = matrix.cells.iter().collect();
    cells.sort_by(|a, b| {
        let key =
            |cell: &crate::results::Cell| (cell.workload.clone(), cell.clients, cell.contender);
        key(a).cmp(&key(b))
    });
    for cell in cells {
        let Sample {
            per_second,
            p50_us,
            p99_us,
            cpu_s_per_1000,
            errors,
        } = cell.median;
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {:.2} | {:.2} | {cpu_s_per_1000:.3} | {errors} |",
            cell.workload,
            cell.clients,
            cell.contender.title(),
            grouped(per_second),
            p50_us / 1e3,
            p99_us / 1e3
        );
    }
    out.push('\n');
}

fn failovers(out: &mut String, results: &Results) {
    let Some(found) = &results.failovers else {
        return;
    };
    let _ = writeln!(
        out,
        "## When the leader goes\n\nThe longest time without an acknowledged write, 500 a second by 4 clients at the \
         servers that stay; a client gives up on an answer after 100 ms. Default settings. `{}`.\n\n\
         | | | rounds | median ms | worst ms |\n|---|---|---|---|---|",
        found.command
    );
    for harmed in &found.harms {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {:.0} | {:.0} |",
            harmed.contender.title(),
            harmed.harm,
            harmed.gaps_ms.len(),
            median(harmed.gaps_ms.iter().copied()),
            harmed.gaps_ms.iter().copied().fold(0.0, f64::max)
        );
    }
    out.push('\n');
}

fn millions(out: &mut String, results: &Results) {
    let Some(found) = &results.millions else {
        return;
    };
    let _ = writeln!(
        out,
        "## Many znodes\n\nValues of 100 bytes. Restart: from starting a killed follower until it answers reads. \
         Writes: 16 clients, 1,000 a second. `{}`.\n\n\
         | | znodes | loaded in | MiB of each server | restart | write p99 | while snapshots are taken |\n\
         |---|---|---|---|---|---|---|",
        found.command
    );
    for loaded in &found.loaded {
        let mib: Vec<String> = loaded
            .loaded_bytes
            .iter()
            .map(|bytes| (bytes / MIB).to_string())
            .collect();
        let ms = |us: u64| format!("{}.{:02} ms", us / 1000, us % 1000 / 10);
        let p99 = |latency: Option<load::Latency>| latency.map_or_else(String::new, |l| ms(l.p99));
        let snapshot = loaded
            .snapshot_ms
            .map_or_else(String::new, |took| format!(" (one takes {took:.0} ms)"));
        let _ = writeln!(
            out,
            "| {} | {} | {:.1} s | {} | {:.0} ms | {} | {}{snapshot} |",
            loaded.contender.title(),
            loaded.znodes,
            loaded.load_s,
            mib.join(", "),
            loaded.restart_ms,
            p99(loaded.writes),
            p99(loaded.writes_in_snapshot)
        );
    }
    out.push('\n');
}

fn sessions(out: &mut String, results: &Results) {
    let Some(found) = &results.sessions else {
        return;
    };
    let _ = writeln!(
        out,
        "## Idle sessions\n\nEach with an open connection; memory and CPU of all servers together. `{}`.\n\n\
         | | sessions | KiB each | % of a core | errors |\n|---|---|---|---|---|",
        found.command
    );
    for idle in &found.idle {
        let _ = writeln!(
            out,
            "| {} | {} | {:.1} | {:.1} | {} |",
            idle.contender.title(),
            idle.sessions,
            idle.bytes_per_session / 1024.0,
            idle.cpu_percent,
            idle.errors
        );
    }
    out.push('\n');
}

fn elections(out: &mut String, results: &Results) {
    let Some(found) = &results.elections else {
        return;
    };
    let _ = writeln!(
        out,
        "## A leader that nobody harms\n\nWrites as fast as they go, and how often another leader was elected. `{}`.\n\n\
         | | clients | seconds | elections | writes a second | longest ms | % of a core | errors |\n\
         |---|---|---|---|---|---|---|---|",
        found.command
    );
    for led in &found.led {
        let _ = writeln!(
            out,
            "| {} | {} | {:.0} | {} | {:.0} | {} | {:.0} | {} |",
            led.contender.title(),
            led.clients,
            led.seconds,
            led.elections,
            led.per_second,
            led.longest_us / 1_000,
            led.cpu_percent,
            led.errors
        );
    }
    out.push('\n');
}

fn growth(out: &mut String, results: &Results) {
    let Some(found) = &results.growth else {
        return;
    };
    let _ = writeln!(
        out,
        "## How the cost grows\n\nHoldfast alone, {} s each; memory of the node that has most. Writes are those of 64 \
         clients. `{}`.\n\n\
         | | how many | a second | of what | p50 ms | p99 ms | CPU | MiB |\n|---|---|---|---|---|---|---|---|",
        found.seconds, found.command
    );
    for point in &found.points {
        let _ = writeln!(
            out,
            "| {} | {} | {:.0} | {} | {:.2} | {:.2} | {:.3} | {} |",
            point.what,
            point.count,
            point.sample.per_second,
            point.operation,
            point.sample.p50_us / 1e3,
            point.sample.p99_us / 1e3,
            point.sample.cpu_s_per_1000,
            point.resident_bytes >> 20
        );
    }
    out.push('\n');
}

fn settings(out: &mut String, results: &Results) {
    out.push_str("## Versions and settings\n\n");
    for who in &results.contenders {
        let _ = writeln!(
            out,
            "**{}**: {}. Each of {} writes, one after the other, was synced on a majority before it was acknowledged; \
             syncs of each server meanwhile: {:?}.\n",
            who.contender.title(),
            who.version,
            who.synced_writes,
            who.syncs
        );
        for setting in &who.settings {
            let _ = writeln!(out, "- {setting}");
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Cell, Matrix};

    #[test]
    fn a_report_shows_ratios_and_plots() {
        let cell = |contender, per_second| Cell {
            contender,
            workload: "write".to_owned(),
            clients: 64,
            median: Sample {
                per_second,
                ..Sample::default()
            },
            samples: Vec::new(),
        };
        let results = Results {
            matrix: Some(Matrix {
                command: "make bench".to_owned(),
                repeats: 3,
                seconds: 5.0,
                cells: vec![
                    cell(Contender::HoldfastHttp, 8_000.0),
                    cell(Contender::Etcd, 2_000.0),
                ],
            }),
            ..Results::default()
        };
        let dir = tempfile::tempdir().unwrap();
        write(&results, dir.path()).unwrap();
        let report = fs::read_to_string(dir.path().join("report.md")).unwrap();
        let row = "| writes/s: HTTP over etcd |  |  | 4.00 ✓ |  | 3 at 64 | 6 |";
        assert!(report.contains(row), "{report}");
        assert!(report.contains("](write.svg)") && !report.contains("](lock.svg)"));
        assert!(dir.path().join("write.svg").exists());
    }
}
