//! The part that is always there: the cluster, what it does in a second, its members.

use std::time::Duration;

use holdfast_client::http_types::v1::cluster::{Cluster, Member, Role};
use holdfast_client::http_types::v1::health::HealthStatus;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table as Grid, Widget};

use super::{Canvas, Palette, trouble};
use crate::commands::top::board::{Board, Node};
use crate::output::{ago, clean};

impl Canvas<'_> {
    pub(super) fn head(&mut self, board: &Board, paused: bool, area: Rect) {
        let mut first = match board.cluster.value() {
            Some(cluster) => cluster_line(board, cluster, self.palette),
            None => vec![Span::from("no cluster yet")],
        };
        if let Some(trouble) = trouble(&board.cluster, self.now) {
            first.push(Span::styled(format!("  {trouble}"), self.palette.alarm()));
        }
        if paused {
            first.push(Span::styled("  paused", self.palette.strong()));
        }
        let second = rates_line(board, self.palette, self.now);
        let lines = vec![Line::from(first), Line::from(second)];
        Paragraph::new(lines).render(area, self.buffer);
    }

    pub(super) fn members(&mut self, board: &Board, area: Rect) {
        let names = [
            "NODE", "ROLE", "APPLIED", "LAG", "CONTACT", "VERSION", "HEALTH",
        ];
        let widths = [8, 8, 12, 8, 9, 10].map(Constraint::Length);
        let widths = widths.into_iter().chain([Constraint::Fill(1)]);
        let alarming = self.palette.alarm();
        let rows = member_rows(board).into_iter().map(|(cells, alarm)| {
            let row = Row::new(cells.map(Cell::from));
            if alarm { row.style(alarming) } else { row }
        });
        let header = Row::new(names).style(self.palette.faint());
        Widget::render(Grid::new(rows, widths).header(header), area, self.buffer);
    }
}

fn cluster_line(board: &Board, cluster: &Cluster, palette: Palette) -> Vec<Span<'static>> {
    let id: String = cluster.cluster_id.chars().take(8).collect();
    let mut line = vec![Span::styled(
        format!("cluster {}", clean(&id)),
        palette.strong(),
    )];
    line.push(match &cluster.leader {
        Some(leader) => format!("  leader {}", clean(leader)).into(),
        None => Span::styled("  NO LEADER", palette.alarm()),
    });
    line.push(format!("  term {}", cluster.term).into());
    let voters = || {
        let members = cluster.members.iter();
        members.filter(|member| member.role == Role::Voter)
    };
    let reached = voters().filter(|voter| voter.reachable).count();
    if reached < usize::try_from(cluster.quorum).unwrap_or(usize::MAX) {
        // A leader that lost its followers takes a while to notice, and decides nothing meanwhile.
        line.push(Span::styled("  NO QUORUM", palette.alarm()));
    }
    let tolerance = format!(
        "  can lose {} of {}",
        cluster.failure_tolerance,
        voters().count()
    );
    let alarm = cluster.failure_tolerance == 0;
    line.push(Span::styled(
        tolerance,
        if alarm { palette.alarm() } else { Style::new() },
    ));
    let differ = board.divergence();
    line.push(if differ.is_empty() {
        let at = cluster
            .digest
            .as_ref()
            .map_or_else(String::new, |d| format!(" at {}", d.index));
        let known = cluster.digest.is_some();
        if known {
            format!("  replicas equal{at}").into()
        } else {
            "  replicas not compared yet".into()
        }
    } else {
        let say: Vec<String> = differ
            .iter()
            .map(|(node, detail)| format!("{}: {}", clean(node), clean(detail)))
            .collect();
        Span::styled(
            format!("  REPLICAS DIFFER ({})", say.join("; ")),
            palette.alarm(),
        )
    });
    line
}

fn rates_line(board: &Board, palette: Palette, now: Duration) -> Vec<Span<'static>> {
    let Some(rates) = board.rates.value() else {
        return vec![Span::styled(
            "rates come with the second reading",
            palette.faint(),
        )];
    };
    let writes = rates.writes.map_or_else(|| "-".to_owned(), number);
    let p99 = rates.p99.map_or_else(|| "-".to_owned(), within);
    let text = format!(
        "writes {writes}/s  reads {}/s  p99 of commits {p99}  ({} of {} nodes)",
        number(rates.reads),
        rates.nodes,
        board.nodes.len()
    );
    let mut line = vec![Span::from(text)];
    if let Some(trouble) = trouble(&board.rates, now) {
        line.push(Span::styled(format!("  {trouble}"), palette.alarm()));
    }
    line
}

fn number(rate: f64) -> String {
    if rate < 10.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

/// Times are counted in steps, so only the bound is known.
fn within(bound: Duration) -> String {
    match bound {
        Duration::MAX => "over 30 s".to_owned(),
        bound if bound < Duration::from_secs(1) => {
            format!("<= {:.1} ms", bound.as_secs_f64() * 1000.0)
        }
        bound => format!("<= {:.1} s", bound.as_secs_f64()),
    }
}

/// With a header above, and a line below that is empty.
pub(super) fn members_height(board: &Board) -> u16 {
    u16::try_from(member_rows(board).len()).map_or(u16::MAX, |rows| rows.saturating_add(2))
}

/// One for each member; while those are not known, for each node that was asked.
fn member_rows(board: &Board) -> Vec<([String; 7], bool)> {
    let Some(cluster) = board.cluster.value() else {
        let asked = board.nodes.iter();
        return asked.map(|(url, node)| asked_row(url, node)).collect();
    };
    let members = cluster.members.iter();
    members
        .map(|member| member_row(member, board.nodes.get(&member.id)))
        .collect()
}

/// Of a node of which only that is known which it says itself.
fn asked_row(url: &str, node: &Node) -> ([String; 7], bool) {
    let unknown = || "-".to_owned();
    let said = node.health.value();
    let (health, well) = health_of(Some(node));
    let cells = [
        said.map_or_else(unknown, |said| clean(&said.node)),
        unknown(),
        said.map_or_else(unknown, |said| said.applied_index.to_string()),
        unknown(),
        unknown(),
        said.map_or_else(unknown, |said| clean(&said.version)),
        format!("{health} ({})", clean(url)),
    ];
    (cells, !well)
}

fn member_row(member: &Member, node: Option<&Node>) -> ([String; 7], bool) {
    let known = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let role = match member.role {
        _ if member.leader => "leader",
        Role::Voter => "voter",
        Role::Learner => "learner",
    };
    let (health, well) = health_of(node);
    let health = if member.reachable {
        health
    } else {
        format!("unreachable from the answering node; {health}")
    };
    let cells = [
        clean(&member.id),
        role.to_owned(),
        known(member.applied_index),
        known(member.lag_entries),
        member.last_contact_ms.map_or_else(|| "-".to_owned(), ago),
        member
            .version
            .as_deref()
            .map_or_else(|| "-".to_owned(), clean),
        health,
    ];
    (cells, !member.reachable || !well)
}

/// What a node says of itself, and whether that is good.
fn health_of(node: Option<&Node>) -> (String, bool) {
    match node.map(|node| (&node.health.error, node.health.value())) {
        Some((Some(_), _)) => ("no answer".to_owned(), false),
        Some((None, Some(health))) if health.status == HealthStatus::Ok => ("ok".to_owned(), true),
        Some((None, Some(health))) => {
            let failed = health.checks.iter().filter(|check| !check.ok);
            let failed = failed.map(|check| format!("fails {} ({})", check.name, check.detail));
            (clean(&failed.collect::<Vec<_>>().join("; ")), false)
        }
        Some((None, None)) | None => ("not asked".to_owned(), true),
    }
}
